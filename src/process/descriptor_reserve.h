#pragma once

#include "base/result.h"

namespace interlock::process {

/// Whether one more attempt may take descriptors; some are left for what a dispatcher does besides:
/// its journal, taking what attempts changed. The error is a shortage (EMFILE), which passes when
/// something that runs has ended.
Result<void> descriptors_are_left();

}  // namespace interlock::process
