#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace interlock::process {

/// A mark that a process and all its descendants carry, that survives execve, a cleared
/// environment, new sessions and the death of parents, and that nothing takes off by accident: the
/// limit RLIMIT_RTTIME.
///
/// The limit bounds a realtime process's time on the processor, in microseconds. A brand is a
/// number beyond 146,000 years, so it limits nothing. It cannot be set where a lower limit is
/// already in force and privilege is lacking; there, and on what set the limit anew, it is missing.
using RlimitTag = std::uint64_t;

/// The same for the same label, always.
RlimitTag rlimit_tag_for(const std::string& label);

/// What the process is branded with; nothing when it is not, is gone, or is another user's.
std::optional<RlimitTag> rlimit_tag_of(pid_t pid);

}  // namespace interlock::process
