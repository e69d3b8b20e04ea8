#pragma once

#include <linux/filter.h>

#include <vector>

#include "engine/sandbox.h"

namespace interlock::process {

/// The seccomp filter that has a process's calls told as far as `watch` asks (see path_calls.h) and
/// lets all others pass. Opens for reading alone are picked out only from `opens` on.
///
/// Two ways around it are closed, as if the kernel did not have them (ENOSYS): io_uring, and the
/// calls of other architectures, such as those of 32-bit programs. A third is forbidden (EPERM): to
/// take another root folder.
///
/// Of what is `confined`, the calls of refused_calls.h are told too; without anybody to tell
/// (`watch` nothing), those are refused (EPERM) that are refused always.
std::vector<sock_filter> call_filter(engine::Sandbox::Watch watch, bool confined);

}  // namespace interlock::process
