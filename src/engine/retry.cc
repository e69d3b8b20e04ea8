#include "engine/retry.h"

#include <algorithm>

#include "base/digest.h"
#include "plan/escalation.h"

namespace interlock::engine {

namespace {

/// A number in [0, 1) that depends on the seed alone.
double draw(std::string_view seed) {
  const Digest digest = digest_of(seed);
  std::uint32_t bits = 0;
  for (int i = 0; i < 4; ++i) bits = bits << 8 | digest.bytes[static_cast<std::size_t>(i)];
  return static_cast<double>(bits) / 4294967296.0;
}

/// Doubles with each retry, and is drawn from its upper half: tasks that failed together, as of a
/// limit they share, do not come back together. By a seed, so that a run can be replayed.
Duration backoff(Duration first, int retries_used, std::string_view seed) {
  // Beyond this it is over the longest in any case, and a shift must not overflow.
  const int doublings = std::min(retries_used, 20);
  const Duration whole = std::min(first * (std::int64_t{1} << doublings), kBackoffMax);
  const double share = 0.5 + 0.5 * draw(seed);
  return Duration(static_cast<std::int64_t>(static_cast<double>(whole.count()) * share));
}

}  // namespace

plan::Task task_of_attempt(const plan::Plan& plan, const RunState& run, TaskId id) {
  const plan::Task& task = plan[id];
  // A first failure may be chance; then a stronger model is worth its price.
  const bool escalated = plan::escalates(task) && run[id].retries_used > 0;
  return escalated ? plan::as_retried(plan, task) : task;
}

Duration pause_of(int times_before, std::string_view seed) {
  constexpr Duration kFirst = std::chrono::milliseconds(500);
  constexpr Duration kLongest = std::chrono::seconds(30);
  return std::min(backoff(kFirst, std::max(0, times_before), seed), kLongest);
}

std::optional<NextTry> next_try(const plan::Task& task, const TaskRecord& record, Outcome outcome,
                                std::string_view seed) {
  switch (outcome) {
    case Outcome::succeeded:
    case Outcome::not_started:
    case Outcome::over_budget:
    case Outcome::runaway:
    case Outcome::auth_failed:
    case Outcome::bad_request:
    case Outcome::too_long:
    case Outcome::cancelled: return std::nullopt;
    // None of it was the task's fault.
    case Outcome::interrupted: return NextTry{AttemptStarted::Trigger::again, Duration{}, false};
    // The provider said to come back: that is no failure of the task, but it is not asked for ever.
    case Outcome::rate_limited: {
      const auto waits = std::ranges::count(record.attempts, std::optional(Outcome::rate_limited),
                                            &AttemptRecord::outcome);
      if (waits > kRateLimitedMax) return std::nullopt;
      return NextTry{
          AttemptStarted::Trigger::again,
          backoff(std::max(task.backoff, kRateLimitedBackoff), static_cast<int>(waits) - 1, seed),
          false};
    }
    case Outcome::output_invalid:
    case Outcome::outside_footprint:
      // It is told what was wrong once, in its session, which costs less than a new attempt.
      if (record.corrections_used == 0)
        return NextTry{AttemptStarted::Trigger::correction, Duration{}, false};
      [[fallthrough]];
    default:
      if (record.retries_used >= task.retries) return std::nullopt;
      return NextTry{AttemptStarted::Trigger::retry,
                     backoff(task.backoff, record.retries_used, seed), true};
  }
}

}  // namespace interlock::engine
