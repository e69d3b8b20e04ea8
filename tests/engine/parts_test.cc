#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "engine/attempt_endings.h"
#include "engine/checkpoints.h"
#include "engine/engine.h"
#include "engine/hashed_files.h"
#include "engine/live_attempts.h"
#include "engine/model_calls.h"
#include "engine/parts.h"
#include "engine/run_completion.h"
#include "engine/task_endings.h"
#include "support/late_hasher.h"
#include "support/plan_builder.h"

// The parts of the dispatcher, each alone upon the fakes of the ports.
namespace interlock::engine {
namespace {

using testing_support::LateHasher;
using testing_support::PlanBuilder;

Error failed_for(int number) {
  return {Error::Kind::io, fmt::format("cannot do it: {}", std::strerror(number)), {}};
}

using LiveAttemptsTest = Parts;
using Kind = LiveAttempts::Act::Kind;

TEST_F(LiveAttemptsTest, ALateReportIsNobodys) {
  PlanBuilder builder("p");
  builder.task("a");
  LiveAttempts live(begin(builder.plan()));
  live.add_and_spawn(start(TaskId(0)));
  EXPECT_NE(live.find(AttemptName{TaskId(0), 1, 0}), nullptr);
  EXPECT_EQ(live.find(AttemptName{TaskId(0), 1, 1}), nullptr) << "its check has not begun";
  EXPECT_EQ(live.find(AttemptName{TaskId(0), 2, 0}), nullptr);
  live.erase(TaskId(0));
  EXPECT_EQ(live.find(AttemptName{TaskId(0), 1, 0}), nullptr);
  EXPECT_TRUE(live.empty());
}

TEST_F(LiveAttemptsTest, WhoseTimeIsUpIsStoppedWithItsGraceAndOnce) {
  PlanBuilder builder("p");
  builder.task("a");
  plan::Plan plan = builder.plan();
  plan.tasks[0].timeout = std::chrono::seconds(10);
  plan.tasks[0].idle_timeout = {};
  plan.tasks[0].grace = std::chrono::seconds(3);
  Turn& turn = begin(plan);
  LiveAttempts live(turn);
  live.add(start(TaskId(0)));
  EXPECT_EQ(live.next_moment(), turn.now() + std::chrono::seconds(10));
  live.watch_clocks();
  EXPECT_TRUE(live.take_acts().empty());
  turn.batch.open_turn(turn.now() + std::chrono::seconds(10));
  live.watch_clocks();
  live.watch_clocks();
  const auto acts = live.take_acts();
  ASSERT_EQ(acts.size(), 1u);
  EXPECT_EQ(acts[0].kind, Kind::stop);
  EXPECT_EQ(acts[0].grace, std::chrono::seconds(3));
  EXPECT_EQ(live.find(TaskId(0))->stopped_for(), Outcome::timed_out);
  EXPECT_EQ(live.next_moment(), std::nullopt) << "its end comes by itself";
}

TEST_F(LiveAttemptsTest, WhoAsksASecondTimeWaitsForNobodysGrace) {
  PlanBuilder builder("p");
  builder.task("a");
  Turn& turn = begin(builder.plan());
  LiveAttempts live(turn);
  Attempt& attempt = live.add(start(TaskId(0)));
  turn.interrupts = 2;
  live.stop(attempt, Outcome::cancelled);
  const auto acts = live.take_acts();
  ASSERT_EQ(acts.size(), 1u);
  EXPECT_EQ(acts[0].grace, Duration{});
}

TEST_F(LiveAttemptsTest, AStoppedCheckThatWaitsIsBegunToEndAndWhatIsOverIsLeftAlone) {
  PlanBuilder builder("p");
  builder.task("a");
  builder.task("b");
  LiveAttempts live(begin(builder.plan()));
  Attempt waits = start(TaskId(0)), over = start(TaskId(1));
  waits.queue_check();
  over.judge({Outcome::succeeded, {}, {}});
  live.stop(live.add(std::move(waits)), Outcome::cancelled);
  live.stop(live.add(std::move(over)), Outcome::cancelled);
  const auto acts = live.take_acts();
  ASSERT_EQ(acts.size(), 1u);
  EXPECT_EQ(acts[0].kind, Kind::spawn);
  EXPECT_EQ(acts[0].name, (AttemptName{TaskId(0), 1, 1}));
}

using CheckpointsTest = Parts;

TEST_F(CheckpointsTest, OneIsMadeWhenNoSnapshotIsOpenAndIsAnEventOfTheNextTurn) {
  PlanBuilder builder("p");
  builder.task("a");
  Turn& turn = begin(builder.plan());
  OpenSnapshots open(turn);
  Checkpoints checkpoints(turn, open);
  checkpoints.make();
  EXPECT_FALSE(checkpoints.is_unnoted()) << "nothing is committed";
  commit_change(TaskId(0));
  forget();
  open.add({TaskId(0), 2, 0});
  checkpoints.make();
  EXPECT_FALSE(checkpoints.is_unnoted()) << "a snapshot stands on it";
  open.close({TaskId(0), 2, 0});
  checkpoints.make();
  EXPECT_TRUE(checkpoints.is_unnoted());
  EXPECT_FALSE(checkpoints.is_in_the_way());
  EXPECT_EQ(recorded(), "");
  EXPECT_TRUE(checkpoints.note());
  EXPECT_EQ(recorded(), "changes_folded {\"commits\":1}\n");
  checkpoints.make();
  EXPECT_FALSE(checkpoints.is_unnoted()) << "all is in the workspace";
}

TEST_F(CheckpointsTest, ADiskThatFailsEndsTheTurnAndASignalDoesNot) {
  PlanBuilder builder("p");
  builder.task("a");
  Turn& turn = begin(builder.plan());
  OpenSnapshots open(turn);
  Checkpoints checkpoints(turn, open);
  commit_change(TaskId(0));
  forget();
  int number = EINTR;
  snapshots.fails = [&](std::string_view call) -> std::optional<Error> {
    return call == "fold" ? std::optional(failed_for(number)) : std::nullopt;
  };
  checkpoints.make();
  EXPECT_TRUE(checkpoints.is_in_the_way());
  EXPECT_TRUE(checkpoints.note());
  EXPECT_FALSE(checkpoints.is_left_for_resume()) << "nobody asked this dispatcher to end";
  turn.interrupts = 1;
  checkpoints.make();
  EXPECT_TRUE(checkpoints.note());
  EXPECT_TRUE(checkpoints.is_left_for_resume());
  turn.interrupts = 0;
  number = ENOSPC;
  checkpoints.make();
  const auto noted = checkpoints.note();
  ASSERT_FALSE(noted);
  EXPECT_EQ(noted.error(), failed_for(ENOSPC));
  EXPECT_EQ(recorded(), "");
}

class HashedFilesTest : public Parts {
 protected:
  static std::string said(const Result<std::vector<CacheKeyPart>>& parts) {
    if (!parts) return parts.error().message;
    std::string text;
    for (const CacheKeyPart& one : *parts) text += one.name + " ";
    return text;
  }

  LateHasher hasher{workspace};
  const footprint::PatternSet all =
      footprint::PatternSet::parse(std::vector<std::string>{"**"}).value();
};

TEST_F(HashedFilesTest, AnAnswerIsKnownATurnLaterAndHoldsForOneStart) {
  PlanBuilder builder("p");
  builder.task("a");
  HashedFiles files(begin(builder.plan()), &hasher);
  workspace.files = {{"x", "1"}};
  EXPECT_EQ(said(files.fingerprints(all)), "its files are being hashed");
  EXPECT_EQ(said(files.fingerprints(all)), "its files are being hashed");
  EXPECT_TRUE(hasher.asked.empty()) << "nothing is done before the turn's events are durable";
  files.post();
  EXPECT_EQ(hasher.asked.size(), 1u) << "asked once";
  EXPECT_TRUE(files.is_asking() && files.is_in_flight() && files.holds_starts());
  hasher.work();
  files.take();
  EXPECT_FALSE(files.is_asking() || files.is_busy() || files.holds_starts());
  EXPECT_EQ(said(files.fingerprints(all)), "x ");
  EXPECT_EQ(said(files.fingerprints(all)), "x ");
  files.forget();
  EXPECT_EQ(said(files.fingerprints(all)), "its files are being hashed");
}

TEST_F(HashedFilesTest, AnErrorIsToldOnce) {
  PlanBuilder builder("p");
  builder.task("a");
  HashedFiles files(begin(builder.plan()), &hasher);
  EXPECT_FALSE(files.fingerprints(all));
  files.post();
  workspace.fails = [](std::string_view) { return std::optional(failed_for(EINTR)); };
  hasher.work();
  files.take();
  EXPECT_FALSE(files.is_asking());
  EXPECT_EQ(said(files.fingerprints(all)), failed_for(EINTR).message);
  EXPECT_EQ(said(files.fingerprints(all)), "its files are being hashed");
}

TEST_F(HashedFilesTest, WhatWasForgottenMeanwhileIsNobodysAnswer) {
  PlanBuilder builder("p");
  builder.task("a");
  HashedFiles files(begin(builder.plan()), &hasher);
  EXPECT_FALSE(files.fingerprints(all));
  files.post();
  files.forget();
  EXPECT_FALSE(files.is_asking());
  EXPECT_TRUE(files.holds_starts()) << "it still reads";
  hasher.work();
  files.take();
  EXPECT_FALSE(files.holds_starts());
  EXPECT_FALSE(files.fingerprints(all));
}

TEST_F(HashedFilesTest, WhatIsCommittedMeanwhileIsHashedToo) {
  PlanBuilder builder("p");
  builder.task("a");
  builder.task("b");
  HashedFiles files(begin(builder.plan()), &hasher);
  EXPECT_FALSE(files.fingerprints(all));
  files.post();
  hasher.work();
  workspace.files = {{"x", "1"}};
  commit_change(TaskId(0));
  files.take();
  EXPECT_EQ(said(files.fingerprints(all)), "its files are being hashed");
  files.post();
  hasher.work();
  files.take();
  EXPECT_EQ(said(files.fingerprints(all)), "x ");
}

TEST_F(HashedFilesTest, WhatATaskWroteHoldsNoStartsUnlessSomethingIsToBeBroughtIn) {
  PlanBuilder builder("p");
  builder.task("a").writes("out/**");
  builder.task("b");
  HashedFiles files(begin(builder.plan()), &hasher);
  files.hash_writes(TaskId(0));
  files.forget();
  files.post();
  ASSERT_EQ(hasher.asked.size(), 1u) << "what it wrote is no matter of what starts";
  EXPECT_EQ(hasher.asked.front().patterns.text(), "out/**");
  EXPECT_FALSE(files.holds_starts());
  commit_change(TaskId(1));
  EXPECT_TRUE(files.holds_starts()) << "that waits for those who read";
  hasher.work();
  files.take();
  EXPECT_FALSE(files.holds_starts());
  ASSERT_EQ(files.written(), std::vector<TaskId>{TaskId(0)});
  EXPECT_TRUE(files.take_written(TaskId(0)).value());
  EXPECT_FALSE(files.take_written(TaskId(0))) << "once";
}

TEST_F(HashedFilesTest, WhatReadsNothingAndWithoutAHasherAllIsKnownAtOnce) {
  PlanBuilder builder("p");
  builder.task("a");
  Turn& turn = begin(builder.plan());
  workspace.files = {{"x", "1"}};
  HashedFiles beside(turn, &hasher);
  EXPECT_EQ(said(beside.fingerprints({})), "");
  HashedFiles alone(turn, nullptr);
  EXPECT_EQ(said(alone.fingerprints(all)), "x ");
  EXPECT_FALSE(beside.is_busy() || alone.is_busy());
}

using TaskEndingsTest = Parts;

TEST_F(TaskEndingsTest, WhatItWroteDecidesHowItEnds) {
  PlanBuilder builder("p");
  builder.task("a").writes("out/**");
  Turn& turn = begin(builder.plan());
  TaskEndings tasks(turn);
  start(TaskId(0));
  end(TaskId(0));
  forget();
  int number = EMFILE;
  workspace.fails = [&](std::string_view call) -> std::optional<Error> {
    const bool fails = call == "fingerprint" && number != 0;
    return fails ? std::optional(failed_for(number)) : std::nullopt;
  };
  const auto done = tasks.set_done(TaskId(0));
  ASSERT_FALSE(done) << "the work is good, and is not to be lost";
  EXPECT_EQ(done.error(), failed_for(EMFILE));
  EXPECT_EQ(recorded(), "");
  number = EINTR;
  EXPECT_TRUE(tasks.set_done(TaskId(0)));
  EXPECT_TRUE(turn.signal_waits);
  EXPECT_TRUE(recorded().starts_with("retry_planned ")) << recorded();
  EXPECT_EQ(turn.record_of(TaskId(0)).state, TaskState::waiting);
}

TEST_F(TaskEndingsTest, WhatCannotBeReadIsAFailureOfTheTask) {
  PlanBuilder builder("p");
  builder.task("a").writes("out/**");
  TaskEndings tasks(begin(builder.plan()));
  start(TaskId(0));
  end(TaskId(0));
  forget();
  workspace.fails = [](std::string_view) { return std::optional(failed_for(EACCES)); };
  EXPECT_TRUE(tasks.set_done(TaskId(0)));
  EXPECT_EQ(recorded(),
            "task_failed {\"detail\":\"what it wrote cannot be read: cannot do it: Permission "
            "denied\",\"outcome\":\"output-missing\",\"task\":0}\n");
}

TEST_F(TaskEndingsTest, TheLastOfAMergeMakesItAndAnUnreadableBlobEndsTheTurn) {
  PlanBuilder builder("p");
  builder.task("a").prose();
  builder.task("b").prose();
  builder.merge("all", plan::Merge::With::concat, {"a", "b"});
  Turn& turn = begin(builder.plan());
  TaskEndings tasks(turn);
  for (const TaskId id : {TaskId(0), TaskId(1)}) {
    start(id);
    AttemptEnded event;
    event.task = id;
    event.output = digest_of("text\n");
    turn.batch.keep(Blob{*event.output, "text\n"});
    turn.record(event);
  }
  forget();
  ASSERT_TRUE(tasks.set_done(TaskId(0)));
  EXPECT_FALSE(turn.run().merges[0].output);
  journal.fails = [](std::string_view call) -> std::optional<Error> {
    return call == "blob" ? std::optional(failed_for(EIO)) : std::nullopt;
  };
  const auto done = tasks.set_done(TaskId(1));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error(), failed_for(EIO));
  EXPECT_FALSE(turn.run().merges[0].output);
  journal.fails = nullptr;
  ASSERT_TRUE(tasks.merges().fail_missing());
  EXPECT_TRUE(turn.run().merges[0].failure.contains("no output of its coordinator"));
}

using ModelCallsTest = Parts;

TEST_F(ModelCallsTest, ACallThatMayNotBeMadeStopsItsAttemptAndTheFirstReasonStays) {
  PlanBuilder builder("p");
  builder.task("a");
  Turn& turn = begin(builder.plan());
  LiveAttempts live(turn);
  ModelCalls calls(turn, live);
  Attempt& attempt = live.add(start(TaskId(0)));
  Gateway::RouteSpec spec;
  spec.name = attempt.name();
  ASSERT_TRUE(gateway.open(spec));
  const Usage used{.input = 10, .output = 5, .cache_read = 0, .cache_write = 0, .cost = 0};
  gateway.ask(attempt.name(), used);
  calls.take();
  EXPECT_FALSE(attempt.stopped_for());
  gateway.ask(attempt.name(), used, CallEnd::quota_spent);
  gateway.ask(attempt.name(), used, CallEnd::not_recorded);
  calls.take();
  EXPECT_EQ(attempt.stopped_for(), Outcome::quota_spent);
  calls.take_last(gateway.close(attempt.name()));
  EXPECT_TRUE(gateway.all_closed());
  EXPECT_EQ(turn.record_of(TaskId(0)).attempts.back().calls +
                turn.record_of(TaskId(0)).attempts.back().calls_refused,
            3u);
}

using AttemptEndingsTest = Parts;

TEST_F(AttemptEndingsTest, ACallThatIsReportedAtTheEndOfASharedAttemptIsBooked) {
  PlanBuilder builder("p");
  builder.task("a").json();
  builder.task("b").json();
  Turn& turn = begin(builder.plan());
  LiveAttempts live(turn);
  OpenSnapshots open(turn);
  TaskEndings tasks(turn);
  ModelCalls calls(turn, live);
  AgentOutput agents(turn, live);
  ChangeCollector collector(turn, live, open);
  Committer committer(turn, live, open, collector, tasks);
  AttemptEndings endings(turn, live, open, tasks, calls, agents, collector, committer);

  Attempt attempt = start(TaskId(0));
  AttemptStarted other;
  other.task = TaskId(1);
  other.with = TaskId(0);
  turn.record(other);
  turn.record(AttemptsBatched{TaskId(0), 1, {TaskId(1)}});
  attempt.share.others = {TaskId(1)};
  const AttemptName name = live.add(std::move(attempt)).name();
  Gateway::RouteSpec spec;
  spec.name = name;
  ASSERT_TRUE(gateway.open(spec));
  gateway.ask(name, {.input = 10, .output = 5, .cache_read = 0, .cache_write = 0, .cost = 0});
  Finished finished;
  finished.exited.name = name;
  finished.exited.exit_code = 0;
  finished.calls = gateway.close(name);
  ASSERT_TRUE(endings.on_finished(std::move(finished)));
  EXPECT_TRUE(live.empty());
  EXPECT_EQ(turn.record_of(TaskId(0)).attempts.back().calls, 1u);
  const auto used = [&](TaskId id) {
    return total_tokens(turn.record_of(id).attempts.back().usage).value_or(-1);
  };
  EXPECT_EQ(used(TaskId(0)) + used(TaskId(1)), 15);
  // Neither gave an answer: each is done again alone.
  for (const TaskId id : {TaskId(0), TaskId(1)})
    EXPECT_EQ(turn.record_of(id).state, TaskState::waiting);
}

using RunCompletionTest = Parts;

TEST_F(RunCompletionTest, ARunIsOverWhenNothingRunsAndNothingCanStart) {
  PlanBuilder builder("p");
  builder.task("a");
  Turn& turn = begin(builder.plan());
  LiveAttempts live(turn);
  OpenSnapshots open(turn);
  const Checkpoints checkpoints(turn, open);
  TaskEndings tasks(turn);
  RunCompletion completion(turn, live, checkpoints, tasks);
  const auto stuck = completion.finish_if_idle();
  ASSERT_FALSE(stuck) << "a task waits for nothing at all";
  EXPECT_EQ(stuck.error().kind, Error::Kind::internal);
  EXPECT_TRUE(stuck.error().message.contains("`a`")) << stuck.error().message;
  turn.record(RunHeld{});
  EXPECT_TRUE(completion.finish_if_idle()) << "a person lets it go on";
  EXPECT_FALSE(turn.run().ended);
  turn.record(RunReleased{});
  live.add(start(TaskId(0)));
  EXPECT_TRUE(completion.finish_if_idle());
  EXPECT_FALSE(turn.run().ended);
  live.erase(TaskId(0));
  end(TaskId(0));
  ASSERT_TRUE(tasks.set_done(TaskId(0)));
  turn.signal_waits = true;
  EXPECT_TRUE(completion.finish_if_idle());
  EXPECT_FALSE(turn.run().ended) << "the report of the signal comes first";
  turn.signal_waits = false;
  EXPECT_TRUE(completion.finish_if_idle());
  EXPECT_EQ(turn.run().ended, RunEnded::How::finished);
}

using EngineTest = Parts;

TEST_F(EngineTest, AnErrorOfAPortEndsTheTurnAndNothingOfItIsWritten) {
  PlanBuilder builder("p");
  builder.task("a").writes("out/**");
  plan::Plan plan = builder.plan();
  plan.tasks[0].timeout = std::chrono::hours(1);
  engine::Setup setup;
  setup.run = "r-1";
  setup.problem.jobs.resize(1);
  setup.expected.resize(1);
  footprint::Interlocking interlocking;
  interlocking.first.resize(2);
  Engine engine(plan, interlocking, setup, Replay(plan), ports);
  ASSERT_TRUE(engine.begin());
  int calls = 0;
  workspace.fails = [&](std::string_view call) -> std::optional<Error> {
    calls += call == "fingerprint" ? 1 : 0;
    return call == "fingerprint" ? std::optional(failed_for(EMFILE)) : std::nullopt;
  };
  // It is spawned, works, and ends; then what it wrote cannot be looked at.
  std::size_t written = 0;
  Result<void> turn;
  for (int turns = 0; turn && turns < 10 && !engine.over(); ++turns) {
    written = journal.events().size();
    turn = engine.turn({});
  }
  ASSERT_FALSE(turn);
  EXPECT_EQ(turn.error(), failed_for(EMFILE));
  EXPECT_EQ(calls, 1) << "nothing comes after it";
  EXPECT_EQ(journal.events().size(), written);
  EXPECT_TRUE(processes.running().empty());
}

TEST_F(EngineTest, HearsPeopleWhileFilesAreHashedForAStart) {
  PlanBuilder builder("p");
  builder.task("a");
  builder.task("b").reads("**");
  plan::Plan plan = builder.plan();
  for (plan::Task& task : plan.tasks) task.timeout = std::chrono::hours(1);
  engine::Setup setup;
  setup.run = "r-1";
  setup.policy.parallel = 2;
  setup.problem.jobs.resize(2);
  setup.expected.resize(2);
  footprint::Interlocking interlocking;
  interlocking.first.resize(3);
  LateHasher hasher(workspace);
  processes.script(TaskId(0), {.hangs = true});
  Engine engine(plan, interlocking, setup, Replay(plan), ports, &hasher);
  ASSERT_TRUE(engine.begin());
  ASSERT_EQ(hasher.asked.size(), 1u);
  journal.post({0, Request::Kind::cancel_task, "a", "ann"});
  processes.poke();
  for (int turns = 0; turns < 10 && engine.run()[TaskId(0)].state < TaskState::done; ++turns)
    ASSERT_TRUE(engine.turn({}));
  EXPECT_EQ(engine.run()[TaskId(0)].state, TaskState::cancelled);
  EXPECT_TRUE(engine.run()[TaskId(1)].attempts.empty());
  EXPECT_FALSE(engine.over()) << "it waits for what is hashed";
  hasher.work();
  processes.poke();
  for (int turns = 0; turns < 10 && !engine.over(); ++turns) ASSERT_TRUE(engine.turn({}));
  EXPECT_EQ(engine.run()[TaskId(1)].state, TaskState::done);
}

}  // namespace
}  // namespace interlock::engine
