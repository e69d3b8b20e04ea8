#include "chat/request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

#include "chat/binding.h"

namespace interlock::chat {
namespace {

using metering::Api;
using testing::ElementsAre;

json::value schema_of(std::string_view text) { return *parse_json(text); }

const json::value kClosed = schema_of(
    R"({"type":"object","properties":{"n":{"type":"integer"}},"required":["n"],"additionalProperties":false})");

std::string shown(const CallSpec& spec) {
  const auto request = request_for(spec, "sk-test");
  return request ? request->url + "\n" + canonical_json(*parse_json(request->body))
                 : request.error().message;
}

TEST(Request, asks_each_api_in_its_own_words) {
  EXPECT_EQ(
      shown({Api::anthropic, "claude-x", "", "Hi"}),
      "https://api.anthropic.com/v1/messages\n"
      R"({"max_tokens":8192,"messages":[{"content":"Hi","role":"user"}],"model":"claude-x","stream":true})");
  EXPECT_EQ(
      shown({Api::openai_chat, "gpt-x", "", "Hi", {}, 100}),
      "https://api.openai.com/v1/chat/completions\n"
      R"({"max_completion_tokens":100,"messages":[{"content":"Hi","role":"user"}],"model":"gpt-x",)"
      R"("stream":true,"stream_options":{"include_usage":true}})");
  EXPECT_EQ(shown({Api::openai_responses, "gpt-x", "", "Hi", {}, 100}),
            "https://api.openai.com/v1/responses\n"
            R"({"input":[{"content":"Hi","role":"user"}],"max_output_tokens":100,"model":"gpt-x",)"
            R"("store":false,"stream":true})");
  EXPECT_EQ(
      shown({Api::gemini, "gemini x/y", "", "Hi", {}, 100}),
      "https://generativelanguage.googleapis.com/v1beta/models/"
      "gemini%20x%2Fy:streamGenerateContent?alt=sse\n"
      R"({"contents":[{"parts":[{"text":"Hi"}],"role":"user"}],"generationConfig":{"maxOutputTokens":100}})");
}

TEST(Request, binds_the_answer_by_each_apis_own_option) {
  const std::string schema = canonical_json(kClosed);
  const auto bound = [&](Api api, const char* pointer) {
    const auto request = request_for({api, "m", "", "Hi", kClosed}, "");
    return canonical_json(parse_json(request->body)->at_pointer(pointer));
  };
  EXPECT_EQ(bound(Api::anthropic, "/tools/0/input_schema"), schema);
  EXPECT_EQ(bound(Api::anthropic, "/tool_choice"), R"({"name":"answer","type":"tool"})");
  EXPECT_EQ(bound(Api::openai_chat, "/response_format"),
            R"({"json_schema":{"name":"answer","schema":)" + schema +
                R"(,"strict":true},"type":"json_schema"})");
  EXPECT_EQ(bound(Api::openai_responses, "/text/format"),
            R"({"name":"answer","schema":)" + schema + R"(,"strict":true,"type":"json_schema"})");
  EXPECT_EQ(bound(Api::gemini, "/generationConfig"),
            R"({"responseJsonSchema":)" + schema + R"(,"responseMimeType":"application/json"})");
}

TEST(Request, shows_the_key_only_in_the_header_of_its_api) {
  const auto headers = [](Api api, const char* key) {
    return request_for({api, "m", "", "Hi"}, key)->headers;
  };
  EXPECT_THAT(headers(Api::anthropic, "k"),
              ElementsAre("content-type: application/json", "accept: text/event-stream",
                          "anthropic-version: 2023-06-01", "x-api-key: k"));
  EXPECT_EQ(headers(Api::openai_responses, "k").back(), "authorization: Bearer k");
  EXPECT_EQ(headers(Api::gemini, "k").back(), "x-goog-api-key: k");
  EXPECT_EQ(headers(Api::openai_chat, "").back(), "accept: text/event-stream")
      << "a server of one's own needs none";
  EXPECT_FALSE(request_for({Api::anthropic, "m", "", "Hi"}, "k\r\nhost: elsewhere"));
}

TEST(Request, goes_to_another_base_with_or_without_its_version) {
  for (const char* base : {"http://127.0.0.1:8/x", "http://127.0.0.1:8/x/",
                           "http://127.0.0.1:8/x/v1", "http://127.0.0.1:8/x/v1/"}) {
    EXPECT_EQ(request_for({Api::openai_chat, "m", base, "Hi"}, "")->url,
              "http://127.0.0.1:8/x/v1/chat/completions");
  }
}

TEST(Binding, wraps_what_is_no_object_and_takes_it_out_again) {
  const json::value list = schema_of(
      R"({"type":"array","items":{"$ref":"#/$defs/one"},"$defs":{"one":{"type":"string"}}})");
  const Bound bound = bind(Api::anthropic, list);
  EXPECT_TRUE(bound.wrapped);
  EXPECT_EQ(
      canonical_json(*bound.schema),
      R"({"$defs":{"one":{"type":"string"}},"additionalProperties":false,)"
      R"("properties":{"answer":{"items":{"$ref":"#/$defs/one"},"type":"array"}},"required":["answer"],"type":"object"})");
  EXPECT_FALSE(bind(Api::gemini, list).wrapped);
  EXPECT_EQ(unwrapped(R"({"answer":["a"]})"), R"(["a"])");
  EXPECT_EQ(unwrapped(R"(["a"])"), R"(["a"])") << "not as it was bound: the validator will say so";
  EXPECT_EQ(unwrapped(R"({"answer":["a")"), R"({"answer":["a")");
}

TEST(Binding, is_strict_only_where_every_object_is_closed) {
  EXPECT_TRUE(holds_strictly(kClosed));
  EXPECT_FALSE(holds_strictly(schema_of(
      R"({"type":"object","properties":{"n":{"type":"integer"}},"additionalProperties":false})")));
  EXPECT_FALSE(holds_strictly(schema_of(
      R"({"type":"object","properties":{"n":{"type":"object"}},"required":["n"],"additionalProperties":false})")));
  EXPECT_FALSE(holds_strictly(schema_of(R"({"type":"array"})")));
}

}  // namespace
}  // namespace interlock::chat
