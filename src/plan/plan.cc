#include "plan/plan.h"

#include <algorithm>
#include <utility>

namespace interlock::plan {

std::vector<Isolation> default_isolation(AgentKind kind) {
  if (kind == AgentKind::command) return {Isolation::direct};
  return {Isolation::view, Isolation::guard};
}

std::string_view name_of(Isolation isolation) {
  switch (isolation) {
    case Isolation::direct: return "direct";
    case Isolation::guard: return "guard";
    case Isolation::view: return "view";
    case Isolation::worktree: return "worktree";
  }
  return "";
}

std::string_view name_of(Observe observe) {
  switch (observe) {
    case Observe::all: return "all";
    case Observe::opens: return "opens";
    case Observe::declared: return "declared";
  }
  return "";
}

std::string_view name_of(AgentKind kind) {
  switch (kind) {
    case AgentKind::command: return "command";
    case AgentKind::claude_code: return "claude-code";
    case AgentKind::codex: return "codex";
    case AgentKind::gemini: return "gemini";
    case AgentKind::opencode: return "opencode";
    case AgentKind::pi: return "pi";
    case AgentKind::qwen: return "qwen";
    case AgentKind::chat: return "chat";
  }
  return "";
}

std::string_view name_of(Merge::With with) {
  switch (with) {
    case Merge::With::concat: return "concat";
    case Merge::With::list: return "list";
    case Merge::With::object: return "object";
    case Merge::With::union_: return "union";
    case Merge::With::table: return "table";
    case Merge::With::lines: return "lines";
    case Merge::With::sections: return "sections";
    case Merge::With::agent: return "agent";
  }
  return "";
}

std::optional<TaskId> Plan::find(std::string_view id) const {
  const auto found = std::ranges::find(tasks, id, &Task::id);
  if (found == tasks.end()) return std::nullopt;
  return TaskId(static_cast<std::size_t>(found - tasks.begin()));
}

const MergeDriver* Plan::driver_of(std::string_view path) const {
  const auto found = std::ranges::find_if(
      drivers, [path](const MergeDriver& one) { return one.files.matches(path); });
  return found == drivers.end() ? nullptr : &*found;
}

std::vector<footprint::Claim> claims_of(const Plan& plan,
                                        std::vector<std::vector<ResourceId>>& locks) {
  static const footprint::Footprint kNothing{};
  locks.assign(plan.tasks.size(), {});
  std::vector<footprint::Claim> claims;
  claims.reserve(plan.tasks.size());
  for (std::size_t at = 0; at < plan.tasks.size(); ++at) {
    const auto& task = plan.tasks[at];
    for (const auto& use : task.uses) {
      if (plan.resources[use.resource.index()].kind == Resource::Kind::lock)
        locks[at].push_back(use.resource);
    }
    std::ranges::sort(locks[at]);
    const auto* touched = task.try_of ? &kNothing : &task.footprint;
    claims.push_back({touched, task.needs, task.output_of, locks[at], task.after});
  }
  return claims;
}

footprint::Interlocking interlocking_of(const Plan& plan) {
  std::vector<std::vector<ResourceId>> locks;
  const auto claims = claims_of(plan, locks);
  std::vector<std::string> names;
  for (const auto& resource : plan.resources) names.push_back(resource.name);
  return interlocking_of(plan, claims, names);
}

footprint::Interlocking interlocking_of(const Plan& plan, std::span<const footprint::Claim> claims,
                                        std::span<const std::string> resource_names) {
  auto made = footprint::interlock(claims, resource_names);
  std::vector<footprint::Edge> more;
  for (const footprint::Edge& edge : made.edges) {
    if (footprint::is_said(edge.why)) continue;
    for (const TaskId one : plan[edge.after].tries) {
      if (edge.before < one) more.push_back({edge.before, one, edge.why, edge.on});
    }
  }
  footprint::add_edges(made, std::move(more));
  return made;
}

}  // namespace interlock::plan
