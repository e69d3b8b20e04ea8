#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>

#include "base/result.h"
#include "views/fold.h"

namespace interlock::views {

/// The acts of a fold, in an order in which each can be the last:
///
///   1. what has to make room: folders that become something else, things that become folders
///   2. folders, parents first, open to us; files and links, each under a temporary name and then
///      by rename
///   3. deletions, children first
///   4. the modes of folders, children first: a closed folder takes nothing in
///
/// No link is ever followed.
class Apply {
 public:
  Apply(int top, std::string temporary_prefix, std::function<void()> before_step);

  Result<void> run(const std::map<std::string, Fold::Target>& targets);

  /// Removes what a fold that was broken off had begun to write.
  void clear_half_written(const std::string& folder);
  void open_folder(const std::string& path, mode_t mode);
  void set_folder_mode(const std::string& path, mode_t mode);

 private:
  using Targets = std::map<std::string, Fold::Target>;

  Result<void> make_room(const Targets& targets);
  Result<void> remove(const std::string& path, changes::Kind kind);
  Result<void> place(const std::string& path, const Fold::Target& target);
  Result<void> make_folder(const std::string& path, const Fold::Target& target);
  Result<void> place_file(const std::string& path, const Fold::Target& target);
  Result<void> write_file(int folder, const std::string& name, const std::string& path,
                          const Fold::Target& target);
  Result<void> place_link(const std::string& path, const Fold::Target& target);
  Result<workspace::Descriptor> folder_for(const std::string& path) const;
  std::string temporary();
  void step() const {
    if (before_step_) before_step_();
  }

  int top_;
  std::string temporary_prefix_;
  std::function<void()> before_step_;
  std::size_t temporaries_ = 0;
  std::set<std::string> removed_;
  std::set<std::string> cleared_;
};

}  // namespace interlock::views
