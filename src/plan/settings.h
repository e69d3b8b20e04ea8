#pragma once

#include <optional>
#include <string>
#include <vector>

#include "plan/values.h"

namespace interlock::plan {

/// The most agents and the most resources of a plan: tasks find them by looking through all.
constexpr std::size_t kMostDeclared = 1000;

/// `defaults` of the plan; `--isolation` stands above what any of them says.
Settings read_defaults(Reading& reading, std::optional<Node> node);
/// `base` with what `fields` say in its place, all but the agent; environments are joined.
Settings read_settings(Reading& reading, const Fields& fields, Settings base);

/// `defaults` for a task of that agent, whose own words weigh more; what is usual for its kind
/// fills what nobody said.
Settings for_agent(Settings defaults, const Agent& agent);
/// Gives a task all of it but the agent.
void apply(const Settings& settings, Task& task);

/// The agent of that name; a problem when there is none.
std::optional<AgentId> read_agent_name(Reading& reading, Node node);

/// Who does what names no agent, where there is no choice.
std::optional<AgentId> only_declared_agent(const Plan& plan);

/// Reads `limits` into the plan.
void read_limits(Reading& reading, Node node);

/// A part as a number or in percent, such as `0.5` or `50%`; not above `most`.
std::optional<double> read_part(Reading& reading, Node node, double most);

/// Reads `batch`: `auto`, `none` or how many tasks may share an attempt.
std::optional<std::uint32_t> read_batch(Reading& reading, Node node);

/// Reads `slowing` of an agent or a resource.
std::optional<Slowing> read_slowing(Reading& reading, Node node);

/// Reads the mapping of a command's JSON lines.
std::vector<EventRule> read_events(Reading& reading, Node node);

/// Reads `agents` into the plan, and adds `sh` where it is not declared.
void read_agents(Reading& reading, std::optional<Node> node);

/// Reads `resources` into the plan.
void read_resources(Reading& reading, Node node);

/// Reads `services` of the plan.
void read_services(Reading& reading, Node node);
/// Reads the names of services; what they stand for.
std::vector<Service> read_service_names(Reading& reading, Node node);

/// Reads what a task takes of them.
std::vector<Use> read_uses(Reading& reading, Node node);

}  // namespace interlock::plan
