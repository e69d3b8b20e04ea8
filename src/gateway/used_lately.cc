#include "gateway/used_lately.h"

#include <algorithm>
#include <iterator>

namespace interlock::gateway {

constexpr std::size_t kMostCalls = 65'536;

void UsedLately::add(const quota::Cost& reserved, quota::Moment now) {
  if (calls_.size() == kMostCalls) calls_.pop_front();
  calls_.push_back({now, reserved, false});
}

std::deque<UsedLately::One>::iterator UsedLately::find(const quota::Cost& reserved) {
  const auto found = std::find_if(calls_.rbegin(), calls_.rend(), [&](const One& one) {
    return !one.is_settled && one.cost == reserved;
  });
  return found == calls_.rend() ? calls_.end() : std::prev(found.base());
}

void UsedLately::settle(const quota::Cost& reserved, const quota::Cost& actual) {
  const auto found = find(reserved);
  if (found == calls_.end()) return;
  found->cost = actual;
  found->is_settled = true;
}

void UsedLately::drop(const quota::Cost& reserved) {
  if (const auto found = find(reserved); found != calls_.end()) calls_.erase(found);
}

std::optional<UsedLately::Passed> UsedLately::passed(const quota::Limits& limits,
                                                     quota::Moment now) const {
  const auto sum_of = [&](const Rate& rate, auto quota::Cost::* amount) {
    std::int64_t sum = 0;
    for (auto one = calls_.rbegin(); one != calls_.rend() && one->at > now - rate.per; ++one)
      sum += one->cost.*amount;
    return sum;
  };
  const auto judge = [&](std::string_view what, const std::optional<Rate>& rate,
                         auto quota::Cost::* amount) -> std::optional<Passed> {
    if (!rate) return {};
    const std::int64_t sum = sum_of(*rate, amount);
    return sum > rate->amount ? std::optional(Passed{what, sum, *rate}) : std::nullopt;
  };
  if (auto found = judge("requests", limits.requests, &quota::Cost::requests)) return found;
  if (auto found = judge("input tokens", limits.input_tokens, &quota::Cost::input_tokens))
    return found;
  return judge("output tokens", limits.output_tokens, &quota::Cost::output_tokens);
}

}  // namespace interlock::gateway
