#include "gateway/run_limit.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace interlock::gateway {
namespace {

using Verdict = RunLimit::Verdict;

engine::AttemptName named(std::uint32_t task) { return {TaskId(task), 1, 0}; }

/// One call from its asking to its end.
void pay(RunLimit& limit, std::uint32_t task, Tokens tokens) {
  limit.hold(named(task), {tokens, 0});
  limit.settle(named(task), {tokens, 0}, {tokens, 0});
}

TEST(RunLimit, WithoutABoundEverybodyGoes) {
  RunLimit limit;
  limit.open(named(0), {});
  EXPECT_EQ(limit.judge(named(0), {1'000'000, 0}), Verdict::go);
}

TEST(RunLimit, WhoNeedsLeastGoesOnAndOthersWaitForIt) {
  RunLimit limit;
  limit.set(10'000, {}, {});
  limit.open(named(0), {.expected = 20'000, .used = 8'000, .keeps_session = true});
  limit.open(named(1), {.expected = 20'000, .used = 12'000, .keeps_session = true});
  EXPECT_EQ(limit.judge(named(1), {3'000, 0}), Verdict::go);
  EXPECT_EQ(limit.judge(named(0), {3'000, 0}), Verdict::wait) << "8,000 are for the other";
  EXPECT_EQ(limit.judge(named(0), {2'000, 0}), Verdict::go) << "beside which 2,000 fit";
  limit.close(named(1));
  EXPECT_EQ(limit.judge(named(0), {3'000, 0}), Verdict::go);
}

TEST(RunLimit, WhereNothingIsKnownWhoHasUsedMostIsTakenForTheNearest) {
  RunLimit limit;
  limit.set(10'000, {}, {});
  for (std::uint32_t task = 0; task < 2; ++task) limit.open(named(task), {.keeps_session = true});
  pay(limit, 1, 4'000);
  pay(limit, 0, 1'000);
  EXPECT_EQ(limit.judge(named(1), {4'500, 0}), Verdict::go);
  EXPECT_EQ(limit.judge(named(0), {1'500, 0}), Verdict::wait) << "as much as its last call took";
}

TEST(RunLimit, WhoWouldLoseWhatItUsedGoesFirst) {
  RunLimit limit;
  limit.set(10'000, {}, {});
  limit.open(named(0), {.expected = 9'000, .keeps_session = true});
  limit.open(named(1), {.expected = 9'000});
  EXPECT_EQ(limit.judge(named(1), {2'000, 0}), Verdict::wait) << "it has nothing to lose yet";
  pay(limit, 1, 1'000);
  EXPECT_EQ(limit.judge(named(1), {2'000, 0}), Verdict::go);
  EXPECT_EQ(limit.judge(named(0), {2'000, 0}), Verdict::wait);
}

TEST(RunLimit, ParksOnlyWhenNoRoomCanCome) {
  RunLimit limit;
  limit.set(10'000, {}, {});
  for (std::uint32_t task = 0; task < 2; ++task) limit.open(named(task), {.keeps_session = true});
  limit.hold(named(0), {9'000, 0});
  EXPECT_EQ(limit.judge(named(1), {5'000, 0}), Verdict::wait) << "the other may take less";
  EXPECT_EQ(limit.judge(named(1), {11'000, 0}), Verdict::park) << "more than there ever was";
  EXPECT_EQ(limit.judge(named(0), {11'000, 0}), Verdict::wait)
      << "what it has paid for is to be heard";
  limit.settle(named(0), {9'000, 0}, {2'000, 0});
  EXPECT_EQ(limit.judge(named(1), {5'000, 0}), Verdict::go);
  pay(limit, 0, 4'000);
  EXPECT_EQ(limit.judge(named(1), {5'000, 0}), Verdict::park);
}

TEST(RunLimit, HoldsForDollarsToo) {
  RunLimit limit;
  limit.set({}, 100, {});
  limit.open(named(0), {.expected = 1'000, .used = 900, .keeps_session = true});
  limit.open(named(1), {.expected = 1'000, .keeps_session = true});
  EXPECT_EQ(limit.judge(named(1), {100, 60}), Verdict::wait)
      << "100 tokens of the other cost as much";
  EXPECT_EQ(limit.judge(named(0), {100, 60}), Verdict::go);
  EXPECT_EQ(limit.scarce({100, 101}), "dollars");
}

/// A task with so many calls to make; each takes what it takes, and holds at least that before.
struct Worker {
  std::vector<Tokens> calls;
  std::size_t next = 0;
  Tokens holds = 0;  ///< Of the call in flight; 0: none.
  bool parked = false;

  bool is_done() const { return next == calls.size(); }
};

TEST(RunLimit, NobodyWaitsForEverAndTheLimitIsNeverPassed) {
  std::mt19937 dice(11);
  const auto below = [&dice](Tokens bound) { return static_cast<Tokens>(dice()) % bound; };
  for (int world = 0; world < 2000; ++world) {
    RunLimit limit;
    const Tokens most = 2000 + below(60'000);
    limit.set(most, {}, {});
    std::vector<Worker> workers(1 + static_cast<std::size_t>(below(6)));
    for (std::uint32_t i = 0; i < workers.size(); ++i) {
      workers[i].calls.resize(1 + static_cast<std::size_t>(below(8)));
      for (Tokens& call : workers[i].calls) call = 100 + below(4000);
      Tokens all = 0;
      for (const Tokens call : workers[i].calls) all += call;
      std::optional<Tokens> expected;
      if (below(3) > 0) expected = all / 2 + below(all);
      limit.open(named(i), {.expected = expected, .used = 0, .keeps_session = below(2) == 0});
    }
    Tokens spent = 0;
    for (int step = 0;; ++step) {
      ASSERT_LT(step, 10'000) << "somebody waits for ever, in world " << world;
      for (std::uint32_t i = 0; i < workers.size(); ++i) {
        Worker& one = workers[i];
        if (one.parked || one.is_done() || below(3) == 0) continue;
        if (one.holds > 0) {
          limit.settle(named(i), {one.holds, 0}, {one.calls[one.next], 0});
          spent += one.calls[one.next++];
          one.holds = 0;
          if (one.is_done()) limit.close(named(i));
          continue;
        }
        const Tokens holds = one.calls[one.next] + below(1000);
        const Verdict verdict = limit.judge(named(i), {holds, 0});
        if (verdict == Verdict::go) {
          limit.hold(named(i), {holds, 0});
          one.holds = holds;
        } else if (verdict == Verdict::park) {
          ASSERT_GT(spent + holds, most) << "it would have fitted, in world " << world;
          limit.park(named(i));
          limit.close(named(i));
          one.parked = true;
        }
      }
      ASSERT_LE(spent, most);
      const bool over = std::ranges::all_of(
          workers, [](const Worker& one) { return one.parked || one.is_done(); });
      if (over) break;
    }
  }
}

}  // namespace
}  // namespace interlock::gateway
