#include <algorithm>

#include "decide/decision.h"
#include "decide/verdicts.h"

namespace interlock::decide {
namespace {

schedule::QuotaRates rates_of(const plan::Resource& resource) {
  const plan::QuotaRates& rates = resource.rates;
  schedule::QuotaRates made;
  made.requests = rates.requests;
  made.input_tokens = rates.input_tokens;
  made.output_tokens = rates.output_tokens;
  made.usd = rates.usd;
  made.burst = resource.burst.value_or(schedule::kBurst);
  if (resource.counts_windows) made.window = made.shortest();
  return made;
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

/// What is taken to be output, of a task's tokens of which only the sum is known.
constexpr std::int64_t kOutputPart = 5;

/// Amounts the plan does not say are those the task is expected to use, the tax of dispatching it
/// where that was measured or is a client's.
schedule::Cost draw_of(const plan::Use& use, const plan::QuotaRates& rates,
                       const Expected& expected, bool by_client) {
  schedule::Cost draw{.quota = use.resource,
                      .requests = use.requests,
                      .input_tokens = use.input_tokens.value_or(0),
                      .output_tokens = use.output_tokens.value_or(0),
                      .usd = expected.cost.value_or(0)};
  if (use.input_tokens || use.output_tokens || !expected.tokens) return draw;
  const bool taxed = by_client || expected.overhead_from == From::history;
  const Tokens all = *expected.tokens + (taxed ? expected.overhead_tokens.value_or(0) : 0);
  const Tokens output =
      expected.output_tokens ? std::min(*expected.output_tokens, all) : all / kOutputPart;
  if (rates.output_tokens) draw.output_tokens = output;
  if (rates.input_tokens) draw.input_tokens = all - draw.output_tokens;
  return draw;
}

void add_use(const plan::Use& use, const plan::Resource& resource, const Expected& expected,
             bool by_client, schedule::Job& job) {
  if (resource.kind == plan::Resource::Kind::slots)
    job.demands.push_back({use.resource, use.amount});
  if (resource.kind != plan::Resource::Kind::quota) return;
  if (resource.concurrency) job.demands.push_back({use.resource, 1});
  const plan::QuotaRates& rates = resource.rates;
  if (rates.requests || rates.input_tokens || rates.output_tokens || rates.usd)
    job.costs.push_back(draw_of(use, rates, expected, by_client));
}

/// Which tasks slow each other: those of one resource, else those of one agent.
class Slowings {
 public:
  Slowings(const plan::Plan& plan, std::vector<schedule::Slowing>& made)
      : by_resource_(plan.resources.size(), schedule::kNotSlowed),
        by_agent_(plan.agents.size(), schedule::kNotSlowed) {
    const auto add = [&](const std::optional<plan::Slowing>& slowing, std::uint32_t& index) {
      if (!slowing) return;
      index = static_cast<std::uint32_t>(made.size());
      made.push_back({static_cast<double>(slowing->beyond), slowing->by});
    };
    for (std::size_t i = 0; i < by_resource_.size(); ++i)
      add(plan.resources[i].slowing, by_resource_[i]);
    for (std::size_t i = 0; i < by_agent_.size(); ++i) add(plan.agents[i].slowing, by_agent_[i]);
  }

  std::uint32_t of(const plan::Task& task) const {
    for (const plan::Use& use : task.uses) {
      const std::uint32_t index = by_resource_[use.resource.index()];
      if (index != schedule::kNotSlowed) return index;
    }
    return by_agent_[task.agent.index()];
  }

 private:
  std::vector<std::uint32_t> by_resource_, by_agent_;
};

/// One that is in another's attempt begins and ends with that one's end, takes no slot by itself,
/// and draws with it.
void share_attempts(const std::vector<Expected>& expected, schedule::Problem& problem) {
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (!expected[i].batched_with) continue;
    const TaskId with = *expected[i].batched_with;
    schedule::Job& own = problem.jobs[i];
    schedule::Job& whole = problem.jobs[with.index()];
    for (std::size_t k = 0; k < std::min(own.costs.size(), whole.costs.size()); ++k) {
      whole.costs[k].input_tokens += own.costs[k].input_tokens;
      whole.costs[k].output_tokens += own.costs[k].output_tokens;
      whole.costs[k].usd += own.costs[k].usd;
    }
    own.costs.clear();
    own.demands.clear();
    problem.links.push_back({with, TaskId(i), false});
  }
}

}  // namespace

schedule::Problem problem_of(const plan::Plan& plan, const footprint::Interlocking& interlocking,
                             const std::vector<Expected>& expected,
                             const std::vector<Verdict>& verdicts) {
  schedule::Problem problem;
  const Slowings slowings(plan, problem.slowings);
  problem.jobs.reserve(plan.tasks.size());
  for (std::size_t i = 0; i < plan.tasks.size(); ++i) {
    const plan::Task& task = plan.tasks[i];
    schedule::Job job;
    job.expected = expected[i].time;
    const plan::Agent& agent = plan.agents[task.agent.index()];
    const bool by_client =
        agent.kind != plan::AgentKind::command && agent.kind != plan::AgentKind::chat;
    for (const plan::Use& use : task.uses)
      add_use(use, plan.resources[use.resource.index()], expected[i], by_client, job);
    job.slowing = slowings.of(task);
    if (task.try_of && !plan[*task.try_of].judge)
      job.first_of = static_cast<std::uint32_t>(task.try_of->index());
    job.gate_before = task.gate_before;
    job.gate_after = task.gate_after;
    job.exclusive = verdicts.empty() ? touches_the_unknown(task) : verdicts[i].exclusive;
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
  share_attempts(expected, problem);
  for (const plan::Resource& resource : plan.resources) {
    problem.capacities.push_back(capacity_of(resource));
    problem.quotas.push_back(rates_of(resource));
  }
  return problem;
}

}  // namespace interlock::decide
