#include "schedule/priority.h"

#include "schedule/fixture.h"
#include "schedule/simulate.h"
#include "schedule/sketch.h"

namespace interlock::schedule {
namespace {

/// `a 0-5 | b 5-7`, in seconds.
std::string show(const Timeline& timeline) {
  std::string text;
  for (const Slot& slot : timeline.slots) {
    text += fmt::format("{}{} {}-{}/{}", text.empty() ? "" : " | ", name(slot.task),
                        to_seconds(slot.start), to_seconds(slot.end), slot.lane);
  }
  return text;
}

TEST(CriticalPath, IsTheLongestWayToTheEnd) {
  Draft draft;
  const auto a = draft.job(1), b = draft.job(2), c = draft.job(4);
  draft.needs(b, a);
  draft.conflict(a, c);
  EXPECT_THAT(critical_path_priorities(draft.problem),
              testing::ElementsAre(5'000'000, 2'000'000, 4'000'000));
  EXPECT_EQ(critical_path(draft.problem), seconds(5));
}

TEST(CriticalPath, PassesThroughTasksThatRunAlone) {
  Draft draft;
  draft.job(1);
  draft.exclusive(10);
  draft.job(3);
  draft.job(4);
  EXPECT_THAT(critical_path_priorities(draft.problem),
              testing::ElementsAre(15'000'000, 14'000'000, 3'000'000, 4'000'000));
}

TEST(Simulate, TheFirstOfSeveralTriesEndsTheOthers) {
  Draft draft;
  for (const double length : {45., 30., 20.}) draft.job(length);
  for (Job& job : draft.problem.jobs) job.first_of = 3;
  EXPECT_EQ(show(simulate(draft.problem, by_priority(3), {})), "a 0-20/0 | b 0-20/1 | c 0-20/2");
  EXPECT_EQ(show(simulate(draft.problem, by_priority(2), {})), "a 0-30/0 | b 0-30/1 | c 30-30/0");
  EXPECT_EQ(show(simulate(draft.problem, in_plan_order(), {})), "a 0-45/0 | b 45-45/0 | c 45-45/0");
}

TEST(Simulate, EndsATryOnceWhereSeveralAreDoneAtTheSameMoment) {
  Draft draft;
  draft.problem.slowings = {{1, 0.5}};
  for (int i = 0; i < 3; ++i) draft.job(10);
  for (Job& job : draft.problem.jobs) {
    job.first_of = 3;
    job.slowing = 0;
  }
  const Timeline played = simulate(draft.problem, by_priority(3), {});
  EXPECT_GE(played.elapsed, std::chrono::seconds(10)) << "they slow each other";
  for (const auto& slot : played.slots) EXPECT_EQ(slot.end, played.elapsed);
}

TEST(Simulate, RunsThePlanInVirtualTime) {
  Draft draft;
  for (const double length : {45., 30., 20.}) draft.job(length);
  EXPECT_EQ(show(simulate(draft.problem, in_plan_order(), {})), "a 0-45/0 | b 45-75/0 | c 75-95/0");
  EXPECT_EQ(show(simulate(draft.problem, by_priority(3), {})), "a 0-45/0 | b 0-30/1 | c 0-20/2");
  EXPECT_EQ(show(simulate(draft.problem, by_priority(2), {})), "a 0-45/0 | b 0-30/1 | c 30-50/1");
}

TEST(Simulate, WaitsForQuotasAndPassesGates) {
  Draft draft;
  const auto api =
      draft.quota({.requests = per_second(1), .input_tokens = {}, .output_tokens = {}, .usd = {}});
  for (int i = 0; i < 3; ++i) draft.job(1, {}, {{.quota = api, .requests = 6}});
  draft.problem.jobs[2].gate_before = true;
  Policy policy = by_priority(3);
  policy.gate_every = 1;
  EXPECT_EQ(show(simulate(draft.problem, policy, {})), "a 0-1/0 | b 6-7/0 | c 12-13/0");
  EXPECT_EQ(lower_bound(draft.problem, policy), seconds(13));
}

TEST(Simulate, TakesOneAfterTheOtherAsTheSchedulerWould) {
  Draft draft;
  const auto slots = draft.capacity(3);
  for (int i = 0; i < 40; ++i) {
    const TaskId task = draft.job(i % 7, {{slots, 1 + i % 3}});
    if (i > 4) draft.needs(task, TaskId(static_cast<std::size_t>(i - 1 - i % 4)));
  }
  Problem asked = draft.problem;
  asked.jobs[3].gate_before = true;  // Its scheduler has to be asked; the answer comes at once.
  World slow;
  for (int i = 0; i < 40; ++i) slow.fates.push_back({.takes = seconds(1 + i % 5), .failures = {}});
  for (const World& world : {World{}, slow}) {
    const Timeline quick = Simulator(draft.problem, in_plan_order(), {}).play(world);
    const Timeline played = Simulator(asked, in_plan_order(), {}).play(world);
    EXPECT_EQ(quick.slots, played.slots);
    EXPECT_EQ(quick.elapsed, played.elapsed);
    EXPECT_EQ(quick.overlapped, played.overlapped);
  }
}

TEST(Simulate, WhatMayMeetAnEarlierTaskCommitsOnceThatHasEnded) {
  Draft draft;
  const auto a = draft.job(10), b = draft.job(2), c = draft.job(3);
  draft.needs(c, b);
  const auto played = [&](std::vector<Conflict> conflicts) {
    return show(Simulator(draft.problem, by_priority(3), {})
                    .play({.fates = {}, .conflicts = std::move(conflicts), .reviews = {}}));
  };
  EXPECT_EQ(played({}), "a 0-10/0 | b 0-2/1 | c 2-5/1");
  EXPECT_EQ(played({{a, b, false}}), "a 0-10/0 | b 0-2/1 | c 10-13/0");
  EXPECT_EQ(played({{a, b, true}}), "a 0-10/0 | b 10-12/0 | c 12-15/0");
}

TEST(Simulate, WhatMetThreeTimesWaitsUntilAllBeforeItHaveEnded) {
  Draft draft;
  const auto a = draft.job(1), b = draft.job(3), c = draft.job(5), d = draft.job(9),
             e = draft.job(20);
  const World twice{.fates = {}, .conflicts = {{a, e}, {b, e}}, .reviews = {}};
  EXPECT_EQ(show(Simulator(draft.problem, by_priority(5), {}).play(twice)),
            "a 0-1/4 | b 0-3/3 | c 0-5/2 | d 0-9/1 | e 3-23/0");
  const World thrice{.fates = {}, .conflicts = {{a, e}, {b, e}, {c, e}}, .reviews = {}};
  EXPECT_EQ(show(Simulator(draft.problem, by_priority(5), {}).play(thrice)),
            "a 0-1/4 | b 0-3/3 | c 0-5/2 | d 0-9/1 | e 9-29/0")
      << "though it never meets " << name(d);
}

TEST(Sketch, KnowsHowManyRunAtOnce) {
  Draft draft;
  for (int i = 0; i < 200; ++i) {
    const TaskId task = draft.job(1 + i * 31 % 17);
    for (const int back : {1 + i * 7 % 5, 2 + i * 3 % 11}) {
      if (i >= back) draft.needs(task, TaskId(static_cast<std::size_t>(i - back)));
    }
  }
  const std::vector<std::int64_t> priorities = critical_path_priorities(draft.problem);
  for (const std::uint32_t parallel : {1u, 3u, 200u}) {
    std::uint32_t lanes = 0;
    for (const Slot& slot : simulate(draft.problem, by_priority(parallel), priorities).slots)
      lanes = std::max(lanes, slot.lane + 1);
    EXPECT_EQ(Sketch(draft.problem, parallel).cost(priorities).most, lanes);
  }
}

// Graham (1966): with list schedules one slot more, or one wait less, can take longer. Nothing here
// promises otherwise: a forecast is made for exactly what is to run.
TEST(Simulate, MayTakeLongerWithFewerWaitsAsGrahamShowed) {
  Draft draft;
  const double lengths[] = {3, 2, 2, 2, 4, 4, 4, 4, 9};
  for (const double length : lengths) draft.job(length);
  for (std::size_t after = 4; after < 8; ++after) draft.needs(TaskId(after), TaskId(3));
  draft.needs(TaskId(8), TaskId(0));
  const std::vector<std::int64_t> list{9, 8, 7, 6, 5, 4, 3, 2, 1};
  EXPECT_EQ(simulate(draft.problem, by_priority(3), list).elapsed, seconds(12));
  EXPECT_EQ(simulate(draft.problem, by_priority(4), list).elapsed, seconds(15));
  std::erase_if(draft.problem.links, [](const Link& link) {
    return link.after == TaskId(4) || link.after == TaskId(5);
  });
  EXPECT_EQ(simulate(draft.problem, by_priority(3), list).elapsed, seconds(16));
}

TEST(LowerBound, IsTheTightestOfChainSlotsAndCapacities) {
  Draft draft;
  const auto disk = draft.capacity(2);
  for (int i = 0; i < 5; ++i) draft.job(2, {{disk, 1}});
  EXPECT_EQ(lower_bound(draft.problem, by_priority(1)), seconds(10));
  EXPECT_EQ(lower_bound(draft.problem, by_priority(5)), seconds(5));
}

/// Says yes so often, and then no.
std::function<bool()> tries(int count) {
  return [count]() mutable { return count-- > 0; };
}

Draft packing() {
  Draft draft;
  const auto slots = draft.capacity(4), disk = draft.capacity(3);
  const double lengths[] = {7, 3, 5, 2, 8, 4, 6, 3, 5, 9, 2, 4};
  std::int64_t i = 0;
  for (const double length : lengths) {
    const TaskId task = draft.job(length, {{slots, 1 + i % 3}, {disk, 1 + (i * 5) % 2}});
    if (i >= 4) draft.needs(task, TaskId(static_cast<std::size_t>(i - 4)));
    ++i;
  }
  return draft;
}

TEST(Improve, EndsAtOnceWhereNothingCanBeShorter) {
  Draft draft;
  for (const double length : {45., 30., 20.}) draft.job(length);
  const Improved found = improve(draft.problem, by_priority(3),
                                 [] { return ADD_FAILURE() << "asked for more", false; });
  EXPECT_EQ(found.elapsed, seconds(45));
  EXPECT_EQ(found.tried, 1u);
}

TEST(Improve, FindsAShorterOrderAndForetellsWhatTheSchedulerWillDo) {
  const Draft draft = packing();
  const Improved plain = improve(draft.problem, by_priority(12), tries(0));
  const Improved found = improve(draft.problem, by_priority(12), tries(500));
  EXPECT_LT(found.elapsed, plain.elapsed);
  EXPECT_GE(found.elapsed, lower_bound(draft.problem, by_priority(12)));
  EXPECT_EQ(found.elapsed, simulate(draft.problem, by_priority(12), found.priorities).elapsed);
}

TEST(Improve, IsTheSameForTheSameNumberOfTries) {
  const Draft draft = packing();
  EXPECT_EQ(improve(draft.problem, by_priority(12), tries(40)).priorities,
            improve(draft.problem, by_priority(12), tries(40)).priorities);
}

TEST(Improve, WorksWithQuotasAndTasksThatRunAlone) {
  Draft draft = packing();
  const auto api =
      draft.quota({.requests = per_second(1), .input_tokens = {}, .output_tokens = {}, .usd = {}});
  for (Job& job : draft.problem.jobs) job.costs = {{.quota = api, .requests = 4}};
  draft.problem.jobs[6].exclusive = true;
  const Duration plain = simulate(draft.problem, by_priority(3), {}).elapsed;
  EXPECT_LE(improve(draft.problem, by_priority(3), tries(50)).elapsed, plain);
}

}  // namespace
}  // namespace interlock::schedule
