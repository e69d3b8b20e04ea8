#include "sim/view_promises.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/waiting_changes.h"

namespace interlock::sim {

using changes::Changeset;
using changes::ReadSet;
using changes::State;
using engine::AttemptRecord;
using engine::TaskState;
using testing_support::FakeTree;

namespace {

bool is_over(TaskState state) { return state >= TaskState::done; }

/// Whether the task may change which names the folder holds, as far as that can be shown with a
/// name nobody has, and with those that are there.
bool may_change_names(const plan::Task& task, const std::string& folder, const FakeTree& tree) {
  const std::string inside = folder.empty() ? "" : folder + "/";
  if (task.footprint.writes.matches(inside + "a name nobody has")) return true;
  const std::vector<std::string> names = tree.names_in(folder);
  return std::ranges::any_of(
      names, [&](const std::string& name) { return task.footprint.writes.matches(inside + name); });
}

}  // namespace

bool is_in_view(const plan::Task& task) {
  return task.isolation == plan::Isolation::view || task.isolation == plan::Isolation::worktree;
}

ViewPromises::ViewPromises(const plan::Plan& plan, const testing_support::FakeSnapshots& snapshots,
                           const testing_support::FakeJournal& journal)
    : plan_(plan), snapshots_(snapshots), journal_(journal), run_(plan) {}

void ViewPromises::see(const engine::RecordedEvent& recorded) {
  std::visit([this](const auto& event) { see(event); }, recorded.event);
  engine::apply(run_, recorded);
  promise(run_.checkpointed <= run_.commits.size(), "nothing is folded that was not committed");
  for (std::size_t i = 0; i < plan_.tasks.size(); ++i) {
    promise(run_.tasks[i].conflicts <= engine::kConflictsMax,
            fmt::format("`{}` gives up after so many conflicts", plan_.tasks[i].id));
  }
}

void ViewPromises::see(const engine::AttemptStarted& event) {
  edits_before_[{event.task, event.attempt, 0}] = edits_;
  // What a try did rests on what the try found.
  if (event.from)
    edits_before_[{event.task, event.attempt, 0}] =
        edits_before_[{*event.from, run_[*event.from].attempts.back().number, 0}];
  in_conflict_.erase(event.task);
}

void ViewPromises::see(const engine::AttemptEnded& event) {
  if (event.outcome == engine::Outcome::conflicted)
    in_conflict_[event.task] = run_[event.task].retries_used;
  const bool kept = event.outcome == engine::Outcome::succeeded && is_in_view(plan_[event.task]);
  promise(!kept || (event.changes && event.reads),
          fmt::format("what `{}` changed and read is on record", id_of(event.task)));
}

void ViewPromises::see(const engine::CommitRefused& event) {
  ++conflicts_;
  in_conflict_[event.task] = run_[event.task].retries_used;
  promise(!event.paths.empty() && event.count >= event.paths.size(),
          fmt::format("`{}` is told what it met", id_of(event.task)));
  for (const TaskId by : event.by) {
    promise(by < event.task || run_[event.task].revived,
            fmt::format("`{}` does not give way to a later task", id_of(event.task)));
  }
}

void ViewPromises::see(const engine::RetryPlanned& event) {
  using Trigger = engine::AttemptStarted::Trigger;
  const bool by_conflict = event.because == Trigger::conflict || event.because == Trigger::repair;
  const auto known = in_conflict_.find(event.task);
  promise(by_conflict == (known != in_conflict_.end()),
          fmt::format("`{}` is done again for a reason", id_of(event.task)));
  promise(!by_conflict || !event.charged, "a conflict costs no retry");
  const plan::Task& task = plan_[event.task];
  const bool keeps_sessions = plan_.agents[task.agent.index()].kind != plan::AgentKind::command;
  promise(event.because != Trigger::repair || !task.repair.empty() || keeps_sessions,
          fmt::format("`{}` has nobody who mends", id_of(event.task)));
}

/// Its own account of what is committed, path by path.
void ViewPromises::see(const engine::ChangesCommitted& event) {
  const AttemptRecord& attempt = run_[event.task].attempts.back();
  const Changeset own = changes_of(event.changes);
  const ReadSet reads = reads_of(attempt.reads.value_or(Digest{}));
  promise(event.count == own.changes.size(), "a commit says how many paths it changes");
  went_ahead_of(event, own, reads);
  const std::size_t edits_before = edits_before_[{event.task, event.attempt, 0}];
  const auto was_edited = [&](const std::string& path) {
    const auto edited = edited_.find(path);
    if (edited == edited_.end()) return false;
    const auto first = std::ranges::find_if(
        edited->second, [&](const Edit& one) { return one.number > edits_before; });
    // Put back as it was, it is as if nobody had been there.
    return first != edited->second.end() && first->before != edited->second.back().after;
  };
  for (const std::string& path : reads.content) {
    promise(!was_edited(path) || !attempt.merged.empty(),
            fmt::format("`{}` rests on the person's `{}`", id_of(event.task), path));
  }
  for (const std::string& path : reads.presence) {
    promise(
        !has_come_or_gone_since(path, edits_before),
        fmt::format("`{}` rests on whether the person's `{}` is there", id_of(event.task), path));
  }
  for (const changes::Change& change : own.changes) {
    // Who leaves there what the person left changes nothing of theirs.
    const bool is_as_left =
        edited_.contains(change.path) && edited_[change.path].back().after == change.after;
    promise(!was_edited(change.path) || is_as_left,
            fmt::format("`{}` changed the person's `{}`", id_of(event.task), change.path));
    last_committed_[change.path] = change.after;
    const auto owed = owed_.find(change.path);
    if (owed != owed_.end() && owed->second == change.before) owed_.erase(owed);
  }
  if (!is_exact()) return;
  const std::vector<bool> settled = done();
  for (TaskId id(0); id < event.task; id = TaskId(id.index() + 1)) {
    if (!is_over(run_[id].state)) return;
  }
  found_what_was_there(event.task, attempt, one_by_one(played(), first_, settled));
}

/// Whether a person made it, or took it away, after so many edits.
bool ViewPromises::has_come_or_gone_since(const std::string& path, std::size_t edits) const {
  const auto edited = edited_.find(path);
  if (edited == edited_.end()) return false;
  const auto first =
      std::ranges::find_if(edited->second, [&](const Edit& one) { return one.number > edits; });
  return first != edited->second.end() && first->before.kind != edited->second.back().after.kind;
}

/// Before an earlier task that is not over, only with what that one can neither see nor change.
void ViewPromises::went_ahead_of(const engine::ChangesCommitted& event, const Changeset& own,
                                 const ReadSet& reads) {
  const FakeTree* found = snapshots_.found(engine::snapshot_of(run_, event.task, event.attempt));
  promise(found != nullptr, "what is committed is kept");
  for (TaskId id(0); id < event.task && found != nullptr; id = TaskId(id.index() + 1)) {
    if (is_over(run_[id].state)) continue;
    ++went_ahead_;
    const plan::Task& other = plan_[id];
    bool meets = other.footprint.unknown;
    for (const changes::Change& one : own.changes) {
      meets |= other.footprint.reads.matches(one.path) || other.footprint.writes.matches(one.path);
    }
    for (const auto* paths : {&reads.content, &reads.presence}) {
      for (const std::string& path : *paths) meets |= other.footprint.writes.matches(path);
    }
    for (const std::string& folder : reads.listing)
      meets |= may_change_names(other, folder, *found);
    meets |= reads.from == changes::ReadsFrom::everything && !other.footprint.writes.empty();
    promise(!meets, fmt::format("`{}` is not committed ahead of `{}`, which it may meet",
                                id_of(event.task), other.id));
  }
}

/// The files it read held what the tasks before it had left there.
void ViewPromises::found_what_was_there(TaskId id, const AttemptRecord& attempt,
                                        const Sequential& expected) {
  // A snapshot that others shared is gone with the last of them; its answer tells what it had read.
  if (attempt.is_batched()) return;
  const FakeTree* found = snapshots_.found(engine::snapshot_of(run_, id, attempt.number));
  const FakeTree& there = expected.found[id.index()];
  promise(found != nullptr, "what is committed is kept");
  if (found == nullptr) return;
  const ReadSet reads = reads_of(attempt.reads.value_or(Digest{}));
  // What was joined with others' changes afterwards, it read as it was before.
  const auto was_merged = [&](const std::string& path) {
    return std::ranges::find(attempt.merged, path, &engine::CacheKeyPart::name) !=
           attempt.merged.end();
  };
  for (const std::string& path : reads.content) {
    promise(found->state(path) == there.state(path) || was_merged(path),
            fmt::format("`{}` read in `{}` what the tasks before it had left", id_of(id), path));
  }
  for (const std::string& path : reads.presence) {
    promise(found->state(path).kind == there.state(path).kind || was_merged(path),
            fmt::format("`{}` found `{}` there, or missing, as the tasks before it had left it",
                        id_of(id), path));
  }
}

void ViewPromises::see(const engine::ChangesCheckpointed& event) {
  promise(event.commits > run_.checkpointed, "a fold brings something in");
  found_by_person_.clear();
}

void ViewPromises::see(const engine::ChangesLost& event) {
  promise(event.commits >= run_.checkpointed, "what is in the workspace is not lost");
  // Its own account, made anew from what stands.
  last_committed_.clear();
  for (std::uint32_t i = 0; i < event.commits; ++i) {
    const Changeset committed = changes_of(run_.commits[i].changes);
    for (const changes::Change& change : committed.changes)
      last_committed_[change.path] = change.after;
  }
}

void ViewPromises::see(const engine::CheckpointRefused& event) {
  for (const std::string& path : event.paths) {
    promise(edited_.contains(path), fmt::format("only a person was in the way at `{}`", path));
  }
}

/// Once it waits for its turn nobody but a person can come in between.
void ViewPromises::see(const engine::TaskFailed& event) {
  promise(event.outcome != engine::Outcome::conflicted || edits_ > 0 || is_revived_,
          fmt::format("`{}` has its turn", id_of(event.task)));
  promise(event.outcome != engine::Outcome::outside_footprint,
          fmt::format("`{}` kept to its footprint", id_of(event.task)));
}

void ViewPromises::person_makes_folder(const std::string& path) {
  owed_[path] = snapshots_.workspace().state(path);
  edited_[path].push_back({++edits_, {}, owed_[path]});
}

void ViewPromises::person_edits(const std::string& path, const std::optional<std::string>& found,
                                const State& before) {
  owed_[path] = snapshots_.workspace().state(path);
  edited_[path].push_back({++edits_, before, owed_[path]});
  // What is in a layer stands for what was there before; else nobody asks for it any more.
  if (!snapshots_.is_in_layers(path)) {
    found_by_person_.erase(path);
  } else {
    found_by_person_.try_emplace(path, found);
  }
}

std::map<std::string, std::optional<std::string>> ViewPromises::to_requeue() const {
  std::map<std::string, std::optional<std::string>> files;
  for (const std::string& path : run_.checkpoint_refused) {
    const auto found = found_by_person_.find(path);
    if (found != found_by_person_.end()) files.insert(*found);
  }
  return files;
}

void ViewPromises::requeue(const std::string& path, const State& before) {
  edited_[path].push_back({++edits_, before, snapshots_.workspace().state(path)});
  owed_.erase(path);
  found_by_person_.erase(path);
}

void ViewPromises::see_end(bool dirty) {
  promise(snapshots_.snapshots_open() == 0, "no snapshot is left open when the run is over");
  promise(run_.checkpointed == run_.commits.size() || !run_.checkpoint_refused.empty(),
          "what is committed is in the workspace when the run is over");
  for (const engine::AttemptName& name : snapshots_.harvested()) {
    const bool committed = std::ranges::any_of(run_.commits, [&](const engine::CommitRecord& one) {
      return engine::snapshot_of(run_, one.task, one.attempt) ==
             engine::AttemptName{name.task, name.attempt, 0};
    });
    const TaskState state = run_[name.task].state;  // A run that was stopped may be taken up again.
    const auto& try_of = plan_[name.task].try_of;
    const bool may_be_picked = try_of && state == TaskState::done && !run_[*try_of].picked;
    const bool waits =
        state == TaskState::committing || state == TaskState::reviewing || may_be_picked;
    promise(
        committed || waits || dirty,
        fmt::format("the changes of `{}` that nobody wanted are thrown away", id_of(name.task)));
  }
  nothing_committed_is_lost();
  no_edit_is_lost();
  if (is_exact()) equals_the_sequential_run();
}

void ViewPromises::nothing_committed_is_lost() {
  const bool all_in_views = std::ranges::all_of(plan_.tasks, is_in_view);
  if (!all_in_views || run_.checkpointed < run_.commits.size()) return;
  const FakeTree workspace = snapshots_.workspace();
  for (const auto& [path, state] : last_committed_) {
    if (edited_.contains(path) || state.kind == changes::Kind::folder) continue;
    promise(workspace.state(path) == state,
            fmt::format("`{}` is as the last commit left it", path));
  }
}

void ViewPromises::no_edit_is_lost() {
  const FakeTree workspace = snapshots_.workspace();
  for (const auto& [path, state] : owed_) {
    promise(workspace.state(path) == state, fmt::format("a person's `{}` is not lost", path));
  }
}

std::vector<bool> ViewPromises::done() const {
  std::vector<bool> done;
  // What counts of tries is their task's, and a judge changes nothing.
  for (std::size_t i = 0; i < plan_.tasks.size(); ++i) {
    const bool counts = !plan_.tasks[i].try_of && !plan_.tasks[i].judge_of;
    done.push_back(counts && run_.tasks[i].state == TaskState::done);
  }
  return done;
}

/// The plan as if each task had been done by the try that was picked, and by nobody else.
plan::Plan ViewPromises::played() const {
  plan::Plan plan = plan_;
  for (std::size_t i = 0; i < plan_.tasks.size(); ++i) {
    const auto& attempts = run_.tasks[i].attempts;
    if (attempts.empty() || !attempts.back().from) continue;
    plan.tasks[i].id = plan_[*attempts.back().from].id;
  }
  return plan;
}

/// Merged texts, other hands and another order give something else; so does what a task without a
/// view left behind half done.
bool ViewPromises::is_exact() const {
  if (is_revived_ || edits_ > 0) return false;
  for (std::size_t i = 0; i < plan_.tasks.size(); ++i) {
    const plan::Task& task = plan_.tasks[i];
    const engine::TaskRecord& record = run_.tasks[i];
    const bool is_half_done = is_over(record.state) && record.state != TaskState::done &&
                              !is_in_view(task) && !record.attempts.empty();
    if (task.merge_text || is_half_done) return false;
  }
  return true;
}

void ViewPromises::equals_the_sequential_run() {
  const std::vector<bool> which = done();
  const Sequential expected = one_by_one(played(), first_, which);
  was_compared_ = true;
  for (std::size_t i = 0; i < which.size(); ++i) {
    if (!which[i]) continue;
    const engine::TaskRecord& record = run_.tasks[i];
    promise(record.output == digest_of(expected.answers[i] + "\n"),
            fmt::format("`{}` answers as in the sequential run", plan_.tasks[i].id));
    if (is_in_view(plan_.tasks[i]) && record.from_run.empty())
      found_what_was_there(TaskId(i), record.attempts.back(), expected);
  }
  failures_hold(expected);
  promise(snapshots_.workspace().files() == expected.files,
          "the files are those of the sequential run");
  promise(snapshots_.workspace().folders() == expected.folders,
          "the folders are those of the sequential run");
}

/// Who failed because of what it read fails in the sequential run as well.
void ViewPromises::failures_hold(const Sequential& expected) {
  for (std::size_t i = 0; i < plan_.tasks.size(); ++i) {
    const plan::Task& task = plan_.tasks[i];
    const engine::TaskRecord& record = run_.tasks[i];
    if (record.state != TaskState::failed || record.attempts.empty()) continue;
    const AttemptRecord& last = record.attempts.back();
    if (!failed_by_reading_.contains({TaskId(i), last.number, 0}) ||
        record.failure != engine::Outcome::exited_nonzero)
      continue;
    testing_support::FakeSnapshot snapshot(expected.found[i]);
    const std::string answer = work(task, question_of(task, expected.answers), snapshot);
    ++failures_compared_;
    promise(fails_at_what_it_found(task, answer),
            fmt::format("`{}` failed, and does not in the sequential run", task.id));
  }
}

Changeset ViewPromises::changes_of(const Digest& digest) {
  const std::string* text = journal_.find_blob(digest);
  auto read = changes::changeset_from_text(text == nullptr ? "" : *text);
  promise(read.has_value(), "what was changed is on record");
  return read ? std::move(*read) : Changeset{};
}

ReadSet ViewPromises::reads_of(const Digest& digest) {
  const std::string* text = journal_.find_blob(digest);
  auto read = changes::read_set_from_text(text == nullptr ? "" : *text);
  promise(read.has_value(), "what was read is on record");
  return read ? std::move(*read) : ReadSet{};
}

}  // namespace interlock::sim
