#include "runs/powers.h"

#include <fmt/format.h>

#include <map>
#include <tuple>

#include "agents/adapter.h"
#include "base/text.h"

namespace interlock::runs {

namespace {

using agents::Powers;
using plan::Isolation;

/// Tasks whose client gets the same powers in the same place.
using Group = std::tuple<plan::AgentKind, Powers, Isolation>;

std::string_view place_of(Isolation isolation) {
  switch (isolation) {
    case Isolation::direct: return "in the real workspace";
    case Isolation::guard:
      return "in the real workspace, where the kernel holds its writes to `writes`";
    case Isolation::view:
      return "in a copy of the workspace (`view`), from which only its changes are taken";
    case Isolation::worktree: return "in a git worktree, from which only its changes are taken";
  }
  return "";
}

std::string say(const std::string& who, Powers powers, Isolation isolation) {
  if (powers == Powers::reads) {
    return fmt::format(
        "{}: in the client's own read-only mode, {}", who,
        isolation == Isolation::direct ? "which is all that holds it" : place_of(isolation));
  }
  if (isolation == Isolation::direct) {
    return fmt::format(
        "{}: permission checks OFF in the real workspace, and nothing holds it: `isolation: "
        "[view, guard]` would",
        who);
  }
  return fmt::format("{}: permission checks off, {}", who, place_of(isolation));
}

}  // namespace

PowersSaid say_powers(const plan::Plan& plan) {
  std::map<Group, std::vector<std::string>> groups;
  for (const plan::Task& task : plan.tasks) {
    const plan::Agent& agent = plan.agents[task.agent.index()];
    const agents::Adapter* adapter = agents::adapter_for(agent);
    if (adapter == nullptr) continue;
    const Powers powers = adapter->powers(task.may_write());
    if (powers == Powers::own || powers == Powers::none) continue;
    groups[{agent.kind, powers, task.isolation}].push_back(fmt::format("`{}`", task.id));
  }
  PowersSaid said;
  for (const auto& [group, tasks] : groups) {
    const auto& [kind, powers, isolation] = group;
    const std::string line =
        say(fmt::format("{} ({})", join_words(tasks, 3), plan::name_of(kind)), powers, isolation);
    const bool held = powers == Powers::reads || isolation != Isolation::direct;
    (held ? said.notes : said.warnings).push_back(line);
  }
  return said;
}

std::vector<std::string> say_unshared_prompts(const plan::Plan& plan, bool as_root) {
  if (as_root) return {};
  std::map<std::pair<plan::AgentKind, Isolation>, std::vector<std::string>> groups;
  for (const plan::Task& task : plan.tasks) {
    const plan::Agent& agent = plan.agents[task.agent.index()];
    const bool has_own_paths =
        task.isolation == Isolation::guard || task.isolation == Isolation::worktree;
    // The chat of our own tells its model of no folder.
    const bool tells_of_folders = agents::adapter_for(agent) != nullptr &&
                                  agent.kind != plan::AgentKind::command &&
                                  agent.kind != plan::AgentKind::chat;
    if (has_own_paths && tells_of_folders)
      groups[{agent.kind, task.isolation}].push_back(fmt::format("`{}`", task.id));
  }
  std::vector<std::string> said;
  for (const auto& [group, tasks] : groups) {
    if (tasks.size() < 2) continue;
    said.push_back(
        fmt::format("{} ({}): as an ordinary user in `{}` each has its folders at a path of its "
                    "own, which the client "
                    "tells its model, so they share less of a prompt cache than in a `view`",
                    join_words(tasks, 3), plan::name_of(group.first), plan::name_of(group.second)));
  }
  return said;
}

}  // namespace interlock::runs
