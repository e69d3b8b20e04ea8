#pragma once

#include <string>
#include <vector>

#include "engine/ports.h"
#include "engine/run_state.h"
#include "plan/plan.h"

namespace interlock::engine {

/// Everything that a task's result depends on, as far as its declarations tell: command, prompt,
/// agent, environment, schema, check, the content of what it reads now, and the outputs it uses. In
/// a fixed order.
///
/// More than `kReadsListed` files read are told by folder, so that a journal stays small; the
/// digest is the same precise.
Result<std::vector<CacheKeyPart>> cache_key_parts_of(const plan::Plan& plan, TaskId task,
                                                     const RunState& run, Workspace& workspace);
inline constexpr std::size_t kReadsListed = 256;

Digest key_of(const std::vector<CacheKeyPart>& cache_key_parts);

/// The first file that was seen to be read though the footprint does not name it; empty: there is
/// none, or nothing was declared or seen. Its content is no ingredient, so that an equal key proves
/// nothing.
std::string first_undeclared(const footprint::Footprint& footprint, const changes::ReadSet& reads);
/// Stands among a result's parts of the cache key for such a file: no other result ever has it.
CacheKeyPart undeclared_read(const std::string& path, const std::string& run);
/// Likewise for a result that cannot be compared with anything; `why` in words that begin with
/// `it`.
CacheKeyPart incomparable(const std::string& why, const std::string& run);

/// The first ingredient of `now` that `before` has not, or has otherwise; empty when there is none.
std::string first_difference(const std::vector<CacheKeyPart>& before,
                             const std::vector<CacheKeyPart>& now);

}  // namespace interlock::engine
