#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "snapshots/checkpoint.h"

namespace interlock::snapshots {

/// Names beside a path, while something is done to it: the same ones for whoever goes on.
class Beside {
 public:
  Beside(const std::string& prefix, const std::string& path);

  const std::string& half() const { return half_; }  ///< Being written: never anybody's.
  const std::string& aside() const {
    return aside_;
  }  ///< Whole: ours before, theirs after the exchange.

 private:
  std::string half_, aside_;
};

/// Puts what was taken away from `path` back there. Where something new stands by now it gets a
/// name of its own beside it: nothing that somebody saved is ever deleted.
Result<void> requeue(int folder, const Beside& beside, const std::string& path);

/// The acts of a checkpoint, in an order in which each can be the last:
///
///   1. what has to make room: folders that become something else, things that become folders
///   2. folders, parents first, open to us; files and links, each under a temporary name and then
///      by rename
///   3. deletions, children first
///   4. the modes of folders, children first: a closed folder takes nothing in
///
/// No link is ever followed. Where somebody saved since `Fold::check` looked, what that one left is
/// kept, and told by `met`.
class Apply {
 public:
  Apply(int top, std::string temporary_prefix, std::function<void()> before_step);

  Result<void> run(const std::map<std::string, Checkpoint::Target>& targets);

  /// Where somebody saved meanwhile; sorted.
  std::vector<std::string> conflicts() const { return {met_.begin(), met_.end()}; }

  /// Removes what a checkpoint that was broken off had begun to write.
  void clear_half_written(const std::string& folder);
  void open_folder(const std::string& path, mode_t mode);
  void set_folder_mode(const std::string& path, mode_t mode);

 private:
  using Targets = std::map<std::string, Checkpoint::Target>;

  Result<void> make_room(const Targets& targets);
  Result<void> remove(const std::string& path, const changes::State& found);
  bool lies_below_conflict(const std::string& path) const;
  Result<void> place(const std::string& path, const Checkpoint::Target& target);
  Result<void> make_folder(const std::string& path, const Checkpoint::Target& target);
  Result<void> place_file(const std::string& path, const Checkpoint::Target& target);
  Result<void> put_in_place(int folder, const Beside& beside, const std::string& path,
                            const Checkpoint::Target& target);
  Result<void> settle_aside(int folder, const Beside& beside, const std::string& path,
                            const changes::State& expected);
  Result<void> write_file(int folder, const std::string& name, const std::string& path,
                          const Checkpoint::Target& target);
  Result<void> place_link(const std::string& path, const Checkpoint::Target& target);
  Result<workspace::Descriptor> folder_for(const std::string& path) const;
  void step() const {
    if (before_step_) before_step_();
  }

  int top_;
  std::string temporary_prefix_;
  std::function<void()> before_step_;
  std::set<std::string> met_;
  std::set<std::string> removed_;
  std::set<std::string> cleared_;
};

}  // namespace interlock::snapshots
