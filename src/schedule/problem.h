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
struct Draw {
  ResourceId quota;
  std::int64_t requests = 1;
  Tokens input_tokens = 0;
  Tokens output_tokens = 0;
  MicroUsd usd = 0;

  bool operator==(const Draw&) const = default;
};

struct Job {
  Duration expected{};          ///< Weight on the critical path; length in virtual time.
  std::vector<Demand> demands;  ///< Slots, and the concurrency of quotas.
  std::vector<Draw> draws;
  bool gate_before = false;
  bool gate_after = false;  ///< The task stays released until a person approved; the scheduler only
                            ///< waits for its end.
  bool alone = false;  ///< Nothing runs beside it: after all before it and before all after it, in
                       ///< plan order.
};

/// `after` waits for `before`: for its success if `needs`, else only for its end.
struct Link {
  TaskId before;
  TaskId after;
  bool needs = false;
};

/// A quota's rates; absent: not limited in that dimension.
struct QuotaRates {
  std::optional<Rate> requests, input_tokens, output_tokens, usd;

  bool operator==(const QuotaRates&) const = default;
};

/// What the scheduler knows of a plan: numbers, no names.
struct Problem {
  std::vector<Job> jobs;                 ///< By TaskId.
  std::vector<Link> links;               ///< before < after.
  std::vector<std::int64_t> capacities;  ///< By ResourceId; unlimited where it does not apply.
  std::vector<QuotaRates> quotas;        ///< By ResourceId; empty rates where it is none.
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
