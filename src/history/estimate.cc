#include "history/estimate.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace interlock::history {
namespace {

/// Of (value, weight); not empty. Where the weights fall apart evenly, between the two.
double weighted_median(std::vector<std::pair<double, double>>& values) {
  std::ranges::sort(values);
  double sum = 0, all = 0;
  for (const auto& [value, weight] : values) all += weight;
  constexpr double kEven = 1e-9;
  for (std::size_t i = 0; i + 1 < values.size(); ++i) {
    sum += values[i].second;
    if (std::abs(sum / all - 0.5) < kEven) return (values[i].first + values[i + 1].first) / 2;
    if (sum > all / 2) return values[i].first;
  }
  return values.back().first;
}

}  // namespace

double weight_of_age(Duration age) {
  constexpr double kHalfLife_s = 30.0 * 86400, kLeast = 1.0 / 64;
  return std::max(kLeast, std::exp2(-std::max(0.0, to_seconds(age)) / kHalfLife_s));
}

std::optional<Estimate> estimate(std::vector<Observation> observations, double least) {
  constexpr std::size_t kEnough = 5;
  constexpr double kPriorWeight = 3, kNormal = 1.4826;
  if (observations.empty()) return std::nullopt;
  std::vector<std::pair<double, double>> logs;
  double weight = 0, squares = 0;
  for (const Observation& it : observations) {
    logs.emplace_back(std::log(std::max(it.value, least)), it.weight);
    weight += it.weight;
    squares += it.weight * it.weight;
  }
  const double middle = weighted_median(logs);
  double variance = 0;
  if (logs.size() >= kEnough) {
    std::vector<std::pair<double, double>> apart;
    for (const auto& [value, counts] : logs) apart.emplace_back(std::abs(value - middle), counts);
    variance = std::pow(kNormal * weighted_median(apart), 2);
  } else if (logs.size() > 1) {
    for (const auto& [value, counts] : logs) variance += counts * std::pow(value - middle, 2);
    variance /= weight;
  }
  Estimate it;
  it.median = std::exp(middle);
  it.count = static_cast<std::uint32_t>(logs.size());
  // Kish 1965: so many equal ones are worth as much; and old ones are not worth a whole one.
  it.weight = std::min(weight * weight / squares, weight);
  const double counts = std::max(0.0, it.weight - 1);
  it.spread = std::sqrt((counts * variance + kPriorWeight * kPriorSpread * kPriorSpread) /
                        (counts + kPriorWeight));
  return it;
}

std::optional<double> quantile(std::vector<Observation> observations, double part) {
  if (observations.empty()) return std::nullopt;
  std::ranges::sort(observations, {}, &Observation::value);
  double all = 0, sum = 0;
  for (const Observation& it : observations) all += it.weight;
  for (const Observation& it : observations) {
    sum += it.weight;
    if (sum >= part * all) return it.value;
  }
  return observations.back().value;
}

double variance_between(const std::vector<double>& medians) {
  constexpr std::size_t kEnough = 3;
  constexpr double kPrior = 1, kLeast = 0.01;
  if (medians.size() < kEnough) return kPrior;
  double sum = 0, squares = 0;
  for (const double it : medians) {
    const double log = std::log(it);
    sum += log;
    squares += log * log;
  }
  const auto count = static_cast<double>(medians.size());
  return std::max(kLeast, (squares - sum * sum / count) / (count - 1));
}

double drawn_towards(const Estimate& own, double all, double between) {
  const double uncertain = own.spread * own.spread / std::max(own.weight, 1e-3);
  const double share = between / (between + uncertain);
  return std::exp(share * std::log(own.median) + (1 - share) * std::log(all));
}

double rate(double failed, double tried, double prior) {
  constexpr double kPriorWeight = 2;
  return (failed + kPriorWeight * prior) / (tried + kPriorWeight);
}

}  // namespace interlock::history
