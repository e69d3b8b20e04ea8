#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "gateway/harness.h"
#include "support/fake_gateway.h"

// What engine::Gateway promises, held against the fake and the real one before a scripted provider.
namespace interlock {
namespace {

using engine::CallEnd;
using engine::Gateway;
using engine::ModelCall;
using gateway::scenes::attempt_name;
using gateway::scenes::message;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

/// Every answer comes to this.
constexpr Tokens kInput = 100;
constexpr Tokens kOutput = 200;
/// No call is expected to come to more; two are.
constexpr Tokens kExpectedMost = 1000;

/// A gateway with clients before it and a provider behind it.
class Side {
 public:
  virtual ~Side() = default;
  virtual Gateway& gateway() = 0;
  /// Asks with the route's address and secret, and waits: whether anything of it came in at all.
  virtual bool ask(const Gateway::Route& route) = 0;
  /// Asks for what is never answered; returns when the provider has it.
  virtual void ask_in_vain(const Gateway::Route& route) = 0;
  /// Takes calls until so many were told.
  virtual std::vector<ModelCall> take(std::size_t count) = 0;
  /// What came to the provider.
  virtual std::size_t sent() = 0;
};

class FakeSide final : public Side {
 public:
  Gateway& gateway() override { return fake_; }
  bool ask(const Gateway::Route& route) override {
    const auto name = fake_.behind(route.secret);
    if (!name) return false;
    sent_ += fake_.ask(*name, {kInput, kOutput, 0, 0, 0}) == CallEnd::answered ? 1 : 0;
    return true;
  }
  void ask_in_vain(const Gateway::Route& route) override {
    fake_.begin(fake_.behind(route.secret).value(), {.input = 50, .output = 800});
    ++sent_;
  }
  std::vector<ModelCall> take(std::size_t) override { return fake_.take_calls(); }
  std::size_t sent() override { return sent_; }

 private:
  testing_support::FakeGateway fake_;
  std::size_t sent_ = 0;
};

constexpr std::string_view kScript =
    R"({"rules": [{"prompt": "in vain", "steps": [{"hang": true}]}],
    "otherwise": {"text": "Yes.", "usage": {"input": 100, "output": 200}}})";

class RealSide final : public Side {
 public:
  RealSide() : world_(kScript) {}

  Gateway& gateway() override { return *world_.gateway; }
  bool ask(const Gateway::Route& route) override {
    return gateway::scenes::Client().post(url_of(route), message("hi")).status != 404;
  }
  void ask_in_vain(const Gateway::Route& route) override {
    const std::size_t before = sent();
    waiting_.push_back(std::async(std::launch::async, [url = url_of(route)] {
      gateway::scenes::Client().post(url, message("in vain"));
    }));
    EXPECT_TRUE(
        world_.endpoint.wait_until([&](const auto& entries) { return entries.size() > before; }));
  }
  std::vector<ModelCall> take(std::size_t count) override { return world_.calls(count); }
  std::size_t sent() override { return world_.endpoint.entries().size(); }

 private:
  static std::string url_of(const Gateway::Route& route) { return route.base_url + "/v1/messages"; }

  std::vector<std::future<void>> waiting_;  ///< Outlive the gateway, whose end ends them.
  gateway::scenes::World world_;
};

class GatewayContract : public testing::TestWithParam<std::string> {
 protected:
  GatewayContract() {
    if (GetParam() == "fake")
      side_ = std::make_unique<FakeSide>();
    else
      side_ = std::make_unique<RealSide>();
  }

  Gateway& gateway() { return side_->gateway(); }
  Gateway::Route open(std::uint32_t attempt = 1, std::optional<Tokens> tokens = {},
                      std::optional<MicroUsd> usd = {}) {
    Gateway::RouteSpec spec;
    spec.name = attempt_name(0, attempt);
    spec.label = "run/task#1";
    spec.agent = "claude";
    spec.tokens = tokens;
    spec.usd = usd;
    auto route = gateway().open(spec);
    EXPECT_TRUE(route.has_value());
    return route.value_or(Gateway::Route());
  }

  std::unique_ptr<Side> side_;
};

TEST_P(GatewayContract, ADoorIsOnLoopbackAndOpensToItsSecretAlone) {
  const Gateway::Route route = open();
  EXPECT_THAT(route.base_url, StartsWith("http://127.0.0.1:"));
  EXPECT_THAT(route.base_url, HasSubstr("/" + route.secret));
  EXPECT_TRUE(side_->ask(route));
  Gateway::Route guessed = route;
  for (std::string* part : {&guessed.base_url, &guessed.secret})
    part->back() = part->back() == '7' ? '8' : '7';
  EXPECT_FALSE(side_->ask(guessed));
  EXPECT_EQ(side_->sent(), 1U);
  EXPECT_THAT(side_->take(1), SizeIs(1)) << "nothing is told of who was not let in";
}

TEST_P(GatewayContract, NoTwoDoorsHaveTheSameSecret) {
  std::set<std::string> secrets;
  for (std::uint32_t attempt = 1; attempt <= 20; ++attempt) secrets.insert(open(attempt).secret);
  EXPECT_EQ(secrets.size(), 20U);
}

TEST_P(GatewayContract, EachCallIsToldOnceByTakingOrByClosing) {
  const Gateway::Route route = open(1);
  const Gateway::Route other = open(2);
  for (const Gateway::Route* asked : {&route, &route, &other}) EXPECT_TRUE(side_->ask(*asked));
  std::vector<ModelCall> told = side_->take(3);
  EXPECT_THAT(told, SizeIs(3));
  for (const Gateway::Route* asked : {&route, &other, &route}) EXPECT_TRUE(side_->ask(*asked));
  const std::vector<ModelCall> closed = gateway().close(attempt_name(0, 1));
  EXPECT_THAT(closed, SizeIs(2)) << "its own, and no others";
  told.insert(told.end(), closed.begin(), closed.end());
  const std::vector<ModelCall> rest = side_->take(1);
  told.insert(told.end(), rest.begin(), rest.end());
  EXPECT_THAT(gateway().take_calls(), IsEmpty());
  EXPECT_THAT(gateway().close(attempt_name(0, 1)), IsEmpty());

  std::set<std::pair<std::uint32_t, std::uint32_t>> numbers;
  for (const ModelCall& call : told) {
    EXPECT_EQ(call.end, CallEnd::answered) << call.detail;
    EXPECT_EQ(call.usage.input, kInput);
    EXPECT_EQ(call.usage.output, kOutput);
    numbers.emplace(call.name.attempt, call.number);
  }
  const std::set<std::pair<std::uint32_t, std::uint32_t>> all{{1, 1}, {1, 2}, {1, 3},
                                                              {1, 4}, {2, 1}, {2, 2}};
  EXPECT_EQ(numbers, all);
}

TEST_P(GatewayContract, ClosingEndsWhatIsInFlight) {
  const Gateway::Route route = open();
  side_->ask_in_vain(route);
  EXPECT_THAT(gateway().take_calls(), IsEmpty()) << "it has not ended";
  const std::vector<ModelCall> closed = gateway().close(attempt_name(0, 1));
  ASSERT_THAT(closed, SizeIs(1));
  EXPECT_EQ(closed[0].end, CallEnd::cut_off);
  EXPECT_FALSE(total_tokens(closed[0].usage).has_value()) << "nobody knows what it used";
  EXPECT_THAT(gateway().take_calls(), IsEmpty());
}

TEST_P(GatewayContract, NothingIsSentAfterClosing) {
  const Gateway::Route route = open(1);
  const Gateway::Route other = open(2);
  EXPECT_TRUE(side_->ask(route));
  gateway().close(attempt_name(0, 1));
  EXPECT_FALSE(side_->ask(route));
  EXPECT_EQ(side_->sent(), 1U);
  EXPECT_TRUE(side_->ask(other)) << "others are not concerned";
}

TEST_P(GatewayContract, WhatWouldPassTheTasksBudgetIsNotSentAndUsesNothing) {
  const Gateway::Route poor = open(1, Tokens{20});
  const Gateway::Route in_debt = open(2, {}, MicroUsd{-1});
  EXPECT_TRUE(side_->ask(poor));
  EXPECT_TRUE(side_->ask(in_debt));
  EXPECT_EQ(side_->sent(), 0U);
  for (const ModelCall& call : side_->take(2)) {
    EXPECT_EQ(call.end, CallEnd::over_budget);
    EXPECT_EQ(call.usage, no_usage());
    EXPECT_THAT(call.detail, HasSubstr("budget"));
  }
}

TEST_P(GatewayContract, ATaskSpendsItsBudgetAndNoMore) {
  constexpr Tokens kBudget = 3000;
  const Gateway::Route route = open(1, kBudget);
  Tokens used = 0;
  CallEnd last = CallEnd::answered;
  for (int i = 0; i < 30 && last == CallEnd::answered; ++i) {
    EXPECT_TRUE(side_->ask(route));
    const ModelCall call = side_->take(1).at(0);
    used += total_tokens(call.usage).value_or(kBudget);
    last = call.end;
  }
  EXPECT_EQ(last, CallEnd::over_budget);
  EXPECT_LE(used, kBudget);
  EXPECT_GT(used, kBudget - kExpectedMost) << "what fits is sent";
}

TEST_P(GatewayContract, TheRunsBudgetBindsEveryDoor) {
  const Gateway::Route one = open(1);
  const Gateway::Route other = open(2);
  gateway().set_budget(20, {});
  EXPECT_TRUE(side_->ask(one));
  EXPECT_TRUE(side_->ask(other));
  for (const ModelCall& call : side_->take(2)) EXPECT_EQ(call.end, CallEnd::over_budget);
  gateway().set_budget({}, {});
  EXPECT_TRUE(side_->ask(one));
  EXPECT_EQ(side_->take(1).at(0).end, CallEnd::answered);
}

TEST_P(GatewayContract, SettingTheBudgetCountsWhatIsInFlight) {
  const Gateway::Route running = open(1);
  const Gateway::Route route = open(2);
  side_->ask_in_vain(running);
  gateway().set_budget(kExpectedMost, {});
  side_->ask(route);
  EXPECT_EQ(side_->take(1).at(0).end, CallEnd::over_budget)
      << "the first holds what it may come to";
  gateway().close(attempt_name(0, 1));
  gateway().set_budget(kExpectedMost, {});
  side_->ask(route);
  EXPECT_EQ(side_->take(1).at(0).end, CallEnd::answered)
      << "what was told is the engine's to count";
}

TEST_P(GatewayContract, SettingTheBudgetCountsWhatNobodyTookYet) {
  const Gateway::Route route = open(1);
  EXPECT_TRUE(side_->ask(route));
  EXPECT_TRUE(side_->ask(route));
  // A third would fit, had nobody asked before.
  gateway().set_budget(2 * (kInput + kOutput) + 200, {});
  EXPECT_TRUE(side_->ask(route));
  const std::vector<ModelCall> told = side_->take(3);
  ASSERT_THAT(told, SizeIs(3));
  EXPECT_EQ(told[2].end, CallEnd::over_budget);
}

INSTANTIATE_TEST_SUITE_P(Of, GatewayContract, testing::Values("fake", "local"),
                         [](const auto& of) { return of.param; });

}  // namespace
}  // namespace interlock
