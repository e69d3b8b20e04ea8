#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "quota/account.h"
#include "quota/fixture_folder.h"

// The provider counts when a call arrives, and calls are on their way for different times.
namespace interlock::quota {
namespace {

using namespace std::chrono_literals;

struct Outcome {
  double lowest = 0;    ///< What the provider's bucket had left, in requests.
  double a_second = 0;  ///< Requests.
};

/// A burst of `burst` at one a second, drawn upon without a pause for 300 calls, each of which
/// takes up to 100 ms to arrive.
Outcome use(Duration kept_back, Duration burst, std::uint64_t seed) {
  const TempFolder folder;
  Limits limits;
  limits.requests = Rate{60, 60s};
  limits.burst = burst;
  limits.arrival_jitter = kept_back;
  auto account = Account::open(folder.at("a.quota"), limits);
  EXPECT_TRUE(account.has_value());
  std::mt19937_64 dice(seed);
  const Moment begin = quota::now() + 1h;
  Moment now = begin;
  std::vector<Moment> arrivals;
  while (arrivals.size() < 300) {
    const auto answer = (*account)->ask({}, now);
    if (const auto* const denial = std::get_if<Denial>(&answer)) {
      now = denial->until.value();
      continue;
    }
    (*account)->settle(std::get<Grant>(answer), {}, now);
    arrivals.push_back(now + Moment(static_cast<std::int64_t>(dice() % 100'000'000)));
  }
  std::ranges::sort(arrivals);
  const double capacity = std::chrono::duration<double>(burst).count();
  Outcome outcome{.lowest = capacity,
                  .a_second = 299 / std::chrono::duration<double>(now - begin).count()};
  double level = capacity;
  Moment at = arrivals.front();
  for (const Moment arrival : arrivals) {
    level = std::min(capacity, level + std::chrono::duration<double>(arrival - at).count());
    at = arrival;
    level -= 1;
    outcome.lowest = std::min(outcome.lowest, level);
  }
  return outcome;
}

TEST(ArrivalJitter, KeepsTheProviderFromCountingMoreThanItGrants) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    EXPECT_GE(use(100ms, 5s, seed).lowest, -1e-9) << seed;
    EXPECT_LT(use(0ms, 5s, seed).lowest, 0) << "or there is nothing to keep back for";
  }
}

TEST(ArrivalJitter, TakesNothingOfTheRate) {
  for (const Duration burst : {Duration(1s), Duration(1050ms), Duration(5s)}) {
    const double without = use(0ms, burst, 1).a_second;
    EXPECT_NEAR(use(100ms, burst, 1).a_second, without, 0.001) << burst.count();
  }
}

}  // namespace
}  // namespace interlock::quota
