#pragma once

#include <optional>

#include "base/units.h"

namespace interlock {

/// Everything some model calls used, as far as it is known. Unknown is nothing, never 0.
struct Usage {
  std::optional<Tokens> input;        ///< Without what was read from or written to a prompt cache.
  std::optional<Tokens> output;       ///< With reasoning.
  std::optional<Tokens> cache_read;   ///< Input that a prompt cache had.
  std::optional<Tokens> cache_write;  ///< Input that was put into one.
  std::optional<MicroUsd> cost;

  bool operator==(const Usage&) const = default;
};

/// The sum of both; unknown where either is: a total that leaves something out is none.
Usage operator+(const Usage& one, const Usage& other);
/// What `later`, counted up from the same start, has beyond `earlier`.
Usage operator-(const Usage& later, const Usage& earlier);
/// The sum of what is known of both: at least so much was used.
Usage at_least(const Usage& one, const Usage& other);
/// Nothing used, for certain: where sums begin.
Usage no_usage();
/// All of it; unknown while any part of it is.
std::optional<Tokens> total_tokens(const Usage& usage);

}  // namespace interlock
