#include "history/growth.h"

#include <algorithm>
#include <cmath>

namespace interlock::history {
namespace {

double median_of(std::vector<double>& values) {
  const auto middle = values.begin() + std::ssize(values) / 2;
  std::ranges::nth_element(values, middle);
  return *middle;
}

/// Of logarithms, about the line with that slope; and the line's height.
struct Line {
  double height = 0, deviations = 0;
};

Line line_with(const std::vector<Sized>& logs, double slope) {
  std::vector<double> heights;
  for (const Sized& it : logs) heights.push_back(it.value - slope * it.size);
  Line line{.height = median_of(heights)};
  for (const double it : heights) line.deviations += std::abs(it - line.height);
  return line;
}

}  // namespace

double Growth::at(double size) const {
  return base * std::pow(std::clamp(size, least, most), power);
}

std::optional<Growth> learn_growth(std::vector<Sized> seen) {
  constexpr std::size_t kFewest = 8, kMost = 200;
  constexpr double kLeastRange = 3, kLeastPower = 0.1, kLeastGain = 0.2;
  std::erase_if(seen, [](const Sized& it) { return it.size <= 0 || it.value <= 0; });
  if (seen.size() < kFewest) return std::nullopt;
  // The pairs grow with the square.
  seen.resize(std::min(seen.size(), kMost));
  const auto [least, most] = std::ranges::minmax(seen, {}, &Sized::size);
  if (most.size < kLeastRange * least.size) return std::nullopt;
  std::vector<Sized> logs;
  for (const Sized& it : seen) logs.push_back({std::log(it.size), std::log(it.value)});
  std::vector<double> slopes;
  for (std::size_t i = 0; i < logs.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const double apart = logs[i].size - logs[j].size;
      if (std::abs(apart) > 1e-6) slopes.push_back((logs[i].value - logs[j].value) / apart);
    }
  }
  const double power = std::clamp(median_of(slopes), 0.0, 1.0);
  const Line sloped = line_with(logs, power), flat = line_with(logs, 0);
  if (power < kLeastPower || sloped.deviations > (1 - kLeastGain) * flat.deviations)
    return std::nullopt;
  return Growth{std::exp(sloped.height), power, least.size, most.size};
}

}  // namespace interlock::history
