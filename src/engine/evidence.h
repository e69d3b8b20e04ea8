#pragma once

#include <optional>

#include "engine/cache_key.h"
#include "engine/trace.h"
#include "engine/turn.h"
#include "engine/waiting_changes.h"

namespace interlock::engine {

/// What tells whether a task's result is the same next time, beside its parts of the cache key.
struct Evidence {
  std::optional<Digest> trace;
  std::optional<CacheKeyPart> against;  ///< None is: see `incomparable`.
};

/// What the attempt found, to be looked at before its changes are committed; only where its parts
/// of the cache key alone would not tell.
std::optional<Trace> trace_of(const Turn& turn, const WaitingChanges& waiting,
                              const WaitingNotes& notes);
/// Once its changes are committed: what it left is looked at as whoever comes next finds it.
Evidence evidence_of(Turn& turn, const WaitingChanges& waiting, const WaitingNotes& notes,
                     std::optional<Trace> trace);

}  // namespace interlock::engine
