#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "base/usage.h"

namespace interlock::metering {

/// Of one model, in millionths of a dollar per million tokens. What is not known is nothing.
struct Price {
  std::string model;  ///< A name, or a beginning of names that ends in `*`.
  std::optional<MicroUsd> input, output, cache_read, cache_write;
  Tokens cache_least = 1024;    ///< Fewer are not cached.
  std::optional<Tokens> up_to;  ///< Longer prompts have other prices, which are not known here.
};

/// A list of prices and the day it was true on.
struct Prices {
  std::string date;  ///< `2026-11-01`.
  std::string source;
  std::vector<Price> prices;

  /// The exact name before the longest beginning.
  const Price* find(std::string_view model) const;
};

/// What comes along with Interlock.
const Prices& built_in_prices();
/// A file of the same form: `{"date": ..., "source": ..., "models": {"NAME": {"input": 3.00,
/// ...}}}`, dollars per million tokens.
Result<Prices> read_prices(std::string_view text);
/// `own` before `base`.
Prices overridden(Prices base, const Prices& own);

/// Unknown when the model is, or when any part that was used has no price or is itself unknown.
std::optional<MicroUsd> cost_of(const Prices& prices, std::string_view model, const Usage& usage);
/// What reading from the cache saved, less what writing to it cost extra; unknown as above.
std::optional<MicroUsd> saved_by_cache(const Prices& prices, std::string_view model,
                                       const Usage& usage);

}  // namespace interlock::metering
