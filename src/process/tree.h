#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "process/proc.h"

namespace interlock::process {

/// All processes of one attempt: its root and whatever came from it, wherever that went.
class Tree {
 public:
  virtual ~Tree() = default;

  /// The folder of the cgroup its root is to be born in; -1 when that does not matter.
  virtual int birthplace() const { return -1; }
  virtual void root_born(const ProcessStat& root) = 0;
  /// The root was waited for: its number may be given out again.
  virtual void root_gone() = 0;

  /// Whether nothing of it lives. Asked once the root is gone.
  virtual bool empty() = 0;
  /// The processes that live now, as far as they can be seen.
  virtual std::vector<ProcessStat> members() = 0;
  /// Sends the signal to every member; SIGKILL also to those that are being forked meanwhile.
  virtual void send(int signal) = 0;
  /// A descriptor that becomes urgent when the tree has become empty; -1: ask again now and then.
  virtual int emptied() const { return -1; }
};

/// Makes trees, one way or the other.
class TreeKeeper {
 public:
  virtual ~TreeKeeper() = default;

  /// `label` is in the root's environment too, as kMarker.
  virtual Result<std::unique_ptr<Tree>> plant(const std::string& label) = 0;
};

/// The environment variable by which an attempt's processes are known, also to a later dispatcher.
inline constexpr const char* kMarker = "INTERLOCK_ATTEMPT";

}  // namespace interlock::process
