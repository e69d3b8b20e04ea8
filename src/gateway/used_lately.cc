#include "gateway/used_lately.h"

#include <algorithm>
#include <iterator>

namespace interlock::gateway {

constexpr std::size_t kMostCalls = 65'536;

void UsedLately::add(const quota::Draw& reserved, quota::Moment now) {
  if (calls_.size() == kMostCalls) calls_.pop_front();
  calls_.push_back({now, reserved, false});
}

std::deque<UsedLately::One>::iterator UsedLately::find(const quota::Draw& reserved) {
  const auto found = std::find_if(calls_.rbegin(), calls_.rend(), [&](const One& one) {
    return !one.is_settled && one.draw == reserved;
  });
  return found == calls_.rend() ? calls_.end() : std::prev(found.base());
}

void UsedLately::settle(const quota::Draw& reserved, const quota::Draw& actual) {
  const auto found = find(reserved);
  if (found == calls_.end()) return;
  found->draw = actual;
  found->is_settled = true;
}

void UsedLately::drop(const quota::Draw& reserved) {
  if (const auto found = find(reserved); found != calls_.end()) calls_.erase(found);
}

std::optional<UsedLately::Passed> UsedLately::passed(const quota::Limits& limits,
                                                     quota::Moment now) const {
  const auto sum_of = [&](const Rate& rate, auto quota::Draw::* amount) {
    std::int64_t sum = 0;
    for (auto one = calls_.rbegin(); one != calls_.rend() && one->at > now - rate.per; ++one)
      sum += one->draw.*amount;
    return sum;
  };
  const auto judge = [&](std::string_view what, const std::optional<Rate>& rate,
                         auto quota::Draw::* amount) -> std::optional<Passed> {
    if (!rate) return {};
    const std::int64_t sum = sum_of(*rate, amount);
    return sum > rate->amount ? std::optional(Passed{what, sum, *rate}) : std::nullopt;
  };
  if (auto found = judge("requests", limits.requests, &quota::Draw::requests)) return found;
  if (auto found = judge("input tokens", limits.input_tokens, &quota::Draw::input_tokens)) return found;
  return judge("output tokens", limits.output_tokens, &quota::Draw::output_tokens);
}

}  // namespace interlock::gateway
