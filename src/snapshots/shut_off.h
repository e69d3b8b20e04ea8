#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace interlock::snapshots {

/// From here on the calling thread, and all it starts, can neither read nor execute what is below
/// `folder`, but for what is at or below one of `kept` (absolute paths). For good: it is for a
/// thread that ends soon. What comes into being beside the folder later is out of reach as well.
/// An error where the kernel has no Landlock.
Result<void> shut_off(const std::string& folder, const std::vector<std::string>& kept);

}  // namespace interlock::snapshots
