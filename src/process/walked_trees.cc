#include "process/walked_trees.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "process/frozen.h"
#include "process/rlimit_tag.h"

namespace interlock::process {
namespace {

/// The list of children that /proc gives may lack some while others end (proc(5)): an empty one is
/// believed when it stays so.
constexpr int kLooksAtNothing = 3;
/// More looks than any honest tree needs; who dies faster than we look is met by the next call.
constexpr int kLooksMax = 100;

}  // namespace

class WalkedTrees::Walked final : public Tree {
 public:
  Walked(WalkedTrees& keeper, std::string label)
      : keeper_(keeper), label_(std::move(label)), tag_(rlimit_tag_for(label_)) {
    keeper_.trees_.push_back(this);
  }
  ~Walked() override { std::erase(keeper_.trees_, this); }

  void root_born(const sys::ProcessStat& root) override {
    root_ = root.pid;
    start_ticks_ = root.start_ticks;
    sessions_.insert(root.pid);
  }
  void root_gone() override { root_.reset(); }

  /// Told from the orphans alone: each of them may be gone, and its child ours, before its
  /// descendants are looked for.
  bool empty() override { return !root_ && own_orphans().empty(); }

  std::vector<sys::ProcessStat> members() override {
    std::vector<sys::ProcessStat> members;
    for (int look = 0; look < kLooksMax; ++look) {
      const std::vector<pid_t> orphans = own_orphans();
      std::vector<pid_t> roots = orphans;
      if (root_) roots.push_back(*root_);
      members = sys::with_descendants(sys::stat_of_all(), roots);
      // Who died between the two left its children to us, and nobody here is their ancestor.
      const bool is_whole = std::ranges::all_of(orphans, [&](pid_t orphan) {
        return std::ranges::find(members, orphan, &sys::ProcessStat::pid) != members.end();
      });
      if (is_whole) break;
    }
    for (const sys::ProcessStat& member : members) sessions_.insert(member.session);
    return members;
  }

  void send(int signal) override {
    if (signal != SIGKILL) {
      for (const sys::ProcessStat& member : members()) sys::send_signal(member, signal);
      return;
    }
    // Whoever stands still makes no more children while the others are looked for.
    end_all([this] { return members(); });
  }

  std::optional<pid_t> root() const { return root_; }

 private:
  bool claims(const sys::ProcessStat& orphan) const {
    return rlimit_tag_of(orphan.pid) == tag_ || sessions_.contains(orphan.session) ||
           sys::environment_of(orphan.pid, kMarker) == label_;
  }
  bool is_ours(const sys::ProcessStat& orphan) const {
    if (claims(orphan)) return true;
    return orphan.start_ticks >= start_ticks_ &&
           std::ranges::none_of(keeper_.trees_,
                                [&](const Walked* other) { return other->claims(orphan); });
  }
  std::vector<pid_t> own_orphans() const {
    std::vector<pid_t> own;
    for (const sys::ProcessStat& orphan : keeper_.orphans()) {
      if (is_ours(orphan)) own.push_back(orphan.pid);
    }
    return own;
  }

  WalkedTrees& keeper_;
  std::string label_;
  RlimitTag tag_;
  std::optional<pid_t> root_;
  std::int64_t start_ticks_ = 0;
  std::set<pid_t> sessions_;  ///< All that members were ever seen in.
};

Result<std::unique_ptr<Tree>> WalkedTrees::plant(const std::string& label) {
  return std::make_unique<Walked>(*this, label);
}

/// Our living children that we did not start. Nothing of an attempt is ever in our own session.
///
/// What is found dead had given its children to us before, maybe after they were listed: only a
/// list without a newly dead one says that nothing lives.
std::vector<sys::ProcessStat> WalkedTrees::orphans() const {
  std::vector<sys::ProcessStat> orphans;
  std::set<pid_t> dead;
  const pid_t own_session = ::getsid(0);
  int nothing = 0;
  for (int look = 0; look < kLooksMax && nothing < kLooksAtNothing && orphans.empty(); ++look) {
    bool any_died = false;
    for (const pid_t child : sys::own_children()) {
      if (std::ranges::any_of(trees_, [&](const Walked* tree) { return tree->root() == child; }))
        continue;
      const auto seen = sys::stat_of(child);
      if (!seen || seen->session == own_session) continue;
      if (!seen->alive()) {
        any_died = dead.insert(child).second || any_died;
      } else if (!counts_ || counts_(child)) {
        orphans.push_back(*seen);
      }
    }
    nothing = any_died ? 0 : nothing + 1;
  }
  return orphans;
}

}  // namespace interlock::process
