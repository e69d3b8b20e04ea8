#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace interlock::snapshots {

/// The mounts strictly below a folder, by what /proc/self/mountinfo says (proc(5)); as paths below
/// it, sorted.
std::vector<std::string> mounts_below(const std::string& root, std::string_view mountinfo);

/// A snapshot shows the file system that the workspace lies on, and nothing that is mounted on top
/// of it. Refuses where there is such a mount: what is below it would be read and written instead.
Result<void> holds_no_mounts(const std::string& root);

/// The mounts there are now.
std::vector<std::string> mounts_in(const std::string& root);

}  // namespace interlock::snapshots
