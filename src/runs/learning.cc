#include "runs/learning.h"

#include <unistd.h>

#include <array>

#include "agents/adapter.h"
#include "decide/learn.h"
#include "decide/verdicts.h"
#include "runs/chosen_run.h"
#include "runs/planning.h"
#include "sys/host_capacity.h"

namespace interlock::runs {
namespace {

/// The only model that calls of an account were made to, for agents that leave it to the client.
std::string only_model(const decide::History& history, const std::string& account) {
  std::string only;
  const auto first = history.slowings.lower_bound(account + "\n");
  for (auto it = first; it != history.slowings.end() && it->first.starts_with(account + "\n");
       ++it) {
    if (!only.empty()) return {};
    only = it->first;
  }
  return only;
}

}  // namespace

std::string place_of(const std::string& url) {
  const std::size_t scheme = url.find("://");
  const std::size_t begin = scheme == std::string::npos ? 0 : scheme + 3;
  std::string place = url.substr(begin, url.find_first_of("/?#", begin) - begin);
  const std::size_t user = place.rfind('@');
  return user == std::string::npos ? place : place.substr(user + 1);
}

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  return name.data();
}

decide::Host this_host() {
  const sys::HostCapacity here = sys::host_capacity();
  return {here.processors, here.memory_bytes};
}

std::string account_of(const plan::Plan& plan, const plan::Task& task) {
  const plan::Agent& agent = plan.agents[task.agent.index()];
  const auto provider = agents::provider_through_gateway(agent, task.model);
  if (!provider) return {};
  for (const plan::Use& use : task.uses) {
    const plan::Resource& resource = plan.resources[use.resource.index()];
    if (resource.kind == plan::Resource::Kind::quota)
      return resource.account.empty() ? resource.name : resource.account;
  }
  const std::string& variable =
      agent.key.variable.empty() ? provider->key_variable : agent.key.variable;
  return place_of(provider->base_url) + " " + variable;
}

std::set<std::string> accounts_of(const plan::Plan& plan) {
  std::set<std::string> accounts;
  for (const plan::Task& task : plan.tasks) accounts.insert(account_of(plan, task));
  accounts.erase("");
  return accounts;
}

std::vector<journal::TaskLabel> labels_of(const plan::Plan& plan, std::size_t first) {
  std::vector<journal::TaskLabel> labels;
  // Of tasks that are added to a run nobody asks it: they come one at a time, to plans of any size.
  std::vector<decide::Verdict> verdicts;
  if (first == 0) verdicts = decide::verdicts_of(plan);
  for (std::size_t i = first; i < plan.tasks.size(); ++i) {
    const plan::Task& task = plan.tasks[i];
    labels.push_back({task.id, plan.agents[task.agent.index()].name, task.model,
                      decide::shape_of(task), account_of(plan, task),
                      static_cast<std::int64_t>(task.prompt.size())});
    journal::TaskLabel& label = labels.back();
    if (task.coordinates) label.joins = std::ssize(plan.merges[*task.coordinates].from);
    if (verdicts.empty()) continue;
    label.is_loose = verdicts[i].join > Duration::zero();
    if (task.gate_before)
      label.loose_before = decide::loose_outputs_before(plan, verdicts, TaskId(i));
  }
  return labels;
}

std::vector<std::string> slowing_keys(const plan::Plan& plan, const decide::History& history) {
  std::vector<std::string> keys(plan.agents.size());
  if (history.slowings.empty()) return keys;
  for (const plan::Task& task : plan.tasks) {
    std::string& key = keys[task.agent.index()];
    if (!key.empty()) continue;
    const plan::Agent& agent = plan.agents[task.agent.index()];
    const std::string account = account_of(plan, task);
    if (account.empty()) {
      if (agent.kind == plan::AgentKind::command) key = "host:" + host_name() + "\n";
      continue;
    }
    key = account + "\n" + task.model;
    if (!history.slowings.contains(key)) key = only_model(history, account);
  }
  return keys;
}

decide::SaidSlowings said_slowings(const plan::Plan& plan) {
  decide::SaidSlowings said;
  for (const plan::Task& task : plan.tasks) {
    const plan::Agent& agent = plan.agents[task.agent.index()];
    std::optional<plan::Slowing> slowing = agent.slowing;
    for (const plan::Use& use : task.uses) {
      const auto& of_resource = plan.resources[use.resource.index()].slowing;
      if (!of_resource) continue;
      slowing = of_resource;
      break;
    }
    if (!slowing) continue;
    const std::string account = account_of(plan, task);
    said[account.empty() ? "host:" + host_name() : account] = {slowing->beyond, slowing->by};
  }
  return said;
}

void sample_old_runs(journal::Store& store) {
  const auto runs = store.unsampled_runs();
  if (!runs) return;
  for (const std::string& run : *runs) {
    // Of a run that may be going on not all events are there yet.
    const auto holder = store.holder_of_run(run);
    if (!holder || *holder) continue;
    std::vector<journal::TaskLabel> labels;
    const auto head = store.head(run);
    const auto request = head ? request_from_json(head->options) : std::unexpected(head.error());
    const auto plan = request ? kept_plan(*head, *request) : std::unexpected(request.error());
    if (plan) labels = labels_of(*plan);
    // Without its plan nobody knows whose samples they are; it is not tried again.
    static_cast<void>(store.sample_run(run, std::move(labels)));
  }
}

}  // namespace interlock::runs
