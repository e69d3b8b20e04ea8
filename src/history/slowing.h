#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/units.h"

// How much calls, or commands, that run at once slow each other: learned from when each ran. Pure.
namespace interlock::history {

/// Something that ran, and took longer the more ran beside it.
struct Interval {
  Time began{}, ended{};
  std::string like;  ///< Only intervals that are alike in this are compared.
  double size = 0;   ///< Output tokens, or 1; nothing (0): it is only load for others.
};

/// Of `k` at once each goes at 1 / (1 + by * max(0, k - beyond)) of its speed.
struct Slowing {
  std::int64_t beyond = 1;
  double by = 0;
};

struct LearnedSlowing {
  enum class Kind : unsigned char {
    too_few,     ///< Not measured: fewer than twelve.
    same_level,  ///< Not measured: too few different numbers ran at once to tell where it begins.
    flat,        ///< Measured, and none was found up to `highest` at once.
    found,
  };
  Kind kind = Kind::too_few;
  Slowing slowing;            ///< Where it was found.
  std::uint32_t count = 0;    ///< Of intervals with a size.
  std::uint32_t highest = 0;  ///< At once, seen at least three times.
};

/// How long each would have taken alone: what it did while others ran beside it, at the speed that
/// `slowing` gives it. In the order of `intervals`.
std::vector<Duration> work_of(const std::vector<Interval>& intervals, const Slowing& slowing);

/// Finds knee and slope that make the work in all intervals come out alike: while `k` run, one
/// does 1 / (1 + by * max(0, k - beyond)) of its work, and what it did in all grows with its size
/// to some power from 0 to 1. The least sum of absolute deviations of the logarithms; kept only
/// where that explains the data better than no slowing does (Schwarz 1978, for two parameters, with
/// a margin), and slows the most that ran at once by a tenth or more.
LearnedSlowing learn_slowing(const std::vector<Interval>& intervals);

}  // namespace interlock::history
