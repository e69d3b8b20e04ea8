#include "engine/change_collector.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "changes/stale.h"
#include "engine/shortage.h"
#include "engine/trace.h"
#include "footprint/temporary.h"

namespace interlock::engine {

namespace {

constexpr std::size_t kPathsNamed = 3;

/// Not the folder itself: to look at the workspace is not to touch what is in it.
bool lies_below(const std::string& path, const std::string& folder) {
  return path.starts_with(folder) && path.size() > folder.size() && path[folder.size()] == '/';
}

/// As it can be pasted into the plan.
std::string lines_for(const std::vector<std::string>& paths, std::string_view key) {
  std::string list;
  for (std::size_t i = 0; i < std::min(paths.size(), kPathsNamed); ++i)
    list += fmt::format("{}\"{}\"", i == 0 ? "" : ", ", changes::shown(paths[i]));
  return fmt::format("`{}: [{}]`", key, list);
}

std::string named(const std::vector<std::string>& paths) {
  std::vector<std::string> quoted;
  for (const std::string& path : paths) quoted.push_back(fmt::format("`{}`", changes::shown(path)));
  return join_words(quoted, kPathsNamed);
}

}  // namespace

void ChangeCollector::note_denied(Attempt& live, const Observed& observed) const {
  for (const Denied& one : observed.denied) {
    // A call that nothing in an attempt may make, whatever it is about.
    if (one.is_act) {
      live.work.remarks.push_back("kept from " + printable(one.path));
      continue;
    }
    live.work.remarks.push_back(
        fmt::format("kept from {} `{}`", one.writing ? "writing" : "reading", printable(one.path)));
    // Elsewhere nothing was promised, so it is said and not held against it.
    if (!lies_below(one.path, turn_.plan.workspace)) continue;
    const std::string path = printable(one.path.substr(turn_.plan.workspace.size() + 1));
    if (one.writing && writes_for_itself(live, path)) continue;
    (one.writing ? live.work.denied_writes : live.work.denied_reads).push_back(path);
  }
}

/// Whether its client puts that there on its own account, and does without where it cannot.
bool ChangeCollector::writes_for_itself(const Attempt& live, std::string_view path) {
  return live.agent.adapter != nullptr &&
         std::ranges::find(live.agent.adapter->droppings(), path) !=
             live.agent.adapter->droppings().end();
}

/// What a guard let it write beside declared files, to be renamed over them, and it left there.
std::vector<std::string> ChangeCollector::left_beside(TaskId id, const Observed& observed) const {
  std::vector<std::string> left;
  const plan::Task& it = turn_.task(id);
  // A snapshot tells what is left there by itself, and where nothing is declared nothing is beside
  // it.
  if (it.isolation != plan::Isolation::guard || it.footprint.unknown) return left;
  for (const std::string& whole : observed.written) {
    if (!lies_below(whole, turn_.plan.workspace)) continue;
    std::string path = whole.substr(turn_.plan.workspace.size() + 1);
    if (it.footprint.writes.matches(path) ||
        !footprint::is_temporary_beside(path, it.footprint.writes))
      continue;
    // Most programs rename it over what they write, and then it is gone.
    const auto there = turn_.ports.workspace.read(path, 0);
    if (there || there.error().kind != Error::Kind::missing) left.push_back(std::move(path));
  }
  return left;
}

/// What it was kept from. In the workspace that breaks its word; elsewhere it is a remark, as many
/// programs try to write where they need not.
Judgement ChangeCollector::judge_denied(const Attempt& live) const {
  const std::vector<std::string>& read = live.work.denied_reads;
  const std::vector<std::string>& written = live.work.denied_writes;
  const plan::Task& it = turn_.task(live.task());
  if (it.isolation != plan::Isolation::guard || (read.empty() && written.empty())) return {};
  // To be kept from writing says more: what it should have read may have been optional.
  const bool writing = !written.empty();
  const auto& paths = writing ? written : read;
  const std::string_view key = writing ? "writes" : "reads";
  return {
      Outcome::outside_footprint,
      fmt::format("it was kept from {} {}, which its `{}` do not name; add {} to task `{}`",
                  writing ? "writing" : "reading", named(paths), key, lines_for(paths, key), it.id),
      fmt::format("You may not {} {}.", writing ? "write" : "read", named(paths))};
}

Judgement ChangeCollector::judge_observed(Attempt& live, const std::optional<Observed>& observed,
                                          Judgement judgement) {
  if (!observed) return judgement;
  const TaskId id = live.task();
  note_denied(live, *observed);
  live.work.read_repository = opened_repository(*observed);
  // Before all else: what was not seen cannot be held against anything.
  if (!observed->broken.empty()) {
    judgement = {Outcome::changes_lost,
                 fmt::format("what it did could no longer be followed, so it was ended: {}",
                             printable(observed->broken)),
                 {}};
  }
  // A failure has a reason of its own; that it was kept from something is among the remarks.
  if (judgement.outcome == Outcome::succeeded) judgement = judge_denied(live);
  if (judgement.outcome == Outcome::succeeded) {
    if (const auto left = left_beside(id, *observed); !left.empty())
      judgement = {Outcome::outside_footprint,
                   fmt::format("it left {}, which its `writes` do not name; add {} to task `{}`",
                               named(left), lines_for(left, "writes"), turn_.task(id).id),
                   fmt::format("You may not leave {}.", named(left))};
  }
  return judgement;
}

bool ChangeCollector::begin(const Attempt& live, const Judgement& judgement) {
  if (!turn_.has_snapshot(live.task())) return false;
  if (judgement.outcome == Outcome::succeeded || depends_on_what_was_found(judgement.outcome))
    return true;
  snapshots_.close(live.name());
  return false;
}

Judgement ChangeCollector::take(Attempt& live, Result<Harvest> harvest, Judgement judgement) {
  const plan::Task& it = turn_.task(live.task());
  const bool succeeded = judgement.outcome == Outcome::succeeded;
  // Whatever came of it: nothing runs upon it any more, and a checkpoint need not wait.
  snapshots_.harvested(live.name());
  if (!harvest) {
    snapshots_.close(live.name());
    if (is_interruption(harvest.error())) {
      turn_.await_signal();
      return {Outcome::interrupted, "a signal came while its changes were taken", {}};
    }
    if (!succeeded) return judgement;
    // It may have done its work, but nobody knows what it was.
    return {Outcome::changes_lost, harvest.error().message, {}};
  }
  for (std::string& remark : harvest->remarks) live.work.remarks.push_back(std::move(remark));
  if (!harvest->gap.empty()) live.work.remarks.push_back("its reads: " + harvest->gap);
  live.work.harvest = std::move(*harvest);
  if (!succeeded) return judgement;
  // Of a failure it makes no difference: what it changed is thrown away.
  const std::vector<std::string> outside =
      changes::outside(live.work.harvest->changes, it.footprint);
  if (outside.empty()) return judgement;
  return {Outcome::outside_footprint,
          fmt::format("it changed {}, which its `writes` do not name; add {} to task `{}`",
                      named(outside), lines_for(outside, "writes"), it.id),
          fmt::format("You changed {}, which you may not.", named(outside))};
}

Result<std::string> ChangeCollector::output_file_of(const Attempt& live) const {
  constexpr std::size_t kBytesMax = 16u << 20;
  const std::string& file = turn_.task(live.task()).output.file;
  // Where it was in a snapshot the workspace holds something else under that name, or nothing.
  const bool in_snapshot = live.work.harvest.has_value();
  if (turn_.has_snapshot(live.task()) && !in_snapshot)
    return fail(Error::Kind::missing, fmt::format("nothing is kept of `{}`", file));
  return in_snapshot ? turn_.ports.tree.content(live.name(), file, Tree::Side::behind, kBytesMax)
                     : turn_.ports.workspace.read(file, kBytesMax);
}

void ChangeCollector::note(Attempt& live, AttemptEnded& event) {
  event.remarks = std::move(live.work.remarks);
  event.denied_reads = std::move(live.work.denied_reads);
  event.denied_writes = std::move(live.work.denied_writes);
  const bool failed = event.outcome != Outcome::succeeded;
  if (!turn_.has_snapshot(event.task) || (failed && !depends_on_what_was_found(event.outcome))) {
    if (live.work.harvest && !live.share.batch) snapshots_.close({event.task, event.attempt, 0});
    return;
  }
  if (live.share.batch && failed) return;  // It is done again alone.
  // Of an attempt before nothing counts any more.
  WaitingNotes& notes = notes_[event.task] = {};
  if (!live.work.harvest) return;
  notes.not_comparable = why_not_comparable(turn_.task(event.task), live.work.harvest->reads,
                                            live.work.harvest->writes, live.work.harvest->changes,
                                            live.work.read_repository);
  // Also with the same bytes: whoever reads them depends on that it wrote them.
  notes.wrote = live.work.harvest->writes.paths;
  keep(std::move(*live.work.harvest), event);
}

/// Its texts go into the journal.
void ChangeCollector::keep(Harvest harvest, AttemptEnded& event) {
  // All three, though a commit needs the changes alone: `why` and `diff` show the rest for as long
  // as the run is kept.
  std::string written = changes::to_text(harvest.writes);
  event.writes = digest_of(written);
  turn_.batch.keep(Blob{*event.writes, std::move(written)});
  event.reads_from = changes::name_of(harvest.reads.from);
  event.changes = turn_.batch.keep(std::move(harvest.changes));
  event.reads = turn_.batch.keep(std::move(harvest.reads));
}

}  // namespace interlock::engine
