#pragma once

#include <linux/seccomp.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "process/caller.h"
#include "process/foreign_path.h"

// System calls that are no dealings with paths and reach beyond an attempt all the same: into the
// kernel, into other processes, into terminals, and to files through descriptors.
namespace interlock::process {

/// A call that no confined process has any business with, whatever its arguments.
struct KernelCall {
  long number;
  const char* doing;  ///< `loading a kernel module`: what it was kept from.
};
std::span<const KernelCall> kernel_calls();

/// ioctl(2) requests: all of a kind are refused, or those are looked at that change a file's flags.
struct ControlRequest {
  std::uint32_t request;
  const char* doing;  ///< nullptr: it changes what its descriptor is open on.
};
std::span<const ControlRequest> control_requests();

/// A call that changes how a process runs, which is told where it is not about the caller itself.
struct ProcessCall {
  enum class Whom : unsigned char {
    process,   ///< The pid (0: itself) in argument 0.
    limits,    ///< The same, if argument 2 has new limits.
    which_who  ///< Argument 0: process, group or (`user`) everybody; argument 1: which.
  };
  long number;
  const char* doing;
  Whom whom;
  std::uint32_t user = 0;
};
std::span<const ProcessCall> process_calls();

/// A call that changes mode, owner, times or attributes of what a descriptor (argument 0) is open
/// on. `path`: only where the argument there is no path (0, or "" for *at calls with
/// AT_EMPTY_PATH).
struct DescriptorCall {
  long number;
  int path = -1;
};
std::span<const DescriptorCall> descriptor_calls();

/// What a told call is refused for; nothing where it goes on, or is not one of these.
std::optional<std::string> refusal_of(const seccomp_notif& notified);

/// What is behind the descriptor whose mode, owner, times or attributes the call changes; nothing
/// for other calls, and for what has no name (pipes, sockets, deleted files: nobody else sees
/// them).
std::optional<ForeignPath> changed_by_descriptor(const seccomp_notif& notified,
                                                 const Caller& caller);

}  // namespace interlock::process
