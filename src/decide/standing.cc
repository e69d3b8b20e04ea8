#include "decide/standing.h"

#include <fmt/format.h>

#include <algorithm>

#include "decide/speculation.h"
#include "decide/standing_reason.h"
#include "decide/verdicts.h"

namespace interlock::decide {

namespace {

schedule::FailurePolicy policy_of(const plan::OnFailure& on_failure) {
  using From = plan::OnFailure::Kind;
  using To = schedule::FailurePolicy::Kind;
  switch (on_failure.kind) {
    case From::go_on: return {To::go_on, 0};
    case From::stop: return {To::stop, 0};
    case From::share: return {To::share, on_failure.share};
  }
  return {};
}

}  // namespace

Decision standing(const plan::Plan& plan, const footprint::Interlocking& interlocking,
                  const Options& options) {
  Decision it;
  it.pattern = Pattern::queue;
  it.n = options.parallel.value_or(static_cast<std::uint32_t>(plan.limits.parallel));
  it.verdicts = verdicts_of(plan);
  it.speculation.lifted.assign(plan.tasks.size(), false);
  it.speculation.waits = interlocking;
  it.policy = {
      .parallel = it.n, .plan_order = false, .on_failure = policy_of(plan.limits.on_failure)};
  if (plan.limits.gate_every)
    it.policy.gate_every = static_cast<std::uint32_t>(*plan.limits.gate_every);
  // First come, first served.
  for (std::size_t i = 0; i < plan.tasks.size(); ++i)
    it.priorities.push_back(-static_cast<std::int64_t>(i));
  it.sequential.n = 1;
  it.parallel.n = it.queue.n = it.n;
  it.reasons.push_back(standing_reason(it.n));
  return it;
}

std::string standing_reason(std::uint32_t parallel) {
  return fmt::format(
      "a standing queue: tasks come as they are added, at most {} run{} at once, and those that "
      "conflict wait for each other",
      parallel, parallel == 1 ? "s" : "");
}

AddedVerdicts::AddedVerdicts(const plan::Plan& plan, const std::vector<Verdict>& verdicts) {
  for (std::size_t i = 0; i < plan.tasks.size(); ++i) {
    any_caught_ |= is_caught(plan.tasks[i]);
    any_beside_ |= !is_caught(plan.tasks[i]) && !verdicts[i].exclusive;
  }
}

Verdict AddedVerdicts::add(const plan::Task& task) {
  Verdict verdict;
  if (task.footprint.unknown) {
    verdict = {.exclusive = true,
               .why = "it declares neither reads nor writes, so it may touch anything",
               .hint = "declare what it reads and writes"};
  } else if (!is_caught(task) && any_caught_) {
    verdict = {.exclusive = true,
               .why = "it works in the workspace itself, of which others have snapshots",
               .hint = "give it `isolation: view`"};
  } else if (is_caught(task) && any_beside_) {
    verdict = {.exclusive = true,
               .why = "it has a snapshot of the workspace, in which others work",
               .hint = "give all tasks the same isolation"};
  }
  any_caught_ |= is_caught(task);
  any_beside_ |= !is_caught(task) && !verdict.exclusive;
  return verdict;
}

}  // namespace interlock::decide
