#include <fmt/format.h>
#include <gmock/gmock.h>

#include <random>

#include "decide/decision.h"
#include "decide/draws.h"
#include "support/plan_builder.h"

namespace interlock::decide {
namespace {

using testing_support::PlanBuilder;

Decision decided(const PlanBuilder& builder, const Options& options = {}) {
  const plan::Plan& plan = builder.plan();
  return decide(plan, plan::interlocking_of(plan), expect(plan, {}), options);
}

std::string show(const Forecast& forecast) {
  return fmt::format("{} s with {}", to_seconds(forecast.elapsed), forecast.n);
}

/// The whole decision, for one comparison.
std::string show(const Decision& it) {
  std::string text = fmt::format("{}, {} at once\n", name_of(it.pattern), it.n);
  text += fmt::format("sequential {}, parallel {}, queue {}\n", show(it.sequential),
                      show(it.parallel), show(it.queue));
  const auto add = [&](const char* name, const Test& test) {
    text += fmt::format("{} {}: {}\n", test.holds ? "+" : "-", name, test.why);
  };
  add("independent", it.independent);
  add("mergeable", it.mergeable);
  add("worth it", it.worthwhile);
  for (const std::string& line : it.reasons) text += "reason: " + line + "\n";
  for (const std::string& line : it.changes) text += "change: " + line + "\n";
  for (const std::string& line : it.warnings) text += "warning: " + line + "\n";
  return text;
}

PlanBuilder three_tasks() {
  PlanBuilder plan("morning-review");
  plan.task("research-auth").reads("src/auth/**").takes("45s");
  plan.task("review-pr").reads("src/**").takes("30s");
  plan.task("write-notes").writes("notes/**").takes("20s");
  return plan;
}

TEST(Decide, ThreeIndependentTasksRunAtOnce) {
  EXPECT_EQ(show(decided(three_tasks())), R"(parallel, 3 at once
sequential 95 s with 1, parallel 45 s with 3, queue 50 s with 2
+ independent: 3 of 3 tasks touch nothing in common
+ mergeable: nothing has to be joined by hand
+ worth it: it saves 50 s of 95 s, where 10 s would do
reason: All 3 tasks run at once: 45 s instead of 95 s, 50 s saved
)");
}

TEST(Decide, WhatNobodySaidOfTasksInViewsIsWhyTheyWait) {
  PlanBuilder plan("views");
  for (const char* id : {"sign", "title"}) plan.task(id).in(plan::Isolation::view).unknown();
  EXPECT_EQ(decided(plan).independent.why,
            "each task waits for the one before it; nobody said what `sign` and `title` touch");
}

TEST(Decide, TasksThatAllTouchWhatOthersDoMayStillOverlapInPart) {
  PlanBuilder plan("brief");
  plan.task("brief").writes("brief.md").takes("60s");
  for (const char* id : {"a", "b", "c"}) plan.task(id).reads("brief.md").takes("60s");
  const Decision it = decided(plan);
  EXPECT_TRUE(it.independent.holds);
  EXPECT_THAT(it.independent.why, testing::StartsWith("some of 4 tasks may overlap; `a` reads"));
}

TEST(Decide, TriesArePricedInTokensAndTheFirstOrTheSlowestInTime) {
  PlanBuilder builder("tries");
  for (const char* id : {"fix.1", "fix.2", "fix.3"})
    builder.task(id).in(plan::Isolation::view).writes("a").takes("60s").tokens(1000);
  builder.task("fix.judge").in(plan::Isolation::view).takes("10s").tokens(500);
  builder.task("fix").in(plan::Isolation::view).writes("a").takes("60s").tokens(1000);
  plan::Plan plan = builder.plan();
  const TaskId fix(4);
  plan.tasks[4].tries = plan.tasks[4].after = {TaskId(0), TaskId(1), TaskId(2)};
  for (std::size_t i = 0; i < 3; ++i) plan.tasks[i].try_of = fix;
  const auto decide_it = [&] {
    return decide(plan, plan::interlocking_of(plan), expect(plan, {}), Options{});
  };
  plan.tasks[3].estimate = {};
  const Decision first = decide_it();
  EXPECT_EQ(to_seconds(first.sequential.elapsed), 65) << "those after a good one never begin";
  plan.tasks[4].judge = TaskId(3);
  plan.tasks[4].needs = {TaskId(3)};
  plan.tasks[3].judge_of = fix;
  plan.tasks[3].after = plan.tasks[4].tries;
  plan.tasks[3].estimate.time = std::chrono::seconds(10);
  plan.tasks[3].estimate.tokens = 500;
  const Decision judged = decide_it();
  EXPECT_EQ(to_seconds(judged.sequential.elapsed), 190);
  EXPECT_EQ(to_seconds(judged.parallel.elapsed), 70) << "the slowest and the judge";
  EXPECT_THAT(judged.reasons,
              testing::Contains(testing::HasSubstr(
                  "`fix` is tried 3 times, and the one its judge picks counts: 23.5k tokens, "
                  "where one try takes 6k")));
}

TEST(Decide, TheCapMakesAQueueOfAllItsSlotsForTheyAreFree) {
  PlanBuilder plan("batch");
  plan.task("long").takes("60s");
  for (int i = 0; i < 6; ++i) plan.task(fmt::format("short-{}", i)).takes("10s");
  EXPECT_EQ(show(decided(plan)), R"(queue, 4 at once
sequential 120 s with 1, parallel 60 s with 4, queue 60 s with 4
+ independent: 7 of 7 tasks touch nothing in common
+ mergeable: nothing has to be joined by hand
+ worth it: it saves 60 s of 2 m 00 s, where 12 s would do
reason: At most 4 of 7 tasks run at once: 60 s instead of 2 m 00 s, 60 s saved
reason: 7 could run at once, more than the 4 that `limits.parallel` allows
change: `long` takes 60 s of 60 s: cut it into 2 tasks that touch different files (saves 30 s)
change: 7 could run at once: raise `limits.parallel` from 4
)");
}

TEST(Decide, ProseThatNobodyMergesRunsAlone) {
  PlanBuilder plan("prose");
  plan.task("a").prose().takes("60s");
  plan.task("b").prose().takes("60s");
  plan.task("c").json().takes("60s");
  plan.merge("all", plan::Merge::With::concat, {"a", "b"});
  EXPECT_EQ(show(decided(plan)), R"(sequential, 1 at once
sequential 180 s with 1, parallel 60 s with 3, queue 120 s with 2
+ independent: 3 of 3 tasks touch nothing in common
- mergeable: joining what `a` and `b` return by hand would take 6 m 00 s (3 m 00 s each, assumed), more than overlapping saves
- worth it: it saves nothing, under a tenth (18 s)
reason: Tasks run one by one in plan order: overlapping is not mergeable and not worth it
change: `a` and `b` return prose that nobody merges: give each an output schema, or join them with a `with: agent` merge (saves 2 m 00 s)
)");
  EXPECT_EQ(
      decided(plan).verdicts[0].why,
      "its output is prose, which `concat` strings together but does not join: joining it would "
      "take 3 m 00 s");
}

TEST(Decide, ProseThatACoordinatorJoinsMayOverlap) {
  PlanBuilder plan("prose");
  plan.task("a").prose().takes("60s");
  plan.task("b").prose().takes("60s");
  plan.merge("all", plan::Merge::With::agent, {"a", "b"});
  EXPECT_EQ(decided(plan).pattern, Pattern::parallel);
}

TEST(Decide, JsonWithoutASchemaNeedsAMergeThatGivesItAForm) {
  PlanBuilder plan("json");
  plan.task("a").json("").takes("60s");
  plan.task("b").json("").takes("60s");
  EXPECT_EQ(decided(plan).pattern, Pattern::sequential);
  plan.merge("all", plan::Merge::With::table, {"a", "b"});
  EXPECT_EQ(decided(plan).pattern, Pattern::parallel);
}

TEST(Decide, AnUnknownFootprintRunsAloneWhateverIsAskedFor) {
  PlanBuilder plan("unknown");
  plan.task("a").takes("60s");
  plan.task("b").takes("60s");
  plan.task("migrate").unknown().takes("60s");
  EXPECT_EQ(show(decided(plan, {.pattern = Pattern::parallel, .parallel = {}, .more = {}})),
            R"(parallel, 2 at once
sequential 180 s with 1, parallel 120 s with 2, queue 180 s with 1
+ independent: 2 of 3 tasks touch nothing in common; `migrate` may touch anything
+ mergeable: nothing has to be joined by hand
+ worth it: it saves 60 s of 3 m 00 s, where 18 s would do
reason: You asked for `--pattern parallel`
reason: Proven conflicts stay: tasks that meet still wait for each other
reason: Up to 2 of 3 tasks run at once: 2 m 00 s instead of 3 m 00 s, 60 s saved
reason: `migrate` runs alone, in plan order: it declares neither reads nor writes, so it may touch anything
change: `migrate` declares neither reads nor writes, so it runs alone: declare them
)");
}

TEST(Decide, AConflictIsSaidWithWhatWouldPartIt) {
  PlanBuilder plan("conflict");
  plan.task("review-pr").writes("notes/**").takes("30s");
  plan.task("write-notes").writes("notes/**").takes("30s");
  EXPECT_EQ(show(decided(plan)), R"(sequential, 1 at once
sequential 60 s with 1, parallel 60 s with 1, queue 60 s with 1
- independent: each task waits for the one before it; `review-pr` and `write-notes` both write `notes/**`
+ mergeable: nothing has to be joined by hand
- worth it: it saves nothing, under the 10 s that `limits.min_saving` asks for
reason: Tasks run one by one in plan order: overlapping is not possible and not worth it
change: `review-pr` and `write-notes` both write `notes/**`: give each its own file (saves 30 s)
)");
}

TEST(Decide, TasksOfWhichEachMeetsAnotherMayOverlapAndThatIsNoContradiction) {
  PlanBuilder plan("pairs");
  for (const char* id : {"a", "b", "c", "d"})
    plan.task(id).writes(std::string(*id < 'c' ? "x" : "y")).takes("30s");
  const auto test = decided(plan).independent;
  EXPECT_TRUE(test.holds);
  EXPECT_EQ(test.why,
            "some of 4 tasks may overlap; `a` and `b` both write `x`; "
            "`c` and `d` both write `y`");
}

TEST(Decide, ASavingUnderWhatIsAskedForIsNotWorthIt) {
  PlanBuilder plan("short");
  plan.task("a").takes("4s");
  plan.task("b").takes("4s");
  EXPECT_EQ(show(decided(plan)), R"(sequential, 1 at once
sequential 8 s with 1, parallel 4 s with 2, queue 8 s with 1
+ independent: 2 of 2 tasks touch nothing in common
+ mergeable: nothing has to be joined by hand
- worth it: it saves 4 s of 8 s, under the 10 s that `limits.min_saving` asks for
reason: Tasks run one by one in plan order: overlapping is not worth it
change: saving 4 s is under the 10 s that `limits.min_saving` asks for: lower it, or ask with `--pattern parallel`
)");
  EXPECT_EQ(decided(plan, {.pattern = Pattern::parallel, .parallel = {}, .more = {}}).pattern,
            Pattern::parallel);
}

TEST(Decide, SlotsThatBindNeedNoQueue) {
  PlanBuilder plan("train");
  plan.slots("gpu", 2);
  for (int i = 0; i < 4; ++i)
    plan.task(fmt::format("train-{}", i)).writes(fmt::format("m/{}", i)).uses("gpu").takes("30s");
  EXPECT_EQ(show(decided(plan)), R"(parallel, 2 at once
sequential 120 s with 1, parallel 60 s with 2, queue 120 s with 1
+ independent: 4 of 4 tasks touch nothing in common
+ mergeable: nothing has to be joined by hand
+ worth it: it saves 60 s of 2 m 00 s, where 12 s would do
reason: Up to 2 of 4 tasks run at once: 60 s instead of 2 m 00 s, 60 s saved
change: `gpu` holds tasks back: it would have to have a capacity above 2 (saves 30 s)
)");
}

TEST(Decide, AQuotaThatBindsIsPartOfTheArithmetic) {
  PlanBuilder plan("quota");
  plan.quota("api", {.requests = {},
                     .input_tokens = Rate{60000, std::chrono::minutes(1)},
                     .output_tokens = {},
                     .usd = {}});
  for (int i = 0; i < 4; ++i)
    plan.task(fmt::format("ask-{}", i)).draws("api", 30000, 0).takes("20s");
  EXPECT_EQ(show(decided(plan)), R"(queue, 2 at once
sequential 110 s with 1, parallel 110 s with 1, queue 110 s with 2
+ independent: 4 of 4 tasks touch nothing in common; the quotas admit it all in 110 s
+ mergeable: nothing has to be joined by hand
+ worth it: it saves nothing, but on average it saves 13.9 s of 2 m 14 s, where 13.4 s would do
reason: At most 2 of 4 tasks run at once: 110 s instead of 110 s
reason: The quotas admit the whole in 110 s, which is longer than the longest chain of tasks (20 s)
reason: The quota `api` admits no more: with 4 slots instead of 2 tasks would only wait for it
change: `api` holds tasks back: it would have to admit more at a time (saves 90 s)
)");
}

TEST(Decide, TheTaxIsShownAndAboveAThirdItIsAWarning) {
  PlanBuilder plan("tiny");
  plan.agent("claude", plan::AgentKind::claude_code);
  for (const char* id : {"a", "b"}) plan.task(id).by("claude").takes("30s").tokens(4000);
  plan.task("format").takes("1s");
  const Decision decision = decided(plan);
  EXPECT_EQ(decision.parallel.tokens, 18000);
  EXPECT_EQ(decision.parallel.overhead_tokens, 10000);
  EXPECT_THAT(
      decision.warnings,
      testing::ElementsAre("The dispatch tax is 10k of 18k tokens (56 %): 2 tasks of 30 s pay "
                           "5k of tax each: batch `a` and `b` into fewer, or let one agent "
                           "do them"));
}

TEST(Expect, WhatIsNotKnownIsNotZero) {
  PlanBuilder plan("unknown");
  plan.agent("claude", plan::AgentKind::claude_code);
  plan.task("model").by("claude");
  plan.task("command");
  plan.task("prompted").prompt("Do it");
  std::string text;
  for (const Expected& it : expect(plan.plan(), {})) {
    text += fmt::format(
        "{} s ({}), tokens {}, tax {}\n", to_seconds(it.time), name_of(it.time_from),
        it.tokens ? fmt::format("{}", *it.tokens) : "unknown", it.overhead_tokens.value_or(-1));
  }
  EXPECT_EQ(text,
            "60 s (prior), tokens unknown, tax 5000\n5 s (prior), tokens 0, tax 0\n60 s (prior), "
            "tokens unknown, tax 5000\n");
}

TEST(Expect, ThePlanGoesBeforeHistoryAndTheTaskBeforeItsAgent) {
  PlanBuilder plan("history");
  plan.agent("claude", plan::AgentKind::claude_code);
  plan.task("a").by("claude").takes("7s");
  plan.task("b").by("claude");
  plan.task("c").by("claude");
  History history;
  history.by_task["a\nclaude\n"] = {.time = std::chrono::seconds(1), .count = 3};
  history.by_task["b\nclaude\n"] = {.time = std::chrono::seconds(2), .tokens = 900, .count = 3};
  history.by_agent["claude\n"] = {
      .time = std::chrono::seconds(3), .spawn_tokens = 100, .return_tokens = 50, .count = 9};
  std::string text;
  for (const Expected& it : expect(plan.plan(), history)) {
    text += fmt::format("{} s ({}), tokens {}, tax {} ({})\n", to_seconds(it.time),
                        name_of(it.time_from), it.tokens.value_or(-1),
                        it.overhead_tokens.value_or(-1), name_of(it.overhead_from));
  }
  EXPECT_EQ(
      text,
      "7 s (plan), tokens -1, tax 150 (history)\n2 s (history), tokens 900, tax 150 (history)\n"
      "3 s (history), tokens -1, tax 150 (history)\n");
}

TEST(Decide, AmongViewsATaskInTheWorkspaceItselfRunsAlone) {
  PlanBuilder plan("mixed");
  plan.task("a").writes("x").takes("60s").in(plan::Isolation::view);
  plan.task("b").writes("y").takes("60s");
  plan.task("c").writes("z").takes("60s").in(plan::Isolation::view);
  const Decision it = decided(plan);
  EXPECT_EQ(it.verdicts[1].why, "it works in the workspace itself, of which others have views");
  Options options;
  options.pattern = Pattern::parallel;
  EXPECT_TRUE(decided(plan, options).verdicts[1].exclusive) << "no wish overrides that";
}

// --- N under uncertainty.

PlanBuilder slots_of_two_kinds() {
  PlanBuilder plan("slots");
  plan.slots("gpu", 2);
  plan.task("a").writes("o/a").uses("gpu", 2).takes("30s");
  plan.task("b").writes("o/b").uses("gpu", 1).takes("50s");
  plan.task("c").writes("o/c").uses("gpu", 1).takes("40s");
  plan.task("d").writes("o/d").takes("70s");
  plan.task("e").writes("o/e").takes("10s").needs("a");
  return plan;
}

TEST(Decide, TheOrderIsImprovedBeforeTheWidthIsChosen) {
  Options options;
  options.more = [left = 2000]() mutable { return left-- > 0; };
  const Decision it = decided(slots_of_two_kinds(), options);
  EXPECT_EQ(it.chosen().elapsed, std::chrono::seconds(80));
  EXPECT_GE(it.queue.elapsed, it.parallel.elapsed) << "fewer slots are never shown as faster";
}

/// Two dozen tasks of which half want slots, each after one of those before it.
PlanBuilder drawn_slots(std::uint32_t seed) {
  std::mt19937 random(seed);
  PlanBuilder plan("drawn");
  plan.slots("gpu", 4);
  plan.limits().parallel = 24;
  for (std::uint32_t i = 0; i < 24; ++i) {
    auto task = plan.task(fmt::format("t{}", i));
    task.writes(fmt::format("o/{}", i)).takes(fmt::format("{}s", 5 + random() % 115));
    if (random() % 2 == 0) task.uses("gpu", static_cast<std::int64_t>(1 + random() % 3));
    if (i > 0 && random() % 2 == 0) task.needs(fmt::format("t{}", random() % i));
  }
  return plan;
}

TEST(Decide, AnOrderThatIsBetterByTheEstimatesAloneIsNotTaken) {
  for (std::uint32_t seed = 1; seed <= 6; ++seed) {
    const PlanBuilder plan = drawn_slots(seed);
    const auto mean = [&](int orders) {
      Options options;
      options.pattern = Pattern::parallel;
      options.more = [orders]() mutable { return orders-- > 0; };
      return to_seconds(decided(plan, options).parallel.range.mean);
    };
    EXPECT_LE(mean(300), mean(0)) << "seed " << seed;
  }
}

TEST(Decide, ATaskThatMayBeShorterThanSaidTakesNoSlotFromOthers) {
  // By the estimates two slots are as fast as eight: one long task. Nobody knows that it is long.
  PlanBuilder plan("one-long");
  plan.limits().parallel = 8;
  plan.task("long").writes("o/l").takes("600s");
  for (int i = 0; i < 30; ++i)
    plan.task(fmt::format("t{}", i)).writes(fmt::format("o/{}", i)).takes("20s");
  EXPECT_EQ(decided(plan).n, 8);
}

TEST(Decide, TheSamePlanGetsTheSameForecast) {
  const Decision one = decided(slots_of_two_kinds()), two = decided(slots_of_two_kinds());
  EXPECT_EQ(one.chosen().range.p90, two.chosen().range.p90);
  EXPECT_GE(one.chosen().range.draws, 32u);
  EXPECT_LT(one.chosen().range.p50, one.chosen().range.p90);
  EXPECT_LT(one.sequential.range.p50, one.sequential.range.p90);
}

TEST(Decide, AHugePlanIsJudgedByFewerDraws) {
  EXPECT_EQ(draws_for(40), 32u);
  EXPECT_LT(draws_for(50'000), 8u);
  EXPECT_EQ(draws_for(1'000'000), 0u);
}

// --- What joining costs.

TEST(Decide, LongResearchOverlapsThoughItsProseHasToBeJoined) {
  PlanBuilder plan("research");
  for (int i = 0; i < 10; ++i)
    plan.task(fmt::format("r{}", i)).reads(fmt::format("src/{}/**", i)).prose().takes("10m");
  const Decision it = decided(plan);
  EXPECT_EQ(it.pattern, Pattern::queue);
  EXPECT_EQ(it.saving.merge, std::chrono::minutes(30)) << "three minutes an output that overlapped";
  EXPECT_EQ(it.mergeable.why,
            "joining `r0`, `r1` and 8 more by hand takes 30 m 00 s (3 m 00 s each, assumed)");
}

TEST(Decide, ShortResearchDoesNotForItsJoiningTakesLonger) {
  PlanBuilder plan("research");
  for (int i = 0; i < 3; ++i)
    plan.task(fmt::format("r{}", i)).reads(fmt::format("src/{}/**", i)).prose().takes("30s");
  EXPECT_EQ(decided(plan).pattern, Pattern::sequential);
  plan.task("say").reads("x").prose().takes("30s");
  EXPECT_EQ(decided(plan).pattern, Pattern::sequential);
}

TEST(Decide, WhatJoiningTakesIsThePlansWord) {
  PlanBuilder plan("research");
  for (int i = 0; i < 3; ++i)
    plan.task(fmt::format("r{}", i))
        .reads(fmt::format("src/{}/**", i))
        .prose()
        .takes("30s")
        .joins("5s");
  const Decision it = decided(plan);
  EXPECT_EQ(it.pattern, Pattern::parallel);
  EXPECT_EQ(it.saving.merge, std::chrono::seconds(15));
}

TEST(Decide, FilesThatNobodyConsumesNeedNoJoining) {
  PlanBuilder plan("mails");
  for (int i = 0; i < 10; ++i)
    plan.task(fmt::format("mail{}", i))
        .reads(fmt::format("briefs/{}.md", i))
        .writes(fmt::format("mails/{}.md", i))
        .prose()
        .takes("60s");
  const Decision it = decided(plan);
  EXPECT_EQ(it.pattern, Pattern::queue);
  EXPECT_EQ(it.saving.merge, Duration::zero());
}

// --- Slowing.

PlanBuilder calls(int count, double by) {
  PlanBuilder plan("calls");
  plan.limits().parallel = 16;
  plan.slowing("sh", 3, by);
  for (int i = 0; i < count; ++i)
    plan.task(fmt::format("c{}", i)).reads(fmt::format("in/{}", i)).takes("60s");
  return plan;
}

TEST(Decide, BeyondAKneeThatFallsHardAQueueOfItsWidthIsBest) {
  const Decision it = decided(calls(12, 1));
  EXPECT_EQ(it.pattern, Pattern::queue);
  EXPECT_EQ(it.n, 3);
  EXPECT_EQ(it.parallel.elapsed, std::chrono::seconds(600)) << "12 at once, each at a tenth";
  EXPECT_EQ(it.queue.elapsed, std::chrono::seconds(240));
  EXPECT_THAT(it.reasons, testing::Contains(testing::HasSubstr("slow each other")));
}

TEST(Decide, BeyondAKneeThatFallsSoftlyAllAtOnceIsNoWorse) {
  EXPECT_EQ(decided(calls(12, 0.1)).n, 12) << "0.1 * 3 is below 1";
}

// --- People.

TEST(Decide, WhatPeopleTakeIsInEveryForecastWhereThePlanSaysIt) {
  PlanBuilder plan("gated");
  plan.task("a").writes("o/a").takes("60s").gate_before();
  plan.task("b").writes("o/b").takes("60s").gate_before();
  const Decision silent = decided(plan);
  EXPECT_THAT(silent.left_out, testing::Contains(testing::HasSubstr("limits.answer")));
  EXPECT_EQ(silent.sequential.elapsed, std::chrono::seconds(120));
  plan.limits().answer = std::chrono::seconds(30);
  const Decision shown = decided(plan);
  EXPECT_EQ(shown.sequential.elapsed, std::chrono::seconds(180));
  EXPECT_EQ(shown.parallel.elapsed, std::chrono::seconds(120)) << "one person, one after the other";
  EXPECT_TRUE(shown.left_out.empty());
}

TEST(Decide, AGateThatIsAnsweredAtOnceChangesNoOrder) {
  PlanBuilder plan("gate");
  plan.limits().parallel = 2;
  plan.task("a").writes("o/a").takes("20s");
  plan.task("b").writes("o/b").takes("71s");
  plan.task("c").writes("o/c").takes("94s").gate_before();
  EXPECT_EQ(decided(plan).parallel.elapsed, std::chrono::seconds(94));
}

TEST(Decide, AReviewIsABarrierInTheForecastToo) {
  PlanBuilder plan("reviewed");
  plan.limits().parallel = 8;
  plan.limits().gate_every = 2;
  for (int i = 0; i < 8; ++i)
    plan.task(fmt::format("t{}", i)).writes(fmt::format("o/{}", i)).takes("10s");
  EXPECT_EQ(decided(plan).queue.elapsed, std::chrono::seconds(40));
}

// --- Conflicts under views.

TEST(Decide, AFailureThatIsLikelyIsInTheForecastOfTheEstimates) {
  PlanBuilder plan("shaky");
  plan.task("a").takes("10s").fails(0.6, 2, "4s");
  // It fails once in at least half of all cases, after 6.5 s, and then waits about 3 s.
  EXPECT_EQ(show(decided(plan).sequential), "19.5 s with 1");
}

// --- Quotas.

TEST(Decide, TokensOfTheEstimateAreDrawnWhereAUseNamesNoAmounts) {
  PlanBuilder plan("quota");
  plan.limits().parallel = 20;
  plan.quota("api", {.requests = {},
                     .input_tokens = Rate{40'000, std::chrono::minutes(1)},
                     .output_tokens = {},
                     .usd = {}});
  for (int i = 0; i < 20; ++i)
    plan.task(fmt::format("ask-{}", i)).reads("in").uses("api").tokens(15'000).takes("15s");
  const double minutes = to_seconds(decided(plan).parallel.elapsed) / 60;
  EXPECT_NEAR(minutes, 7.5, 0.3) << "300k at 40k a minute";
}

TEST(Decide, TheTaxOfAClientIsDrawnToo) {
  PlanBuilder plan("quota");
  plan.agent("claude", plan::AgentKind::claude_code);
  plan.limits().parallel = 20;
  plan.quota("api", {.requests = {},
                     .input_tokens = Rate{40'000, std::chrono::minutes(1)},
                     .output_tokens = {},
                     .usd = {}});
  for (int i = 0; i < 20; ++i)
    plan.task(fmt::format("ask-{}", i))
        .by("claude")
        .reads("in")
        .uses("api")
        .tokens(15'000)
        .takes("15s");
  EXPECT_NEAR(to_seconds(decided(plan).parallel.elapsed) / 60, 10, 0.5) << "400k at 40k a minute";
}

TEST(Decide, ABurstLetsThroughWhatItSays) {
  PlanBuilder plan("burst");
  plan.limits().parallel = 12;
  plan.quota("api", {.requests = Rate{60, std::chrono::minutes(1)},
                     .input_tokens = {},
                     .output_tokens = {},
                     .usd = {}});
  for (int i = 0; i < 12; ++i)
    plan.task(fmt::format("ask-{}", i)).reads("in").uses("api").takes("500ms");
  EXPECT_EQ(decided(plan).parallel.elapsed, std::chrono::milliseconds(6500));
  plan.burst("api", std::chrono::seconds(60));
  EXPECT_EQ(decided(plan).parallel.elapsed, std::chrono::milliseconds(500));
  Options used_up;
  used_up.backlog = {{.requests = std::chrono::seconds(60)}};
  EXPECT_EQ(decided(plan, used_up).parallel.elapsed, std::chrono::milliseconds(12'500));
}

TEST(Decide, TheOtherColumnsSayWhatAskingForThemWouldTake) {
  PlanBuilder plan("vague");
  for (int i = 0; i < 4; ++i)
    plan.task(fmt::format("t{}", i)).writes("src/**").takes("60s").in(plan::Isolation::view);
  Options options;
  options.pattern = Pattern::parallel;
  const Decision left = decided(plan), asked = decided(plan, options);
  ASSERT_EQ(left.pattern, Pattern::sequential);
  EXPECT_EQ(show(left.parallel), show(asked.parallel));
  EXPECT_EQ(left.parallel.range.mean, asked.parallel.range.mean);
}

}  // namespace
}  // namespace interlock::decide
