#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/id.h"
#include "base/units.h"

namespace interlock::schedule {

/// So much of a capacity, held from start to end of an attempt.
struct Demand {
  ResourceId resource;
  std::int64_t amount = 1;

  bool operator==(const Demand&) const = default;
};

/// What an attempt is expected to draw from a quota, all of it admitted or none.
struct Cost {
  ResourceId quota;
  std::int64_t requests = 1;
  Tokens input_tokens = 0;
  Tokens output_tokens = 0;
  MicroUsd usd = 0;

  bool operator==(const Cost&) const = default;
};

/// Of `k` running jobs that share it, each goes at 1 / (1 + by * max(0, k - beyond)) of its speed:
/// beyond the knee more at once get less done where by * beyond > 1. Where jobs count for more or
/// less than one (`Job::load`), `k` is their sum: `beyond` processors and `by` of 1 / beyond are
/// processors that all of them share.
struct Slowing {
  double beyond = 1;
  double by = 0;
};
inline constexpr std::uint32_t kNotSlowed = ~std::uint32_t{0};
inline constexpr std::uint32_t kNoGroup = ~std::uint32_t{0};

struct Job {
  Duration expected{};          ///< Weight on the critical path; length in virtual time.
  std::vector<Demand> demands;  ///< Slots, and the concurrency of quotas.
  std::vector<Cost> costs;
  bool gate_before = false;
  bool gate_after = false;  ///< The task stays released until a person approved; the scheduler only
                            ///< waits for its end.
  std::uint32_t slowing = kNotSlowed;  ///< Of `Problem::slowings`; in virtual time only.
  double load = 1;                     ///< For so many it counts there.
  /// Of those of one number that is not `kNoGroup`, the first that succeeds ends the others; in
  /// virtual time only.
  std::uint32_t first_of = kNoGroup;
  bool exclusive = false;  ///< Nothing runs beside it: after all before it and before all after it,
                           ///< in plan order.
};

/// `after` waits for `before`: for its success if `needs`, else only for its end.
struct Link {
  TaskId before;
  TaskId after;
  bool needs = false;
};

/// So much of each rate may be used at once, where a quota says nothing else: many providers'
/// buckets hold seconds, not a minute.
inline constexpr Duration kBurst = std::chrono::seconds(6);

/// The rate that holds where the plan declares one and the provider told one: the told one where it
/// is lower by more than a thousandth, or the only one.
std::optional<Rate> stricter_rate(const std::optional<Rate>& declared,
                                  const std::optional<Rate>& reported);

/// A quota's rates; absent: not limited in that dimension.
struct QuotaRates {
  std::optional<Rate> requests, input_tokens, output_tokens, usd;
  Duration burst = kBurst;
  /// Zero, or the provider counts what came in the last so long, at every moment: never more than a
  /// rate's amount in any window.
  Duration window{};
  /// What is known of it when the run begins: what others have used, as how long each rate takes to
  /// earn it back, and what the provider told of its limits.
  struct Backlog {
    Duration requests{}, input_tokens{}, output_tokens{}, usd{};
    Duration floor{};   ///< Nothing at all is admitted for so long.
    Duration window{};  ///< Windows of this length are kept to, as was learned; zero: none.
    std::optional<Rate> requests_limit{}, input_tokens_limit{}, output_tokens_limit{};
    bool operator==(const Backlog&) const = default;
  } backlog{};

  /// The shortest time of its rates; zero: it has none.
  Duration shortest() const;
  /// The rate at which buckets with that burst keep to the windows, where there are any
  /// (quota/gcra.h, `widened`).
  Rate kept(const Rate& rate) const;
  bool limits() const { return requests || input_tokens || output_tokens || usd; }
  bool operator==(const QuotaRates&) const = default;
};

/// What the scheduler knows of a plan: numbers, no names.
struct Problem {
  std::vector<Job> jobs;                 ///< By TaskId.
  std::vector<Link> links;               ///< before < after.
  std::vector<std::int64_t> capacities;  ///< By ResourceId; unlimited where it does not apply.
  std::vector<QuotaRates> quotas;        ///< By ResourceId; empty rates where it is none.
  std::vector<Slowing> slowings;
  std::uint32_t processors = kNotSlowed;  ///< Which of `slowings` are the machine's processors.
};

inline constexpr std::int64_t kUnlimited = std::int64_t{1} << 62;

/// When a plan stops by itself.
struct FailurePolicy {
  enum class Kind : unsigned char { go_on, stop, share };
  Kind kind = Kind::go_on;
  double share = 0;  ///< For `share`: more than this part of the jobs failed.
};

struct Policy {
  std::uint32_t parallel = 1;  ///< How many attempts at once.
  bool plan_order = true;      ///< Start in plan order only; else by priority.
  std::optional<std::uint32_t> gate_every;
  FailurePolicy on_failure;
};

}  // namespace interlock::schedule
