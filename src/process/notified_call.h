#pragma once

#include <linux/seccomp.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "process/caller.h"
#include "process/path_calls.h"

namespace interlock::process {

/// A call that a process is about to make, as the observer understands it.
struct NotifiedCall {
  struct Named {
    std::string path;  ///< Absolute, as the process put it.
    bool follows = false;
    bool from_deleted =
        false;  ///< Relative to a folder that was deleted; `path` begins with its name.
    PathCall::If effective = PathCall::If::either;
  };

  const PathCall* call = nullptr;
  std::vector<Named> names;
  std::uint64_t flags = 0;  ///< Of open(2), however it was called.
  std::string gap;          ///< Why it could not be read whole; empty: it was.

  bool opens() const;  ///< To read, list or execute.
  bool writes_what_it_opens() const;
};

/// A change of mode, owner, times or attributes through a descriptor that is open on `behind`.
NotifiedCall change_behind_descriptor(ForeignPath behind);

/// Reads the call's paths out of the process that makes it. Nothing for calls that name no file, or
/// for which the kernel is going to answer that its arguments are wrong.
std::optional<NotifiedCall> understand(const seccomp_notif& notified, const Caller& caller);

}  // namespace interlock::process
