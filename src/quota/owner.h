#pragma once

#include <sys/types.h>

#include <cstdint>

namespace interlock::quota {

/// Who a place or a lease belongs to: pid and start time (clock ticks since boot) in one word, so
/// that it is written at once, and a reused pid is somebody else. 0: nobody. Meaningful within one
/// boot and one pid namespace.
using Owner = std::uint64_t;

Owner this_process();
inline pid_t pid_of(Owner owner) { return static_cast<pid_t>(owner & 0x3fffff); }
/// Whether that very process lives.
bool is_alive(Owner owner);
/// Whether it lives and is suspended, as by Ctrl-Z.
bool is_stopped(Owner owner);

}  // namespace interlock::quota
