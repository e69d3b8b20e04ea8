#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "gateway/harness.h"

// What passes through the gateway, and what of it is told.
namespace interlock::gateway::scenes {
namespace {

using engine::CallEnd;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kStrict = R"({"otherwise": {"text": "Good morning to you."},
    "keys": ["sk-real-key-that-nobody-may-see"], "keep_bodies": true})";

std::vector<std::string> shown_as_key(const engine::Gateway::Route& route) {
  return {"x-api-key: " + route.secret, "content-type: application/json"};
}

TEST(Passing, a_stream_comes_out_as_it_went_in) {
  World world(kStrict);
  const auto route = world.open();
  const Reply through =
      Client().post(route.base_url + "/v1/messages", message("hi"), shown_as_key(route));
  EXPECT_EQ(through.status, 200);
  EXPECT_THAT(through.body, HasSubstr("message_stop"));
  const auto call = world.call();
  EXPECT_EQ(call.end, CallEnd::answered) << call.detail;
  EXPECT_EQ(call.number, 1U);
  EXPECT_EQ(call.status, 200);
  EXPECT_EQ(call.model, "claude-opus-4-5");
  EXPECT_EQ(tokens_of(call.usage), billed(world.endpoint, 0));
  EXPECT_TRUE(call.usage.cost.has_value());
}

struct Asking {
  std::string path, body;
};
std::vector<Asking> all_apis(bool streams) {
  const std::string flag = streams ? "true" : "false";
  return {{"/v1/messages", message("hi", streams)},
          {"/v1/chat/completions",
           R"({"model":"m","stream":)" + flag + R"(,"messages":[{"role":"user","content":"hi"}]})"},
          {"/v1/responses", R"({"model":"m","stream":)" + flag + R"(,"input":"hi"})"},
          {std::string("/v1beta/models/gemini-2.5-flash:") +
               (streams ? "streamGenerateContent?alt=sse" : "generateContent"),
           R"({"contents":[{"role":"user","parts":[{"text":"hi"}]}]})"}};
}

TEST(Passing, all_four_apis_are_metered_to_the_token) {
  for (const bool streams : {true, false}) {
    World world(R"({"otherwise": {"text": "Good morning to you."}})");
    const auto route = world.open();
    std::size_t nth = 0;
    for (const Asking& asking : all_apis(streams)) {
      const Reply reply = Client().post(route.base_url + asking.path, asking.body);
      EXPECT_EQ(reply.status, 200) << asking.path << reply.body;
      const auto call = world.call();
      EXPECT_EQ(call.end, CallEnd::answered) << asking.path << call.detail;
      const Usage bill = billed(world.endpoint, nth++);
      EXPECT_EQ(call.usage.input, bill.input) << asking.path;
      EXPECT_EQ(call.usage.output, bill.output) << asking.path;
    }
  }
}

TEST(Passing, usage_asked_for_by_us_is_kept_from_the_client) {
  World world(R"({"otherwise": {"text": "Good morning."}})");
  const auto route = world.open();
  const std::string body =
      R"({"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]})";
  const Reply through = Client().post(route.base_url + "/v1/chat/completions", body);
  EXPECT_THAT(through.body, HasSubstr("[DONE]"));
  EXPECT_THAT(through.body, Not(HasSubstr("prompt_tokens")));
  EXPECT_TRUE(world.call().usage.input.has_value());
}

TEST(Passing, the_secret_stands_for_the_key_and_nothing_else_lets_in) {
  World world(kStrict);
  const auto route = world.open();
  const std::string path = "/v1/messages";
  EXPECT_EQ(
      Client()
          .post(route.base_url + path, message("x"), {"authorization: Bearer " + route.secret})
          .status,
      200);
  EXPECT_EQ(Client().post(route.base_url + path + "?key=" + route.secret, message("x")).status,
            200);
  EXPECT_EQ(Client().post(route.base_url + path, message("x"), {"x-api-key: sk-other"}).status,
            401);

  std::string wrong = route.base_url;
  wrong.back() = wrong.back() == '0' ? '1' : '0';
  const Reply refused = Client().post(wrong + path, message("x"), shown_as_key(route));
  EXPECT_EQ(refused.status, 404);
  EXPECT_THAT(refused.body, HasSubstr("no attempt has this door"));
  const std::string bare = route.base_url.substr(0, route.base_url.rfind('/'));
  EXPECT_EQ(Client().post(bare + path, message("x"), shown_as_key(route)).status, 404);
  EXPECT_EQ(Client().head(route.base_url).status, 200);
  EXPECT_EQ(Client().head(route.base_url + "/").status, 200);
  EXPECT_EQ(Client().head(bare + "/").status, 404);
  EXPECT_EQ(world.calls(3).size(), 3U);
}

TEST(Passing, the_provider_never_sees_the_door) {
  World world(kStrict);
  const auto route = world.open();
  Client().post(route.base_url + "/v1/messages", message("hi"), shown_as_key(route));
  for (const auto& entry : world.endpoint.entries()) {
    EXPECT_THAT(entry.target, Not(HasSubstr(route.secret)));
    for (const auto& [name, value] : entry.headers)
      EXPECT_THAT(value, Not(HasSubstr(route.secret)));
  }
}

TEST(Passing, big_bodies_and_huge_answers_come_whole) {
  World world(R"({"otherwise": {"huge": 20000000}})");
  const auto route = world.open();
  std::string body = message(std::string(10'000'000, 'a'));
  body.replace(body.find(":1000"), 5, ":9000000");
  const Reply reply = Client().post(route.base_url + "/v1/messages", body);
  EXPECT_EQ(reply.code, CURLE_OK);
  EXPECT_GT(reply.body.size(), 20'000'000U);
  EXPECT_THAT(reply.body.substr(reply.body.size() - 200), HasSubstr("message_stop"));
  EXPECT_EQ(world.endpoint.entries().at(0).bytes, body.size());
  EXPECT_EQ(tokens_of(world.call().usage), billed(world.endpoint, 0));
}

TEST(Passing, one_connection_serves_one_request_after_another) {
  World world(R"({"otherwise": {"text": "Yes."}})");
  const auto route = world.open();
  Client client;
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(client.post(route.base_url + "/v1/messages", message("hi", i % 2 == 0)).status, 200);
  }
  const auto calls = world.calls(5);
  for (std::size_t i = 0; i < calls.size(); ++i) EXPECT_EQ(calls[i].number, i + 1);
}

TEST(Passing, chunked_requests_and_what_is_no_model_call_pass_too) {
  World world(R"({"otherwise": {"text": "Yes."}})");
  const auto route = world.open();
  EXPECT_EQ(Client()
                .post(route.base_url + "/v1/messages", message("hi"),
                      {"transfer-encoding: chunked", "expect: 100-continue"})
                .status,
            200);
  EXPECT_EQ(
      Client().post(route.base_url + "/v1/messages/count_tokens", message("hi", false)).status,
      200);
  EXPECT_EQ(world.calls(1).size(), 1U) << "counting tokens is not a call of a model";
  EXPECT_EQ(Client().post(route.base_url + "/v1/messages", "{broken").status, 400);
}

TEST(Passing, the_key_is_in_nothing_that_is_told) {
  World world(
      R"({"rules": [{"prompt": "echo", "steps": [{"status": 400,
          "message": "bad key sk-real-key-that-nobody-may-see"}]}],
                  "otherwise": {"text": "Yes."}})",
      [](Options& options) {
        options.providers["dead"] = {"http://127.0.0.1:1", Secret(std::string(kRealKey))};
        options.retries.allowance = 0;
      });
  const auto route = world.open();
  Client().post(route.base_url + "/v1/messages", message("echo"), shown_as_key(route));
  const auto dead = world.open([](auto& spec) { spec.agent = "dead"; }, 1);
  const Reply reply =
      Client().post(dead.base_url + "/v1/messages", message("x"), shown_as_key(dead));
  EXPECT_THAT(reply.body + reply.head, Not(HasSubstr(kRealKey)));
  for (const auto& call : world.calls(2)) {
    EXPECT_THAT(call.detail, Not(HasSubstr(kRealKey)));
    EXPECT_THAT(call.detail, Not(testing::IsEmpty()));
  }
}

}  // namespace
}  // namespace interlock::gateway::scenes
