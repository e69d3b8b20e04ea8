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

}  // namespace

class WalkedTrees::Walked final : public Tree {
 public:
  Walked(WalkedTrees& keeper, std::string label)
      : keeper_(keeper), label_(std::move(label)), tag_(rlimit_tag_for(label_)) {
    keeper_.trees_.push_back(this);
  }
  ~Walked() override { std::erase(keeper_.trees_, this); }

  void root_born(const ProcessStat& root) override {
    root_ = root.pid;
    start_ticks_ = root.start_ticks;
    sessions_.insert(root.pid);
  }
  void root_gone() override { root_.reset(); }

  bool empty() override { return !root_ && (keeper_.orphans().empty() || members().empty()); }

  std::vector<ProcessStat> members() override {
    std::vector<pid_t> roots;
    if (root_) roots.push_back(*root_);
    for (const ProcessStat& orphan : keeper_.orphans()) {
      if (is_ours(orphan)) roots.push_back(orphan.pid);
    }
    auto members = with_descendants(look_at_all(), roots);
    for (const ProcessStat& member : members) sessions_.insert(member.session);
    return members;
  }

  void send(int signal) override {
    if (signal != SIGKILL) {
      for (const ProcessStat& member : members()) send_signal(member, signal);
      return;
    }
    // Whoever stands still makes no more children while the others are looked for.
    end_all([this] { return members(); });
  }

  std::optional<pid_t> root() const { return root_; }

 private:
  bool claims(const ProcessStat& orphan) const {
    return rlimit_tag_of(orphan.pid) == tag_ || sessions_.contains(orphan.session) ||
           environment_of(orphan.pid, kMarker) == label_;
  }
  bool is_ours(const ProcessStat& orphan) const {
    if (claims(orphan)) return true;
    return orphan.start_ticks >= start_ticks_ &&
           std::ranges::none_of(keeper_.trees_,
                                [&](const Walked* other) { return other->claims(orphan); });
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
std::vector<ProcessStat> WalkedTrees::orphans() const {
  std::vector<ProcessStat> orphans;
  const pid_t own_session = ::getsid(0);
  for (int look = 0; look < kLooksAtNothing && orphans.empty(); ++look) {
    for (const pid_t child : own_children()) {
      if (std::ranges::any_of(trees_, [&](const Walked* tree) { return tree->root() == child; }))
        continue;
      const auto seen = look_at(child);
      if (!seen || !seen->alive() || seen->session == own_session) continue;
      if (!counts_ || counts_(child)) orphans.push_back(*seen);
    }
  }
  return orphans;
}

}  // namespace interlock::process
