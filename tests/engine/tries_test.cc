#include <gtest/gtest.h>

#include "engine/parts.h"
#include "engine/task_endings.h"
#include "engine/tries.h"
#include "support/plan_builder.h"

namespace interlock::engine {
namespace {

/// The parts that `Tries` works with.
struct Dispatcher {
  explicit Dispatcher(Turn& turn)
      : live(turn),
        open(turn),
        tasks(turn),
        collector(turn, live, open),
        committer(turn, live, open, collector, tasks),
        tries(turn, live, collector, committer, tasks) {}

  LiveAttempts live;
  OpenSnapshots open;
  TaskEndings tasks;
  ChangeCollector collector;
  Committer committer;
  Tries tries;
};

/// `fix` at place 2 with two tries, at places 0 and 1; the first was good and is picked.
class TriesTest : public Parts {
 protected:
  static constexpr TaskId kFirst{0}, kSecond{1}, kFix{2};

  TriesTest() {
    testing_support::PlanBuilder builder("p");
    for (const char* const id : {"fix.1", "fix.2", "fix"})
      builder.task(id).in(plan::Isolation::view);
    plan_ = builder.plan();
    plan_.tasks[2].tries = {kFirst, kSecond};
    plan_.tasks[0].try_of = plan_.tasks[1].try_of = kFix;
    turn_ = &begin(plan_);
    start(kFirst);
    start(kSecond);
    end_try(kFirst, 1, Outcome::succeeded);
    end_try(kSecond, 1, Outcome::exited_nonzero);
  }

  void end_try(TaskId id, std::uint32_t attempt, Outcome outcome) {
    AttemptEnded event;
    event.task = id;
    event.attempt = attempt;
    event.outcome = outcome;
    if (outcome == Outcome::succeeded) {
      changes::Changeset made;
      made.changes.push_back({"a.txt", {}, {changes::Kind::file, 0644, 1, {}}});
      event.changes = turn_->batch.keep(std::move(made));
      event.reads = turn_->batch.keep(changes::ReadSet{});
      event.reads_from = "declared";
    }
    turn_->record(std::move(event));
    const bool good = outcome == Outcome::succeeded;
    turn_->record(TryEnded{id, attempt, good, good ? "" : "exit status 1", {}});
  }
  /// What the first try changed is lost, and it is done again.
  void lose_and_repeat(Outcome outcome) {
    turn_->record(ChangesLost{0, {kFirst}, "a disk"});
    AttemptStarted again;
    again.task = kFirst;
    again.attempt = 2;
    again.isolation = plan::Isolation::view;
    turn_->record(std::move(again));
    end_try(kFirst, 2, outcome);
    forget();
  }
  AttemptStarted first_of_fix() const {
    AttemptStarted event;
    event.task = kFix;
    event.isolation = plan::Isolation::view;
    return event;
  }

  plan::Plan plan_;
  Turn* turn_ = nullptr;
};

TEST_F(TriesTest, TheFirstThatIsGoodIsPickedAndItsTaskTakesUpWhatItDid) {
  Dispatcher dispatcher(*turn_);
  Tries& tries = dispatcher.tries;
  tries.settle();
  EXPECT_EQ(turn_->record_of(kFix).picked, kFirst);
  ASSERT_TRUE(tries.adopts(kFix));
  ASSERT_TRUE(tries.adopt(first_of_fix()));
  EXPECT_EQ(turn_->record_of(kFix).attempts.back().from, kFirst);
  EXPECT_EQ(turn_->record_of(kFix).state, TaskState::committing);
}

TEST_F(TriesTest, APickedOneThatWasLostAndIsGoodAgainIsTakenUpWithoutAnotherPick) {
  Dispatcher dispatcher(*turn_);
  Tries& tries = dispatcher.tries;
  tries.settle();
  lose_and_repeat(Outcome::succeeded);
  ASSERT_TRUE(tries.adopt(first_of_fix()));
  EXPECT_EQ(turn_->record_of(kFix).attempts.back().from, kFirst);
  EXPECT_EQ(recorded().find("try_picked"), std::string::npos);
}

TEST_F(TriesTest, APickedOneThatWasLostAndFailsWhenDoneAgainIsNotTakenUp) {
  Dispatcher dispatcher(*turn_);
  Tries& tries = dispatcher.tries;
  tries.settle();
  lose_and_repeat(Outcome::exited_nonzero);
  ASSERT_TRUE(tries.adopt(first_of_fix()));
  const AttemptRecord& attempt = turn_->record_of(kFix).attempts.back();
  EXPECT_EQ(attempt.from, std::nullopt);
  EXPECT_EQ(attempt.outcome, Outcome::exited_nonzero);
  EXPECT_NE(recorded().find("none of its 2 tries was good"), std::string::npos);
}

}  // namespace
}  // namespace interlock::engine
