#pragma once

#include "engine/attendance.h"

namespace interlock::process {

/// The root of an attempt that needs a setup or services: does the setup, starts the services one
/// after the other, each when the one before it can be used, then the work, and ends the services
/// when that is over. The work has our standard input and output; all else that is said goes to
/// standard error, of services only when they fail.
///
/// A service that ends before the work does ends that. Whatever kept the work from being done is
/// left in the folder's `kRemarkFile`, as one line.
///
/// Returns the exit status to end with: the work's own. A signal that ended the work ends us too.
/// It handles signals, and is to be all that its process does. When that is killed, what it
/// started is killed by the kernel.
int attend(const engine::Attendance& attendance);

}  // namespace interlock::process
