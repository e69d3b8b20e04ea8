#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "gateway/harness.h"

// What keeps an attempt that runs away, and what a good answer is.
namespace interlock::gateway::scenes {
namespace {

using agents::Failure;
using engine::CallEnd;
using testing::HasSubstr;
using testing::Not;

std::string chat(std::string_view prompt) {
  return fmt::format(
      R"({{"model":"m","stream":true,"messages":[{{"role":"user","content":"{}"}}]}})", prompt);
}

/// No time is lost between equal requests.
void in_haste(Options& options) { options.retries.first = options.retries.longest = Duration(1); }

TEST(Brakes, the_same_request_is_answered_so_often_and_then_told_why_not) {
  World world(R"({"otherwise": {"text": "one two three four five", "end_after": 2}})", in_haste);
  const auto route = world.open([](auto& spec) { spec.brakes.repeats = 3; });
  for (int i = 0; i < 5; ++i) Client().post(route.base_url + "/v1/messages", message("again"));
  const auto calls = world.calls(5);
  EXPECT_EQ(world.endpoint.entries().size(), 3U);
  EXPECT_EQ(calls[2].end, CallEnd::cut_off);
  EXPECT_EQ(calls[3].end, CallEnd::runaway);
  EXPECT_EQ(calls[3].failure, Failure::cut_off) << "what was seen";
  EXPECT_THAT(calls[3].detail, HasSubstr("answered 3 times"));
  EXPECT_THAT(calls[3].detail, HasSubstr("stopped before its end"));
  EXPECT_EQ(calls[3].usage, no_usage());
}

TEST(Brakes, ids_that_clients_draw_anew_make_no_other_request_of_it) {
  World world(R"({"otherwise": {"text": "Yes."}})", in_haste);
  const auto route = world.open([](auto& spec) { spec.brakes.repeats = 2; });
  for (int i = 0; i < 3; ++i) {
    Client().post(route.base_url + "/v1/messages",
                  message("x", true, fmt::format(R"("metadata":{{"user_id":"{}"}})", i)));
  }
  const auto calls = world.calls(3);
  EXPECT_EQ(calls[1].end, CallEnd::answered);
  EXPECT_EQ(calls[2].end, CallEnd::runaway);
  EXPECT_FALSE(calls[2].failure.has_value()) << "the answers were good";
}

TEST(Brakes, one_bad_answer_after_another_ends_it_though_each_request_is_new) {
  World world(R"({"otherwise": {"text": "I was", "ends_with": "error"}})", in_haste);
  const auto route = world.open([](auto& spec) { spec.brakes.failures = 4; });
  for (int i = 0; i < 6; ++i)
    Client().post(route.base_url + "/v1/chat/completions", chat(fmt::format("question {}", i)));
  const auto calls = world.calls(6);
  EXPECT_EQ(world.endpoint.entries().size(), 4U);
  EXPECT_EQ(calls[3].end, CallEnd::answered);
  EXPECT_EQ(calls[3].failure, Failure::api);
  EXPECT_THAT(calls[3].detail, HasSubstr("`error`"));
  EXPECT_EQ(calls[4].end, CallEnd::runaway);
  EXPECT_THAT(calls[4].detail, HasSubstr("4 model calls in a row"));
}

TEST(Brakes, calls_and_dollars_a_minute_are_bounded) {
  World world(R"({"otherwise": {"text": "Yes.", "usage": {"input": 1000000, "output": 100000}}})");
  const auto route = world.open([](auto& spec) { spec.brakes.calls = 2; });
  for (int i = 0; i < 3; ++i)
    Client().post(route.base_url + "/v1/messages", message(fmt::format("question {}", i)));
  EXPECT_THAT(world.calls(3).at(2).detail, HasSubstr("limits.calls"));
  const auto dear = world.open([](auto& spec) { spec.brakes.usd_per_minute = 1'000'000; }, 1);
  for (int i = 0; i < 2; ++i)
    Client().post(dear.base_url + "/v1/messages", message(fmt::format("question {}", i)));
  const auto calls = world.calls(2);
  EXPECT_EQ(calls[0].end, CallEnd::answered);
  EXPECT_EQ(calls[1].end, CallEnd::runaway);
  EXPECT_THAT(calls[1].detail, HasSubstr("limits.usd_per_minute"));
}

TEST(Answers, what_a_client_left_unread_is_its_own_doing) {
  World world(R"({"otherwise": {"text": "one two three four", "stall_after": 2}})");
  const auto route = world.open();
  Client client;
  client.leave_after(1);
  client.post(route.base_url + "/v1/messages", message("hi"));
  EXPECT_EQ(world.call().failure, Failure::aborted);
}

TEST(Answers, what_is_no_answer_is_named) {
  World world(
      R"({"rules": [{"prompt": "page", "steps": [{"raw": "<html>Sorry</html>", "raw_type": "text/html"}]},
                            {"prompt": "other", "steps": [{"raw": "{\"ok\": true}"}]}]})");
  const auto route = world.open();
  for (const char* prompt : {"page", "other"}) {
    Client().post(route.base_url + "/v1/chat/completions", chat(prompt));
    const auto call = world.call();
    EXPECT_EQ(call.end, CallEnd::cut_off) << prompt;
    EXPECT_THAT(call.detail, HasSubstr("not an answer of this API")) << prompt;
  }
}

TEST(Answers, a_server_without_stream_options_is_asked_without_and_remembered) {
  World world(R"({"rules": [{"body": "stream_options", "steps": [{"status": 400,
                   "message": "Unrecognized request argument supplied: stream_options"}]}],
                  "otherwise": {"text": "Hello."}})");
  const auto route = world.open();
  for (int i = 0; i < 2; ++i) {
    const Reply reply =
        Client().post(route.base_url + "/v1/chat/completions", chat(fmt::format("hi {}", i)));
    EXPECT_EQ(reply.status, 200);
    EXPECT_THAT(reply.body, HasSubstr("[DONE]"));
  }
  for (const auto& call : world.calls(2)) EXPECT_EQ(call.end, CallEnd::answered) << call.detail;
  EXPECT_EQ(world.endpoint.entries().size(), 3U) << "it is not tried a second time";
}

TEST(Answers, a_request_that_is_bad_for_another_reason_is_refused_as_before) {
  World world(R"({"otherwise": {"status": 400, "message": "no such model"}})");
  const auto route = world.open();
  const Reply reply = Client().post(route.base_url + "/v1/chat/completions", chat("hi"));
  EXPECT_EQ(reply.status, 400);
  EXPECT_THAT(reply.body, HasSubstr("no such model"));
  const auto call = world.call();
  EXPECT_EQ(call.end, CallEnd::refused);
  EXPECT_EQ(call.failure, Failure::bad_request);
}

TEST(Answers, haste_to_the_end_is_haste_and_no_bad_request) {
  World world(R"({"otherwise": {"status": 429}})",
              [](Options& options) { options.retries.allowance = 1; });
  const auto route = world.open();
  Client().post(route.base_url + "/v1/messages", message("hi"));
  const auto call = world.call();
  EXPECT_EQ(call.end, CallEnd::unreachable);
  EXPECT_EQ(call.failure, Failure::rate_limited);
}

TEST(Answers, a_key_that_the_provider_repeats_reaches_nobody) {
  // In a message, a code, a header, a text and a tool's arguments; as it is, in base64, and in a
  // URL.
  const std::string key(kRealKey);
  const std::string in_base64 = "c2stcmVhbC1rZXktdGhhdC1ub2JvZHktbWF5LXNlZQ==";
  const std::string script = fmt::format(
      R"js({{"rules": [
        {{"prompt": "refuse", "steps": [{{"status": 400, "code": "{0}", "message": "bad key {0}, {1}",
                                        "headers": {{"x-echo": "key={0}"}}}}]}},
        {{"prompt": "say", "steps": [{{"text": "It is {0}, or {1}.", "headers": {{"x-echo": "{0}"}}}}]}},
        {{"prompt": "call", "steps": [{{"tools": [{{"name": "{0}", "input": {{"k": "{0}"}}}}]}}]}},
        {{"prompt": "fail", "steps": [{{"status": 500, "message": "down: {0}"}}]}}]}})js",
      key, in_base64);
  World world(script, [](Options& options) {
    options.providers["claude"].key_name = "THE_KEY";
    options.retries.allowance = 0;
  });
  const auto route = world.open();
  for (const bool streams : {true, false}) {
    for (const char* prompt : {"refuse", "say", "call", "fail"}) {
      for (const std::string& path :
           {std::string("/v1/messages"), std::string("/v1/chat/completions"),
            std::string("/v1/responses"),
            std::string(streams ? "/v1beta/models/g:streamGenerateContent?alt=sse"
                                : "/v1beta/models/g:generateContent")}) {
        const std::string body = fmt::format(
            R"js({{"model":"m","stream":{0},"messages":[{{"role":"user","content":"{1}"}}],"input":"{1}",)js"
            R"js("contents":[{{"role":"user","parts":[{{"text":"{1}"}}]}}]}})js",
            streams, prompt);
        const Reply reply = Client().post(route.base_url + path, body);
        const auto call = world.call();
        const std::string all = reply.head + reply.body + call.detail;
        EXPECT_THAT(all, Not(HasSubstr(key))) << path << prompt << streams;
        EXPECT_THAT(all, Not(HasSubstr(in_base64.substr(0, 30)))) << path << prompt << streams;
        EXPECT_THAT(all, HasSubstr("[key THE_KEY]")) << path << prompt << streams;
      }
    }
  }
}

}  // namespace
}  // namespace interlock::gateway::scenes
