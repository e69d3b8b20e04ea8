#include "engine/checkpoints.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "changes/stale.h"
#include "engine/shortage.h"

// How committed changes come into the workspace, and what is taken up of them after a crash.
namespace interlock::engine {

void OpenSnapshots::close(AttemptName name) {
  turn_.ports.executor.release(name);
  open_.erase(name);
}

void OpenSnapshots::close_those_of_batches(const LiveAttempts& live) {
  std::erase_if(of_batches_, [&](AttemptName name) {
    // Of its parts some may wait for their turn, and some for their checks.
    const bool is_used =
        std::ranges::any_of(turn_.commits().waiting(),
                            [&](const auto& one) { return one.second.batch == name; }) ||
        std::ranges::any_of(live,
                            [&](const auto& one) { return one.second.share.batch == name.task; });
    if (!is_used) close(name);
    return !is_used;
  });
}

Result<void> Checkpoints::recover() {
  if (auto loaded = turn_.batch.load_commits(); !loaded) return loaded;
  // Each round gives up at least one attempt.
  for (;;) {
    auto lost = recover_kept();
    if (!lost) return std::unexpected(lost.error());
    if (lost->empty()) break;
    give_up_lost(*lost);
  }
  // What is committed is durable, and no snapshot is open: so nothing is in the way of this now.
  make();
  return note();
}

Result<std::vector<AttemptName>> Checkpoints::recover_kept() {
  std::vector<Tree::Kept> uncheckpointed, waiting;
  const auto& committed = turn_.commits().committed();
  // What the journal says to be brought in is the workspace's own by now.
  for (std::size_t i = turn_.run().checkpointed; i < committed.size(); ++i)
    uncheckpointed.push_back({committed[i].snapshot, &committed[i].changes});
  for (const auto& [id, one] : turn_.commits().waiting()) {
    // Where nothing could be harvested, nothing is there to be found again.
    if (one.is_kept) waiting.push_back({one.snapshot(), &one.own});
  }
  return turn_.ports.tree.recover(uncheckpointed, waiting);
}

/// What is not whole is done again, and so is what was built upon it: later commits, and what waits
/// and saw them.
void Checkpoints::give_up_lost(const std::vector<AttemptName>& lost) {
  const auto is_lost = [&](AttemptName name) {
    return std::ranges::find(lost, name) != lost.end();
  };
  // Commits are layers: one that is not whole takes all above it along.
  std::uint32_t stands = turn_.run().checkpointed;
  while (stands < turn_.run().commits.size() &&
         !is_lost(turn_.commits().committed()[stands].snapshot))
    ++stands;
  std::set<TaskId> again;
  for (std::size_t i = stands; i < turn_.run().commits.size(); ++i)
    again.insert(turn_.run().commits[i].task);
  for (const auto& [id, one] : turn_.commits().waiting()) {
    if (is_lost(one.snapshot()) || std::max(one.snapshot_version, one.base_version) > stands)
      again.insert(id);
  }
  turn_.record(ChangesLost{stands,
                           {again.begin(), again.end()},
                           fmt::format("what `{}` changed is not kept whole any more",
                                       turn_.task(lost.front().task).id)});
}

void Checkpoints::make() {
  const RunState& run = turn_.run();
  if (!snapshots_.empty() || made_ || run.checkpointed == run.commits.size()) return;
  // A person has to put something back first, and then resumes the run.
  if (!run.checkpoint_refused.empty() && !run.stopping.empty()) return;
  if (is_left_for_resume()) return;
  made_ = turn_.ports.tree.checkpoint();
  // More may be committed before this one is noted.
  commits_then_ = static_cast<std::uint32_t>(run.commits.size());
}

Result<void> Checkpoints::note() {
  if (!made_) return {};
  const auto result = *std::exchange(made_, std::nullopt);
  if (!result && is_interruption(result.error())) {
    broken_off_ = turn_.interrupts > 0;  // The next one goes on.
    return {};
  }
  // Half of it may be in the workspace: the next dispatcher finishes it by its intent file.
  if (!result) return std::unexpected(result.error());
  if (result->empty()) {
    turn_.record(ChangesCheckpointed{commits_then_});
    return {};
  }
  std::vector<std::string> paths;
  for (const std::string& path : *result) paths.push_back(changes::shown(path));
  turn_.record(CheckpointRefused{std::move(paths)});
  if (turn_.run().is_held()) return {};
  turn_.record(RunStopping{
      fmt::format("`{}` was changed by somebody else while changes waited to be brought in: put "
                  "that back or aside, then `interlock resume {}`",
                  changes::shown(result->front()), turn_.setup.run),
      RunStopping::Cause::checkpoint});
  return {};
}

}  // namespace interlock::engine
