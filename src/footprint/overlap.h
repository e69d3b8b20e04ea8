#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "footprint/glob.h"

namespace interlock::footprint {

/// What one pattern of a set matches: the pattern less the set's exclusions.
struct Area {
  const Glob* include = nullptr;
  std::span<const Glob> exclude;
};

/// Steps that may still be taken before an answer is given up. About 20 ns each.
struct Budget {
  std::size_t steps = 0;

  /// Takes `count` steps; false when there are not so many left.
  bool spend(std::size_t count = 1) {
    if (steps < count) {
      steps = 0;
      return false;
    }
    steps -= count;
    return true;
  }
};
/// For one question.
inline constexpr Budget kOneQuestion{200'000};

/// Whether some path lies in both; `true` when the budget ends first.
bool overlaps(const Area& a, const Area& b, Budget& budget);

/// Whether every path of both `a` and `b` lies in one of `cover`; `false` when the budget ends
/// first.
bool covers(std::span<const Area> cover, const Area& a, const Area& b, Budget& budget);

/// Whether every path of `inner` lies in `outer`; `false` when the budget ends first, and also
/// where `outer` is plain and `inner` lies in it only by the way its braces unfold.
bool contains(const Area& outer, const Area& inner, Budget& budget);

/// Whether the automaton accepts some path.
bool matches_some_path(const Automaton& automaton);

/// Whether `path` is `folder` or lies below it; everything lies below the empty path.
bool is_at_or_below(std::string_view path, std::string_view folder);

}  // namespace interlock::footprint
