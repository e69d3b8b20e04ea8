#pragma once

#include <string>

#include "base/result.h"
#include "changes/changeset.h"
#include "changes/read_set.h"
#include "engine/sandbox.h"
#include "footprint/interlocking.h"
#include "workspace/stack.h"

namespace interlock::snapshots {

struct KnownReads {
  changes::ReadSet reads;
  std::string gap;  ///< Why they are not known exactly; empty: they are.
};

/// The trees an attempt's paths are of.
struct Trees {
  const workspace::Stack& found;  ///< The one it began on.
  const workspace::Stack& left;   ///< With its changes.
  std::string at;                 ///< Where the attempt had it, absolute.
};

/// What an attempt's result depends on, from what the kernel told, or from what its footprint
/// declares, or from neither.
///
/// A link is resolved as either tree has it, and is itself read. What is opened counts by what it
/// was before the attempt: a file or link by content, a folder by its names; what was not there,
/// and what was only looked at, by presence, with the folder that would have held it. A path that
/// was changed was read; a new one was looked for; a folder that was deleted was listed, for it had
/// to be empty.
Result<KnownReads> reads_of(const engine::Observed& observed, const footprint::Footprint& footprint,
                            const changes::Changeset& changes, const Trees& trees);

/// The same of an attempt that still runs: as far as was seen, links not resolved.
changes::ReadSet reads_seen(const engine::Observed& observed, const workspace::Stack& found,
                            const std::string& at);

}  // namespace interlock::snapshots
