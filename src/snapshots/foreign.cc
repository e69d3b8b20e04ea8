#include <sys/stat.h>

#include <algorithm>

#include "snapshots/files.h"
#include "snapshots/local_snapshots.h"
#include "workspace/beneath.h"

// What somebody else made different in the workspace since a snapshot was opened.
namespace interlock::snapshots {

using changes::Kind;
using changes::State;
using engine::AttemptName;
using workspace::folder_of;
using workspace::Stack;

namespace {

std::int64_t nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

constexpr std::size_t kAskedMax = 20'000;

}  // namespace

std::vector<std::string> LocalSnapshots::foreign(AttemptName name, const changes::ReadSet& reads,
                                                 const changes::Changeset& own) {
  const Attempt& attempt = known(name);
  std::set<std::string> foreign;
  std::set<std::string>& asked = asked_[name.task];
  const auto look_at = [&](const std::string& path, Look look) {
    if (asked.size() < kAskedMax) asked.insert(path);
    if (!foreign.contains(path) && is_foreign(attempt, path, look)) foreign.insert(path);
  };
  for (const std::string& path : reads.content) look_at(path, Look::content);
  for (const std::string& path : reads.presence) look_at(path, Look::presence);
  for (const std::string& path : reads.listing) look_at(path, Look::listing);
  for (const changes::Change& change : own.changes) look_at(change.path, Look::content);
  return {foreign.begin(), foreign.end()};
}

/// By what is there: a backup's link, a `touch` or the same bytes once more change nothing, and a
/// folder that was moved into the place of another changes all that is in it.
bool LocalSnapshots::is_foreign(const Attempt& attempt, const std::string& path, Look look) const {
  if (attempt.baseline == nullptr) return is_foreign_by_times(attempt, path);
  if (look == Look::listing) return has_other_names(attempt, path);
  const auto ours = checkpointed_.find(path);
  const bool is_ours =
      ours != checkpointed_.end() && ours->second.checkpoint >= attempt.checkpoints_before;
  const Baseline::Entry* entry = attempt.baseline->find(path);
  if (!is_ours && !attempt.baseline->had(path)) return is_foreign_by_times(attempt, path);
  const State expected = is_ours ? ours->second.state : entry != nullptr ? entry->state : State{};

  const auto found = Stack(root_, {}).look(path);
  if (!found) return expected.kind != Kind::absent;
  const mode_t mode = found->status.st_mode;
  if (kind_of(mode) != expected.kind) return true;
  if (expected.kind != Kind::link && (mode & 07777) != expected.mode) return true;
  if (look == Look::presence || (expected.kind != Kind::file && expected.kind != Kind::link))
    return false;
  if (!is_ours && entry->same_thing(found->status)) return false;
  if (!is_ours && !entry->has_digest) return true;
  const auto actual = state_at(found->place, found->status);
  return !actual || actual->digest != expected.digest;
}

bool LocalSnapshots::has_other_names(const Attempt& attempt, const std::string& folder) const {
  if (!attempt.baseline->is_whole) return is_foreign_by_times(attempt, folder);
  std::set<std::string> expected = attempt.baseline->names_in(folder);
  for (const auto& [path, checkpointed] : checkpointed_) {
    if (checkpointed.checkpoint < attempt.checkpoints_before || folder_of(path) != folder) continue;
    const std::string name(workspace::name_of(path));
    if (checkpointed.state.kind == Kind::absent) {
      expected.erase(name);
    } else {
      expected.insert(name);
    }
  }
  std::set<std::string> actual = Stack(root_, {}).names(folder);
  actual.erase(".git");
  return actual != expected;
}

/// Where what a path was is not known (a large workspace, a run that was taken up again): by the
/// times, to be on the safe side. Our own checkpoints are told apart by what they wrote.
bool LocalSnapshots::is_foreign_by_times(const Attempt& attempt, const std::string& path) const {
  const Stack base(root_, {});
  const auto moved = [&](const std::string& at) {
    const auto found = base.look(at);
    return found && nanoseconds(found->status.st_ctim) >= attempt.stamp_ns;
  };
  const auto checkpointed_into = [&](const std::string& folder) {
    return std::ranges::any_of(checkpointed_,
                               [&](const auto& one) { return folder_of(one.first) == folder; });
  };
  // A folder that was put in the place of another has another moment, and so has the one it is in.
  for (std::string above(folder_of(path)); !above.empty(); above = folder_of(above)) {
    const std::string in(folder_of(above));
    if (moved(above) && moved(in) && !checkpointed_into(above) && !checkpointed_into(in))
      return true;
  }
  const auto found = base.look(path);
  const auto ours = checkpointed_.find(path);
  if (found) {
    if (!moved(path)) return false;
    if (ours == checkpointed_.end())
      return !S_ISDIR(found->status.st_mode) || !checkpointed_into(path);
    const auto actual = state_at(found->place, found->status);
    return !actual || *actual != ours->second.state;
  }
  if (ours != checkpointed_.end()) return ours->second.state.kind != Kind::absent;
  std::string folder(folder_of(path));
  while (!folder.empty() && !base.look(folder)) folder = folder_of(folder);
  return moved(folder) && !checkpointed_into(folder);
}

}  // namespace interlock::snapshots
