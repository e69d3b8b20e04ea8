#include "decide/conditions.h"

#include <algorithm>
#include <cmath>
#include <concepts>

namespace interlock::decide {
namespace {

template <std::integral T>
T times(T value, double factor) {
  constexpr double kMost = 9e15;  // Exact as a double, and far from overflow.
  return static_cast<T>(std::llround(std::min(static_cast<double>(value) * factor, kMost)));
}

template <std::integral T>
void scale(std::optional<T>& value, double factor) {
  if (value) *value = times(*value, factor);
}

void scale(std::optional<Rate>& rate, double factor) {
  if (rate) rate->amount = std::max<std::int64_t>(1, times(rate->amount, factor));
}

}  // namespace

void apply_quota(plan::Plan& plan, const Conditions& conditions) {
  const double factor = conditions.quota;
  if (factor == 1) return;
  for (plan::Resource& resource : plan.resources) {
    if (resource.kind != plan::Resource::Kind::quota) continue;
    scale(resource.rates.requests, factor);
    scale(resource.rates.input_tokens, factor);
    scale(resource.rates.output_tokens, factor);
    scale(resource.rates.usd, factor);
    scale(resource.concurrency, factor);
    if (resource.concurrency)
      resource.concurrency = std::max<std::int64_t>(1, *resource.concurrency);
  }
}

void apply_size(std::vector<Expected>& expected, const Conditions& conditions) {
  const double factor = conditions.size;
  if (factor == 1) return;
  for (Expected& one : expected) {
    one.time = Duration(times(one.time.count(), factor));
    scale(one.tokens, factor);
    scale(one.output_tokens, factor);
    scale(one.cost, factor);
  }
}

}  // namespace interlock::decide
