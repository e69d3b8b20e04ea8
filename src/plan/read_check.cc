#include <algorithm>

#include "plan/keys.h"
#include "plan/tasks.h"

// `verify` of a whole plan.
namespace interlock::plan {

void read_run_check(Reading& reading, Node node, const Settings& defaults, TaskList& list) {
  const auto command = read_command(reading, node);
  if (!command) return;
  if (list.tasks.empty()) {
    if (list.wrong_ids.empty())
      reading.problems.add(node.span(), "a plan without tasks has nothing to `verify`");
    return;
  }
  const auto& agents = reading.plan.agents;
  const auto sh = std::ranges::find(agents, "sh", &Agent::name);
  Task task;
  task.id = std::string(kRunCheck);
  task.place = reading.problems.source().place(node.span());
  task.agent = AgentId(static_cast<std::size_t>(sh - agents.begin()));
  apply(for_agent(defaults, *sh), task);
  // A check that says no says it again: whoever changes something asks again.
  task.retries = 0;
  // What it builds is thrown away, where that can be had.
  task.isolation = Isolation::view;
  task.isolation_else = {Isolation::direct};
  task.run.arguments = {"true"};
  task.verify = fill_command(*command, reading.set, Stage::early);
  task.footprint.unknown = false;
  if (auto all = footprint::Glob::parse("**")) task.footprint.reads.include.push_back(*all);
  const auto index = static_cast<std::uint32_t>(list.tasks.size());
  list.mentions.push_back({index, "*", node.span(), false, true});
  list.id_spans.push_back(node.span());
  list.tasks.push_back(std::move(task));
}

}  // namespace interlock::plan
