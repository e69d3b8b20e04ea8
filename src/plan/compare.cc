#include "plan/compare.h"

#include <fmt/format.h>

#include <algorithm>

namespace interlock::plan {

namespace {

Agent without_place(Agent agent) {
  agent.place = {};
  return agent;
}

Resource without_place(Resource resource) {
  resource.place = {};
  return resource;
}

bool same_uses(const Plan& before, const Task& a, const Plan& after, const Task& b) {
  return std::ranges::equal(a.uses, b.uses, [&](Use one, Use other) {
    const Resource mine = without_place(before.resources[one.resource.index()]);
    const Resource theirs = without_place(after.resources[other.resource.index()]);
    other.resource = one.resource;
    return one == other && mine == theirs;
  });
}

bool same_task(const Plan& before, const Task& a, const Plan& after, const Task& b) {
  if (without_place(before.agents[a.agent.index()]) != without_place(after.agents[b.agent.index()]))
    return false;
  if (!same_uses(before, a, after, b)) return false;
  Task task = b;
  task.agent = a.agent;
  task.uses = a.uses;
  task.place = a.place;
  return task == a;
}

bool same_merge(const Merge& a, Merge b) {
  b.place = a.place;
  return a == b;
}

bool same_driver(const MergeDriver& a, MergeDriver b) {
  b.place = a.place;
  return a == b;
}

/// Tasks and merges keep their numbers in a run: only what comes after all others can be new.
std::string why_apart(const Plan& before, const Plan& after) {
  if (before.workspace != after.workspace) return "it has another workspace";
  if (before.commit_each != after.commit_each) return "`commits` is another";
  if (before.topics != after.topics) return "`board` is another";
  for (std::size_t at = 0; at < before.tasks.size(); ++at) {
    if (at >= after.tasks.size() || before.tasks[at].id != after.tasks[at].id) {
      const std::string& id = before.tasks[at].id;
      return after.find(id) ? fmt::format("task `{}` is at another place in plan order", id)
                            : fmt::format("task `{}` is gone", id);
    }
  }
  const auto same_source = [](const Family& a, const Family& b) {
    return a.first == b.first && a.at_most == b.at_most && a.producer == b.producer &&
           a.path == b.path;
  };
  if (!std::ranges::equal(before.families, after.families, same_source))
    return "a `foreach` goes through another output";
  for (std::size_t at = 0; at < before.merges.size(); ++at) {
    if (at >= after.merges.size() || before.merges[at].name != after.merges[at].name)
      return fmt::format("merge `{}` is gone or at another place", before.merges[at].name);
  }
  return {};
}

}  // namespace

PlanChanges changes_between(const Plan& before, const Plan& after) {
  PlanChanges changes;
  changes.apart = why_apart(before, after);
  if (!changes.apart.empty()) return changes;
  for (std::size_t at = 0; at < before.tasks.size(); ++at) {
    if (!same_task(before, before.tasks[at], after, after.tasks[at]))
      changes.tasks.emplace_back(at);
  }
  for (std::size_t at = 0; at < after.merges.size(); ++at) {
    if (at >= before.merges.size() || !same_merge(before.merges[at], after.merges[at]))
      changes.merges.push_back(static_cast<std::uint32_t>(at));
  }
  changes.added = after.tasks.size() - before.tasks.size();
  changes.limits = before.limits != after.limits;
  changes.drivers = !std::ranges::equal(before.drivers, after.drivers, same_driver);
  return changes;
}

}  // namespace interlock::plan
