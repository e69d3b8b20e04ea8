#pragma once

#include <linux/filter.h>

#include <vector>

#include "engine/enclosure.h"

namespace interlock::process {

/// The seccomp filter that has a process's calls told as far as `watch` asks (see path_calls.h) and
/// lets all others pass. Opens for reading alone are picked out only from `opens` on.
///
/// Two ways around it are closed, as if the kernel did not have them (ENOSYS): io_uring, and the
/// calls of other architectures, such as those of 32-bit programs. A third is forbidden (EPERM): to
/// take another root folder.
std::vector<sock_filter> call_filter(engine::Enclosure::Watch watch);

}  // namespace interlock::process
