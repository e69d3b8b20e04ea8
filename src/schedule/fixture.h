#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "schedule/scheduler.h"

// Plays a scheduler in tests and writes down what it decides. Tasks are called a, b, c...,
// resources r0, r1...
namespace interlock::schedule {

constexpr Time at(double seconds) {
  return Time(Duration(static_cast<std::int64_t>(seconds * 1e6)));
}
constexpr Duration seconds(double count) {
  return Duration(static_cast<std::int64_t>(count * 1e6));
}

/// A problem from short calls.
struct Draft {
  Problem problem;

  TaskId job(double expected, std::vector<Demand> demands = {}, std::vector<Cost> costs = {}) {
    Job made;
    made.expected = seconds(expected);
    made.demands = std::move(demands);
    made.costs = std::move(costs);
    problem.jobs.push_back(std::move(made));
    return TaskId(problem.jobs.size() - 1);
  }
  TaskId exclusive(double expected) {
    const TaskId task = job(expected);
    problem.jobs.back().exclusive = true;
    return task;
  }
  ResourceId capacity(std::int64_t amount) {
    problem.capacities.push_back(amount);
    problem.quotas.emplace_back();
    return ResourceId(problem.capacities.size() - 1);
  }
  ResourceId quota(QuotaRates rates) {
    const ResourceId made = capacity(kUnlimited);
    problem.quotas.back() = rates;
    return made;
  }
  void needs(TaskId after, TaskId before) { problem.links.push_back({before, after, true}); }
  void conflict(TaskId before, TaskId after) { problem.links.push_back({before, after, false}); }
};

inline Policy by_priority(std::uint32_t parallel) {
  return {.parallel = parallel, .plan_order = false, .gate_every = {}, .on_failure = {}};
}
inline Policy in_plan_order() {
  return {.parallel = 1, .plan_order = true, .gate_every = {}, .on_failure = {}};
}
inline Rate per_second(std::int64_t amount) { return {amount, seconds(1)}; }

inline std::string name(TaskId task) {
  return task.index() < 26 ? std::string(1, static_cast<char>('a' + task.index()))
                           : fmt::format("t{}", task.index());
}

inline std::string show(const WaitReason& reason) {
  static constexpr const char* kWords[] = {"needs",    "conflict", "alone", "slot",
                                           "capacity", "reserved", "quota", "gate",
                                           "backoff",  "order",    "held",  "stopped"};
  std::string text = kWords[static_cast<int>(reason.why)];
  if (reason.task) text += " " + name(*reason.task);
  if (reason.resource) text += fmt::format(" r{}", reason.resource->index());
  if (reason.until) text += fmt::format(" until {}", to_seconds(reason.until->time_since_epoch()));
  return text;
}

/// The parts that are not zero: `needs 5, slot 2`.
inline std::string show(const Waited& waited) {
  std::string text;
  const auto add = [&](const char* kind, Duration part) {
    if (part != Duration::zero())
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", kind, to_seconds(part));
  };
  add("needs", waited.needs);
  add("conflict", waited.conflict);
  add("quota", waited.quota);
  add("slot", waited.slot);
  add("gate", waited.gate);
  add("backoff", waited.backoff);
  return text.empty() ? "nothing" : text;
}

/// Tells a scheduler what happens, and keeps a log of what it chose.
class Play {
 public:
  Play(const Draft& draft, Policy policy, std::vector<std::int64_t> priorities = {})
      : scheduler(draft.problem, policy, std::move(priorities), at(0)) {}

  /// Lets all start that can, and logs it: `0: a b`.
  Play& choose(double now) {
    std::string started;
    for (const TaskId task : scheduler.choose_starts(at(now))) started += " " + name(task);
    if (!started.empty()) log += fmt::format("{}:{}\n", now, started);
    return *this;
  }
  Play& done(TaskId task, double now, End end = End::succeeded) {
    scheduler.release(task, {}, at(now));
    scheduler.end(task, end, at(now));
    return *this;
  }
  std::string reason(TaskId task, double now) const {
    return show(scheduler.reason_of(task, at(now)));
  }
  std::string waited(TaskId task, double now) const {
    return show(scheduler.waited(task, at(now)));
  }

  Scheduler scheduler;
  std::string log;
};

}  // namespace interlock::schedule
