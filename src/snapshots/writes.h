#pragma once

#include <string>
#include <vector>

#include "changes/changeset.h"
#include "changes/write_set.h"
#include "engine/sandbox.h"
#include "snapshots/reads.h"

namespace interlock::snapshots {

/// What an attempt wrote: what it changed, what it wrote and left as it was (`rewritten`), and what
/// the kernel told, which alone knows of files that came and went.
///
/// Links are resolved as the attempt left them. Of a path that ends in a link both the link and
/// what it leads to count, for either may have been meant.
changes::WriteSet writes_of(const engine::Observed& observed, const changes::Changeset& changes,
                            const std::vector<std::string>& rewritten, const Trees& trees);

}  // namespace interlock::snapshots
