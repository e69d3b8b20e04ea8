#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/units.h"

// Robust estimates from few, uneven measurements. Pure.
namespace interlock::history {

/// A positive quantity that was measured, and how much that counts.
struct Observation {
  double value = 0;
  double weight = 1;
};

/// Of a positive quantity, by its logarithms.
struct Estimate {
  double median = 0;
  double spread = 0;        ///< Standard deviation of the logarithm; 0.7 is a factor of two.
  double weight = 0;        ///< So many fresh measurements it is worth.
  std::uint32_t count = 0;  ///< So many there are.
};

/// A factor of two either way: what is taken where nothing was measured.
inline constexpr double kPriorSpread = 0.6931;

/// Of the newest measurement, so that the same measurements always give the same: one that is 30
/// days older counts half, and none less than a 64th: one wrong date must not silence all others.
double weight_of_age(Duration age);

/// The weighted median, and the spread by the median of the absolute deviations (times 1.4826, as
/// for a normal distribution; Hampel 1974), where there are five measurements, else by their
/// squares; drawn towards the prior as if three measurements had said that. Values below `least`
/// count as `least`. Nothing where there are none.
std::optional<Estimate> estimate(std::vector<Observation> observations, double least);

/// The least value that at least this part of the weight does not exceed; nothing where there are
/// none.
std::optional<double> quantile(std::vector<Observation> observations, double part);

/// How much the medians of groups lie apart, as the variance of their logarithms; where that cannot
/// be told, a factor of e.
double variance_between(const std::vector<double>& medians);

/// The median of a group drawn towards that of all groups: as far as its own mean is uncertain
/// against how far groups lie apart (empirical Bayes for normal means; Efron & Morris 1975).
double drawn_towards(const Estimate& own, double all, double between);

/// Of a rate: what failed of what was tried, drawn towards `prior` as if two tries had said that.
double rate(double failed, double tried, double prior);

}  // namespace interlock::history
