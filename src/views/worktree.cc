#include "views/worktree.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>

#include "base/text.h"
#include "views/files.h"
#include "views/git.h"
#include "views/git_tree.h"
#include "workspace/beneath.h"

namespace interlock::views {

namespace fs = std::filesystem;
using changes::Change;
using changes::Kind;
using changes::State;
using workspace::folder_of;

namespace {

/// An index that knows the times of files already: only what changed is read again.
Result<Git> git_with_copied_index(const std::string& folder, const std::string& copy) {
  const auto index =
      Git(folder).line({"rev-parse", "--path-format=absolute", "--git-path", "index"});
  if (!index) return std::unexpected(index.error());
  std::error_code error;
  fs::remove(copy, error);
  fs::copy_file(*index, copy, error);  // None in a repository without a first commit.
  return Git(folder).with_index(copy);
}

/// The paths that `diff-index --raw -z` names, with whether they are repositories of their own.
std::map<std::string, bool> paths_in_raw(std::string_view raw) {
  std::map<std::string, bool> paths;
  while (!raw.empty()) {
    const std::string_view facts = raw.substr(0, raw.find('\0'));
    raw.remove_prefix(std::min(raw.size(), facts.size() + 1));
    const std::string_view path = raw.substr(0, raw.find('\0'));
    raw.remove_prefix(std::min(raw.size(), path.size() + 1));
    paths.emplace(path, facts.starts_with(":160000") || facts.find(" 160000") < 14);
  }
  return paths;
}

/// Builds a changeset from the files that git found different.
class Differences {
 public:
  Differences(std::string tree, const workspace::Stack& lower)
      : tree_(std::move(tree)), lower_(lower) {}

  Result<void> add(const std::string& path) {
    struct stat status {};
    const std::string place = tree_ + "/" + path;
    State after;
    if (::lstat(place.c_str(), &status) == 0 && !S_ISDIR(status.st_mode)) {
      auto state = state_at(place, status, true);
      if (!state) return std::unexpected(state.error());
      after = *state;
    }
    const auto before = state_before(path);
    if (!before) return std::unexpected(before.error());
    if (after.kind == Kind::file && before->kind == Kind::file) {
      const mode_t executes = after.mode & 0111;
      after.mode = (before->mode & 0111) != 0 && executes != 0 ? before->mode
                   : executes != 0                             ? before->mode | 0111
                                                               : before->mode & ~mode_t{0111};
      ::chmod(place.c_str(), after.mode);
    }
    put(path, *before, after);
    return after.kind == Kind::absent ? fold_away(path) : unfold(path);
  }

  changes::Changeset take() {
    changes::Changeset changes;
    for (auto& [path, change] : changes_) {
      if (change.before != change.after) changes.changes.push_back(std::move(change));
    }
    return changes;
  }

 private:
  Result<State> state_before(const std::string& path) const {
    const auto found = lower_.look(path);
    return found ? state_at(found->place, found->status) : Result<State>(State());
  }

  void put(const std::string& path, const State& before, const State& after) {
    changes_.insert_or_assign(path, Change{path, before, after});
  }

  /// Folders that came with a path.
  Result<void> unfold(const std::string& path) {
    for (std::string folder(folder_of(path)); !folder.empty(); folder = folder_of(folder)) {
      struct stat status {};
      const auto before = state_before(folder);
      if (!before) return std::unexpected(before.error());
      if (before->kind == Kind::folder) return {};
      if (::lstat((tree_ + "/" + folder).c_str(), &status) != 0)
        return cannot("look at", folder, errno);
      put(folder, *before, {Kind::folder, status.st_mode & 07777, 0, {}});
    }
    return {};
  }

  /// Folders that went with a path, unless there is something in them that git does not see.
  Result<void> fold_away(const std::string& path) {
    for (std::string folder(folder_of(path)); !folder.empty(); folder = folder_of(folder)) {
      struct stat status {};
      if (::lstat((tree_ + "/" + folder).c_str(), &status) == 0) return {};
      for (const std::string& name : lower_.names(folder)) {
        const auto known = changes_.find(workspace::join(folder, name));
        if (known == changes_.end() || known->second.after.kind != Kind::absent) return {};
      }
      const auto before = state_before(folder);
      if (!before) return std::unexpected(before.error());
      if (before->kind == Kind::folder) put(folder, *before, State());
    }
    return {};
  }

  std::string tree_;
  const workspace::Stack& lower_;
  std::map<std::string, Change> changes_;
};

}  // namespace

Worktree::Worktree(std::string root, std::string folder)
    : root_(std::move(root)), folder_(std::move(folder)), top_(repository_top(root_)) {}

std::string Worktree::workspace() const {
  return root_ == top_ ? tree() : tree() + root_.substr(top_.size());
}

std::string Worktree::repository() const {
  return Git(top_)
      .line({"rev-parse", "--path-format=absolute", "--git-common-dir"})
      .value_or(top_ + "/.git");
}

Result<std::string> Worktree::snapshot(const std::string& base,
                                       const std::vector<workspace::Layer>& upon) const {
  const std::string index = folder_ + "/snapshot.index";
  auto git = git_with_copied_index(top_, index);
  if (!git) return std::unexpected(git.error());
  const auto filled = base.empty() ? git->run({"add", "-A"}) : git->run({"read-tree", base});
  if (!filled) return std::unexpected(filled.error());
  if (auto put = put_layers(*git, upon, prefix_of(root_, top_), false); !put)
    return std::unexpected(put.error());
  const std::string parent = base.empty() ? commit_of(*git, "HEAD") : base;
  auto made = commit_index(*git, parent, "What a task of Interlock began with\n");
  ::unlink(index.c_str());
  return made;
}

Result<std::string> Worktree::open(const std::string& branch,
                                   const std::vector<workspace::Layer>& upon) {
  const auto base = snapshot("", upon);
  if (!base) return base;
  const auto added = Git(top_).run({"worktree", "add", "--quiet", "-B", branch, tree(), *base});
  return added ? base : std::unexpected(added.error());
}

Result<std::string> Worktree::open_check(const std::string& base,
                                         const std::vector<workspace::Layer>& upon) {
  const auto made = snapshot(base, upon);
  if (!made) return made;
  const auto added = Git(top_).run({"worktree", "add", "--quiet", "--detach", tree(), *made});
  return added ? made : std::unexpected(added.error());
}

Result<Harvested> Worktree::harvest(const std::string& base, const workspace::Stack& lower) const {
  const std::string index = folder_ + "/harvest.index";
  auto git = git_with_copied_index(tree(), index);
  if (!git) return std::unexpected(git.error());
  if (auto added = git->run({"add", "-A"}); !added) return std::unexpected(added.error());
  const auto raw = git->run({"diff-index", "--cached", "--raw", "-z", "--no-renames", base});
  if (!raw) return std::unexpected(raw.error());
  ::unlink(index.c_str());
  const std::string prefix = prefix_of(root_, top_);
  Harvested harvested;
  Differences differences(workspace(), lower);
  for (const auto& [path, is_repository] : paths_in_raw(*raw)) {
    if (is_repository || !path.starts_with(prefix)) {
      harvested.remarks.push_back(
          fmt::format("what it changed in `{}` was left out: {}", printable(path),
                      is_repository ? "it is another repository" : "it is outside the workspace"));
      continue;
    }
    if (auto added = differences.add(path.substr(prefix.size())); !added)
      return std::unexpected(added.error());
  }
  harvested.changes = differences.take();
  return harvested;
}

void Worktree::remove() const {
  if (top_.empty() || ::access(tree().c_str(), F_OK) != 0) return;
  if (!Git(top_).run({"worktree", "remove", "--force", "--force", tree()})) {
    remove_tree(tree());
    Git(top_).tidy_up({"worktree", "prune"});
  }
}

void Worktree::remove_branch(const std::string& root, const std::string& branch) {
  const std::string top = repository_top(root);
  if (!top.empty()) Git(top).tidy_up({"update-ref", "-d", "refs/heads/" + branch});
}

}  // namespace interlock::views
