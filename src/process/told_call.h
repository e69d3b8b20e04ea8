#pragma once

#include <linux/seccomp.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "process/path_calls.h"

namespace interlock::process {

/// A call that a process is about to make, as the observer understands it.
struct ToldCall {
  struct Named {
    std::string path;  ///< Absolute, as the process put it.
    bool follows = false;
    PathCall::If effective = PathCall::If::either;
  };

  const PathCall* call = nullptr;
  std::vector<Named> names;
  std::uint64_t flags = 0;  ///< Of open(2), however it was called.
  std::string gap;          ///< Why it could not be read whole; empty: it was.

  bool opens() const;  ///< To read, list or execute.
  bool writes_what_it_opens() const;
};

/// A change of mode, owner, times or attributes through a descriptor that is open on `path`.
ToldCall change_behind_descriptor(std::string path);

/// Reads the call's paths out of the process. Nothing for calls that name no file, or for which
/// the kernel is going to answer that its arguments are wrong.
std::optional<ToldCall> understand(const seccomp_notif& told);

}  // namespace interlock::process
