#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "quota/account.h"
#include "quota/fixture_folder.h"
#include "quota/gcra.h"

// Where a provider counts what came in the last minute, at every moment: no window of the rate's
// time has more than its amount, whenever it begins.
namespace interlock::quota {
namespace {

using namespace std::chrono_literals;

struct Admitted {
  std::int64_t at = 0;
  std::int64_t amount = 0;
};

/// The most that any window has, `(at - window, at]`; the fullest ones end at an admission.
std::int64_t most_in_a_window(const std::vector<Admitted>& all, std::int64_t window) {
  std::int64_t most = 0;
  std::int64_t sum = 0;
  std::size_t first = 0;
  for (const Admitted& one : all) {
    sum += one.amount;
    for (; all[first].at <= one.at - window; ++first) sum -= all[first].amount;
    most = std::max(most, sum);
  }
  return most;
}

TEST(Windows, NoneHasMoreThanTheAmountWhateverArrives) {
  std::mt19937_64 dice(7);
  const auto below = [&dice](std::int64_t bound) {
    return static_cast<std::int64_t>(dice() % static_cast<std::uint64_t>(bound));
  };
  std::size_t admitted = 0;
  bool some_are_nearly_full = false;
  for (int world = 0; world < 300; ++world) {
    const std::int64_t window = (1 + below(90)) * 1'000'000'000;
    const std::int64_t amount = 1 + below(500);
    const std::int64_t burst = 1 + below(2 * window);
    const std::int64_t plain = interval_of(
        {amount, std::chrono::duration_cast<Duration>(std::chrono::nanoseconds(window))});
    const std::int64_t interval = widened(plain, window, burst);
    std::int64_t arrival = 0;
    std::int64_t now = 0;
    std::vector<Admitted> all;
    const std::int64_t largest = 1 + below(amount);
    for (int i = 0; i < 400; ++i) {
      // Bursts, trickles and long silence.
      if (below(3) == 0) now += below(world % 2 == 0 ? window / 10 + 1 : 2 * window);
      const std::int64_t size = 1 + below(largest);
      const std::int64_t cost = cost_of(size, interval);
      now = std::max(now, fits_at(arrival, cost, burst, true));
      arrival = std::max(arrival, now) + cost;
      all.push_back({now, size});
      ++admitted;
    }
    const std::int64_t most = most_in_a_window(all, window);
    ASSERT_LE(most, amount) << "window " << window << " burst " << burst << " in world " << world;
    some_are_nearly_full = some_are_nearly_full || most * 100 >= amount * 95;
  }
  EXPECT_EQ(admitted, 300U * 400U);
  EXPECT_TRUE(some_are_nearly_full) << "what the provider grants is used";
}

TEST(Windows, OfWhatWasReallyUsedHoldInAnAccountToo) {
  const TempFolder folder;
  std::mt19937_64 dice(3);
  const auto below = [&dice](std::int64_t bound) {
    return static_cast<std::int64_t>(dice() % static_cast<std::uint64_t>(bound));
  };
  constexpr Moment kWindow = 60s;
  Limits limits;
  limits.input_tokens = Rate{1000, 60s};
  limits.requests = Rate{60, 60s};
  limits.counts_windows = true;
  auto account = Account::open(folder.at("a.quota"), limits);
  ASSERT_TRUE(account.has_value()) << account.error().message;
  Moment now = quota::now();
  std::vector<Admitted> tokens;
  std::vector<Admitted> requests;
  struct InFlight {
    Grant grant;
    Cost actual;
  };
  std::vector<InFlight> in_flight;
  for (int i = 0; i < 4000; ++i) {
    const Cost cost{.requests = 1, .input_tokens = 1 + below(60)};
    auto answer = (*account)->ask(cost, now);
    if (const auto* const grant = std::get_if<Grant>(&answer)) {
      const Cost actual{.requests = 1, .input_tokens = 1 + below(cost.input_tokens)};
      in_flight.push_back({*grant, actual});
      tokens.push_back({now.count(), actual.input_tokens});
      requests.push_back({now.count(), 1});
    } else if (const auto until = std::get<Denial>(answer).until) {
      now = std::max(now, *until);
    }
    if (below(10) == 0) now += Moment(below(20'000'000'000));
    if (!in_flight.empty() && below(2) == 0) {
      const std::size_t which =
          static_cast<std::size_t>(below(static_cast<std::int64_t>(in_flight.size())));
      (*account)->settle(in_flight[which].grant, in_flight[which].actual, now);
      in_flight.erase(in_flight.begin() + static_cast<std::ptrdiff_t>(which));
    }
  }
  EXPECT_GT(requests.size(), 1000U);
  EXPECT_LE(most_in_a_window(tokens, kWindow.count()), 1000);
  EXPECT_LE(most_in_a_window(requests, kWindow.count()), 60);
  EXPECT_GE(most_in_a_window(requests, kWindow.count()), 40) << "tokens hold it up as well";
}

/// How many are admitted in the first minute, one request at a time, as fast as it goes.
std::int64_t in_the_first_minute(Account& account) {
  const Moment begin = quota::now();
  std::int64_t count = 0;
  for (Moment now = begin; now < begin + Moment(60s);) {
    auto answer = account.ask({}, now);
    if (const auto* const grant = std::get_if<Grant>(&answer)) {
      account.settle(*grant, {}, now);
      ++count;
    } else if (const auto until = std::get<Denial>(answer).until) {
      now = *until;
    }
  }
  account.leave();
  return count;
}

TEST(Windows, AreLearnedOnceAndKeptInTheFile) {
  const TempFolder folder;
  Limits limits;
  limits.requests = Rate{60, 60s};
  {
    auto account = Account::open(folder.at("a.quota"), limits);
    ASSERT_TRUE(account.has_value()) << account.error().message;
    EXPECT_FALSE((*account)->snapshot(quota::now()).window);
    EXPECT_GT(in_the_first_minute(**account), 60) << "the burst, and what the rate earns";
    EXPECT_TRUE((*account)->learn_window(limits.window()));
    EXPECT_FALSE((*account)->learn_window(limits.window())) << "it is said once";
  }
  EXPECT_EQ(backlog_of(folder.at("a.quota"), limits, quota::now()).window, Duration(60s));
  auto again = Account::open(folder.at("a.quota"), limits);
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_EQ((*again)->snapshot(quota::now()).window, Duration(60s));
}

TEST(Windows, OfTheStrictestHoldWhileItIsThere) {
  const TempFolder folder;
  Limits limits;
  limits.requests = Rate{60, 60s};
  auto plain = Account::open(folder.at("a.quota"), limits);
  ASSERT_TRUE(plain.has_value());
  {
    limits.counts_windows = true;
    auto strict = Account::open(folder.at("a.quota"), limits);
    ASSERT_TRUE(strict.has_value());
    const std::int64_t count = in_the_first_minute(**plain);
    EXPECT_LE(count, 60);
    EXPECT_GE(count, 58);
    EXPECT_FALSE((*plain)->learn_window(60s)) << "they are kept to already";
  }
  EXPECT_FALSE((*plain)->snapshot(quota::now()).window);
}

}  // namespace
}  // namespace interlock::quota
