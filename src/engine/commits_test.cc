#include "engine/commits.h"

#include <gtest/gtest.h>

#include <map>

#include "plan/plan.h"

namespace interlock::engine {
namespace {

changes::Changeset writes(const std::vector<std::string>& paths) {
  changes::Changeset changeset;
  for (const std::string& path : paths)
    changeset.changes.push_back({path, {}, {changes::Kind::file, 0644, 1, digest_of(path)}});
  return changeset;
}

changes::ReadSet reads(std::vector<std::string> paths) {
  changes::ReadSet read;
  read.from = changes::ReadsFrom::observed;
  read.content = std::move(paths);
  return read;
}

/// Three tasks in views, and what their dispatcher records of them.
class Recorded {
 public:
  Recorded() : run_(plan_of_three()) { then(RunBegan{}); }

  Recorded& then(Event event) {
    const RecordedEvent recorded{run_.seq + 1, Time{}, std::move(event)};
    engine::apply(run_, recorded);
    commits.apply(run_, recorded);
    events_.push_back(recorded);
    return *this;
  }
  Recorded& started(std::size_t task) {
    AttemptStarted event;
    event.task = TaskId(task);
    event.attempt = static_cast<std::uint32_t>(run_[event.task].attempts.size() + 1);
    event.isolation = plan::Isolation::view;
    event.snapshot_version = commits.version();
    return then(event);
  }
  Recorded& ended(std::size_t task, const changes::Changeset& wrote, const changes::ReadSet& read,
                  Outcome outcome = Outcome::succeeded) {
    AttemptEnded event;
    event.task = TaskId(task);
    event.attempt = run_[event.task].attempts.back().number;
    event.outcome = outcome;
    event.changes = keep(changes::to_text(wrote));
    event.reads = keep(changes::to_text(read));
    commits.know(*event.changes, wrote);
    commits.know(*event.reads, read);
    return then(event);
  }
  Recorded& committed(std::size_t task) {
    const WaitingChanges& one = commits.waiting().at(TaskId(task));
    then(ChangesReady{TaskId(task), one.name.attempt});
    then(ChangesCommitted{TaskId(task), one.name.attempt, *one.changes_digest, 1, {}});
    return then(TaskDone{TaskId(task), 1, {}, {}, {}});
  }

  /// As another dispatcher finds it.
  std::string text_after_replay() {
    RunState run(plan_of_three());
    Commits again;
    for (const RecordedEvent& recorded : events_) {
      engine::apply(run, recorded);
      again.apply(run, recorded);
    }
    const auto loaded = again.load([this](const Digest& digest) -> Result<std::string> {
      ++blobs_read;
      return blobs_.at(digest);
    });
    EXPECT_TRUE(loaded.has_value());
    return again.text();
  }

  Digest keep(std::string text) {
    const Digest digest = digest_of(text);
    blobs_[digest] = std::move(text);
    return digest;
  }

  Commits commits;
  int blobs_read = 0;

 private:
  static plan::Plan plan_of_three() {
    plan::Plan plan;
    plan.tasks.resize(3);
    return plan;
  }

  RunState run_;
  std::vector<RecordedEvent> events_;
  std::map<Digest, std::string> blobs_;
};

TEST(Commits, WhatAnAttemptChangedWaitsAndIsThenWhatLaterOnesAreHeldAgainst) {
  Recorded run;
  run.started(0).started(1);
  run.ended(1, writes({"b"}), reads({"a"})).ended(0, writes({"a", "c"}), reads({}));
  EXPECT_EQ(run.commits.text(),
            "0#1 waits, upon 0, saw 0, changed a c, read observed;;;\n"
            "1#1 waits, upon 0, saw 0, changed b, read observed a;;;\n");
  run.committed(0);
  EXPECT_EQ(run.commits.text(),
            "1#1 waits, upon 0, saw 0, changed b, read observed a;;;\n"
            "0#1 committed a c\n");
  const auto stale = run.commits.stale_in(run.commits.waiting().at(TaskId(1)), false, {});
  ASSERT_EQ(stale.size(), 1u);
  EXPECT_EQ(stale.front().path, "a");
  EXPECT_EQ(run.text_after_replay(), run.commits.text());
}

TEST(Commits, WhatIsDoneAgainOrFailedForGoodWaitsNoMore) {
  Recorded run;
  run.started(0).ended(0, writes({"a"}), reads({}));
  run.then(RetryPlanned{TaskId(0), AttemptStarted::Trigger::conflict, Time{}, false, {}});
  EXPECT_EQ(run.commits.text(), "");
  run.started(0).ended(0, writes({"a"}), reads({"b"}), Outcome::exited_nonzero);
  EXPECT_EQ(run.commits.text(),
            "0#2 waits, exited-nonzero, upon 0, saw 0, changed a, read observed b;;;\n");
  EXPECT_TRUE(run.commits.waiting().at(TaskId(0)).to_commit().changes.empty());
  run.then(TaskFailed{TaskId(0), Outcome::exited_nonzero, {}});
  EXPECT_EQ(run.commits.text(), "");
  EXPECT_EQ(run.text_after_replay(), "");
  EXPECT_EQ(run.blobs_read, 0) << "what is not wanted any more is not read";
}

TEST(Commits, AFailureOfWhichNothingCouldBeTakenMayHaveReadAnything) {
  Recorded run;
  run.started(0);
  AttemptEnded event;
  event.task = TaskId(0);
  event.outcome = Outcome::exited_nonzero;
  run.then(event);
  EXPECT_EQ(run.commits.text(),
            "0#1 waits, exited-nonzero, not kept, upon 0, saw 0, changed nothing, "
            "read everything;;;\n");
  event.task = TaskId(1);
  event.outcome = Outcome::cancelled;  // Whatever it found, a person ended it.
  run.started(1).then(event);
  EXPECT_FALSE(run.commits.waits(TaskId(1)));
}

TEST(Commits, WhatIsMergedRestsUponTheCommitsItWasMergedWith) {
  Recorded run;
  run.started(0).started(1);
  run.ended(0, writes({"a"}), reads({})).ended(1, writes({"a"}), reads({})).committed(0);
  run.then(ChangesReady{TaskId(1), 1});
  const changes::Changeset both = writes({"a", "b"});
  ChangesMerged merged{TaskId(1), 1, run.keep(changes::to_text(both)), 1, {{"a", {}}}};
  run.commits.know(merged.changes, both);
  run.then(merged);
  EXPECT_EQ(run.commits.text(),
            "1#1 waits, upon 1, saw 0, changed a b, read observed;;; merged a\n"
            "0#1 committed a\n");
  EXPECT_TRUE(run.commits.stale_in(run.commits.waiting().at(TaskId(1)), false, {}).empty());
  EXPECT_EQ(run.text_after_replay(), run.commits.text());
}

TEST(Commits, WhatIsLostWasNeverCommitted) {
  Recorded run;
  for (const std::size_t task : {0u, 1u}) run.started(task).ended(task, writes({"a"}), reads({}));
  run.committed(0).committed(1).started(2).ended(2, writes({"c"}), reads({"a"}));
  run.then(ChangesReady{TaskId(2), 1});
  run.then(ChangesLost{1, {TaskId(1), TaskId(2)}, "gone"});
  EXPECT_EQ(run.commits.text(), "0#1 committed a\n");
  EXPECT_EQ(run.text_after_replay(), run.commits.text());
}

TEST(Commits, WhatALaterTaskHadCommittedBeforeIsSeenTooSoon) {
  Recorded run;
  run.started(2).ended(2, writes({"a"}), reads({})).committed(2);
  run.started(0).ended(0, writes({}), reads({"a"}));
  const WaitingChanges& waiting = run.commits.waiting().at(TaskId(0));
  ASSERT_EQ(run.commits.seen_too_soon(waiting).size(), 1u);
  EXPECT_TRUE(run.commits.stale_in(waiting, false, {}).empty());
}

}  // namespace
}  // namespace interlock::engine
