#include <fmt/format.h>
#include <gtest/gtest.h>

#include "metering/model_call.h"

namespace interlock::metering {
namespace {

/// `anthropic m, streams, unbilled, at most 5`.
std::string show(std::string_view path, std::string_view body) {
  const auto asked = read_asked(path, body);
  if (!asked) return asked.error().message;
  if (!*asked) return "no model call";
  std::string shown = fmt::format("{} {}", name_of((*asked)->api), (*asked)->model);
  if ((*asked)->streams) shown += ", streams";
  if (!(*asked)->billed) shown += ", unbilled";
  if ((*asked)->output_max) shown += fmt::format(", at most {}", *(*asked)->output_max);
  return shown;
}

Asked ask(std::string_view path, std::string_view body) {
  const auto asked = read_asked(path, body);
  EXPECT_TRUE(asked && *asked) << body;
  return asked && *asked ? **asked : Asked{};
}

TEST(ReadAsked, knows_the_four_apis_by_their_paths) {
  EXPECT_EQ(show("/v1/messages?beta=true", R"({"model":"m","stream":true,"max_tokens":5})"),
            "anthropic m, streams, at most 5");
  EXPECT_EQ(show("/v1/messages/count_tokens", R"({"model":"m"})"), "anthropic m, unbilled");
  EXPECT_EQ(show("/chat/completions", R"({"model":"m","max_completion_tokens":7,"stream":false})"),
            "openai-chat m, at most 7");
  EXPECT_EQ(show("/v1/responses", R"({"model":"m","max_output_tokens":8})"),
            "openai-responses m, at most 8");
  EXPECT_EQ(show("/v1beta/models/g-2:streamGenerateContent?alt=sse",
                 R"({"generationConfig":{"maxOutputTokens":9}})"),
            "gemini g-2, streams, at most 9");
  EXPECT_EQ(show("/v1beta/models/g-2:generateContent", "{}"), "gemini g-2");
  EXPECT_EQ(show("/v1beta/models/g-2:countTokens", "{}"), "gemini g-2, unbilled");
}

TEST(ReadAsked, leaves_other_paths_alone) {
  for (const char* path :
       {"/v1/models", "/", "/v1/messages/batches", "/v1beta/models/g:embedContent"})
    EXPECT_EQ(show(path, "no JSON"), "no model call") << path;
}

TEST(ReadAsked, refuses_a_body_that_is_no_object) {
  for (const char* body : {"", "[]", "{", R"({"model":"m")", R"({"model":})", "{}x", R"({"a" 1})"})
    EXPECT_EQ(show("/v1/messages", body),
              fmt::format("the request's body is not a JSON object ({} bytes)",
                          std::string_view(body).size()));
}

TEST(ReadAsked, takes_the_last_of_a_key_given_twice_also_when_it_is_escaped) {
  EXPECT_EQ(show("/v1/messages", R"({"model":"a","model":"b\u0041","x":{"model":"c"}})"),
            "anthropic bA");
}

std::string messages(std::string_view system, std::string_view rest) {
  return fmt::format(R"({{"model":"m","tools":[{{"name":"t"}}],"system":{},{}}})", system, rest);
}

constexpr std::string_view kMarked =
    R"([{"type":"text","text":"long","cache_control":{"type":"ephemeral"}}])";

TEST(Prefix, is_tools_and_system_whatever_is_asked) {
  const Asked one = ask("/v1/messages", messages(kMarked, R"("messages":[{"content":"a"}])"));
  const Asked two =
      ask("/v1/messages",
          messages(kMarked, R"("messages":[{"content":"b"}],"metadata":{"user_id":"u"})"));
  const Asked other =
      ask("/v1/messages", messages(R"([{"text":"short","cache_control":{}}])", R"("messages":[])"));
  EXPECT_GT(one.prefix_bytes, 50U);
  EXPECT_EQ(one.prefix, two.prefix);
  EXPECT_NE(one.prefix, other.prefix);
}

TEST(Prefix, leaves_out_the_line_for_billing) {
  const auto with = [](std::string_view nonce) {
    return ask(
        "/v1/messages",
        messages(fmt::format(R"([{{"type":"text","text":"x-anthropic-billing-header: cch={};"}},)"
                             R"({{"type":"text","text":"long","cache_control":{{}}}}])",
                             nonce),
                 R"("messages":[])"));
  };
  EXPECT_EQ(with("36ee5").prefix, with("0aaa9").prefix);
}

TEST(Prefix, is_another_for_another_model) {
  const Asked one = ask("/chat/completions", R"({"model":"a","tools":[{"name":"t"}]})");
  const Asked two = ask("/chat/completions", R"({"model":"b","tools":[{"name":"t"}]})");
  EXPECT_NE(one.prefix, two.prefix);
}

TEST(Prefix, goes_up_to_the_last_mark_where_only_messages_are_marked) {
  const auto with = [](std::string_view last) {
    return ask(
        "/v1/messages",
        messages(R"("sys")",
                 fmt::format(R"("messages":[{{"role":"user","content":[)"
                             R"({{"text":"document","cache_control":{{}}}},{{"text":"{}"}}]}}])",
                             last)));
  };
  EXPECT_EQ(with("question").prefix, with("another").prefix);
  EXPECT_GT(with("question").prefix_bytes, 40U);
  const Asked unmarked = ask("/v1/messages", messages(R"("sys")", R"("messages":[])"));
  EXPECT_EQ(unmarked.prefix_bytes, 0U);
}

TEST(Prefix, siblings_get_one_cache_key_where_each_drew_its_own) {
  const Digest prefix = digest_of("prefix");
  const auto with = [](std::string_view key) {
    return fmt::format(R"({{"model":"m", "prompt_cache_key": {}, "input":[]}})", key);
  };
  const std::string drawn = with(R"("1b4e28ba-2fa1-11d2-883f-0016d3cca427")");
  const auto shared = with_shared_key(Api::openai_responses, drawn, prefix);
  ASSERT_TRUE(shared.has_value());
  EXPECT_EQ(*shared, with('"' + prefix.hex().substr(0, 32) + '"'));
  EXPECT_FALSE(with_shared_key(Api::openai_responses, with("\"my-app\""), prefix))
      << "somebody chose it";
  EXPECT_FALSE(with_shared_key(Api::anthropic, drawn, prefix));
  EXPECT_FALSE(with_shared_key(Api::openai_responses, R"({"model":"m"})", prefix));
}

TEST(Prefix, items_of_a_prompt_are_the_same_whatever_ids_they_have) {
  const auto codex = [](std::string_view id) {
    return ask(
        "/v1/responses",
        fmt::format(
            R"({{"model":"m","instructions":"i","input":[{{"type":"message","id":"{}",)"
            R"("role":"developer","content":[{{"type":"input_text","text":"be good"}}]}}]}})",
            id));
  };
  EXPECT_EQ(codex("msg_1").prefix, codex("msg_2").prefix);
}

TEST(Prefix, is_what_leads_where_the_api_caches_by_itself) {
  const auto chat = [](std::string_view system, std::string_view user) {
    return ask("/chat/completions",
               fmt::format(R"({{"model":"m","messages":[{{"role":"system","content":"{}"}},)"
                           R"({{"role":"user","content":"{}"}}]}})",
                           system, user));
  };
  EXPECT_EQ(chat("s", "a").prefix, chat("s", "b").prefix);
  EXPECT_NE(chat("s", "a").prefix, chat("z", "a").prefix);
  const auto codex = [](std::string_view key) {
    return ask(
        "/v1/responses",
        fmt::format(R"({{"model":"m","instructions":"i","input":[],"prompt_cache_key":"{}"}})",
                    key));
  };
  EXPECT_NE(codex("a").prefix, codex("b").prefix);
  EXPECT_EQ(codex("1b4e28ba-2fa1-11d2-883f-0016d3cca427").prefix,
            codex("0aaee28b-2fa1-11d2-883f-0016d3cca427").prefix)
      << "drawn for a session";
  EXPECT_NE(codex("1b4e28ba-2fa1-11d2-883f-0016d3cca42").prefix,
            codex("0aaee28b-2fa1-11d2-883f-0016d3cca42").prefix)
      << "no UUID";
  EXPECT_EQ(ask("/v1/responses", R"({"model":"m","input":"hi"})").prefix_bytes, 0U);
}

TEST(AskingForUsage, adds_the_wish_and_changes_nothing_else) {
  const auto asking = [](std::string_view body) {
    return asking_for_usage(Api::openai_chat, body).value_or("nothing");
  };
  EXPECT_EQ(asking(R"( {"stream": true, "model":"m"})"),
            R"( {"stream_options":{"include_usage":true},"stream": true, "model":"m"})");
  EXPECT_EQ(asking(R"({"stream":true,"stream_options": {"x":1,"include_usage":false}, "n":1})"),
            R"({"stream":true,"stream_options": {"include_usage":true,"x":1}, "n":1})");
  EXPECT_EQ(asking(R"({"stream":true,"stream_options":null})"),
            R"({"stream":true,"stream_options":{"include_usage":true}})");
  EXPECT_EQ(asking(R"({"stream":true,"stream_options":{"include_usage":true}})"), "nothing");
  EXPECT_EQ(asking(R"({"stream":false})"), "nothing");
  EXPECT_EQ(asking("broken"), "nothing");
  EXPECT_FALSE(asking_for_usage(Api::anthropic, R"({"stream":true})"));
}

}  // namespace
}  // namespace interlock::metering
