#pragma once

#include "base/result.h"

namespace interlock::engine {

/// Whether a start failed for want of descriptors, processes or memory, of the process or of the
/// machine: what others hold now, and give back. Ports end a message with the system's own words
/// for the reason, which is what tells.
bool is_shortage(const Error& error);

/// Whether something that takes long gave way to a signal that asks the dispatcher to end.
bool is_interruption(const Error& error);

/// So often a start is tried while nothing else of the run holds anything that it could wait for.
inline constexpr int kShortStartsMax = 5;

}  // namespace interlock::engine
