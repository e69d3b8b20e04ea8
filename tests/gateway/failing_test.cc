#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <string>
#include <thread>
#include <vector>

#include "gateway/harness.h"

// What goes wrong on either side, and who gets to see it.
namespace interlock::gateway::scenes {
namespace {

using engine::CallEnd;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kMessages = "/v1/messages";

std::string url_of(const engine::Gateway::Route& route) {
  return route.base_url + std::string(kMessages);
}

TEST(Failing, two_refusals_for_haste_stay_unseen) {
  World world(
      R"({"rules": [{"prompt": "hi", "steps": [{"status": 429, "retry_after": 0.05, "times": 2},
                                                      {"text": "At last."}]}]})");
  const auto route = world.open();
  const Reply reply = Client().post(url_of(route), message("hi"));
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.body, HasSubstr("At last"));
  const auto call = world.call();
  EXPECT_EQ(call.end, CallEnd::answered);
  EXPECT_EQ(call.retries, 2U);
  EXPECT_EQ(tokens_of(call.usage), billed(world.endpoint, 2));
}

TEST(Failing, overload_and_server_errors_are_tried_again) {
  World world(
      R"({"rules": [{"prompt": "hi", "steps": [{"status": 529}, {"status": 500},
          {"fail_after": 0, "text": "x"},
                                                      {"text": "At last."}]}]})");
  const auto route = world.open();
  const Reply reply = Client().post(url_of(route), message("hi"));
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.body, HasSubstr("At last"));
  EXPECT_THAT(reply.body, Not(HasSubstr("overloaded")));
  EXPECT_EQ(world.call().retries, 3U);
}

TEST(Failing, retries_have_a_budget) {
  World world(R"({"otherwise": {"status": 500}})",
              [](Options& options) { options.retries.allowance = 2; });
  const auto route = world.open();
  const Reply reply = Client().post(url_of(route), message("hi"));
  EXPECT_EQ(reply.status, 400) << "clients would retry what a server failed at";
  const auto call = world.call();
  EXPECT_EQ(call.end, CallEnd::unreachable);
  EXPECT_EQ(call.retries, 2U);
  EXPECT_THAT(call.detail, HasSubstr("no more retries"));
  EXPECT_EQ(world.endpoint.entries().size(), 3U);
}

TEST(Failing, a_bad_request_is_answered_in_the_providers_words) {
  World world(R"({"otherwise": {"status": 400, "message": "prompt is too long"}})");
  const auto route = world.open();
  const Reply reply = Client().post(url_of(route), message("hi"));
  EXPECT_EQ(reply.status, 400);
  EXPECT_THAT(reply.body, HasSubstr("prompt is too long"));
  const auto call = world.call();
  EXPECT_EQ(call.end, CallEnd::refused);
  EXPECT_EQ(call.usage, no_usage());
}

TEST(Failing, a_stream_that_breaks_is_seen_broken) {
  World world(R"({"otherwise": {"text": "one two three four", "cut_after": 3}})");
  const auto route = world.open();
  const Reply reply = Client().post(url_of(route), message("hi"));
  EXPECT_NE(reply.code, CURLE_OK);
  EXPECT_THAT(reply.body, HasSubstr("message_start"));
  const auto call = world.call();
  EXPECT_EQ(call.end, CallEnd::cut_off);
  EXPECT_FALSE(call.usage.output.has_value()) << "nobody told how much was made";
}

TEST(Failing, a_stream_that_ends_too_early_is_no_answer) {
  World world(R"({"otherwise": {"text": "one two three four", "end_after": 3}})");
  const auto route = world.open();
  Client().post(url_of(route), message("hi"));
  EXPECT_EQ(world.call().end, CallEnd::cut_off);
}

TEST(Failing, a_stalled_answer_is_ended) {
  World world(R"({"otherwise": {"text": "one two three four", "stall_after": 2}})",
              [](Options& options) { options.stall = std::chrono::milliseconds(100); });
  const auto route = world.open();
  EXPECT_NE(Client().post(url_of(route), message("hi")).code, CURLE_OK);
  const auto call = world.call();
  EXPECT_EQ(call.end, CallEnd::cut_off);
  EXPECT_THAT(call.detail, HasSubstr("nothing came for"));
}

TEST(Failing, nothing_is_waited_for_beyond_the_deadline) {
  World world(R"({"otherwise": {"hang": true}})");
  const auto route = world.open([](auto& spec) {
    spec.deadline = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()) +
                    std::chrono::milliseconds(150);
  });
  EXPECT_EQ(Client().post(url_of(route), message("hi")).status, 400);
  EXPECT_EQ(world.call().end, CallEnd::unreachable);
}

TEST(Failing, a_wait_longer_than_the_attempt_has_is_not_begun) {
  World world(R"({"otherwise": {"status": 429, "retry_after": 400}})");
  const auto route = world.open([](auto& spec) {
    spec.deadline = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()) +
                    std::chrono::minutes(5);
  });
  EXPECT_EQ(Client().post(url_of(route), message("hi")).status, 400);
  EXPECT_EQ(world.call().end, CallEnd::unreachable);
}

TEST(Failing, what_the_provider_said_last_is_known_where_the_time_is_up) {
  World world(R"({"rules": [{"together": true, "steps": [
      {"status": 429, "retry_after": 400, "message": "Slow down."}, {"hang": true}]}]})");
  const auto route = world.open([](auto& spec) {
    spec.deadline = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()) +
                    std::chrono::milliseconds(300);
  });
  // A client that asks once more by itself.
  EXPECT_EQ(Client().post(url_of(route), message("hi")).status, 400);
  EXPECT_EQ(Client().post(url_of(route), message("hi")).status, 400);
  const auto calls = world.calls(2);
  EXPECT_EQ(calls[1].failure, agents::Failure::rate_limited);
  EXPECT_THAT(calls[1].detail,
              HasSubstr("no answer within the attempt's time; the try before: Slow down."));
}

TEST(Failing, a_client_that_leaves_takes_its_call_with_it) {
  World world(R"({"otherwise": {"text": "one two three four", "stall_after": 2}})");
  const auto route = world.open();
  Client client;
  client.leave_after(1);
  EXPECT_EQ(client.post(url_of(route), message("hi")).code, CURLE_WRITE_ERROR);
  EXPECT_EQ(world.call().end, CallEnd::cut_off);
  EXPECT_TRUE(world.endpoint.wait_until(
      [](const auto& entries) { return entries.at(0).end == endpoint::CallEnd::client_gone; }));
}

TEST(Failing, closing_a_door_ends_what_is_in_flight) {
  World world(R"({"otherwise": {"hang": true}})");
  const auto route = world.open();
  auto reply =
      std::async(std::launch::async, [&] { return Client().post(url_of(route), message("hi")); });
  ASSERT_TRUE(world.endpoint.wait_until([](const auto& entries) { return !entries.empty(); }));
  const auto calls = world.gateway->close(attempt_name(0, 1));
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_EQ(calls[0].end, CallEnd::cut_off);
  EXPECT_NE(reply.get().code, CURLE_OK);
  EXPECT_EQ(Client().post(url_of(route), message("hi")).status, 404);
  EXPECT_THAT(world.gateway->take_calls(), testing::IsEmpty());
}

TEST(Failing, the_call_that_would_pass_the_budget_is_not_sent) {
  World world(R"({"otherwise": {"text": "Yes.", "usage": {"input": 100, "output": 100}}})");
  const auto route = world.open([](auto& spec) { spec.tokens = 1200; });
  std::size_t sent = 0;
  for (; sent < 20; ++sent) {
    if (Client().post(url_of(route), message("hi")).status != 200) break;
  }
  const auto calls = world.calls(sent + 1);
  Tokens used = 0;
  for (const auto& call : calls) used += total_tokens(call.usage).value_or(0);
  EXPECT_EQ(calls.back().end, CallEnd::over_budget);
  EXPECT_EQ(calls.back().usage, no_usage());
  EXPECT_EQ(world.endpoint.entries().size(), sent) << "what passes the budget is not sent";
  EXPECT_LE(used, 1200);
  EXPECT_GT(used, 1000 - 300) << "and nothing that fits is kept back";
}

TEST(Failing, while_a_run_is_paused_with_its_calls_none_is_sent) {
  World world(R"({"otherwise": {"text": "Yes.", "usage": {"input": 100, "output": 100}}})");
  const auto route = world.open();
  world.gateway->hold(true);
  auto asked = std::async(std::launch::async, [url = url_of(route)] {
    return Client().post(url, message("hi")).status;
  });
  std::vector<engine::Gateway::Waiting> waiting;
  while (waiting.empty()) {  // Told once it lasts.
    std::this_thread::yield();
    waiting = world.gateway->waiting();
  }
  EXPECT_EQ(waiting.front().on, "the run is paused");
  EXPECT_TRUE(waiting.front().at_limit) << "the clocks of its attempt stand still";
  EXPECT_TRUE(world.endpoint.entries().empty());
  world.gateway->hold(false);
  EXPECT_EQ(asked.get(), 200);
  EXPECT_EQ(world.call().end, CallEnd::answered);
}

TEST(Failing, the_runs_budget_counts_what_nobody_took_yet) {
  World world(R"({"otherwise": {"text": "Yes.", "usage": {"input": 100, "output": 100}}})");
  world.gateway->set_budget(1000, {});
  const auto route = world.open();
  EXPECT_EQ(Client().post(url_of(route), message("hi")).status, 200);
  world.gateway->set_budget(1000, {});
  EXPECT_EQ(Client().post(url_of(route), message("hi")).status, 200);
  EXPECT_EQ(world.calls(2).size(), 2U);
  world.gateway->set_budget(100, {});
  EXPECT_EQ(Client().post(url_of(route), message("hi")).status, 400);
  const auto call = world.call();
  EXPECT_EQ(call.end, CallEnd::over_budget);
  EXPECT_THAT(call.detail, HasSubstr("the run's budget of tokens"));
}

}  // namespace
}  // namespace interlock::gateway::scenes
