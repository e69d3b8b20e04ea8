#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <string>
#include <vector>

#include "gateway/harness.h"

// What calls share: quotas, and what a prompt cache holds.
namespace interlock::gateway::scenes {
namespace {

using engine::CallEnd;

std::vector<std::future<Reply>> all_at_once(const std::string& url,
                                            const std::vector<std::string>& bodies) {
  std::vector<std::future<Reply>> replies;
  for (const std::string& body : bodies) {
    replies.push_back(
        std::async(std::launch::async, [url, body] { return Client().post(url, body); }));
  }
  return replies;
}

QuotaOption quota_in(const TempFolder& folder, quota::Limits limits) {
  return {.name = "tier", .file = folder.path() + "/tier.quota", .limits = limits};
}

TEST(Sharing, eight_clients_under_a_quota_see_no_refusal) {
  const TempFolder folder;
  // Fifty a minute, a hundred times as fast.
  World world(R"({"otherwise": {"text": "Yes."},
                  "quota": {"requests": {"capacity": 5, "per": 0.06},
                      "input_tokens": {"capacity": 4000, "per": 0.06},
                            "concurrency": 4, "tells_headers": false}})",
              [&](Options& options) {
                options.quotas = {
                    quota_in(folder, {.requests = Rate{5, std::chrono::milliseconds(60)},
                                      .input_tokens = Rate{4000, std::chrono::milliseconds(60)},
                                      .concurrency = 4,
                                      .burst = std::chrono::milliseconds(12)})};
              });
  const auto route = world.open([](auto& spec) { spec.quotas = {"tier"}; });
  std::vector<std::future<void>> clients;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(std::async(std::launch::async, [&, i] {
      Client client;
      for (int n = 0; n < 10; ++n)
        EXPECT_EQ(client.post(route.base_url + "/v1/messages", message(fmt::format("{} {}", i, n)))
                      .status,
                  200);
    }));
  }
  for (auto& client : clients) client.get();
  for (const auto& entry : world.endpoint.entries()) EXPECT_EQ(entry.status, 200);
  Duration waited{};
  for (const auto& call : world.calls(80)) {
    EXPECT_EQ(call.retries, 0U);
    waited += call.waited_quota;
  }
  EXPECT_GT(waited, Duration::zero());
}

TEST(Sharing, a_plan_that_the_provider_contradicts_is_told_so_once) {
  const TempFolder folder;
  World world(
      R"({"otherwise": {"text": "Yes."}, "quota": {"requests": {"capacity": 40, "per": 60}}})",
      [&](Options& options) {
        options.quotas = {
            quota_in(folder, {.requests = Rate{50, std::chrono::minutes(1)},
                              .input_tokens = Rate{1'000'000, std::chrono::minutes(1)}})};
      });
  const auto route = world.open([](auto& spec) { spec.quotas = {"tier"}; });
  for (int i = 0; i < 2; ++i)
    Client().post(route.base_url + "/v1/messages", message(fmt::format("question {}", i)));
  const auto calls = world.calls(2);
  EXPECT_EQ(
      calls[0].remark,
      "quota `tier`: the plan says 50 requests a minute, the provider 40; the lower one holds");
  EXPECT_EQ(calls[1].remark, "");
}

TEST(Sharing, what_a_provider_reserves_is_reserved_and_given_back) {
  const TempFolder folder;
  // It counts `max_tokens`, a thousand, when a request comes in, and one token when it ends.
  World world(R"({"otherwise": {"text": "Yes."},
                  "quota": {"output_tokens": {"capacity": 2000, "per": 1}, "reserves_max": true,
                      "tells_headers": false}})",
              [&](Options& options) {
                QuotaOption quota =
                    quota_in(folder, {.output_tokens = Rate{2000, std::chrono::seconds(1)},
                                      .burst = std::chrono::milliseconds(500)});
                quota.charge = QuotaOption::Charge::reserve_max;
                options.quotas = {quota};
              });
  const auto route = world.open([](auto& spec) { spec.quotas = {"tier"}; });
  const std::vector<std::string> four(4, message("hi"));
  const auto began = std::chrono::steady_clock::now();
  for (int round = 0; round < 6; ++round) {
    for (auto& reply : all_at_once(route.base_url + "/v1/messages", four))
      EXPECT_EQ(reply.get().status, 200);
  }
  // Were the maximum kept, half a second each.
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(8));
  for (const auto& entry : world.endpoint.entries())
    EXPECT_EQ(entry.status, 200) << "four at once come to more than it lets in";
  EXPECT_EQ(world.calls(24).size(), 24U);
}

TEST(Sharing, a_spent_quota_ends_everybody_who_waits) {
  const TempFolder folder;
  World world(
      R"({"otherwise": {"status": 429, "code": "insufficient_quota",
          "message": "You exceeded your current quota, please check your plan and billing details."}})",
      [&](Options& options) {
        options.quotas = {quota_in(folder, {.concurrency = 1})};
        options.providers["codex"] = options.providers["claude"];
      });
  const auto route = world.open([](auto& spec) { spec.quotas = {"tier"}; });
  const std::string body = R"({"model":"m","messages":[{"role":"user","content":"hi"}]})";
  for (auto& reply : all_at_once(route.base_url + "/v1/chat/completions", {body, body, body})) {
    const long status = reply.get().status;
    EXPECT_GE(status, 400);
    EXPECT_NE(status, 429) << "clients would wait and try again";
  }
  for (const auto& call : world.calls(3)) EXPECT_EQ(call.end, CallEnd::quota_spent) << call.detail;
  EXPECT_EQ(world.endpoint.entries().size(), 1U);
}

std::string sharing(std::string_view prompt) {
  const std::string system(24000, 's');
  return message(
      prompt, true,
      fmt::format(
          R"("system":[{{"type":"text","text":"{}","cache_control":{{"type":"ephemeral"}}}}])",
          system));
}

/// How many the provider billed for filling its cache. It holds a prompt from when its answer
/// begins.
std::ptrdiff_t payers(const endpoint::Endpoint& endpoint) {
  const auto entries = endpoint.entries();
  return std::ranges::count_if(
      entries, [](const auto& entry) { return entry.usage && entry.usage->cache_write > 0; });
}

TEST(Sharing, one_call_fills_the_prompt_cache_for_the_others) {
  World world(R"({"otherwise": {"text": "Yes.", "wait": 0.05}})");
  const auto route = world.open();
  for (auto& reply : all_at_once(route.base_url + "/v1/messages",
                                 {sharing("a"), sharing("b"), sharing("c"), sharing("d")})) {
    EXPECT_EQ(reply.get().status, 200);
  }
  int waited = 0;
  for (const auto& call : world.calls(4)) {
    waited += call.waited_lead > Duration::zero() ? 1 : 0;
    if (call.usage.cache_read.value_or(0) > 0) {
      EXPECT_GT(call.saved.value_or(0), 0);
    }
  }
  EXPECT_EQ(waited, 3);
  EXPECT_EQ(payers(world.endpoint), 1) << "one pays for what all read";
}

TEST(Sharing, each_key_has_a_cache_of_its_own_to_fill) {
  World world(R"({"otherwise": {"text": "Yes.", "wait": 0.2}})", [](Options& options) {
    options.providers["codex"] = {options.providers["claude"].base_url, Secret("another key")};
  });
  const auto one = world.open();
  const auto other = world.open([](auto& spec) { spec.agent = "codex"; }, 1);
  auto first = all_at_once(one.base_url + "/v1/messages", {sharing("a")});
  auto second = all_at_once(other.base_url + "/v1/messages", {sharing("b")});
  EXPECT_EQ(first.at(0).get().status, 200);
  EXPECT_EQ(second.at(0).get().status, 200);
  for (const auto& call : world.calls(2)) EXPECT_EQ(call.waited_lead, Duration::zero());
}

TEST(Sharing, calls_with_nothing_to_share_wait_for_nobody) {
  // Nothing of them is marked for the cache, and they are too short for it.
  World world(R"({"otherwise": {"text": "Yes.", "wait": 0.02}})");
  const auto route = world.open();
  for (auto& reply :
       all_at_once(route.base_url + "/v1/messages", {message("a"), message("b"), message("c")}))
    EXPECT_EQ(reply.get().status, 200);
  for (const auto& call : world.calls(3)) EXPECT_EQ(call.waited_lead, Duration::zero());
}

TEST(Sharing, a_failed_lead_elects_the_next) {
  World world(
      R"({"rules": [{"together": true, "steps": [{"status": 400, "wait": 0.05}, {"text": "Yes.",
          "wait": 0.05}]}]})");
  const auto route = world.open();
  int good = 0;
  for (auto& reply :
       all_at_once(route.base_url + "/v1/messages", {sharing("a"), sharing("b"), sharing("c")}))
    good += reply.get().status == 200 ? 1 : 0;
  EXPECT_EQ(good, 2);
  EXPECT_EQ(payers(world.endpoint), 1);
}

}  // namespace
}  // namespace interlock::gateway::scenes
