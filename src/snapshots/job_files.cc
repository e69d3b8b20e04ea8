#include "snapshots/job_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ranges>

#include "base/text.h"
#include "snapshots/files.h"
#include "snapshots/ticks.h"
#include "workspace/content.h"

namespace interlock::snapshots {

using changes::Kind;
using changes::State;
using engine::JobEntry;

namespace {

constexpr std::size_t kFileBytesMax = static_cast<std::size_t>(kJobBytesMax);

std::int64_t nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

std::string place_in(const std::string& folder, const std::string& path) {
  return path.empty() ? folder : folder + "/" + path;
}

/// As put_file, with the mode it is to have.
Result<void> make_entry(const std::string& place, const JobEntry& entry, engine::JobFiles& files) {
  if (entry.state.kind == Kind::folder) {
    // Open to us while it is filled; its mode comes last.
    if (::mkdir(place.c_str(), 0700) != 0 && errno != EEXIST)
      return cannot("make the folder", place, errno);
    return {};
  }
  auto bytes = files.get(entry.state.digest);
  if (!bytes) return std::unexpected(bytes.error());
  if (entry.state.kind == Kind::link) {
    if (::symlink(bytes->c_str(), place.c_str()) != 0) return cannot("make the link", place, errno);
    return {};
  }
  if (auto put = put_file(place, *bytes); !put) return put;
  if (::chmod(place.c_str(), entry.state.mode) != 0) return cannot("set the mode of", place, errno);
  return {};
}

}  // namespace

Result<State> KnownDigests::state_at(const std::string& place, const struct stat& status) {
  const Identity identity{status.st_dev, status.st_ino, status.st_size, nanoseconds(status.st_mtim),
                          nanoseconds(status.st_ctim)};
  const auto known = known_.find(identity);
  if (known != known_.end()) return known->second;
  const auto state = snapshots::state_at(place, status, false, true);
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  // One that changed only just now may change again within the same tick of its times.
  constexpr std::int64_t kSettledAfterNs = 100'000'000;
  const bool is_settled = nanoseconds(now) - nanoseconds(status.st_ctim) > kSettledAfterNs;
  if (state && state->kind == Kind::file && is_settled) known_.emplace(identity, *state);
  return state;
}

Result<ListedTree> list_tree(const workspace::Stack& tree, KnownDigests& known) {
  ListedTree listed;
  std::vector<std::string> paths = tree.below("");
  paths.emplace_back();
  std::ranges::sort(paths);
  for (const std::string& path : paths) {
    const auto found = tree.look(path);
    if (!found) continue;  // It vanished meanwhile: `foreign` will say so.
    const auto state = known.state_at(found->place, found->status);
    if (!state) return std::unexpected(state.error());
    if (state->kind == Kind::other) continue;
    listed.bytes += state->size;
    if (listed.entries.size() >= kJobEntriesMax || listed.bytes > kJobBytesMax) {
      return fail(Error::Kind::refused,
                  fmt::format("`{}` has more than {} files or {} MiB", printable(tree.root()),
                              kJobEntriesMax, kJobBytesMax >> 20));
    }
    if (state->kind == Kind::file) listed.places.emplace(state->digest, found->place);
    if (state->kind == Kind::link) listed.targets.emplace(state->digest, link_target(found->place));
    listed.entries.push_back({path, *state});
  }
  return listed;
}

Result<void> send(const ListedTree& tree, engine::JobFiles& files) {
  std::vector<Digest> all;
  for (const auto& [digest, place] : tree.places) all.push_back(digest);
  for (const auto& [digest, target] : tree.targets) all.push_back(digest);
  const auto missing = files.missing(all);
  if (!missing) return std::unexpected(missing.error());
  for (const Digest& digest : *missing) {
    const auto target = tree.targets.find(digest);
    auto bytes = target != tree.targets.end()
                     ? Result<std::string>(target->second)
                     : workspace::read_file(tree.places.at(digest), kFileBytesMax);
    if (!bytes) return std::unexpected(bytes.error());
    if (digest_of(*bytes) != digest)
      return fail(Error::Kind::refused,
                  fmt::format("`{}` changed meanwhile", printable(tree.places.at(digest))));
    if (auto put = files.put(digest, *bytes); !put) return put;
  }
  return {};
}

Result<void> make_tree(const std::string& folder, const std::vector<JobEntry>& before,
                       const std::vector<JobEntry>& now, engine::JobFiles& files) {
  std::map<std::string, State> wanted, there;
  for (const JobEntry& entry : now) wanted.emplace(entry.path, entry.state);
  for (const JobEntry& entry : before) {
    if (entry.state.kind == Kind::folder) ::chmod(place_in(folder, entry.path).c_str(), 0700);
  }
  for (const JobEntry& entry : before) {
    const auto same = wanted.find(entry.path);
    const bool stays = same != wanted.end() &&
                       (same->second == entry.state ||
                        (same->second.kind == Kind::folder && entry.state.kind == Kind::folder));
    if (stays)
      there.emplace(entry.path, entry.state);
    else
      remove_tree(place_in(folder, entry.path));
  }
  for (const JobEntry& entry : now) {
    if (there.contains(entry.path)) continue;
    if (auto made = make_entry(place_in(folder, entry.path), entry, files); !made) return made;
  }
  // Children first: a closed folder takes nothing in.
  for (const JobEntry& entry : now | std::views::reverse) {
    if (entry.state.kind != Kind::folder) continue;
    const std::string place = place_in(folder, entry.path);
    if (::chmod(place.c_str(), entry.state.mode) != 0)
      return cannot("set the mode of", place, errno);
  }
  return {};
}

}  // namespace interlock::snapshots
