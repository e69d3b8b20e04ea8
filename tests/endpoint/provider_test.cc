#include "endpoint/provider.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>
#include <string>

namespace interlock::endpoint {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr Time kStart{std::chrono::seconds(1'800'000'000)};

Script script_of(std::string_view text) {
  auto script = read_script(text);
  EXPECT_TRUE(script.has_value()) << (script ? "" : script.error().message);
  return script.value_or(Script{});
}

/// A provider whose calls end at once.
struct Scene {
  Provider provider;
  Time now = kStart;

  explicit Scene(std::string_view script) : provider(script_of(script)) {}

  Answer ask(std::string_view target, std::string_view body, Headers headers = {}) {
    Answer answer = provider.ask({"POST", target, body, std::move(headers)}, now);
    if (answer.number > 0) {
      provider.began(answer.number, now);
      provider.ended(answer.number, answer.status == 200 ? CallEnd::complete : CallEnd::refused,
                     now);
    }
    return answer;
  }
  Answer say(const std::string& prompt) {
    return ask("/v1/messages",
               R"({"model": "m", "messages": [{"role": "user", "content": ")" + prompt + "\"}]}");
  }
  const Entry& last() {
    entries = provider.entries();
    return entries.back();
  }
  std::vector<Entry> entries;
};

std::string header(const Answer& answer, std::string_view name) {
  for (const auto& [key, value] : answer.headers) {
    if (key == name) return value;
  }
  return "none";
}

std::string shown(const std::vector<Frame>& frames) {
  std::string all;
  for (const Frame& frame : frames) all += wire_of(frame);
  return all;
}

TEST(Script, goes_on_by_step_and_by_task) {
  Scene scene(
      R"({"rules": [{"prompt": "go", "steps": [{"text": "one", "times": 2}, {"text": "two"}]}]})");
  const auto said = [&](const char* prompt) {
    const std::string body = scene.say(prompt).body;
    return body.find("\"one\"") != std::string::npos   ? "one"
           : body.find("\"two\"") != std::string::npos ? "two"
                                                       : "?";
  };
  EXPECT_STREQ(said("go [[task:a]]"), "one");
  EXPECT_STREQ(said("go [[task:a]]"), "one");
  EXPECT_STREQ(said("go [[task:b]]"), "one") << "another task begins at the first step";
  EXPECT_STREQ(said("go [[task:a]]"), "two");
  EXPECT_STREQ(said("go [[task:a]]"), "two") << "the last step stays";
  EXPECT_STREQ(said("stop"), "?") << "no rule matches";
}

TEST(AWindow, has_what_came_in_its_time_and_no_more) {
  Script script;
  script.limits.requests = Bucket{2, std::chrono::seconds(10)};
  script.limits.counts_windows = true;
  Quota quota(script.limits);
  const auto at = [](int second) { return Time(std::chrono::seconds(1000 + second)); };
  EXPECT_FALSE(quota.admit({}, at(0)));
  EXPECT_FALSE(quota.admit({}, at(6)));
  EXPECT_EQ(quota.admit({}, at(7)), Duration(std::chrono::seconds(3)))
      << "the first is out of it then";
  EXPECT_FALSE(quota.admit({}, at(10)));
  EXPECT_EQ(quota.admit({}, at(11)), Duration(std::chrono::seconds(5)));
}

TEST(Script, refuses_what_it_does_not_know) {
  EXPECT_EQ(read_script(R"({"rulez": []})").error().message,
            "the script has an unknown key `rulez`");
  EXPECT_EQ(read_script(R"({"rules": [{"steps": [{"txt": "a"}]}]})").error().message,
            "a step has an unknown key `txt`");
  EXPECT_EQ(read_script(R"({"rules": [{"prompt": "(", "steps": [{}]}]})").error().message,
            "the pattern `(`: missing ): (");
  EXPECT_EQ(read_script(R"({"rules": [{"steps": []}]})").error().message, "a rule has no steps");
  EXPECT_EQ(read_script(R"({"quota": {"requests": {"capacity": 5}}})").error().message,
            "`requests` needs a `capacity` and `per`");
}

TEST(Asked, finds_the_prompt_behind_what_clients_put_around_it) {
  const auto read =
      read_asked("POST", "/x/v1/messages", R"({"model": "m", "tools": [{"name": "Bash"}],
    "messages": [
      {"role": "user", "content": [{"type": "text", "text": "<system-reminder>be good</system-reminder>"},
                                   {"type": "text", "text": "do it [[task:t-1]]"}]},
      {"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "Bash", "input": {}}]},
      {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "content": "ok"},
                                   {"type": "text", "text": "<system-reminder>soon</system-reminder>"}]}]})");
  ASSERT_TRUE(read && *read);
  EXPECT_EQ((*read)->prompt, "do it [[task:t-1]]");
  EXPECT_EQ((*read)->task, "t-1");
  EXPECT_EQ((*read)->label, "/x");
  EXPECT_TRUE((*read)->after_tool);
}

TEST(Asked, knows_a_tools_result_in_every_api) {
  const auto after = [](const char* target, const char* body) {
    const auto read = read_asked("POST", target, body);
    return read && *read && (*read)->after_tool && (*read)->prompt == "go";
  };
  EXPECT_TRUE(after("/v1/chat/completions", R"({"messages": [{"role": "user", "content": "go"},
      {"role": "assistant", "tool_calls": []}, {"role": "tool", "content": "ok"}]})"));
  EXPECT_TRUE(after("/v1/responses", R"({"input": [{"role": "user", "content": [{"text": "go"}]},
      {"type": "function_call"}, {"type": "function_call_output", "output": "ok"}]})"));
  EXPECT_TRUE(after("/v1beta/models/g:generateContent", R"({"contents": [
      {"role": "user", "parts": [{"text": "go"}]}, {"role": "model", "parts": [{"functionCall": {}}]},
      {"role": "user", "parts": [{"functionResponse": {}}]}]})"));
}

TEST(Provider, runs_a_command_through_the_tool_the_client_has) {
  Scene scene(R"({"otherwise": {"shell": "make"}})");
  EXPECT_THAT(scene.ask("/v1/messages", R"({"tools": [{"name": "Bash"}], "messages": []})").body,
              HasSubstr(R"("name":"Bash","input":{"command":"make")"));
  EXPECT_THAT(
      scene.ask("/v1/responses", R"({"tools": [{"type": "function", "name": "exec_command"}]})")
          .body,
      HasSubstr(R"("name":"exec_command","arguments":"{\"cmd\":\"make\"}")"));
  EXPECT_THAT(scene
                  .ask("/v1beta/models/g:generateContent",
                       R"({"tools": [{"functionDeclarations": [{"name": "run_shell_command"}]}]})")
                  .body,
              HasSubstr(R"("functionCall":{"name":"run_shell_command","args":{"command":"make")"));
  EXPECT_THAT(scene.ask("/v1/chat/completions", R"({"messages": []})").body,
              Not(HasSubstr("tool_calls\":[")));
}

TEST(Provider, gives_structured_output_as_the_client_wants_it) {
  Scene scene(R"({"otherwise": {"structured": {"answer": 42}}})");
  EXPECT_THAT(
      scene.ask("/v1/messages", R"({"tools": [{"name": "StructuredOutput"}], "messages": []})")
          .body,
      HasSubstr(R"("name":"StructuredOutput","input":{"answer":42})"));
  EXPECT_THAT(scene
                  .ask("/v1/messages", R"({"tools": [{"name": "give"}], "messages": [],
                         "tool_choice": {"type": "tool", "name": "give"}})")
                  .body,
              HasSubstr(R"("name":"give","input":{"answer":42})"));
  EXPECT_THAT(scene.ask("/v1/chat/completions", R"({"messages": []})").body,
              HasSubstr(R"("content":"{\"answer\":42}")"));
}

TEST(Provider, tells_usage_in_a_chat_stream_only_when_asked) {
  Scene scene("{}");
  const std::string plain = R"({"stream": true, "messages": []})";
  const std::string asking =
      R"({"stream": true, "stream_options": {"include_usage": true}, "messages": []})";
  EXPECT_THAT(shown(scene.ask("/v1/chat/completions", plain).frames),
              Not(HasSubstr("prompt_tokens")));
  EXPECT_THAT(shown(scene.ask("/v1/chat/completions", asking).frames),
              HasSubstr("\"choices\":[],\"usage\":{\"prompt_tokens\""));
}

TEST(Provider, stops_at_the_maximum_it_was_given) {
  Scene scene(R"({"otherwise": {"text": "Ten words are more than two tokens will ever hold."}})");
  EXPECT_THAT(scene.ask("/v1/messages", R"({"max_tokens": 2, "messages": []})").body,
              HasSubstr(R"("text":"Ten word"}],"stop_reason":"max_tokens")"));
  EXPECT_EQ(scene.last().usage->output, 2);
}

TEST(Provider, refuses_in_the_words_of_each_api) {
  Scene scene(R"({"otherwise": {"status": 429, "retry_after": 1.5}})");
  const Answer anthropic = scene.say("x");
  EXPECT_THAT(anthropic.body, HasSubstr(R"("type":"rate_limit_error")"));
  EXPECT_EQ(header(anthropic, "retry-after"), "2");
  const Answer openai = scene.ask("/v1/responses", "{}");
  EXPECT_THAT(openai.body, HasSubstr(R"("code":"rate_limit_exceeded")"));
  EXPECT_EQ(header(openai, "retry-after-ms"), "1500");
  const Answer gemini = scene.ask("/v1beta/models/g:generateContent", "{}");
  EXPECT_THAT(gemini.body, HasSubstr(R"("status":"RESOURCE_EXHAUSTED")"));
  EXPECT_THAT(gemini.body, HasSubstr(R"("retryDelay":"1.5s")"));
}

TEST(Provider, lets_in_only_keys_it_knows) {
  Scene scene(R"({"keys": ["sk-good"]})");
  EXPECT_EQ(scene.ask("/v1/messages", "{}", {{"x-api-key", "sk-good"}}).status, 200);
  EXPECT_EQ(scene.ask("/v1/responses", "{}", {{"authorization", "Bearer sk-good"}}).status, 200);
  EXPECT_EQ(scene.ask("/v1beta/models/g:generateContent?key=sk-good", "{}").status, 200);
  EXPECT_EQ(scene.ask("/v1/messages", "{}", {{"x-api-key", "sk-bad"}}).status, 401);
  EXPECT_EQ(scene.ask("/v1/messages", "{}").status, 401);
}

TEST(PromptCache, is_written_once_and_read_for_five_minutes) {
  Scene scene(R"({"cache_least": 10})");
  const std::string body =
      R"({"system": [{"type": "text", "text": ")" + std::string(400, 's') +
      R"(", "cache_control": {"type": "ephemeral"}}], "messages": [{"role": "user", "content": "q"}]})";
  const Tokens all = tokens_of(body.size());
  const auto used = [&] {
    scene.ask("/v1/messages", body);
    return *scene.last().usage;
  };
  const Used first = used();
  EXPECT_GT(first.cache_write, 100);
  EXPECT_EQ(first.input + first.cache_write, all);
  scene.now += std::chrono::minutes(4);
  EXPECT_EQ(used(), (Used{first.input, first.output, first.cache_write, 0, 0}))
      << "read what was written";
  scene.now += std::chrono::minutes(4);
  EXPECT_EQ(used().cache_read, first.cache_write) << "reading keeps it alive";
  scene.now += std::chrono::minutes(6);
  EXPECT_EQ(used(), first) << "forgotten";
}

TEST(PromptCache, holds_nothing_before_the_answer_begins) {
  Scene scene(R"({"cache_least": 10})");
  const std::string body =
      R"({"system": [{"type": "text", "text": ")" + std::string(400, 's') +
      R"(", "cache_control": {"type": "ephemeral"}}], "messages": [{"role": "user", "content": "q"}]})";
  const Incoming incoming{"POST", "/v1/messages", body, {}};
  const Answer first = scene.provider.ask(incoming, scene.now);
  scene.provider.ask(incoming, scene.now);
  scene.provider.began(first.number, scene.now);
  scene.provider.ask(incoming, scene.now);
  const auto entries = scene.provider.entries();
  EXPECT_GT(entries.at(0).usage->cache_write, 100);
  EXPECT_EQ(entries.at(1).usage, entries.at(0).usage) << "both came too early to share";
  EXPECT_EQ(entries.at(2).usage->cache_write, 0);
  EXPECT_EQ(entries.at(2).usage->cache_read, entries.at(0).usage->cache_write);
}

TEST(Quota, refuses_with_the_time_that_is_missing_and_fills_up_again) {
  Scene scene(R"({"quota": {"requests": {"capacity": 2, "per": 60}}})");
  EXPECT_EQ(scene.say("x").status, 200);
  EXPECT_EQ(header(scene.say("x"), "anthropic-ratelimit-requests-remaining"), "0");
  const Answer refused = scene.say("x");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(header(refused, "retry-after"), "30");
  EXPECT_EQ(header(refused, "anthropic-ratelimit-requests-reset"), "2027-01-15T08:01:00Z");
  scene.now += std::chrono::seconds(30);
  EXPECT_EQ(scene.say("x").status, 200);
  EXPECT_EQ(scene.say("x").status, 429);
}

TEST(Quota, charges_output_as_it_comes_or_as_it_was_reserved) {
  const std::string body = R"({"max_tokens": 60, "messages": []})";
  Scene actual(
      R"({"otherwise": {"usage": {"output": 10}}, "quota": {"output_tokens": {"capacity": 100, "per": 60}}})");
  for (int i = 0; i < 10; ++i) EXPECT_EQ(actual.ask("/v1/messages", body).status, 200);
  EXPECT_EQ(actual.ask("/v1/messages", body).status, 429);

  Scene reserving(R"({"otherwise": {"usage": {"output": 10}},
      "quota": {"output_tokens": {"capacity": 100, "per": 60}, "reserves_max": true}})");
  const Answer running = reserving.provider.ask({"POST", "/v1/messages", body, {}}, kStart);
  EXPECT_EQ(running.status, 200);
  EXPECT_EQ(reserving.ask("/v1/messages", body).status, 429) << "60 are reserved, 40 are left";
  reserving.provider.ended(running.number, CallEnd::complete, kStart);
  EXPECT_EQ(reserving.ask("/v1/messages", body).status, 200) << "50 came back";
}

TEST(Quota, accounts_for_how_much_of_it_was_used) {
  Scene scene(R"({"quota": {"requests": {"capacity": 10, "per": 10}}})");
  for (int i = 0; i < 10; ++i) scene.say("x");
  scene.now += std::chrono::seconds(5);
  for (int i = 0; i < 5; ++i) scene.say("x");
  const json::object books = scene.provider.books();
  const auto& requests = books.at("quota").at("requests").as_object();
  EXPECT_EQ(requests.at("used").to_number<int>(), 15);
  EXPECT_DOUBLE_EQ(requests.at("allowed").to_number<double>(), 15);
  EXPECT_DOUBLE_EQ(requests.at("share").to_number<double>(), 1);
}

TEST(Books, add_up_by_task) {
  Scene scene(R"({"otherwise": {"usage": {"input": 100, "output": 7, "cache_read": 50}}})");
  scene.say("[[task:a]]");
  scene.say("[[task:a]]");
  scene.say("[[task:b]]");
  const json::object books = scene.provider.books();
  EXPECT_EQ(json::serialize(books.at("tasks").at("a").at("usage")),
            R"({"input":200,"output":14,"cache_read":100,"cache_write":0,"reasoning":0})");
  EXPECT_EQ(books.at("tasks").at("b").at("calls").to_number<int>(), 1);
  EXPECT_EQ(books.at("total").at("usage").at("output").to_number<int>(), 21);
}

}  // namespace
}  // namespace interlock::endpoint
