#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>

#include "engine/attempt.h"
#include "engine/turn.h"
#include "support/fake_clock.h"
#include "support/fake_gateway.h"
#include "support/fake_journal.h"
#include "support/fake_processes.h"
#include "support/fake_snapshots.h"
#include "support/fake_validator.h"
#include "support/fake_workspace.h"
#include "worker/local_executor.h"

namespace interlock::engine {

/// Begins a turn upon the fakes of the ports, for a test of one part of the dispatcher.
class Parts : public testing::Test {
 protected:
  /// `plan` must outlive the test.
  Turn& begin(const plan::Plan& plan, engine::Setup setup = {}) {
    setup.run = "r-1";
    setup.problem.jobs.resize(plan.tasks.size());
    setup.expected.resize(plan.tasks.size());
    interlocking_.first.resize(plan.tasks.size() + 1);
    turn_.emplace(plan, interlocking_, std::move(setup), Replay(plan), ports);
    turn_->batch.open_turn(clock.now());
    turn_->record(RunBegan{});
    return forget();
  }
  /// What was recorded so far is durable, and not looked at.
  Turn& forget() {
    EXPECT_TRUE(turn_->batch.commit());
    seen_ = journal.events().size();
    return *turn_;
  }
  /// The events since, a line each.
  std::string recorded() {
    EXPECT_TRUE(turn_->batch.commit());
    std::string text;
    for (std::size_t i = seen_; i < journal.events().size(); ++i) {
      const Event& event = journal.events()[i].event;
      text += fmt::format("{} {}\n", name_of(event), canonical_json(to_json(event)));
    }
    return text;
  }
  Attempt start(TaskId task) {
    AttemptStarted event;
    event.task = task;
    turn_->record(event);
    return Attempt({task, 1, 0}, turn_->now());
  }
  void end(TaskId task, Outcome outcome = Outcome::succeeded) {
    AttemptEnded event;
    event.task = task;
    event.outcome = outcome;
    turn_->record(event);
  }
  /// An attempt in a snapshot made a file, and that is committed.
  void commit_change(TaskId task) {
    start(task);
    AttemptEnded event;
    event.task = task;
    changes::Changeset made;
    made.changes.push_back({"a.txt", {}, {changes::Kind::file, 0644, 1, {}}});
    event.changes = turn_->batch.keep(std::move(made));
    event.reads = turn_->batch.keep(changes::ReadSet{});
    event.reads_from = "declared";
    turn_->record(event);
    turn_->record(ChangesReady{task, 1});
    turn_->record(ChangesCommitted{task, 1, *event.changes, 1, {}});
    turn_->record(TaskDone{task, 1, {}, {}, {}});
  }

  testing_support::FakeClock clock;
  testing_support::FakeProcesses processes{clock};
  testing_support::FakeJournal journal;
  testing_support::FakeWorkspace workspace;
  testing_support::FakeSnapshots snapshots{workspace};
  testing_support::FakeValidator validator;
  testing_support::FakeGateway gateway;
  worker::LocalExecutor executor{{"/workspace", {}},
                                 {processes, workspace, snapshots, gateway},
                                 [this](const Digest& digest) { return journal.blob(digest); }};
  const Ports ports{clock, executor, executor, journal, workspace, snapshots, validator, gateway};

 private:
  footprint::Interlocking interlocking_;
  std::optional<Turn> turn_;
  std::size_t seen_ = 0;
};

}  // namespace interlock::engine
