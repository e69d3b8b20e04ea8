#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "changes/changeset.h"
#include "snapshots/attempt.h"
#include "workspace/stack.h"

namespace interlock::snapshots {

/// Rests an attempt's changes on `below`, with these bytes for files that were merged. What is
/// replaced in `after` and `before` is kept in `mine-<number>`, so that a dispatcher that dies
/// before it could note the amendment, or in the middle of it, finds the attempt as it was.
Result<changes::Changeset> rest_upon(const Layout& layout, const Attempt& attempt,
                                     const std::vector<std::pair<std::string, std::string>>& merged,
                                     const workspace::Stack& below);

/// Undoes what was amended after the changes were `wanted`, if anything.
Result<void> take_back(const Layout& layout, Attempt& attempt, const changes::Changeset& wanted);

/// Why these changes cannot be upon `below`: a folder they need is gone, or one they delete holds
/// more. Nothing: they can.
std::optional<std::string> does_not_rest(const changes::Changeset& changes,
                                         const workspace::Stack& below);

}  // namespace interlock::snapshots
