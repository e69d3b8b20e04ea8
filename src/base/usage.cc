#include "base/usage.h"

namespace interlock {

namespace {

template <typename Combine>
Usage combined(const Usage& one, const Usage& other, Combine combine) {
  const auto each = [&](const std::optional<std::int64_t>& a,
                        const std::optional<std::int64_t>& b) {
    return a && b ? std::optional(combine(*a, *b)) : std::nullopt;
  };
  return {each(one.input, other.input), each(one.output, other.output),
          each(one.cache_read, other.cache_read), each(one.cache_write, other.cache_write),
          each(one.cost, other.cost)};
}

}  // namespace

Usage operator+(const Usage& one, const Usage& other) {
  return combined(one, other, [](std::int64_t a, std::int64_t b) { return a + b; });
}

Usage at_least(const Usage& one, const Usage& other) {
  const auto known = [](std::optional<std::int64_t> a, const std::optional<std::int64_t>& b) {
    return a && b ? std::optional(*a + *b) : a ? a : b;
  };
  return {known(one.input, other.input), known(one.output, other.output),
          known(one.cache_read, other.cache_read), known(one.cache_write, other.cache_write),
          known(one.cost, other.cost)};
}

Usage operator-(const Usage& later, const Usage& earlier) {
  return combined(later, earlier, [](std::int64_t a, std::int64_t b) { return a - b; });
}

Usage no_usage() { return {0, 0, 0, 0, 0}; }

std::optional<Tokens> total_tokens(const Usage& usage) {
  if (!usage.input || !usage.output || !usage.cache_read || !usage.cache_write) return {};
  return *usage.input + *usage.output + *usage.cache_read + *usage.cache_write;
}

}  // namespace interlock
