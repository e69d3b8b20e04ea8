#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "base/check.h"
#include "engine/shortage.h"
#include "snapshots/amend.h"
#include "snapshots/files.h"
#include "snapshots/local_snapshots.h"
#include "sys/asked_to_end.h"
#include "workspace/beneath.h"

// Taking a run up after its dispatcher died: what is kept, and what goes.
namespace interlock::snapshots {

namespace fs = std::filesystem;
using engine::AttemptName;
using Stage = Attempt::Stage;

namespace {

/// Parts of an attempt's folder that stay once it is harvested.
bool is_kept_part(const std::string& part) {
  return part == "after" || part == "before" || part.starts_with("mine-") ||
         part == "opened.json" || part == "changes.json" || part == "reads.json" ||
         part == "folded" || part == "theirs" || part == "wanted.refs";
}

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    names.push_back(it->path().filename().string());
  return names;
}

bool is_among(const std::vector<engine::Snapshots::Kept>& kept, AttemptName name) {
  for (const engine::Snapshots::Kept& one : kept) {
    if (one.name.task == name.task && one.name.attempt == name.attempt) return true;
  }
  return false;
}

}  // namespace

Result<std::vector<AttemptName>> LocalSnapshots::recover(const std::vector<Kept>& committed,
                                                         const std::vector<Kept>& waiting) {
  check(attempts_.empty(), "a run is taken up before its first picture");
  std::vector<AttemptName> lost;
  const auto take = [&](const std::vector<Kept>& list, Stage stage) -> Result<void> {
    for (const Kept& kept : list) {
      const auto loaded = load(kept, stage);
      if (loaded) continue;
      // Only what is proven not to be there is given up.
      if (engine::is_shortage(loaded.error()) || engine::is_interruption(loaded.error()))
        return loaded;
      lost.push_back(kept.name);
    }
    return {};
  };
  if (auto taken = take(committed, Stage::committed); !taken) return std::unexpected(taken.error());
  const bool is_half_checkpointed =
      !lost.empty() && ::access(layout_.checkpoint_intent().c_str(), F_OK) == 0;
  if (is_half_checkpointed) {
    return fail(Error::Kind::io,
                fmt::format("changes were being brought into the workspace, and what is kept of "
                            "them in `{}` is not whole any more",
                            layout_.folder(lost.front())),
                "look at the workspace, then start a new run");
  }
  if (auto taken = take(waiting, Stage::harvested); !taken) return std::unexpected(taken.error());
  if (!lost.empty()) {
    attempts_.clear();
    uncheckpointed_.clear();
    return lost;
  }
  if (uncheckpointed_.empty()) ::unlink(layout_.checkpoint_intent().c_str());
  if (auto swept = sweep(committed, waiting); !swept) return std::unexpected(swept.error());
  return std::vector<AttemptName>();
}

Result<void> LocalSnapshots::load(const Kept& kept, Stage stage) {
  auto read = read_attempt(layout_, kept.name);
  if (!read) return within(read.error(), "cannot take up the run's changes");
  const bool is_checkpointed = read->stage == Stage::checkpointed;
  if (kept.changes != nullptr) {
    if (auto back = take_back(layout_, *read, *kept.changes); !back) return back;
  }
  if (!is_checkpointed) {
    const auto whole = is_whole(*read);
    if (!whole) return std::unexpected(whole.error());
    if (!*whole)
      return fail(Error::Kind::io, fmt::format("`{}` is not whole", layout_.folder(kept.name)));
  }
  // Its fold was done, and only the journal does not know.
  read->stage = is_checkpointed && stage == Stage::committed ? Stage::checkpointed : stage;
  Attempt& attempt = attempts_.insert_or_assign(key_of(kept.name), std::move(*read)).first->second;
  if (attempt.stage == Stage::committed && !attempt.changes.empty())
    uncheckpointed_.push_back(&attempt);
  return {};
}

Result<void> LocalSnapshots::sweep(const std::vector<Kept>& committed,
                                   const std::vector<Kept>& waiting) {
  for (const std::string& entry : names_in(layout_.snapshots())) {
    const std::string place = layout_.snapshots() + "/" + entry;
    const auto name = name_from(entry);
    if (!name) {
      if (place != layout_.checkpoint_intent()) remove_tree(place);
      continue;
    }
    if (!is_among(committed, *name) && !is_among(waiting, *name)) {
      auto left = read_attempt(layout_, *name);
      if (!left || left->stage != Stage::checkpointed) {
        remove_tree(place);
        continue;
      }
      attempts_.insert_or_assign(key_of(*name), std::move(*left));
    }
    for (const std::string& part : names_in(place)) {
      if (!is_kept_part(part)) remove_tree(workspace::join(place, part));
    }
  }
  for (const auto& [key, attempt] : attempts_) {
    if (attempt.stage != Stage::checkpointed) continue;
    for (const changes::Change& change : attempt.changes.changes)
      checkpointed_[change.path] = {change.after, 0};
  }
  return {};
}

/// Whether all that its changes stand for is there as it was harvested. What a checkpoint that was
/// broken off brought into the workspace already is there too.
Result<bool> LocalSnapshots::is_whole(const Attempt& attempt) const {
  const std::string top = after(attempt);
  const sys::Descriptor workspace(::open(root_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const auto is_there = [&](const changes::Change& change) -> Result<bool> {
    const std::string place = workspace::join(top, change.path);
    const changes::Change* above = attempt.changes.find(workspace::folder_of(change.path));
    struct stat status{};
    const bool found = ::lstat(place.c_str(), &status) == 0;
    switch (change.after.kind) {
      case changes::Kind::absent:
        return (found && is_whiteout(status)) ||
               (above != nullptr && above->after.kind != changes::Kind::folder);
      case changes::Kind::folder: return found && S_ISDIR(status.st_mode);
      case changes::Kind::file:
      case changes::Kind::link: {
        const auto state = found ? state_at(place, status, true, true) : Result<changes::State>();
        if (!state && engine::is_interruption(state.error())) return std::unexpected(state.error());
        return state && state->kind == change.after.kind && state->digest == change.after.digest;
      }
      case changes::Kind::other: return true;
    }
    return true;
  };
  const bool is_half_in = ::access(layout_.checkpoint_intent().c_str(), F_OK) == 0;
  sys::InterruptionCheck check;
  for (const changes::Change& change : attempt.changes.changes) {
    if (check.is_due()) return cannot("look at", change.path, EINTR);
    const auto there = is_there(change);
    if (!there) return there;
    if (*there) continue;
    if (!is_half_in) return false;
    const auto in_workspace = state_beneath(workspace.get(), change.path, true);
    if (!in_workspace && engine::is_interruption(in_workspace.error()))
      return std::unexpected(in_workspace.error());
    if (!in_workspace || *in_workspace != change.after) return false;
  }
  return true;
}

}  // namespace interlock::snapshots
