#include "schedule/rate_gate.h"

#include <random>

#include "schedule/fixture.h"

namespace interlock::schedule {
namespace {

const ResourceId kApi(0);

RateGate tokens_per_second(std::int64_t amount) {
  return RateGate(
      {{.requests = {}, .input_tokens = per_second(amount), .output_tokens = {}, .usd = {}}},
      at(0));
}

Cost tokens(Tokens amount) { return {.quota = kApi, .requests = 1, .input_tokens = amount}; }

double admitted_at(const RateGate& gate, const Cost& cost, double now) {
  return to_seconds(gate.admits_at(std::span(&cost, 1), at(now)).time_since_epoch());
}

void take(RateGate& gate, const Cost& cost, double now) { gate.take(std::span(&cost, 1), at(now)); }

TEST(RateGate, LetsABurstThroughAndThenTheRate) {
  RateGate gate = tokens_per_second(10);
  EXPECT_EQ(admitted_at(gate, tokens(60), 0), 0);
  take(gate, tokens(60), 0);
  EXPECT_EQ(admitted_at(gate, tokens(10), 0), 1);
  EXPECT_EQ(admitted_at(gate, tokens(60), 0), 6);
}

TEST(RateGate, AdmitsADrawAboveTheBurstWhenTheBucketIsFullAndHasItPaidOff) {
  RateGate gate = tokens_per_second(10);
  take(gate, tokens(10), 0);
  EXPECT_EQ(admitted_at(gate, tokens(1000), 0), 1);
  take(gate, tokens(1000), 1);
  EXPECT_EQ(admitted_at(gate, tokens(1), 1), 95.1);
}

TEST(RateGate, AdmitsAllDimensionsOrNone) {
  RateGate gate({{.requests = per_second(1),
                  .input_tokens = per_second(100),
                  .output_tokens = {},
                  .usd = {}}},
                at(0));
  const Cost cost{.quota = kApi, .requests = 6, .input_tokens = 1};
  take(gate, cost, 0);
  EXPECT_EQ(admitted_at(gate, {.quota = kApi, .requests = 2, .input_tokens = 1}, 0), 2);
  EXPECT_EQ(admitted_at(gate, {.quota = kApi, .requests = 0, .input_tokens = 599}, 0), 0);
}

TEST(RateGate, SettlesBothWays) {
  RateGate gate = tokens_per_second(10);
  const Cost reserved = tokens(60), less = tokens(20), more = tokens(90);
  take(gate, reserved, 0);
  gate.settle(std::span(&reserved, 1), std::span(&less, 1), at(1));
  EXPECT_EQ(admitted_at(gate, tokens(50), 1), 1) << "40 were given back, and 10 have run in";
  take(gate, reserved, 2);
  gate.settle(std::span(&reserved, 1), std::span(&more, 1), at(3));
  EXPECT_EQ(admitted_at(gate, tokens(10), 3), 6) << "30 more are owed";
  gate.settle(std::span(&reserved, 1), {}, at(3));
  EXPECT_EQ(admitted_at(gate, tokens(10), 3), 6) << "what is not known stays as reserved";
}

TEST(RateGate, AFloorIsOnlyRaised) {
  RateGate gate = tokens_per_second(10);
  gate.raise_floor(kApi, at(30));
  gate.raise_floor(kApi, at(20));
  EXPECT_EQ(admitted_at(gate, tokens(1), 0), 30);
}

TEST(RateGate, NeverAdmitsMoreThanTheRateAndOneBurstOverAnyWindow) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    std::mt19937_64 random(seed);
    const auto rate = static_cast<std::int64_t>(1 + random() % 97);
    RateGate gate = tokens_per_second(rate);
    const std::int64_t burst = 6 * rate;
    std::vector<std::pair<Time, std::int64_t>> admitted;
    Time now = at(0);
    for (int i = 0; i < 60; ++i) {
      now += Duration(static_cast<std::int64_t>(random() % 3'000'000));
      const Cost cost =
          tokens(static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(burst)) + 1);
      now = gate.admits_at(std::span(&cost, 1), now);
      gate.take(std::span(&cost, 1), now);
      admitted.emplace_back(now, cost.input_tokens);
    }
    for (std::size_t from = 0; from < admitted.size(); ++from) {
      std::int64_t sum = 0;
      for (std::size_t to = from; to < admitted.size(); ++to) {
        sum += admitted[to].second;
        const double window = to_seconds(admitted[to].first - admitted[from].first);
        EXPECT_LE(static_cast<double>(sum),
                  static_cast<double>(rate) * window + static_cast<double>(burst) + 1e-3)
            << "seed " << seed;
      }
    }
  }
}

TEST(RateGate, IsUsedToTheFull) {
  RateGate gate = tokens_per_second(10);
  Time now = at(0);
  for (int i = 0; i < 100; ++i) {
    const Cost cost = tokens(7);
    now = gate.admits_at(std::span(&cost, 1), now);
    gate.take(std::span(&cost, 1), now);
  }
  EXPECT_EQ(now, at(64)) << "700 tokens at 10 a second, less a burst of 60";
}

}  // namespace
}  // namespace interlock::schedule
