#pragma once

#include <string>
#include <vector>

#include "base/units.h"
#include "footprint/glob.h"
#include "plan/place.h"
#include "plan/service.h"

namespace interlock::plan {

/// Joins what two tasks made of one file, as git's merge drivers do: `merge: {driver: [...]}`.
struct MergeDriver {
  footprint::PatternSet files;  ///< Whose merge it is; without exclusions.
  /// With `{merge.base}`, `{merge.ours}`, `{merge.theirs}`, ... where the plan says `%O`, `%A`,
  /// `%B`, ...
  Command run;
  std::string said;  ///< The command as the plan has it, for people.
  Duration timeout = std::chrono::minutes(1);
  Place place;

  bool operator==(const MergeDriver&) const = default;
};

}  // namespace interlock::plan
