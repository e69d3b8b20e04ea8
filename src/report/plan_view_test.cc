#include "report/plan_view.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "support/plan_builder.h"

namespace interlock::report {
namespace {

using testing_support::PlanBuilder;

std::string screen(const PlanBuilder& builder, const PlanScreen& wanted) {
  const plan::Plan& plan = builder.plan();
  const footprint::Interlocking interlocking = plan::interlocking_of(plan);
  const std::vector<decide::Expected> expected = decide::expect(plan, {});
  // The first line break lets the text below start at its own margin.
  return "\n" + render_plan(plan, interlocking, expected,
                            decide::decide(plan, interlocking, expected, {}), wanted);
}

PlanBuilder morning_review() {
  PlanBuilder plan("morning-review");
  plan.agent("claude", plan::AgentKind::claude_code);
  plan.task("research-auth").by("claude").reads("src/auth/**").json().takes("45s").tokens(15000);
  plan.task("review-pr").by("claude").reads("src/**").json().takes("30s").tokens(10000);
  plan.task("write-notes").by("claude").writes("notes/**").takes("20s").tokens(6000);
  return plan;
}

TEST(PlanView, ThreeTasksOneBelowTheOtherOn80Columns) {
  EXPECT_EQ(
      screen(morning_review(), {.columns = 80, .color = false, .unicode = true, .full = true}), R"(
morning-review · 3 tasks · parallel, 3 at once · 45 s instead of 95 s

                                 sequential
  research-auth  45 s  15k + 5k  ██████████████████
  review-pr      30 s  10k + 5k                    ███████████
  write-notes    20 s  6k + 5k                                ████████
                                 ├───────────────────────────────────┤ 95 s

                                 ▸ parallel, 3 at once
  research-auth                  ██████████████████
  review-pr                      ████████████
  write-notes                    ████████
                                 ├────────────────┤ 45 s

                                 queue of 2
  research-auth                  ██████████████████
  review-pr                      ████████████
  write-notes                                ███████
                                 ├─────────────────┤ 50 s

                       estimated   half by  9 in 10 by          tokens     cost
  sequential                95 s  2 m 01 s    2 m 52 s  46k (33 % tax)  unknown
▸ parallel, 3 at once       45 s      69 s       107 s  46k (33 % tax)  unknown
  queue of 2                50 s      74 s       107 s  46k (33 % tax)  unknown
  one agent for all         95 s  2 m 01 s    2 m 52 s           83.5k  unknown
  A task's tokens are its work; the tax of dispatching it is added (assumed: 3k
  to start an agent, 2k to return)
  Of them from the prompt cache, for a tenth of the price: sequential 6k,
  parallel 0, queue 3k
  One agent for all is started once, but reads what its context holds again with
  each call: 47.5k from the cache

Is it worth it?
      95 s   one task after the other
  -   45 s   the longest chain of tasks
  -    0 s   waiting for slots and capacities: none
  -    0 s   repairing conflicts: none can happen, tasks that meet wait for each
             other
  -    0 s   joining by hand: nothing; coordinators are tasks of the plan
  =   50 s   saved, if the estimates come true
      10 s   asked for by `limits.min_saving`
    48.6 s   saved on average of 32 draws, of 120 s

Decision: parallel, 3 at once
  ✓ independent  3 of 3 tasks touch nothing in common
  ✓ mergeable    nothing has to be joined by hand
  ✓ worth it     it saves 50 s of 95 s, where 10 s would do
  • All 3 tasks run at once: 45 s instead of 95 s, 50 s saved
  • Not counted: how calls at the same time slow each other (never measured)
)");
}

TEST(PlanView, ThreeTasksSideBySideOn120Columns) {
  EXPECT_EQ(
      screen(morning_review(), {.columns = 120, .color = false, .unicode = true, .full = true}), R"(
morning-review · 3 tasks · parallel, 3 at once · 45 s instead of 95 s

                                 sequential                   ▸ parallel, 3 at once        queue of 2
  research-auth  45 s  15k + 5k  ████████                     ████████                     ████████
  review-pr      30 s  10k + 5k          █████                █████                        █████
  write-notes    20 s  6k + 5k                ████            ████                              ████
                                 ├───────────────┤ 95 s       ├──────┤ 45 s                ├───────┤ 50 s

                       estimated   half by  9 in 10 by          tokens     cost
  sequential                95 s  2 m 01 s    2 m 52 s  46k (33 % tax)  unknown
▸ parallel, 3 at once       45 s      69 s       107 s  46k (33 % tax)  unknown
  queue of 2                50 s      74 s       107 s  46k (33 % tax)  unknown
  one agent for all         95 s  2 m 01 s    2 m 52 s           83.5k  unknown
  A task's tokens are its work; the tax of dispatching it is added (assumed: 3k to start an agent, 2k to return)
  Of them from the prompt cache, for a tenth of the price: sequential 6k, parallel 0, queue 3k
  One agent for all is started once, but reads what its context holds again with each call: 47.5k from the cache

Is it worth it?
      95 s   one task after the other
  -   45 s   the longest chain of tasks
  -    0 s   waiting for slots and capacities: none
  -    0 s   repairing conflicts: none can happen, tasks that meet wait for each other
  -    0 s   joining by hand: nothing; coordinators are tasks of the plan
  =   50 s   saved, if the estimates come true
      10 s   asked for by `limits.min_saving`
    48.6 s   saved on average of 32 draws, of 120 s

Decision: parallel, 3 at once
  ✓ independent  3 of 3 tasks touch nothing in common
  ✓ mergeable    nothing has to be joined by hand
  ✓ worth it     it saves 50 s of 95 s, where 10 s would do
  • All 3 tasks run at once: 45 s instead of 95 s, 50 s saved
  • Not counted: how calls at the same time slow each other (never measured)
)");
}

TEST(PlanView, AConflictInPlainAscii) {
  PlanBuilder plan("notes");
  plan.task("research-auth").reads("src/auth/**").takes("45s");
  plan.task("review-pr").writes("notes/**").takes("30s");
  plan.task("write-notes").writes("notes/**").takes("20s");
  plan.task("migrate").unknown().takes("5s");
  EXPECT_EQ(screen(plan, {.columns = 100, .color = false, .unicode = false, .full = true}), R"(
notes - 4 tasks - parallel, 2 at once - 55 s instead of 100 s

                       sequential                > parallel, 2 at once     queue of 1
  research-auth  45 s  ######                    ######                        #######
  review-pr      30 s        #####               ####                      ####
  write-notes    20 s             ##                 ###                              ##
  migrate         5 s               #                   #                               #
                       |------------| 100 s      |------| 55 s             |------------| 100 s

                       estimated   half by  9 in 10 by  tokens
  sequential               100 s  2 m 03 s    2 m 58 s       0
> parallel, 2 at once       55 s      84 s    2 m 15 s       0
  queue of 1               100 s  2 m 03 s    2 m 58 s       0

Is it worth it?
     100 s   one task after the other
  -   55 s   the longest chain, with the tasks that run alone
  -    0 s   waiting for slots and capacities: none
  -    0 s   repairing conflicts: none can happen, tasks that meet wait for each other
  -    0 s   joining by hand: nothing; coordinators are tasks of the plan
  =   45 s   saved, if the estimates come true
      10 s   asked for by `limits.min_saving`
    34.7 s   saved on average of 32 draws, of 2 m 07 s

Who waits for whom
  * `review-pr` and `write-notes` both write `notes/**`

What would let more overlap
  * `review-pr` and `write-notes` both write `notes/**`: give each its own file (saves 5 s)
  * `migrate` declares neither reads nor writes, so it runs alone: declare them

Decision: parallel, 2 at once
  + independent  1 of 4 tasks touches nothing in common; `review-pr` and `write-notes` both write
                 `notes/**`; `migrate` may touch anything
  + mergeable    nothing has to be joined by hand
  + worth it     it saves 45 s of 100 s, where 10 s would do
  * Up to 2 of 4 tasks run at once: 55 s instead of 100 s, 45 s saved
  * `migrate` runs alone, in plan order: it declares neither reads nor writes, so it may touch
    anything
)");
}

TEST(PlanView, ProseThatNobodyMerges) {
  PlanBuilder plan("prose");
  plan.agent("claude", plan::AgentKind::claude_code);
  for (const char* id : {"research-a", "research-b"})
    plan.task(id).by("claude").reads("src/**").prose();
  EXPECT_EQ(screen(plan, {.columns = 120, .color = false, .unicode = true, .full = true}), R"(
prose · 2 tasks · sequential · 2 m 00 s

                            ▸ sequential                   parallel, 2 at once            queue of 1
  research-a  60 s  ? + 5k  ██████████                     ██████████                     ██████████
  research-b  60 s  ? + 5k            █████████            ██████████                               █████████
                            ├─────────────────┤ 2 m 00 s   ├────────┤ 60 s                ├─────────────────┤ 2 m 00 s

                       estimated   half by  9 in 10 by        tokens     cost
▸ sequential            2 m 00 s  2 m 26 s    3 m 44 s  at least 10k  unknown
  parallel, 2 at once   7 m 00 s  7 m 41 s    9 m 05 s  at least 10k  unknown
  queue of 1            2 m 00 s  2 m 26 s    3 m 44 s  at least 10k  unknown
  one agent for all     2 m 00 s  2 m 26 s    3 m 44 s       unknown  unknown
  A task's tokens are its work; the tax of dispatching it is added (assumed: 3k to start an agent, 2k to return)
  Of them from the prompt cache, for a tenth of the price: sequential 3k, parallel 0, queue 3k

Is it worth it?
    2 m 00 s   one task after the other
  - 2 m 00 s   the longest chain, with the tasks that run alone
  -      0 s   waiting for slots and capacities: none
  -      0 s   repairing conflicts: none can happen, tasks that meet wait for each other
  -      0 s   joining by hand: nothing; coordinators are tasks of the plan
  =      0 s   saved, if the estimates come true
        12 s   asked for: a tenth of the time in sequence
         0 s   saved on average of 32 draws, of 2 m 34 s

What would let more overlap
  • `research-a` and `research-b` return prose that nobody merges: give each an output schema, or join them with a
    `with: agent` merge (saves 60 s)

Warnings
  • `research-a` and `research-b` have no estimate and no history: 60 s each is assumed

Decision: sequential
  ✓ independent  2 of 2 tasks touch nothing in common
  ✗ mergeable    joining what `research-a` and `research-b` return by hand would take 6 m 00 s (3 m 00 s each, assumed),
                 more than overlapping saves
  ✗ worth it     it saves nothing, under a tenth (12 s)
  • Tasks run one by one in plan order: overlapping is not mergeable and not worth it
)");
}

TEST(PlanView, AQueueForSlotsWithMoreTasksThanFit) {
  PlanBuilder plan("train");
  plan.slots("gpu", 2).lock("db");
  for (int i = 0; i < 20; ++i) {
    auto task = plan.task(fmt::format("train-{}", i));
    task.writes(fmt::format("model/{}", i)).uses("gpu").takes(fmt::format("{}s", 10 + i * 7 % 23));
    if (i % 2 == 0) task.uses("db");
  }
  EXPECT_EQ(screen(plan, {.columns = 140, .color = false, .unicode = true, .full = true}), R"(
train · 20 tasks · queue of 4 · 3 m 34 s instead of 7 m 06 s

                  sequential                               parallel, 2 at once                      ▸ queue of 4
  train-1   17 s   █                                                   █                                        █
  train-2   24 s    █                                       █                                        █
  train-3   31 s     ███                                     ██                                       ██
  train-5   22 s         █                                           █                                        █
  train-6   29 s          ██                                  ██                                       ██
  train-8   20 s             █                                  ██                                       ██
  train-9   27 s              ██                                 ██                                       ██
  train-11  18 s                 █                                    █                                        █
  train-12  25 s                  ██                              ██                                       ██
  train-13  32 s                    ██                     ██                                       ██
  train-14  16 s                      █                             █                                        █
  train-15  23 s                       ██                          ██                                       ██
  train-16  30 s                         ██                          ██                                       ██
  train-18  21 s                            █                          ██                                       ██
  train-19  28 s                             ██                ██                                       ██
                  ├───────────────────────────┤ 7 m 06 s   ├─────────────┤ 3 m 34 s                 ├─────────────┤ 3 m 34 s
  the 15 longest tasks, and 5 more

                       estimated   half by  9 in 10 by  tokens
  sequential            7 m 06 s  9 m 02 s   11 m 03 s       0
  parallel, 2 at once   3 m 34 s  4 m 45 s    5 m 58 s       0
▸ queue of 4            3 m 34 s  4 m 45 s    5 m 58 s       0

Is it worth it?
    7 m 06 s   one task after the other
  - 3 m 21 s   the longest chain of tasks
  -     13 s   waiting for slots, capacities and people
  -      0 s   repairing conflicts: none can happen, tasks that meet wait for each other
  -      0 s   joining by hand: nothing; coordinators are tasks of the plan
  = 3 m 32 s   saved, if the estimates come true
      42.6 s   asked for: a tenth of the time in sequence
    4 m 13 s   saved on average of 32 draws, of 9 m 03 s

Who waits for whom
  • `train-0` and `train-2` both use the lock `db`
  • `train-2` and `train-4` both use the lock `db`
  • `train-4` and `train-6` both use the lock `db`
  • `train-6` and `train-8` both use the lock `db`
  • `train-8` and `train-10` both use the lock `db`
  • `train-10` and `train-12` both use the lock `db`
  • `train-12` and `train-14` both use the lock `db`
  • `train-14` and `train-16` both use the lock `db`
    and 1 more

What would let more overlap
  • `gpu` holds tasks back: it would have to have a capacity above 2 (saves 13 s)
  • `train-0`, `train-2` and 8 more all use the lock `db`: make it `slots` if it can serve more than one (saves 1 s)
  • 11 could run at once: raise `limits.parallel` from 4

Decision: queue of 4
  ✓ independent  10 of 20 tasks touch nothing in common; `train-0` and `train-2` both use the lock `db`; `train-2` and `train-4` both use
                 the lock `db`; and 7 more
  ✓ mergeable    nothing has to be joined by hand
  ✓ worth it     it saves 3 m 32 s of 7 m 06 s, where 42.6 s would do
  • At most 4 of 20 tasks run at once: 3 m 34 s instead of 7 m 06 s, 3 m 32 s saved
  • 11 could run at once, more than the 4 that `limits.parallel` allows
)");
}

TEST(PlanView, TooManyTasksToDrawAreSummedUp) {
  PlanBuilder plan("many");
  for (int i = 0; i < 1001; ++i) plan.task(fmt::format("t{}", i)).takes("1s");
  const std::string text =
      screen(plan, {.columns = 80, .color = false, .unicode = true, .full = true});
  EXPECT_EQ(text.find("█"), std::string::npos);
  EXPECT_LT(std::ranges::count(text, '\n'), 40);
}

TEST(PlanView, NothingIsWiderThanTheScreen) {
  for (const std::size_t columns : {80u, 99u, 100u, 140u}) {
    const std::string text = screen(
        morning_review(), {.columns = columns, .color = false, .unicode = false, .full = true});
    for (std::size_t from = 0, to = 0; to != std::string::npos; from = to + 1) {
      to = text.find('\n', from);
      EXPECT_LE(text.substr(from, to - from).size(), columns) << text.substr(from, to - from);
    }
  }
}

/// Forty tasks, with all that a page can be about.
PlanBuilder crowded() {
  PlanBuilder plan("a-plan-with-quite-a-long-name-for-a-narrow-terminal");
  plan.agent("claude", plan::AgentKind::claude_code);
  plan.slots("gpu", 2).lock("db");
  for (int i = 0; i < 40; ++i) {
    auto task = plan.task(fmt::format("a-task-with-a-long-name-{}", i));
    task.by("claude").prose().reads("src/**").takes(fmt::format("{}s", 100 + i));
    if (i % 5 == 0) task.uses("db");
    if (i % 7 == 0) task.writes("notes/**").gate_before();
  }
  plan.task("anything").by("claude").unknown();
  return plan;
}

std::size_t widest(const std::string& text) {
  std::size_t most = 0;
  for (std::size_t from = 0, to = 0; to != std::string::npos; from = to + 1) {
    to = text.find('\n', from);
    most = std::max(most, display_width(text.substr(from, to - from)));
  }
  return most;
}

TEST(PlanView, FitsAScreenAndEndsWithTheDecision) {
  for (const PlanBuilder& plan : {morning_review(), crowded()}) {
    const std::string text = screen(plan, {.columns = 80, .color = false, .unicode = false});
    EXPECT_LE(std::ranges::count(text, '\n') - 1, 24) << text;
    EXPECT_LE(widest(text), 80u) << text;
    const std::size_t decision = text.find("\nDecision: ");
    ASSERT_NE(decision, std::string::npos) << text;
    EXPECT_EQ(text.find("\n\n", decision + 1), std::string::npos) << "nothing comes after it";
  }
}

TEST(PlanView, TheWholePageEndsWithTheDecisionToo) {
  const std::string text =
      screen(crowded(), {.columns = 80, .color = false, .unicode = false, .full = true});
  const std::size_t decision = text.find("\nDecision: ");
  ASSERT_NE(decision, std::string::npos);
  EXPECT_EQ(text.find("\n\n", decision + 1), std::string::npos) << text.substr(decision);
}

TEST(PlanView, NarrowTerminalsLoseColumnsNotSense) {
  for (const std::size_t columns : {60u, 40u, 30u, 20u}) {
    for (const bool full : {false, true}) {
      const std::string text =
          screen(crowded(), {.columns = columns, .color = false, .unicode = false, .full = full});
      EXPECT_LE(widest(text), std::max<std::size_t>(columns, 38)) << text;
      EXPECT_TRUE(full || std::ranges::count(text, '\n') - 1 <= 26) << text;
    }
  }
}

TEST(PlanView, NoTimeIsBrokenAndTheHeadlineLosesItsEndAsAWhole) {
  for (std::size_t columns = 40; columns <= 90; ++columns) {
    for (const PlanBuilder& plan : {morning_review(), crowded()}) {
      const std::string text = screen(plan, {.columns = columns, .color = false, .unicode = false});
      for (const std::string_view line : split_lines(text)) {
        const std::size_t begin = std::min(line.find_first_not_of(' '), line.size());
        const std::string_view word = line.substr(begin, line.find_first_of(" ,", begin) - begin);
        EXPECT_FALSE(word == "s" || word == "m") << line << " at " << columns;
      }
    }
  }
  const std::string narrow =
      screen(morning_review(), {.columns = 60, .color = false, .unicode = true});
  EXPECT_TRUE(narrow.starts_with("\nmorning-review · 3 tasks · parallel, 3 at once · 45 s\n"))
      << narrow;
}

TEST(PlanView, ThreeTasksOnOneScreen) {
  EXPECT_EQ(screen(morning_review(), {.columns = 80, .color = false, .unicode = true}), R"(
morning-review · 3 tasks · parallel, 3 at once · 45 s instead of 95 s

  research-auth  45 s  15k + 5k  █████████████████████████████████████
  review-pr      30 s  10k + 5k  █████████████████████████
  write-notes    20 s  6k + 5k   ████████████████
                                 ├───────────────────────────────────┤ 45 s

                       estimated   half by  9 in 10 by          tokens     cost
  sequential                95 s  2 m 01 s    2 m 52 s  46k (33 % tax)  unknown
▸ parallel, 3 at once       45 s      69 s       107 s  46k (33 % tax)  unknown
  queue of 2                50 s      74 s       107 s  46k (33 % tax)  unknown
  one agent for all         95 s  2 m 01 s    2 m 52 s           83.5k  unknown

Decision: parallel, 3 at once
  ✓ independent  3 of 3 tasks touch nothing in common
  ✓ mergeable    nothing has to be joined by hand
  ✓ worth it     it saves 50 s of 95 s, where 10 s would do
  • All 3 tasks run at once: 45 s instead of 95 s, 50 s saved
  • Not counted: how calls at the same time slow each other (never measured)
  • With `--full`: the arithmetic
)");
}

TEST(PlanView, ColourIsOnlyAddedNeverMeant) {
  std::string text =
      screen(morning_review(), {.columns = 80, .color = true, .unicode = true, .full = true});
  for (std::size_t at = text.find('\x1b'); at != std::string::npos; at = text.find('\x1b'))
    text.erase(at, text.find('m', at) - at + 1);
  EXPECT_EQ(text, screen(morning_review(),
                         {.columns = 80, .color = false, .unicode = true, .full = true}));
}

}  // namespace
}  // namespace interlock::report
