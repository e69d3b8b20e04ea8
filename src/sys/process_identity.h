#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/process_identity.h"

namespace interlock::sys {

/// Names this boot of the machine; empty where the kernel does not tell.
const std::string& boot_id();

/// Who the process with this number is now; nothing when there is none.
std::optional<ProcessIdentity> identity_of(pid_t pid);

/// Whether exactly this process still runs. A zombie does not: it will never act again.
bool is_alive(const ProcessIdentity& process);

}  // namespace interlock::sys
