#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>
#include <ranges>
#include <set>

#include "base/text.h"
#include "snapshots/files.h"
#include "snapshots/worktree.h"
#include "sys/asked_to_end.h"
#include "workspace/beneath.h"

// What a task changed in its worktree.
namespace interlock::snapshots {

namespace fs = std::filesystem;
using changes::Change;
using changes::Kind;
using changes::State;
using workspace::folder_of;
using workspace::is_at_or_below;
using workspace::join;
using workspace::name_of;
using workspace::Stack;

namespace {

constexpr std::size_t kNamedMax = 3;

/// Paths of the repository that are not as they were copied.
class Touched {
 public:
  Touched(std::string tree, const Copied& copied) : tree_(std::move(tree)), copied_(copied) {}

  Result<void> find() {
    if (auto entered = enter(""); !entered) return entered;
    for (const auto& [path, stamp] : copied_.stamps) {
      if (!seen_.contains(path)) gone.insert(path);
    }
    return {};
  }

  std::map<std::string, struct stat> now;  ///< New, or changed as far as their times tell.
  std::set<std::string> gone, git_folders, special;

 private:
  Result<void> enter(const std::string& folder) {
    const std::string place = folder.empty() ? tree_ : tree_ + "/" + folder;
    std::error_code error;
    for (fs::directory_iterator it(place, error), end; !error && it != end; it.increment(error)) {
      const std::string path = join(folder, it->path().filename().string());
      if (path == ".git") continue;
      if (name_of(path) == ".git") {
        git_folders.insert(path);
      } else if (auto looked = look(path); !looked) {
        return looked;
      }
    }
    return error ? cannot("read", place, error.value()) : Result<void>();
  }

  Result<void> look(const std::string& path) {
    struct stat status{};
    const std::string place = tree_ + "/" + path;
    if (check_.is_due()) return cannot("look at", place, EINTR);
    if (::lstat(place.c_str(), &status) != 0) return cannot("look at", place, errno);
    if (kind_of(status.st_mode) == Kind::other) {
      special.insert(path);
      return {};
    }
    seen_.insert(path);
    const auto before = copied_.stamps.find(path);
    const bool is_folder = S_ISDIR(status.st_mode);
    // What is in a folder changes its times, and is looked at by itself.
    const bool same =
        before != copied_.stamps.end() &&
        (is_folder ? before->second.mode == status.st_mode : before->second == stamp_of(status));
    if (!same) now.emplace(path, status);
    if (!is_folder) return {};
    if ((status.st_mode & S_IRWXU) != S_IRWXU)
      ::chmod(place.c_str(), (status.st_mode & 07777) | S_IRWXU);
    return enter(path);
  }

  std::string tree_;
  const Copied& copied_;
  std::set<std::string> seen_;
  sys::InterruptionCheck check_;
};

class Changes {
 public:
  Changes(const Touched& touched, const Copied& copied, std::string prefix, std::string workspace,
          const Stack& lower)
      : touched_(touched),
        copied_(copied),
        prefix_(std::move(prefix)),
        workspace_(std::move(workspace)),
        lower_(lower) {}

  Result<Harvested> run() {
    find_ignored();
    for (const auto& [path, status] : touched_.now) {
      if (auto added = add(path, status); !added) return std::unexpected(added.error());
    }
    // From the bottom up: a folder goes when all in it has gone.
    for (const std::string& path : touched_.gone | std::views::reverse) {
      if (auto taken = take_away(path); !taken) return std::unexpected(taken.error());
    }
    give_up_covered();
    Harvested harvested;
    for (auto& [path, change] : changes_) {
      if (change.before != change.after) harvested.changes.changes.push_back(std::move(change));
    }
    report(harvested.remarks);
    return harvested;
  }

 private:
  std::optional<std::string> inside(const std::string& path) const {
    return path.starts_with(prefix_) ? std::optional(path.substr(prefix_.size())) : std::nullopt;
  }
  bool was_there(const std::string& path) const { return copied_.stamps.contains(path); }

  /// Of what is new. A new folder goes with what is in it when all of that is ignored.
  void find_ignored() {
    std::vector<std::string> asked;
    for (const auto& [path, status] : touched_.now) {
      if (!was_there(path)) asked.push_back(S_ISDIR(status.st_mode) ? path + "/" : path);
    }
    for (std::string path : copied_.ignoring.among(asked)) {
      if (path.ends_with('/')) path.pop_back();
      ignored_.insert(path);
    }
    std::map<std::string, bool> keeps;  // By new folder: something in it is wanted.
    std::map<std::string, bool> holds;
    for (const auto& [path, status] : touched_.now | std::views::reverse) {
      const bool is_folder = S_ISDIR(status.st_mode);
      if (is_folder && !was_there(path) && holds[path] && !keeps[path]) ignored_.insert(path);
      const std::string folder(folder_of(path));
      holds[folder] = true;
      if (!ignored_.contains(path)) keeps[folder] = true;
    }
  }

  Result<State> state_before(const std::string& path) const {
    const auto found = lower_.look(path);
    return found ? state_at(found->place, found->status, false, true) : Result<State>(State());
  }

  Result<void> add(const std::string& path, const struct stat& status) {
    const auto part = inside(path);
    if (!part || part->empty()) {
      if (path + "/" != prefix_) outside_.insert(path);
      return {};
    }
    if (ignored_.contains(path)) {
      if (!ignored_.contains(std::string(folder_of(path)))) left_out_.insert(path);
      return {};
    }
    const auto before = state_before(*part);
    if (!before) return std::unexpected(before.error());
    State after{Kind::folder, status.st_mode & 07777, 0, {}};
    if (!S_ISDIR(status.st_mode)) {
      auto state = state_at(workspace_ + "/" + *part, status, true, true);
      if (!state) return std::unexpected(state.error());
      after = *state;
    }
    changes_.insert_or_assign(*part, Change{*part, *before, after});
    return {};
  }

  Result<void> take_away(const std::string& path) {
    const auto part = inside(path);
    if (!part || part->empty()) {
      outside_.insert(path);
      return {};
    }
    if (touched_.special.contains(path)) return {};
    const auto before = state_before(*part);
    if (!before) return std::unexpected(before.error());
    if (before->kind == Kind::folder && !is_emptied(*part)) return {};
    changes_.insert_or_assign(*part, Change{*part, *before, State()});
    return {};
  }

  /// Whether all that the workspace has in a folder goes: what was not in the worktree stays.
  bool is_emptied(const std::string& folder) const {
    return std::ranges::all_of(lower_.names(folder), [&](const std::string& name) {
      const auto known = changes_.find(join(folder, name));
      return known != changes_.end() && known->second.after.kind == Kind::absent;
    });
  }

  /// A file in place of a folder in which something has to stay.
  void give_up_covered() {
    std::vector<std::string> covered;
    for (const auto& [path, change] : changes_) {
      const bool replaces = change.before.kind == Kind::folder &&
                            (change.after.kind == Kind::file || change.after.kind == Kind::link);
      if (replaces && !is_emptied(path)) covered.push_back(path);
    }
    for (const std::string& path : covered) {
      changes_.erase(path);
      covered_.insert(path);
    }
  }

  static void report(std::vector<std::string>& remarks, std::string_view what,
                     const std::set<std::string>& paths, std::string_view why) {
    if (paths.empty()) return;
    std::vector<std::string> named;
    for (const std::string& path : paths) named.push_back("`" + printable(path) + "`");
    remarks.push_back(fmt::format("{} {} {}", what, join_words(named, kNamedMax), why));
  }

  void report(std::vector<std::string>& remarks) const {
    report(remarks, "what it wrote to", left_out_, "was left out: git ignores it");
    report(remarks, "what it changed in", outside_, "was left out: it is outside the workspace");
    report(remarks, "what it changed in", touched_.git_folders, "was left out");
    report(remarks, "the socket, pipe or device", touched_.special, "was left out");
    report(remarks, "what it put in place of the folder", covered_,
           "was left out: the folder holds what git ignores");
  }

  const Touched& touched_;
  const Copied& copied_;
  std::string prefix_, workspace_;
  const Stack& lower_;
  std::map<std::string, Change> changes_;
  std::set<std::string> ignored_, left_out_, outside_, covered_;
};

}  // namespace

Result<Harvested> Worktree::harvest(const Base& base, const Stack& lower) const {
  struct stat status{};
  // The way to the workspace, folder by folder: through a link a task could hand us anything.
  for (std::string at = workspace(); at.size() >= tree().size(); at = folder_of(at)) {
    if (::lstat(at.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
      return fail(Error::Kind::refused, "it took the folder of the workspace away in its worktree",
                  "run the task again");
    }
  }
  Touched touched(tree(), base.copied);
  if (auto found = touched.find(); !found) return std::unexpected(found.error());
  auto harvested =
      Changes(touched, base.copied, prefix_of(root_, repository_.top), workspace(), lower).run();
  if (!harvested) return harvested;
  for (std::string& remark : keep_wanted(tree(), base.given, folder_))
    harvested->remarks.push_back(std::move(remark));
  return harvested;
}

}  // namespace interlock::snapshots
