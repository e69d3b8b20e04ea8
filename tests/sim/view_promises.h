#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/run_state.h"
#include "sim/agents.h"
#include "support/fake_journal.h"
#include "support/fake_snapshots.h"

namespace interlock::sim {

bool is_in_view(const plan::Task& task);

/// What the design promises of tasks in views, held against the journal's events one by one and
/// against the workspace when the run is over. Nothing here asks the engine's own rules.
class ViewPromises {
 public:
  ViewPromises(const plan::Plan& plan, const testing_support::FakeSnapshots& snapshots,
               const testing_support::FakeJournal& journal);

  /// What the workspace holds when the run begins; else `first_files`.
  void starts_from(Files files) { first_ = std::move(files); }
  /// Before the fact is true of the run.
  void see(const engine::RecordedEvent& recorded);
  /// A person writes into the workspace, or deletes there; `found` was there before.
  void person_edits(const std::string& path, const std::optional<std::string>& found,
                    const changes::State& before);
  /// A person has made a folder.
  void person_makes_folder(const std::string& path);
  /// What a person who was told that a file is in the way puts back; nothing where nothing can be.
  std::map<std::string, std::optional<std::string>> to_requeue() const;
  /// It lies there again: that edit is not to be kept.
  void requeue(const std::string& path, const changes::State& before);
  /// It is given its snapshot now: what people did before, it found.
  void begins(engine::AttemptName name) { edits_before_[name] = edits_; }
  /// This attempt fails because of what it read, and for no other reason.
  void failed_at_what_it_found(engine::AttemptName name) { failed_by_reading_.insert(name); }
  /// The run is over for good. `dirty`: its dispatcher died before it could put anything away.
  void see_end(bool dirty);

  /// The first promise that was broken.
  const std::string& broken() const { return broken_; }
  /// How many runs were compared with the sequential one in full: 0 or 1.
  bool was_compared() const { return was_compared_; }
  std::size_t conflicts() const { return conflicts_; }
  std::size_t went_ahead() const { return went_ahead_; }
  /// Failures that were held against the sequential run.
  std::size_t failures_compared() const { return failures_compared_; }

 private:
  void see(const engine::AttemptStarted& event);
  void see(const engine::AttemptEnded& event);
  void see(const engine::CommitRefused& event);
  void see(const engine::RetryPlanned& event);
  void see(const engine::ChangesCommitted& event);
  void see(const engine::ChangesCheckpointed& event);
  void see(const engine::CheckpointRefused& event);
  void see(const engine::TaskFailed& event);
  void see(const engine::ChangesLost& event);
  void see(const engine::TaskRevived&) { is_revived_ = true; }
  template <typename Other>
  void see(const Other&) {}

  void went_ahead_of(const engine::ChangesCommitted& event, const changes::Changeset& own,
                     const changes::ReadSet& reads);
  bool has_come_or_gone_since(const std::string& path, std::size_t edits) const;
  void found_what_was_there(TaskId id, const engine::AttemptRecord& attempt,
                            const Sequential& expected);
  void nothing_committed_is_lost();
  void no_edit_is_lost();
  void equals_the_sequential_run();
  void failures_hold(const Sequential& expected);
  /// Whether it is told what the sequential run gives.
  bool is_exact() const;
  std::vector<bool> done() const;
  plan::Plan played() const;
  changes::Changeset changes_of(const Digest& digest);
  changes::ReadSet reads_of(const Digest& digest);
  void promise(bool holds, const std::string& what) {
    if (!holds && broken_.empty()) broken_ = what;
  }
  const std::string& id_of(TaskId id) const { return plan_[id].id; }

  const plan::Plan& plan_;
  Files first_ = first_files();
  const testing_support::FakeSnapshots& snapshots_;
  const testing_support::FakeJournal& journal_;
  engine::RunState run_;  ///< By what was seen so far.
  std::string broken_;
  bool is_revived_ = false;
  bool was_compared_ = false;
  std::size_t conflicts_ = 0;
  std::size_t went_ahead_ = 0;
  std::size_t failures_compared_ = 0;
  std::set<engine::AttemptName> failed_by_reading_;
  /// The attempt whose conflict is told, and what it had cost by then.
  std::map<TaskId, int> in_conflict_;
  std::map<std::string, changes::State> last_committed_;  ///< By path.
  // People.
  struct Edit {
    std::size_t number = 0;
    changes::State before, after;
  };
  std::size_t edits_ = 0;
  std::map<std::string, std::vector<Edit>> edited_;  ///< By path, in order.
  std::map<std::string, changes::State> owed_;       ///< What they left, and nobody saw.
  std::map<std::string, std::optional<std::string>> found_by_person_;
  std::map<engine::AttemptName, std::size_t> edits_before_;
};

}  // namespace interlock::sim
