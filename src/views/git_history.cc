#include "views/git_history.h"

#include <fmt/format.h>
#include <unistd.h>

#include "views/git.h"
#include "views/git_tree.h"
#include "views/worktree.h"

namespace interlock::views {

History::History(std::string root, std::string scratch, std::string run, std::string title)
    : root_(std::move(root)),
      scratch_(std::move(scratch)),
      run_(std::move(run)),
      title_(std::move(title)),
      top_(repository_top(root_)) {}

std::string History::message() const {
  const std::size_t slash = title_.find('/');
  return fmt::format("{}\n\nInterlock-Run: {}\nInterlock-Task: {}\n", title_, run_,
                     slash == std::string::npos ? title_ : title_.substr(slash + 1));
}

Result<std::string> History::commit(const std::string& parent, const workspace::Layer& layer,
                                    bool but_ignored) const {
  const std::string index = scratch_ + "/history.index";
  ::unlink(index.c_str());
  const Git git = Git(top_).with_index(index);
  const auto read =
      parent.empty() ? git.run({"read-tree", "--empty"}) : git.run({"read-tree", parent});
  if (!read) return std::unexpected(read.error());
  if (auto put = put_layers(git, {layer}, prefix_of(root_, top_), but_ignored); !put)
    return std::unexpected(put.error());
  auto made = commit_index(git, parent, message());
  ::unlink(index.c_str());
  return made;
}

Result<void> History::commit_task(const workspace::Layer& layer) const {
  if (top_.empty()) return {};
  const Git git(top_);
  const std::string branch = "refs/heads/interlock/" + run_;
  const std::string tip = commit_of(git, branch);
  const std::string parent = tip.empty() ? commit_of(git, "HEAD") : tip;
  const auto made = commit(parent, layer, true);
  if (!made) return std::unexpected(made.error());
  const auto same = [&](const std::string& tree) { return git.line({"rev-parse", tree}); };
  if (!parent.empty() && same(*made + "^{tree}") == same(parent + "^{tree}")) return {};
  const auto moved = git.run({"update-ref", branch, *made, tip});
  return moved ? Result<void>() : std::unexpected(moved.error());
}

Result<void> History::commit_worktree(const std::string& branch, const Attempt& attempt,
                                      const workspace::Layer& layer) const {
  if (attempt.changes.empty()) return Worktree::remove_branch(root_, branch), Result<void>();
  const auto made = commit(attempt.base, layer, false);
  if (!made) return std::unexpected(made.error());
  const auto moved = Git(top_).run({"update-ref", "refs/heads/" + branch, *made});
  return moved ? Result<void>() : std::unexpected(moved.error());
}

}  // namespace interlock::views
