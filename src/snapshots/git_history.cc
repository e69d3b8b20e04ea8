#include "snapshots/git_history.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.h"
#include "snapshots/git.h"
#include "snapshots/ignoring.h"
#include "snapshots/worktree_repository.h"
#include "workspace/beneath.h"

namespace interlock::snapshots {
namespace {

using changes::Kind;
using workspace::folder_of;

constexpr std::string_view kHeads = "refs/heads/";

/// The repository of its own, below the top one, that a path lies in; empty: none.
std::string nested_around(const std::string& top, const std::string& path) {
  for (std::string folder(folder_of(path)); !folder.empty(); folder = folder_of(folder)) {
    if (::access((top + "/" + folder + "/.git").c_str(), F_OK) == 0) return folder;
  }
  return {};
}

}  // namespace

History::History(std::string root, std::string scratch, std::string run, std::string title)
    : root_(std::move(root)),
      scratch_(std::move(scratch)),
      run_(std::move(run)),
      title_(std::move(title)) {}

std::string History::message() const {
  const std::size_t slash = title_.find('/');
  return fmt::format("{}\n\nInterlock-Run: {}\nInterlock-Task: {}\n", title_, run_,
                     slash == std::string::npos ? title_ : title_.substr(slash + 1));
}

Result<std::string> History::commit(const Repository& repository, const std::string& parent,
                                    const std::string& tree, Leaves leaves,
                                    Remarks& remarks) const {
  const std::string index = scratch_ + "/history.index";
  ::unlink(index.c_str());
  const Git git = Git(repository.top).with_index(index);
  const auto read = tree.empty() ? git.run({"read-tree", "--empty"}) : git.run({"read-tree", tree});
  if (!read) return std::unexpected(read.error());
  leaves = without_ignored(repository, index, std::move(leaves), remarks);
  auto put = put_in_index(repository, index, std::move(leaves), scratch_ + "/history.files");
  if (!put) return std::unexpected(put.error());
  std::ranges::move(*put, std::back_inserter(remarks));
  auto made = commit_index(git, parent, message());
  ::unlink(index.c_str());
  return made;
}

/// What git would not take by itself.
Leaves History::without_ignored(const Repository& repository, const std::string& index,
                                Leaves leaves, Remarks& remarks) const {
  std::set<std::string> nested;
  std::vector<std::string> paths;
  for (const auto& [path, leaf] : leaves) {
    const std::string other = nested_around(repository.top, path);
    if (!other.empty()) {
      nested.insert(other);
    } else if (leaf.kind == Kind::file || leaf.kind == Kind::link) {
      paths.push_back(path);
    }
  }
  for (const std::string& path : Ignoring(repository.top).among(paths, index)) leaves.erase(path);
  for (const std::string& other : nested) {
    std::erase_if(leaves, [&](const auto& leaf) { return leaf.first.starts_with(other + "/"); });
    remarks.push_back(in_no_commit(other));
  }
  const bool judges = std::ranges::any_of(
      leaves, [](const auto& leaf) { return workspace::name_of(leaf.first) == ".gitattributes"; });
  if (judges) remarks.emplace_back("it changed `.gitattributes`: its commit goes by those of HEAD");
  return leaves;
}

History::Remarks History::commit_task(const workspace::Layer& layer) const {
  Remarks remarks;
  const auto repository = repository_of(root_);
  // That there is none was said before the run.
  if (!repository && repository_top(root_).empty()) return remarks;
  const auto moved = repository ? move_task_branch(*repository, "interlock/" + run_, layer, remarks)
                                : std::unexpected(repository.error());
  if (!moved)
    remarks.push_back(fmt::format("no commit was made on the branch `interlock/{}`: {}", run_,
                                  moved.error().message));
  return remarks;
}

Result<bool> History::commit_onto(const std::string& branch, bool begins,
                                  const workspace::Layer& layer, Remarks& remarks) const {
  const auto repository = repository_of(root_);
  if (!repository) return std::unexpected(repository.error());
  const Git git(repository->top);
  if (const auto named = git.run({"check-ref-format", "--branch", branch}); !named)
    return fail(Error::Kind::invalid, fmt::format("`{}` is not a name for a branch", branch));
  if (begins && !commit_of(git, std::string(kHeads) + branch).empty())
    return fail(Error::Kind::refused, fmt::format("the branch `{}` is there already", branch),
                fmt::format("name another, or delete it: git branch -D {}", branch));
  return move_task_branch(*repository, branch, layer, remarks);
}

Result<bool> History::move_task_branch(const Repository& repository, const std::string& name,
                                       const workspace::Layer& layer, Remarks& remarks) const {
  const Git git(repository.top);
  const std::string branch = std::string(kHeads) + name;
  const std::string tip = commit_of(git, branch);
  const std::string parent = tip.empty() ? commit_of(git, "HEAD") : tip;
  const auto made = commit(repository, parent, parent,
                           leaves_of({layer}, prefix_of(root_, repository.top)), remarks);
  if (!made) return std::unexpected(made.error());
  const auto same = [&](const std::string& tree) { return git.line({"rev-parse", tree}); };
  if (!parent.empty() && same(*made + "^{tree}") == same(parent + "^{tree}")) return false;
  const auto moved = git.run({"update-ref", branch, *made, tip});
  if (!moved) return std::unexpected(moved.error());
  return true;
}

History::Remarks History::commit_worktree(const std::string& branch, const Attempt& attempt,
                                          const workspace::Layer& layer) const {
  Remarks remarks;
  const auto repository = repository_of(root_);
  const auto moved = repository ? move_worktree_branch(*repository, branch, attempt, layer, remarks)
                                : std::unexpected(repository.error());
  if (!moved)
    remarks.push_back(
        fmt::format("the branch `{}` was not made: {}", branch, moved.error().message));
  return remarks;
}

Result<void> History::move_worktree_branch(const Repository& repository, const std::string& branch,
                                           const Attempt& attempt, const workspace::Layer& layer,
                                           Remarks& remarks) const {
  const Git git(repository.top);
  const std::string own = std::string(kHeads) + branch;
  std::map<std::string, std::string> wanted;
  if (auto taken = take_wanted(repository, scratch_, attempt.base)) {
    wanted = std::move(*taken);
  } else {
    remarks.push_back(
        fmt::format("what it committed itself was left out: {}", taken.error().message));
  }
  std::string parent = attempt.base;
  if (const auto tip = wanted.find(own); tip != wanted.end()) {
    if (git.run({"merge-base", "--is-ancestor", attempt.base, tip->second})) parent = tip->second;
  }
  std::string made = parent;
  if (!attempt.changes.empty()) {
    auto done = commit(repository, parent, attempt.base,
                       leaves_of({layer}, prefix_of(root_, repository.top)), remarks);
    if (!done) return std::unexpected(done.error());
    // Its own last commit may say it all.
    const auto same = [&](const std::string& tree) { return git.line({"rev-parse", tree}); };
    if (parent == attempt.base || same(*done + "^{tree}") != same(parent + "^{tree}")) made = *done;
  }
  if (made != attempt.base) {
    if (auto moved = git.run({"update-ref", own, made}); !moved)
      return std::unexpected(moved.error());
  }
  for (const auto& [name, hash] : wanted) {
    if (name == own) continue;
    const bool is_tag = name.starts_with("refs/tags/");
    const std::string word = name.starts_with("refs/") ? name.substr(name.find('/', 5) + 1) : name;
    const std::string as = fmt::format("{}{}.{}", is_tag ? "refs/tags/" : kHeads, branch, word);
    const auto moved = git.run({"update-ref", as, hash});
    remarks.push_back(
        moved ? fmt::format("its {} `{}` is `{}.{}` in the repository", is_tag ? "tag" : "branch",
                            printable(word), branch, printable(word))
              : fmt::format("its `{}` was left out: {}", printable(word), moved.error().message));
  }
  return {};
}

}  // namespace interlock::snapshots
