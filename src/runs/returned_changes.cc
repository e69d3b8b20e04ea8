#include "runs/returned_changes.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <vector>

#include "base/text.h"
#include "changes/stale.h"
#include "snapshots/checkpoint.h"
#include "snapshots/files.h"
#include "workspace/content.h"

namespace interlock::runs {

namespace fs = std::filesystem;
using changes::Change;
using changes::Changeset;
using changes::Kind;

namespace {

constexpr std::size_t kKeptBytesMax = 256u << 20;

std::string returns_of(const SubAgentCopy& copy) { return copy.place() + "/returns/" + copy.name; }

/// One return, the other way round.
struct Back {
  std::string folder;  ///< Where the bytes lie that come back.
  Changeset changes;
};

/// The latest first. An error where one cannot be read: then none is taken back.
Result<std::vector<Back>> backs_in(const std::string& returns) {
  std::vector<Back> backs;
  for (int number = 1;; ++number) {
    const std::string folder = fmt::format("{}/{}", returns, number);
    if (::access(folder.c_str(), F_OK) != 0) break;
    const auto text = workspace::read_file(folder + "/changes.json", kKeptBytesMax);
    if (!text) return std::unexpected(text.error());
    const auto changeset = changes::changeset_from_text(*text);
    if (!changeset) return std::unexpected(changeset.error());
    Back back{folder + "/before", {}};
    for (const Change& change : changeset->changes)
      back.changes.changes.push_back({change.path, change.after, change.before});
    backs.push_back(std::move(back));
  }
  std::ranges::reverse(backs);
  return backs;
}

/// Of every workspace, folders of that name.
std::vector<std::string> all_returns(const std::string& state_folder) {
  std::vector<std::string> all;
  std::error_code trouble;
  for (const auto& place : fs::directory_iterator(state_folder + "/copies", trouble)) {
    std::error_code none;
    for (const auto& one : fs::directory_iterator(place.path() / "returns", none))
      all.push_back(one.path().string());
  }
  std::ranges::sort(all);
  return all;
}

Result<void> keep_file(const std::string& from, const std::string& to) {
  struct stat status{};
  if (::lstat(from.c_str(), &status) != 0) return snapshots::cannot("look at", from, errno);
  if (S_ISLNK(status.st_mode)) {
    if (::symlink(snapshots::link_target(from).c_str(), to.c_str()) != 0)
      return snapshots::cannot("make the link", to, errno);
    return {};
  }
  const auto source = snapshots::open_file(from, status, false);
  if (!source) return std::unexpected(source.error());
  const sys::Descriptor target(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!target) return snapshots::cannot("write", to, errno);
  return snapshots::copy_bytes(source->get(), target.get(), to);
}

}  // namespace

Result<void> keep_before(const std::string& root, const Changeset& changes,
                         const std::string& folder) {
  for (const Change& change : changes.changes) {
    if (change.before.kind != Kind::file && change.before.kind != Kind::link) continue;
    const std::string to = folder + "/before/" + change.path;
    if (auto made = snapshots::make_folders(fs::path(to).parent_path().string()); !made)
      return made;
    if (auto kept = keep_file(root + "/" + change.path, to); !kept) return kept;
  }
  return {};
}

void keep_return(const SubAgentCopy& copy, const std::string& folder) {
  const std::string returns = returns_of(copy);
  snapshots::remove_tree(folder + "/after");
  const auto keep = [&]() -> Result<void> {
    if (auto made = snapshots::make_folders(returns); !made) return made;
    if (auto noted = snapshots::put_file(returns + "/root", copy.root); !noted) return noted;
    int number = 1;
    while (::access(fmt::format("{}/{}", returns, number).c_str(), F_OK) == 0) ++number;
    const std::string to = fmt::format("{}/{}", returns, number);
    if (::rename(folder.c_str(), to.c_str()) != 0) return snapshots::cannot("keep", to, errno);
    return {};
  };
  if (!keep()) snapshots::remove_tree(folder);
}

void forget_old_returns(const std::string& state_folder) {
  constexpr auto kForgottenAfter = std::chrono::days(7);
  const auto now = fs::file_time_type::clock::now();
  for (const std::string& returns : all_returns(state_folder)) {
    std::error_code trouble;
    const auto used = fs::last_write_time(returns + "/root", trouble);
    if (!trouble && now - used > kForgottenAfter) snapshots::remove_tree(returns);
  }
}

Result<UndoneReturns> undo_returns(const std::string& state_folder, const std::string& name) {
  const auto all = all_returns(state_folder);
  const auto returns = std::ranges::find_if(
      all, [&](const std::string& one) { return fs::path(one).filename() == name; });
  if (returns == all.end())
    return fail(Error::Kind::missing,
                fmt::format("nothing that `{}` changed is known", printable(name)),
                "what sub-agents in worktrees changed can be taken back for a week");
  auto root = workspace::read_file(*returns + "/root", 1u << 16);
  if (!root) return std::unexpected(root.error());
  const auto backs = backs_in(*returns);
  if (!backs) return std::unexpected(backs.error());
  UndoneReturns undone{*root, 0};
  std::vector<workspace::Layer> layers;
  for (const Back& back : *backs) {
    layers.push_back({back.folder, &back.changes});
    undone.paths += back.changes.changes.size();
  }
  snapshots::Checkpoint checkpoint({.root = *root,
                                    .intent = *returns + "/undo.intent",
                                    .temporary_prefix = ".interlock-copy-",
                                    .before_step = {}},
                                   layers);
  auto foreign = checkpoint.check();
  if (!foreign) return std::unexpected(foreign.error());
  if (foreign->empty()) {
    if (auto begun = checkpoint.begin(); !begun) return std::unexpected(begun.error());
    foreign = checkpoint.apply();
    if (!foreign) return std::unexpected(foreign.error());
  }
  if (!foreign->empty())
    return fail(
        Error::Kind::refused,
        fmt::format("`{}` changed since: nothing was undone", changes::shown(foreign->front())),
        "take it back by hand, such as with git");
  if (auto ended = checkpoint.finish(); !ended) return std::unexpected(ended.error());
  snapshots::remove_tree(*returns);
  return undone;
}

}  // namespace interlock::runs
