#pragma once

#include <string>

#include "base/result.h"
#include "process/observer.h"

namespace interlock::process {

/// Has a child name files in every way there is (absolute, relative, to a folder's descriptor, by
/// /proc, by a link, upwards, and where nothing is), and looks whether the observer says of each
/// what it was. In a folder of its own below `folder`; `in_picture`: in a snapshot. An error says
/// what was not reported, or why it could not be tried.
Result<void> try_observer(Observer& observer, const std::string& folder, bool in_snapshot);

}  // namespace interlock::process
