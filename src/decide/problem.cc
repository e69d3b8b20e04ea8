#include "decide/decision.h"
#include "decide/verdicts.h"

namespace interlock::decide {
namespace {

schedule::QuotaRates rates_of(const plan::Resource& resource) {
  const plan::QuotaRates& rates = resource.rates;
  return {rates.requests, rates.input_tokens, rates.output_tokens, rates.usd};
}

/// Locks are links of the interlocking, and so no capacity here.
std::int64_t capacity_of(const plan::Resource& resource) {
  switch (resource.kind) {
    case plan::Resource::Kind::slots: return resource.capacity;
    case plan::Resource::Kind::quota: return resource.concurrency.value_or(schedule::kUnlimited);
    case plan::Resource::Kind::lock: return schedule::kUnlimited;
  }
  return schedule::kUnlimited;
}

void add_use(const plan::Use& use, const plan::Resource& resource, const Expected& expected,
             schedule::Job& job) {
  if (resource.kind == plan::Resource::Kind::slots)
    job.demands.push_back({use.resource, use.amount});
  if (resource.kind != plan::Resource::Kind::quota) return;
  if (resource.concurrency) job.demands.push_back({use.resource, 1});
  if (resource.rates.requests || resource.rates.input_tokens || resource.rates.output_tokens ||
      resource.rates.usd) {
    job.draws.push_back({.quota = use.resource,
                         .requests = use.requests,
                         .input_tokens = use.input_tokens.value_or(0),
                         .output_tokens = use.output_tokens.value_or(0),
                         .usd = expected.cost.value_or(0)});
  }
}

}  // namespace

schedule::Problem problem_of(const plan::Plan& plan, const footprint::Interlocking& interlocking,
                             const std::vector<Expected>& expected,
                             const std::vector<Verdict>& verdicts) {
  schedule::Problem problem;
  problem.jobs.reserve(plan.tasks.size());
  for (std::size_t i = 0; i < plan.tasks.size(); ++i) {
    const plan::Task& task = plan.tasks[i];
    schedule::Job job;
    job.expected = expected[i].time;
    for (const plan::Use& use : task.uses)
      add_use(use, plan.resources[use.resource.index()], expected[i], job);
    job.gate_before = task.gate_before;
    job.gate_after = task.gate_after;
    job.alone = verdicts.empty() ? touches_the_unknown(task) : verdicts[i].alone;
    problem.jobs.push_back(std::move(job));
  }
  problem.links.reserve(interlocking.edges.size());
  for (const footprint::Edge& edge : interlocking.edges) {
    const bool needs = edge.why == footprint::Why::needs;
    // Sorted by (after, before): several reasons for one pair stand together, and are one link.
    auto& links = problem.links;
    if (!links.empty() && links.back().before == edge.before && links.back().after == edge.after) {
      links.back().needs |= needs;
    } else {
      links.push_back({edge.before, edge.after, needs});
    }
  }
  for (const plan::Resource& resource : plan.resources) {
    problem.capacities.push_back(capacity_of(resource));
    problem.quotas.push_back(rates_of(resource));
  }
  return problem;
}

}  // namespace interlock::decide
