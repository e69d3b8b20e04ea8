#include "schedule/rate_gate.h"

#include <algorithm>

#include "base/check.h"
#include "base/gcra.h"
#include "schedule/wide.h"

namespace interlock::schedule {
namespace {

/// How long the rate takes to allow `amount`; rounded up, so that it is never exceeded.
Duration time_for(const Rate& rate, std::int64_t amount) {
  check(rate.amount > 0 && rate.per > Duration::zero(), "a rate is positive");
  const auto product = static_cast<Wide>(amount) * rate.per.count();
  const auto up = product > 0 ? rate.amount - 1 : 0;
  return Duration(static_cast<std::int64_t>((product + up) / rate.amount));
}

}  // namespace

std::optional<Rate> stricter_rate(const std::optional<Rate>& declared,
                                  const std::optional<Rate>& reported) {
  if (!declared || !reported) return declared ? declared : reported;
  // What an account keeps as an interval comes back a little off.
  constexpr Wide kThousand = 1000;
  const Wide theirs = kThousand * reported->amount * declared->per.count();
  const Wide ours = (kThousand - 1) * declared->amount * reported->per.count();
  return theirs < ours ? reported : declared;
}

Duration QuotaRates::shortest() const {
  Duration least{};
  for (const auto* rate : {&requests, &input_tokens, &output_tokens, &usd}) {
    if (*rate && (least == Duration{} || (*rate)->per < least)) least = (*rate)->per;
  }
  return least;
}

Rate QuotaRates::kept(const Rate& rate) const {
  if (window <= Duration::zero()) return rate;
  const Wide per = widened_for(static_cast<Wide>(rate.per.count()), window.count(), burst.count());
  return {rate.amount, Duration(static_cast<std::int64_t>(per))};
}

RateGate::RateGate(std::vector<QuotaRates> quotas, Time now) {
  quotas_.reserve(quotas.size());
  for (const QuotaRates& rates : quotas) {
    const QuotaRates::Backlog& used = rates.backlog;
    const auto kept = [&rates](const std::optional<Rate>& rate) {
      return rate ? std::optional(rates.kept(*rate)) : std::nullopt;
    };
    quotas_.push_back({.requests = {kept(rates.requests), now + used.requests},
                       .input_tokens = {kept(rates.input_tokens), now + used.input_tokens},
                       .output_tokens = {kept(rates.output_tokens), now + used.output_tokens},
                       .usd = {kept(rates.usd), now + used.usd},
                       .burst = rates.burst,
                       .counts_windows = rates.window > Duration::zero(),
                       .floor = now + used.floor});
  }
}

/// Calls `visit(bucket, amount)` for each dimension of `quota` that is limited.
template <typename Q, typename Visit>
void RateGate::each_limited(Q& quota, const Cost& cost, Visit visit) {
  if (quota.requests.rate) visit(quota.requests, cost.requests);
  if (quota.input_tokens.rate) visit(quota.input_tokens, cost.input_tokens);
  if (quota.output_tokens.rate) visit(quota.output_tokens, cost.output_tokens);
  if (quota.usd.rate) visit(quota.usd, cost.usd);
}

Time RateGate::admits_at(std::span<const Cost> costs, Time now) const {
  Time at = now;
  for (const Cost& cost : costs) {
    const Quota& quota = quotas_[cost.quota.index()];
    at = std::max(at, quota.floor);
    each_limited(quota, cost, [&](const Bucket& bucket, std::int64_t amount) {
      if (amount <= 0) return;
      at = std::max(at, fits_at(bucket.arrival, time_for(*bucket.rate, amount), quota.burst,
                                quota.counts_windows));
    });
  }
  return at;
}

void RateGate::take(std::span<const Cost> costs, Time now) {
  for (const Cost& cost : costs) {
    each_limited(quotas_[cost.quota.index()], cost, [&](Bucket& bucket, std::int64_t amount) {
      bucket.arrival = std::max(bucket.arrival, now) + time_for(*bucket.rate, amount);
    });
  }
}

void RateGate::settle(std::span<const Cost> reserved, std::span<const Cost> actual, Time now) {
  for (const Cost& used : actual) {
    const auto kept = std::ranges::find(reserved, used.quota, &Cost::quota);
    const Cost before = kept != reserved.end() ? *kept : Cost{.quota = used.quota, .requests = 0};
    const Cost more{.quota = used.quota,
                    .requests = used.requests - before.requests,
                    .input_tokens = used.input_tokens - before.input_tokens,
                    .output_tokens = used.output_tokens - before.output_tokens,
                    .usd = used.usd - before.usd};
    each_limited(quotas_[used.quota.index()], more, [&](Bucket& bucket, std::int64_t amount) {
      // What was used too much counts from now, as a provider that meters at the end sees it;
      // what was not used was never drawn.
      if (amount > 0) bucket.arrival = std::max(bucket.arrival, now);
      bucket.arrival += time_for(*bucket.rate, amount);
    });
  }
}

void RateGate::raise_floor(ResourceId quota, Time until) {
  Time& floor = quotas_[quota.index()].floor;
  floor = std::max(floor, until);
}

}  // namespace interlock::schedule
