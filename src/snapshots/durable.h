#pragma once

#include <functional>
#include <set>
#include <string>

#include "base/result.h"

namespace interlock::snapshots {

/// Is told each place that a power failure leaves as it is from then on.
using Synced = std::function<void(const std::string& place)>;

/// Makes all regular files and folders below `folder` durable, but for what lies below those of its
/// parts. Where there are many, the whole file system is: one call, and cheaper then.
Result<void> sync_tree(const std::string& folder, const std::set<std::string>& but,
                       const Synced& synced);

}  // namespace interlock::snapshots
