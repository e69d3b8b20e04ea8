#include "engine/event_batch.h"

#include "engine/notices.h"
#include "engine/scheduler_changes.h"

namespace interlock::engine {

/// A run is taken up by the code that makes it: whatever the journal says is applied as it was.
EventBatch::EventBatch(const plan::Plan& plan, const Setup& setup, Replay before, Time now,
                       Journal& journal)
    : plan_(plan),
      run_(std::move(before.run)),
      scheduler_(scheduler_of(setup, before.changes, now)),
      commits_(std::move(before.commits)),
      budgets_(run_),
      journal_(journal) {}

void EventBatch::record(Event event) {
  RecordedEvent recorded{run_.seq + 1, now_, std::move(event)};
  // The state first: what is made of events beside it asks what is true after them.
  apply(run_, recorded);
  for (const schedule::Change& change : changes_of(run_, recorded)) scheduler_.apply(change);
  commits_.apply(run_, recorded);
  budgets_.apply(run_, recorded);
  // Conditions look only at what ended in this turn, not at all tasks each time.
  const auto task = task_of(recorded.event);
  if (task && run_[*task].state >= TaskState::done) over_.push_back(*task);
  // Made now, while the state is that of the event; shown when it is durable.
  if (auto notice = notice_of(plan_, run_, recorded)) unreported_.push_back(std::move(*notice));
  batch_.push_back(std::move(recorded));
}

/// The text goes to the journal, and the value to `Commits`, which the event will name it to.
Digest EventBatch::keep(changes::Changeset changes) {
  std::string text = changes::to_text(changes);
  const Digest digest = digest_of(text);
  keep(Blob{digest, std::move(text)});
  commits_.know(digest, std::move(changes));
  return digest;
}

Digest EventBatch::keep(changes::ReadSet reads) {
  std::string text = changes::to_text(reads);
  const Digest digest = digest_of(text);
  keep(Blob{digest, std::move(text)});
  commits_.know(digest, std::move(reads));
  return digest;
}

Result<void> EventBatch::load_commits() {
  return commits_.load([this](const Digest& digest) { return blob(digest); });
}

Result<void> EventBatch::commit() {
  // A turn in which nothing happened waits for no disk.
  if (batch_.empty()) return {};
  // On failure all stays as it is, and the dispatcher ends: what was applied dies with it.
  if (auto done = journal_.append(batch_, blobs_, results_); !done) return done;
  batch_.clear();
  blobs_.clear();
  results_.clear();
  reported_.insert(reported_.end(), std::make_move_iterator(unreported_.begin()),
                   std::make_move_iterator(unreported_.end()));
  unreported_.clear();
  return {};
}

Result<std::string> EventBatch::blob(const Digest& digest) {
  // What was made in this turn is not in the journal yet, and may be asked for already.
  for (const Blob& one : blobs_) {
    if (one.digest == digest) return one.bytes;
  }
  return journal_.blob(digest);
}

Duration elapsed_of(const RunState& run, Time now) {
  return run.active +
         (run.session_began ? std::max(Duration{}, now - *run.session_began) : Duration{});
}

}  // namespace interlock::engine
