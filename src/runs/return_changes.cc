#include "runs/return_changes.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "base/text.h"
#include "changes/text_merge.h"
#include "runs/returned_changes.h"
#include "snapshots/checkpoint.h"
#include "snapshots/files.h"
#include "snapshots/ticks.h"
#include "workspace/content.h"

namespace interlock::runs {

namespace fs = std::filesystem;
using changes::Change;
using changes::Changeset;
using changes::Kind;
using snapshots::CopyBase;
using snapshots::Joined;
using snapshots::PrivateCopy;

namespace {

constexpr std::size_t kKeptBytesMax = 256u << 20;
constexpr std::size_t kDiffBytesMax = 4000;
constexpr int kTriesMax = 4;  ///< While others save to the same files.

/// What the sub-agent was told of: `before` what the workspace held, `after` what its copy did.
Changeset read_reported(const SubAgentCopy& copy) {
  const auto text = workspace::read_file(copy.folder + "/conflicts.json", kKeptBytesMax);
  if (!text) return {};
  auto reported = changes::changeset_from_text(*text);
  return reported ? std::move(*reported) : Changeset();
}

/// One return of changes, under the workspace's lock.
class Return {
 public:
  explicit Return(const SubAgentCopy& copy)
      : copy_(copy), files_(copy.files()), commit_(copy.place() + "/commit") {}

  Result<BroughtBack> run() {
    top_ = sys::Descriptor(::open(copy_.root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!top_) return snapshots::cannot("open the workspace", copy_.root, errno);
    if (auto done = go_on(); !done) return std::unexpected(done.error());
    const auto text = workspace::read_file(copy_.folder + "/base.json", kKeptBytesMax);
    if (!text) return std::unexpected(text.error());
    auto base = snapshots::base_from_text(*text);
    if (!base) return std::unexpected(base.error());
    base_ = std::move(*base);
    auto harvested = files_.changes(base_);
    if (!harvested) return std::unexpected(harvested.error());
    result_.remarks = std::move(harvested->remarks);
    own_ = std::move(harvested->changes);
    const Changeset reported = read_reported(copy_);
    for (Change& change : own_.changes) {
      const Change* known = reported.find(change.path);
      // Worked on since: made upon what it was told that the others had left.
      if (known != nullptr && known->after != change.after) change.before = known->before;
    }
    for (int i = 0; i < kTriesMax; ++i) {
      auto joined = join();
      if (!joined) return std::unexpected(joined.error());
      if (!joined->conflicts.empty()) return report_conflicts(*joined);
      auto met = commit(*joined);
      if (!met) return std::unexpected(met.error());
      if (met->empty()) return done(*joined);
      in_the_way_ = std::move(*met);
    }
    Joined stuck;
    for (const std::string& path : in_the_way_) add_conflict(stuck, path);
    return report_conflicts(stuck);
  }

 private:
  Result<Joined> join() const {
    return snapshots::join_changes(own_, top_.get(), copy_.tree(),
                                   [&](const changes::State& state) { return files_.text(state); });
  }

  snapshots::Checkpoint::Options options() const {
    return {copy_.root, commit_ + "/intent", ".interlock-copy-", {}};
  }

  /// A return that was broken off: as far as nobody changed anything since, it is finished.
  Result<void> go_on() const {
    const auto text = workspace::read_file(commit_ + "/changes.json", kKeptBytesMax);
    if (!text) return {};
    const auto changeset = changes::changeset_from_text(*text);
    if (changeset) {
      if (auto met = bring_in(*changeset); !met) return std::unexpected(met.error());
    }
    snapshots::remove_tree(commit_);
    return {};
  }

  /// Paths that others changed meanwhile: then none or some of it is in the workspace.
  Result<std::vector<std::string>> bring_in(const Changeset& changeset) const {
    const std::vector<workspace::Layer> layers{{commit_ + "/after", &changeset}};
    snapshots::Checkpoint checkpoint(options(), layers);
    auto foreign = checkpoint.check();
    if (!foreign || !foreign->empty()) return foreign;
    if (auto begun = checkpoint.begin(); !begun) return std::unexpected(begun.error());
    auto met = checkpoint.apply();
    if (!met || !met->empty()) return met;
    if (auto ended = checkpoint.finish(); !ended) return std::unexpected(ended.error());
    return std::vector<std::string>();
  }

  Result<std::vector<std::string>> commit(const Joined& joined) const {
    if (joined.changes.empty()) return std::vector<std::string>();
    snapshots::remove_tree(commit_);
    for (const Change& change : joined.changes.changes) {
      if (auto kept = keep(joined, change); !kept) return std::unexpected(kept.error());
    }
    if (auto noted =
            snapshots::put_file(commit_ + "/changes.json", changes::to_text(joined.changes), true);
        !noted)
      return std::unexpected(noted.error());
    // A path that somebody deletes at this moment is met by the check that follows.
    const bool is_kept = keep_before(copy_.root, joined.changes, commit_).has_value();
    auto met = bring_in(joined.changes);
    if (met && met->empty() && is_kept) {
      keep_return(copy_, commit_);
    } else if (met) {
      snapshots::remove_tree(commit_);
    }
    return met;
  }

  /// The bytes that are to come: what goes on in the copy meanwhile makes no difference.
  Result<void> keep(const Joined& joined, const Change& change) const {
    if (change.after.kind != Kind::file && change.after.kind != Kind::link) return {};
    const std::string to = commit_ + "/after/" + change.path;
    const std::string from = copy_.tree() + "/" + change.path;
    if (auto made = snapshots::make_folders(fs::path(to).parent_path().string()); !made)
      return made;
    if (const auto merged = joined.merged.find(change.path); merged != joined.merged.end())
      return snapshots::put_file(to, merged->second);
    if (change.after.kind == Kind::link) {
      if (::symlink(snapshots::link_target(from).c_str(), to.c_str()) != 0)
        return snapshots::cannot("make the link", to, errno);
      return {};
    }
    struct stat status{};
    if (::lstat(from.c_str(), &status) != 0) return snapshots::cannot("look at", from, errno);
    const auto source = snapshots::open_file(from, status, true);
    if (!source) return std::unexpected(source.error());
    const sys::Descriptor target(
        ::open(to.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!target) return snapshots::cannot("write", to, errno);
    if (auto copied = snapshots::copy_bytes(source->get(), target.get(), to); !copied)
      return copied;
    const auto state = snapshots::state_at(to, status);
    if (!state) return std::unexpected(state.error());
    if (state->digest != change.after.digest)
      return fail(Error::Kind::refused,
                  fmt::format("`{}` is still being written", printable(change.path)),
                  "end what runs in the copy, and try again");
    return {};
  }

  void add_conflict(Joined& joined, const std::string& path) const {
    const Change* change = own_.find(path);
    const auto now = snapshots::state_beneath(top_.get(), path);
    joined.conflicts.push_back({path, change == nullptr ? changes::State() : change->before,
                                change == nullptr ? changes::State() : change->after,
                                now ? *now : changes::State()});
  }

  /// What the sub-agent has to mend: noted, so that its next version is taken to rest on it.
  Result<BroughtBack> report_conflicts(const Joined& joined) {
    Changeset reported;
    // What it has mended already rests on what it was told before.
    for (const Change& change : read_reported(copy_).changes) {
      if (std::ranges::find(joined.conflicts, change.path, &snapshots::JoinConflict::path) ==
          joined.conflicts.end())
        reported.changes.push_back(change);
    }
    for (const snapshots::JoinConflict& conflict : joined.conflicts) {
      BroughtBack::Conflict one{conflict.path, {}, conflict.mine, conflict.theirs};
      const auto now = snapshots::text_beneath(top_.get(), conflict.path);
      if (now) {
        if (auto kept = files_.keep_text(*now); !kept) return std::unexpected(kept.error());
        one.theirs = changes::unified_diff(conflict.path, files_.text(conflict.before), *now);
        if (one.theirs.size() > kDiffBytesMax) one.theirs.clear();
      }
      if (conflict.theirs != conflict.mine)
        reported.changes.push_back({conflict.path, conflict.theirs, conflict.mine});
      result_.conflicts.push_back(std::move(one));
    }
    std::ranges::sort(reported.changes, {}, &Change::path);
    if (auto noted =
            snapshots::put_file(copy_.folder + "/conflicts.json", changes::to_text(reported), true);
        !noted)
      return std::unexpected(noted.error());
    SubAgentCopy next = copy_;
    ++next.reports;
    if (auto noted = next.save(); !noted) return std::unexpected(noted.error());
    return std::move(result_);
  }

  /// The copy holds what was merged, and its changes are told apart from here on.
  Result<BroughtBack> done(const Joined& joined) {
    for (const auto& [path, text] : joined.merged) {
      const Change* change = joined.changes.find(path);
      const std::string place = copy_.tree() + "/" + path;
      const std::string beside = copy_.folder + "/merged";  // No name of the sub-agent's.
      if (auto written = snapshots::put_file(beside, text); !written)
        return std::unexpected(written.error());
      const Change* own = own_.find(path);
      ::chmod(beside.c_str(), change != nullptr ? change->after.mode : own->after.mode);
      if (::rename(beside.c_str(), place.c_str()) != 0)
        return snapshots::cannot("write", place, errno);
      result_.merged.push_back(path);
    }
    for (const Change& change : joined.changes.changes) result_.paths.push_back(change.path);
    snapshots::let_tick();
    for (const Change& change : own_.changes) {
      auto entry = files_.entry(change.path);
      if (!entry) return std::unexpected(entry.error());
      base_.entries.erase(change.path);
      if (*entry) base_.entries.emplace(change.path, std::move(**entry));
    }
    snapshots::let_tick();
    if (auto noted = snapshots::put_file(copy_.folder + "/base.json", base_.to_text(), true);
        !noted)
      return std::unexpected(noted.error());
    ::unlink((copy_.folder + "/conflicts.json").c_str());
    SubAgentCopy next = copy_;
    next.reports = 0;
    if (auto noted = next.save(); !noted) return std::unexpected(noted.error());
    return std::move(result_);
  }

  const SubAgentCopy& copy_;
  PrivateCopy files_;
  std::string commit_;
  sys::Descriptor top_;
  CopyBase base_;
  Changeset own_;
  std::vector<std::string> in_the_way_;
  BroughtBack result_;
};

}  // namespace

Result<BroughtBack> return_changes(const SubAgentCopy& copy) { return Return(copy).run(); }

}  // namespace interlock::runs
