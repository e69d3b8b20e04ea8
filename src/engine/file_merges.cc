#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "changes/text_merge.h"
#include "engine/committer.h"

// Files that an attempt changed and others too: merged by lines, or joined by the plan's drivers.
namespace interlock::engine {

namespace {

bool all_were_written(const std::vector<changes::Stale>& stale) {
  return std::ranges::all_of(
      stale, [](const changes::Stale& one) { return one.what == changes::Stale::What::written; });
}

/// Why what a driver left is no merge of the two; empty: it is.
std::string why_no_merge(const AttemptSpec::FileMerge& asked,
                         const std::optional<Result<std::string>>& left) {
  if (!left) return "it left nothing";
  if (!*left && left->error().kind == Error::Kind::missing) return "it left no file";
  if (!*left) return left->error().message;
  // Whatever its exit status says, what the attempt changed would be lost.
  if (**left == asked.ours) return "it left the file as it was";
  const bool is_emptied = (*left)->empty() && !asked.ours.empty() && !asked.theirs.empty();
  return is_emptied ? "it left an empty file" : std::string();
}

bool asks_the_same(const Attempt::Merging& one, const Attempt::Merging& other) {
  return std::ranges::equal(one.files, other.files, {}, &Attempt::Merging::File::asked,
                            &Attempt::Merging::File::asked);
}

}  // namespace

/// What is to be joined, if that settles the conflict: with those that are merged by lines done.
/// All or nothing: one file that stays in conflict would have the task done again whole.
std::optional<Attempt::Merging> Committer::files_to_merge(const WaitingChanges& waiting,
                                                          const Conflict& conflict) const {
  // What a person changed is in no commit: there is nothing to merge with that stays.
  // What a try changed is checked upon what the try saw.
  if (waiting.failure || waiting.made_by || conflict.stale.empty() || !conflict.foreign.empty() ||
      !all_were_written(conflict.stale))
    return {};
  Attempt::Merging merging;
  for (const changes::Stale& one : conflict.stale) {
    auto file = file_to_merge(waiting, one.path);
    if (!file) return {};
    merging.files.push_back(std::move(*file));
  }
  return merging;
}

std::optional<Attempt::Merging::File> Committer::file_to_merge(const WaitingChanges& waiting,
                                                               const std::string& path) const {
  const plan::MergeDriver* const driver = turn_.plan.driver_of(path);
  if (driver == nullptr && !turn_.task(waiting.name.task).merge_text) return {};
  const changes::Change* const change = waiting.own.find(path);
  // The journal names the files it merges as text.
  if (change == nullptr || change->after.kind != changes::Kind::file || first_bad_utf8(path))
    return {};
  // As git has it, a driver is given an empty file for one that both made.
  const bool is_made = change->before.kind == changes::Kind::absent && driver != nullptr;
  if (!is_made && change->before.kind != changes::Kind::file) return {};
  const auto read = [&](Tree::Side side) {
    return turn_.ports.tree.content(waiting.name, path, side, kMergedBytesMax);
  };
  auto base = is_made ? Result<std::string>("") : read(Tree::Side::before);
  auto theirs = read(Tree::Side::after);
  auto ours = turn_.ports.tree.committed(path, kMergedBytesMax);
  // Too large, or no regular file any more: then it is a conflict like others.
  if (!base || !theirs || !ours) return {};
  Attempt::Merging::File file;
  file.asked = {path, driver == nullptr ? plan::Command{} : driver->run, std::move(*base),
                std::move(*ours), std::move(*theirs)};
  const AttemptSpec::FileMerge& asked = file.asked;
  if (driver != nullptr) {
    file.timeout = driver->timeout;
    // Both came to the same: nobody has to be asked.
    if (asked.ours == asked.theirs) file.merged = asked.ours;
    return file;
  }
  file.merged = changes::merge_three(asked.base, asked.theirs, asked.ours);
  if (!file.merged) return {};
  return file;
}

/// The merged files are its changes from now on. Its check runs on them before it commits.
bool Committer::take_merged(const WaitingChanges& waiting, const Attempt::Merging& merging) {
  std::vector<std::pair<std::string, std::string>> merged;
  for (const Attempt::Merging::File& file : merging.files)
    merged.emplace_back(file.asked.path, *file.merged);
  auto amended = turn_.ports.tree.amend(waiting.name, merged);
  if (!amended) return false;
  ChangesMerged event{waiting.name.task,
                      waiting.name.attempt,
                      turn_.batch.keep(std::move(*amended)),
                      turn_.commits().version(),
                      {}};
  // Named by content, so that a later dispatcher checks the same files, and asks no driver again.
  for (auto& [path, bytes] : merged) {
    Blob blob{digest_of(bytes), std::move(bytes)};
    event.files.push_back({path, blob.digest});
    turn_.batch.keep(std::move(blob));
  }
  turn_.record(std::move(event));
  return true;
}

/// The attempt has ended in the journal: this is no attempt of its own. Nothing is recorded until
/// all files are joined, so who takes the run up asks anew.
void Committer::ask_driver(AttemptName attempt, Attempt::Merging merging) {
  Attempt asked({attempt.task, attempt.attempt, kDriverPhase}, turn_.now());
  asked.merging = std::move(merging);
  live_.add_and_spawn(std::move(asked));
}

Result<void> Committer::on_driver_over(Attempt live, Judgement judgement,
                                       std::optional<Result<std::string>> merged) {
  const TaskId id = live.task();
  live_.erase(id);
  const WaitingChanges& waiting = turn_.commits().waiting().at(id);
  const bool is_cancelled = judgement.outcome == Outcome::cancelled;
  // It is asked again when the run is taken up again.
  if ((is_cancelled && turn_.ends_by_signal()) || judgement.outcome == Outcome::interrupted)
    return {};
  if (is_cancelled) {
    drop_changes(id);
    turn_.record(TaskCancelled{id, judgement.detail});
    return {};
  }
  Attempt::Merging merging = std::move(live.merging);
  const auto at = static_cast<std::size_t>(merging.next() - merging.files.data());
  Attempt::Merging::File& file = merging.files[at];
  if (judgement.outcome == Outcome::timed_out)
    judgement.detail = fmt::format("timed out after {}", show_duration(file.timeout));
  if (judgement.outcome == Outcome::succeeded) {
    const std::string why = why_no_merge(file.asked, merged);
    if (!why.empty()) judgement = {Outcome::conflicted, why, {}};
  }
  // Others may have committed meanwhile, and people may have edited.
  Conflict conflict = conflict_of(waiting);
  if (conflict.empty()) return try_to_commit(waiting);
  if (judgement.outcome != Outcome::succeeded) {
    conflict.detail = fmt::format("the merge driver of `{}` could not join the two: {}",
                                  changes::shown(file.asked.path), judgement.detail);
    return refuse_commit(waiting, std::move(conflict));
  }
  const auto now = files_to_merge(waiting, conflict);
  if (!now || !asks_the_same(*now, merging)) return refuse(waiting, conflict);
  file.merged = std::move(**merged);
  if (!merging.is_done()) {
    ask_driver(waiting.name, std::move(merging));
    return {};
  }
  return take_merged(waiting, merging) ? check_merged(waiting)
                                       : refuse_commit(waiting, std::move(conflict));
}

/// Whether drivers could still join all that an attempt that runs has read and others have changed:
/// what it declares has to let it change these files, too.
bool Committer::is_for_drivers(TaskId task, const std::vector<changes::Stale>& stale) const {
  const footprint::Footprint& footprint = turn_.task(task).footprint;
  return std::ranges::all_of(stale, [&](const changes::Stale& one) {
    return turn_.plan.driver_of(one.path) != nullptr &&
           (footprint.unknown || footprint.writes.matches(one.path));
  });
}

}  // namespace interlock::engine
