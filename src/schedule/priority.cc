#include "schedule/priority.h"

#include <algorithm>

#include "schedule/adjacency.h"
#include "schedule/wide.h"

namespace interlock::schedule {
namespace {

Duration rounded_up(Wide amount, Wide per) {
  return Duration(static_cast<std::int64_t>((amount + per - 1) / per));
}

/// When a quota can have admitted all, at the earliest: everything at the rate, less what the burst
/// lets through first.
class QuotaWork {
 public:
  void add(std::int64_t amount, Duration expected) {
    total_ += amount;
    largest_ = std::max(largest_, amount);
    shortest_ = std::min(shortest_, expected);
  }
  Duration bound(const std::optional<Rate>& rate, Duration burst) const {
    if (!rate || total_ == 0) return {};
    const auto time_for = [&](std::int64_t amount) {
      return Duration(
          static_cast<std::int64_t>(static_cast<Wide>(amount) * rate->per.count() / rate->amount));
    };
    const Duration last = time_for(total_) - std::max(time_for(largest_), burst);
    return last > Duration::zero() ? last + shortest_ : Duration::zero();
  }

 private:
  std::int64_t total_ = 0;
  std::int64_t largest_ = 0;
  Duration shortest_ = Duration::max();
};

}  // namespace

std::vector<std::int64_t> critical_path_priorities(const Problem& problem) {
  std::vector<std::int64_t> longest(problem.jobs.size());
  const Adjacency successors = Adjacency::successors(problem.jobs.size(), problem.links);
  std::int64_t after_exclusive = 0;  // The longest way from the nearest task behind that runs
                                     // alone: all before it wait for nothing less.
  std::int64_t after_any = 0;  // The longest way from any task behind.
  for (std::size_t i = problem.jobs.size(); i-- > 0;) {
    const Job& job = problem.jobs[i];
    std::int64_t tail = job.exclusive ? after_any : after_exclusive;
    for (const Neighbour successor : successors.of(TaskId(i)))
      tail = std::max(tail, longest[successor.task]);
    longest[i] = job.expected.count() + tail;
    after_any = std::max(after_any, longest[i]);
    if (job.exclusive) after_exclusive = longest[i];
  }
  return longest;
}

Duration critical_path(const Problem& problem) {
  const std::vector<std::int64_t> longest = critical_path_priorities(problem);
  return longest.empty() ? Duration::zero() : Duration(std::ranges::max(longest));
}

Duration quota_bound(const Problem& problem) {
  struct Work {
    QuotaWork requests, input_tokens, output_tokens, usd;
  };
  std::vector<Work> work(problem.quotas.size());
  for (const Job& job : problem.jobs) {
    for (const Cost& cost : job.costs) {
      Work& at = work[cost.quota.index()];
      at.requests.add(cost.requests, job.expected);
      at.input_tokens.add(cost.input_tokens, job.expected);
      at.output_tokens.add(cost.output_tokens, job.expected);
      at.usd.add(cost.usd, job.expected);
    }
  }
  Duration bound{};
  for (std::size_t i = 0; i < work.size(); ++i) {
    const QuotaRates& rates = problem.quotas[i];
    bound = std::max({bound, work[i].requests.bound(rates.requests, rates.burst),
                      work[i].input_tokens.bound(rates.input_tokens, rates.burst),
                      work[i].output_tokens.bound(rates.output_tokens, rates.burst),
                      work[i].usd.bound(rates.usd, rates.burst)});
  }
  return bound;
}

Duration lower_bound(const Problem& problem, const Policy& policy) {
  std::vector<Wide> work(problem.capacities.size());
  Duration total{};
  for (const Job& job : problem.jobs) {
    total += job.expected;
    for (const Demand& demand : job.demands) {
      work[demand.resource.index()] += static_cast<Wide>(demand.amount) * job.expected.count();
    }
  }
  Duration bound = std::max(critical_path(problem), quota_bound(problem));
  bound = std::max(bound, rounded_up(total.count(), policy.parallel));
  for (std::size_t i = 0; i < work.size(); ++i) {
    if (work[i] > 0) bound = std::max(bound, rounded_up(work[i], problem.capacities[i]));
  }
  return bound;
}

}  // namespace interlock::schedule
