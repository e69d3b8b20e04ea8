#include "snapshots/worktree.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <set>

#include "base/text.h"
#include "snapshots/files.h"
#include "snapshots/git.h"
#include "snapshots/git_tree.h"
#include "snapshots/ticks.h"
#include "workspace/beneath.h"

namespace interlock::snapshots {

namespace {

using changes::Kind;

/// The person's index, for a look: with its time, for git tells by it which files it has to read.
Result<void> copy_index(const Repository& repository, const std::string& copy) {
  const std::string place = repository.git_dir + "/index";
  const workspace::Descriptor from(::open(place.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status{};
  if (!from.is_open() && errno == ENOENT) return {};  // Nothing was ever added.
  if (!from.is_open() || ::fstat(from.number(), &status) != 0) return cannot("read", place, errno);
  const workspace::Descriptor to(
      ::open(copy.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!to.is_open()) return cannot("write", copy, errno);
  if (auto copied = copy_bytes(from.number(), to.number(), copy); !copied) return copied;
  const std::array<timespec, 2> times{status.st_atim, status.st_mtim};
  if (::futimens(to.number(), times.data()) != 0) return cannot("write", copy, errno);
  return {};
}

/// Settings under which no filter runs: what is compared is told apart once more when it is stored.
Result<Git> without_filters(const Repository& repository) {
  Git git(repository.top);
  const auto names = git.run({"config", "-z", "--name-only", "--get-regexp", "^filter\\."});
  if (!names) return git;  // There are none.
  std::set<std::string> drivers;
  for (const std::string& key : split_at_nul(*names)) drivers.insert(key.substr(0, key.rfind('.')));
  for (const std::string& driver : drivers) {
    if (driver.find('=') != std::string::npos) {
      return fail(Error::Kind::refused,
                  fmt::format("cannot make a worktree: the filter `{}` has a name with `=` in it",
                              printable(driver)),
                  "choose the isolation `view`");
    }
    for (const char* part : {".clean=", ".smudge=", ".process=", ".required=false"})
      git.with_setting(driver + part);
  }
  return git;
}

/// Entries as `update-index --index-info` takes them: without times, and without the marks that
/// tell git not to look.
std::string as_index_info(const std::vector<IndexEntry>& entries) {
  std::string text;
  for (const IndexEntry& entry : entries) {
    if (entry.stage == 0)
      text += fmt::format("{} {}\t{}{}", entry.mode, entry.hash, entry.path, '\0');
  }
  return text;
}

class Snapshot {
 public:
  Snapshot(const Repository& repository, const Copied& copied, const std::string& tree)
      : repository_(repository), copied_(copied), tree_(tree) {}

  /// What is to be stored anew upon the entries of the person's index.
  Leaves leaves(const std::vector<IndexEntry>& entries, const std::vector<std::string>& dirty) {
    std::set<std::string> known;
    for (const IndexEntry& entry : entries) {
      known.insert(entry.path);
      const bool is_there = copied_.stamps.contains(entry.path);
      if (entry.is_repository() || (entry.skipped && !is_there)) continue;
      if (!is_there || entry.stage != 0 || entry.skipped || entry.trusted) add(entry.path);
    }
    for (const std::string& path : dirty) {
      if (copied_.stamps.contains(path)) add(path);
    }
    for (const auto& [path, stamp] : copied_.stamps) {
      if (!S_ISDIR(stamp.mode) && !known.contains(path)) add(path);
    }
    return std::move(leaves_);
  }

  void add(const std::string& path) {
    // Submodules and others have a history of their own.
    if (!copied_.ignoring.repository_of(path).empty()) return;
    const auto stamp = copied_.stamps.find(path);
    if (stamp == copied_.stamps.end()) {
      leaves_[path] = {};
    } else {
      const mode_t mode = stamp->second.mode;
      leaves_[path] = {kind_of(mode), mode & 07777, tree_ + "/" + path};
    }
  }

 private:
  const Repository& repository_;
  const Copied& copied_;
  std::string tree_;
  Leaves leaves_;
};

}  // namespace

Worktree::Worktree(const Repository& repository, std::string root, std::string folder,
                   std::function<void()> before_step)
    : repository_(repository),
      root_(std::move(root)),
      folder_(std::move(folder)),
      before_step_(std::move(before_step)) {}

std::string Worktree::workspace() const {
  return root_ == repository_.top ? tree() : tree() + root_.substr(repository_.top.size());
}

Result<std::string> Worktree::snapshot(const Copied& copied,
                                       const std::vector<workspace::Layer>& upon) const {
  const auto step = [&] {
    if (before_step_) before_step_();
  };
  const std::string look = folder_ + "/look.index";
  const std::string index = folder_ + "/snapshot.index";
  step();
  if (auto done = copy_index(repository_, look); !done) return std::unexpected(done.error());
  auto git = without_filters(repository_);
  if (!git) return std::unexpected(git.error());
  git->with_index(look);
  const auto entries = entries_of(*git);
  if (!entries) return std::unexpected(entries.error());
  const auto dirty =
      git->run({"diff-files", "-z", "--name-only", "--no-renames", "--ignore-submodules=all"});
  if (!dirty) return std::unexpected(dirty.error());
  Snapshot snapshot(repository_, copied, tree());
  std::vector<std::string> anew = split_at_nul(*dirty);
  for (const auto& [path, leaf] : leaves_of(upon, prefix_of(root_, repository_.top)))
    anew.push_back(path);
  const Git ours = Git(repository_.top).with_index(index);
  step();
  if (auto put = ours.run({"update-index", "-z", "--index-info"}, as_index_info(*entries)); !put)
    return std::unexpected(put.error());
  step();
  // What cannot be stored is in the snapshot as it was in the index, and in the tree as it is.
  const auto put = put_in_index(repository_, index, snapshot.leaves(*entries, anew),
                                folder_ + "/snapshot.files");
  if (!put) return std::unexpected(put.error());
  step();
  auto made = commit_index(ours, commit_of(ours, "HEAD"), "What a task of Interlock began with\n");
  ::unlink(look.c_str());
  ::unlink(index.c_str());
  return made;
}

Result<Worktree::Base> Worktree::open(const std::string& branch,
                                      const std::vector<workspace::Layer>& upon) const {
  if (auto made = make_folders(tree()); !made) return std::unexpected(made.error());
  auto copied = copy_committed(repository_, root_, upon, tree(), before_step_);
  if (!copied) return std::unexpected(copied.error());
  auto commit = snapshot(*copied, upon);
  if (!commit) return std::unexpected(commit.error());
  auto given = make_repository(repository_, tree(), branch, *commit, before_step_);
  if (!given) return std::unexpected(given.error());
  let_tick();
  return Base{std::move(*commit), std::move(*copied), std::move(*given)};
}

}  // namespace interlock::snapshots
