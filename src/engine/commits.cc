#include "engine/commits.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "engine/judge.h"
#include "plan/plan.h"

namespace interlock::engine {

namespace {

bool has_snapshot(const AttemptRecord& attempt) {
  return attempt.isolation == plan::Isolation::view ||
         attempt.isolation == plan::Isolation::worktree;
}

/// What was declared is read whether it was there or not: a file that came meanwhile counts as
/// well.
void add_declared(const footprint::PatternSet& reads,
                  const std::vector<const changes::Changeset*>& since,
                  std::vector<changes::Stale>& stale) {
  // By path, as what the reads themselves tell says more than that a pattern matches.
  std::map<std::string, changes::Stale> all;
  for (std::size_t i = 0; i < since.size(); ++i) {
    for (const changes::Change& change : since[i]->changes) {
      if (reads.matches(change.path))
        all.insert_or_assign(change.path,
                             changes::Stale{change.path, changes::Stale::What::content, i});
    }
  }
  for (changes::Stale& one : stale) all.insert_or_assign(one.path, one);
  stale.clear();
  for (auto& [path, one] : all) stale.push_back(std::move(one));
}

/// Not known after a replay: then `load` reads it, if it is still wanted.
template <typename Known, typename Value>
void take_known(std::map<Digest, Known>& known, const std::optional<Digest>& digest, Value& into) {
  if (!digest) return;
  if (const auto found = known.find(*digest); found != known.end()) into = std::move(found->second);
}

/// For texts that are compared: every path, so that a difference names itself.
std::string paths_of(const changes::Changeset& changeset) {
  std::string text;
  for (const changes::Change& one : changeset.changes)
    text += fmt::format(" {}", changes::shown(one.path));
  return text.empty() ? " nothing" : text;
}

/// A changeset of no change has a text too, so what is empty may just not be loaded.
bool is_loaded(const changes::Changeset& changes, const Digest& digest) {
  return !changes.changes.empty() || digest == digest_of(changes::to_text(changes::Changeset{}));
}

Result<void> load_changes(const Commits::ReadBlob& blob, const Digest& digest,
                          changes::Changeset& into) {
  // Large changesets are many megabytes: those that were made here are not read again.
  if (is_loaded(into, digest)) return {};
  auto text = blob(digest);
  if (!text) return std::unexpected(text.error());
  auto read = changes::changeset_from_text(*text);
  if (!read) return std::unexpected(read.error());
  into = std::move(*read);
  return {};
}

}  // namespace

const changes::Changeset& WaitingChanges::to_commit() const {
  // What a failure changed is thrown away; only what it read is held against others.
  static const changes::Changeset kNothing;
  return failure ? kNothing : own;
}

std::vector<std::string> Conflict::paths() const {
  std::vector<std::string> all = foreign;
  for (const changes::Stale& one : stale) all.push_back(one.path);
  std::ranges::sort(all);
  all.erase(std::ranges::unique(all).begin(), all.end());
  return all;
}

std::string Conflict::first() const {
  return foreign.empty() ? changes::place_of(gravest(stale))
                         : fmt::format("`{}`", changes::shown(foreign.front()));
}

/// By content before by name: the order of the enum.
const changes::Stale& gravest(const std::vector<changes::Stale>& stale) {
  return *std::ranges::min_element(stale, {}, &changes::Stale::what);
}

void Commits::apply(const RunState& run, const RecordedEvent& recorded) {
  std::visit([&](const auto& event) { on(run, event); }, recorded.event);
}

void Commits::know(const Digest& digest, changes::Changeset changes) {
  known_changes_.insert_or_assign(digest, std::move(changes));
}

void Commits::know(const Digest& digest, changes::ReadSet reads) {
  known_reads_.insert_or_assign(digest, std::move(reads));
}

void Commits::on(const RunState& run, const AttemptEnded& event) {
  const AttemptRecord& attempt = run[event.task].attempts.back();
  // Of its own it did nothing: the try did.
  if (attempt.from) return take_over(event.task, *attempt.from, event.attempt);
  const bool failed = event.outcome != Outcome::succeeded;
  // Where nothing could be taken a failure waits all the same: it may have come of anything. What
  // failed in company is done again alone, whatever it found.
  const bool is_believed_later = failed && has_snapshot(attempt) && !attempt.is_batched() &&
                                 depends_on_what_was_found(event.outcome);
  if (event.changes || is_believed_later) {
    WaitingChanges waiting;
    waiting.name = {event.task, event.attempt, 0};
    waiting.snapshot_version = waiting.base_version = attempt.snapshot_version;
    if (failed) waiting.failure = {event.outcome, event.detail};
    // What a batch changed is nothing, and what it read is kept under its first task.
    waiting.is_kept = event.changes && !attempt.is_batched();
    if (attempt.is_batched()) {
      const TaskId first = attempt.batched_with.value_or(event.task);
      waiting.batch = AttemptName{first, run[first].attempts.front().number, 0};
    }
    waiting.changes_digest = event.changes;
    waiting.reads_digest = event.reads;
    take_known(known_changes_, event.changes, waiting.own);
    take_known(known_reads_, event.reads, waiting.reads);
    // What its check read was not watched.
    if (event.outcome == Outcome::verify_failed) waiting.reads = {};
    waiting_.insert_or_assign(event.task, std::move(waiting));
  }
  known_changes_.clear();
  known_reads_.clear();
}

/// What the picked try changed and read is its task's from now on.
void Commits::take_over(TaskId task, TaskId from, std::uint32_t attempt) {
  // Moved, not copied: from here on the try itself waits for nothing.
  auto taken = waiting_.extract(from);
  check(!taken.empty(), "what a good try changed waits until one is picked");
  WaitingChanges& waiting = taken.mapped();
  waiting.made_by = waiting.name;
  waiting.name = {task, attempt, 0};
  taken.key() = task;
  waiting_.erase(task);
  waiting_.insert(std::move(taken));
  known_changes_.clear();
  known_reads_.clear();
}

void Commits::on(const RunState&, const ChangesMerged& event) {
  WaitingChanges& waiting = waiting_.at(event.task);
  waiting.changes_digest = event.changes;
  // What was merged is another changeset: until it is loaded nothing may be taken for it.
  waiting.own = {};
  take_known(known_changes_, event.changes, waiting.own);
  known_changes_.clear();
  waiting.merged = event.files;
  // It agrees with all that was there when it was merged, and is held against what comes after.
  waiting.base_version = event.snapshot_version;
}

void Commits::on(const RunState&, const ChangesCommitted& event) {
  const auto waiting = waiting_.find(event.task);
  // An event that names what nobody waited for is of a journal that is not this run's.
  check(waiting != waiting_.end(), "what is committed waited for its turn");
  committed_.push_back({waiting->second.name, waiting->second.snapshot(), event.changes,
                        std::move(waiting->second.own)});
  waiting_.erase(waiting);
}

void Commits::on(const RunState&, const ChangesLost& event) {
  // Commits are layers: what stood upon a lost one is lost with it.
  committed_.resize(event.commits);
  for (const TaskId task : event.tasks) waiting_.erase(task);
}

Result<void> Commits::load(const ReadBlob& blob) {
  for (Committed& one : committed_) {
    if (auto done = load_changes(blob, one.digest, one.changes); !done) return done;
  }
  for (auto& [id, one] : waiting_) {
    if (!one.changes_digest) continue;
    if (auto done = load_changes(blob, *one.changes_digest, one.own); !done) return done;
    // As `on(AttemptEnded)` leaves it: what a check read was not watched.
    const bool reads_all = one.failure && one.failure->outcome == Outcome::verify_failed;
    if (reads_all || !one.reads_digest || one.reads != changes::ReadSet{}) continue;
    auto text = blob(*one.reads_digest);
    if (!text) return std::unexpected(text.error());
    auto reads = changes::read_set_from_text(*text);
    if (!reads) return std::unexpected(reads.error());
    // Only now, so that a damaged text leaves it as not loaded.
    one.reads = std::move(*reads);
  }
  return {};
}

std::vector<changes::Stale> Commits::stale_in(const WaitingChanges& waiting, bool is_revived,
                                              const footprint::PatternSet& declared) const {
  std::vector<const changes::Changeset*> since;
  std::vector<std::size_t> which;
  // From what it agrees with on: what came before that was looked at, or merged.
  for (std::size_t i = waiting.base_version; i < committed_.size(); ++i) {
    if (committed_[i].name.task > waiting.name.task && !is_revived) continue;
    since.push_back(&committed_[i].changes);
    // `stale` counts in what it is given; whoever is told counts commits.
    which.push_back(i - waiting.base_version);
  }
  auto stale = changes::stale(waiting.reads, waiting.to_commit(), since);
  // Observed reads name what was looked for in vain; declared ones do so by patterns alone.
  if (waiting.reads.from == changes::ReadsFrom::declared) add_declared(declared, since, stale);
  for (changes::Stale& one : stale) one.by = which[one.by];
  return stale;
}

std::vector<changes::Stale> Commits::seen_too_soon(const WaitingChanges& waiting) const {
  std::vector<const changes::Changeset*> later;
  // Only what its snapshot held: what came later it cannot have seen.
  for (std::size_t i = 0; i < committed_.size() && i < waiting.snapshot_version; ++i) {
    if (committed_[i].name.task > waiting.name.task) later.push_back(&committed_[i].changes);
  }
  // One that may have read everything proves nothing about any path.
  if (later.empty() || waiting.reads.from == changes::ReadsFrom::everything) return {};
  return changes::stale(waiting.reads, waiting.to_commit(), later);
}

/// All that decides: two of them that differ in anything that counts differ here.
std::string Commits::text() const {
  std::string text;
  for (const auto& [id, one] : waiting_) {
    text += fmt::format("{}#{} waits, ", id.index(), one.name.attempt);
    text += one.failure ? fmt::format("{}, ", name_of(one.failure->outcome)) : std::string();
    text += one.is_kept ? "" : "not kept, ";
    if (one.made_by)
      text += fmt::format("made by {}#{}, ", one.made_by->task.index(), one.made_by->attempt);
    if (one.batch)
      text += fmt::format("did its work in {}#{}, ", one.batch->task.index(), one.batch->attempt);
    text += fmt::format("upon {}, saw {}, changed{}, read {}", one.base_version,
                        one.snapshot_version, paths_of(one.own), changes::name_of(one.reads.from));
    for (const auto* const paths : {&one.reads.content, &one.reads.listing, &one.reads.presence}) {
      for (const std::string& path : *paths) text += fmt::format(" {}", changes::shown(path));
      text += ";";
    }
    for (const CacheKeyPart& file : one.merged)
      text += fmt::format(" merged {}", changes::shown(file.name));
    text += "\n";
  }
  for (const Committed& one : committed_)
    text += fmt::format("{}#{} committed{}\n", one.name.task.index(), one.name.attempt,
                        paths_of(one.changes));
  return text;
}

}  // namespace interlock::engine
