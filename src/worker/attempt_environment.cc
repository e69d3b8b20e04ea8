#include "worker/attempt_environment.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/secret_name.h"
#include "engine/trace_context.h"

namespace interlock::worker {

namespace {

/// A plain command's check may need what the plan passes on to both, as to reach a database. No
/// check asks a model.
bool is_kept_from_checks(const engine::AttemptSpec& spec, std::string_view name) {
  const plan::Agent& agent = spec.agent;
  const bool is_plain = agent.kind == plan::AgentKind::command && agent.events.empty();
  const bool is_key = names_a_model_key(name) ||
                      std::ranges::find(spec.key_variables, name) != spec.key_variables.end();
  return is_key || (!is_plain && names_a_secret(name));
}

}  // namespace

std::map<std::string, std::string> environment_of(const engine::AttemptSpec& spec,
                                                  const engine::HostEnvironment& around,
                                                  const AttemptPlace& place,
                                                  const plan::Lookup& lookup) {
  const engine::AttemptName& name = spec.name;
  const plan::Task& task = spec.task();
  const plan::Agent& agent = spec.agent;
  std::map<std::string, std::string> result;
  const auto pass = [&](const std::string& variable) {
    if (const auto found = around.environment.find(variable); found != around.environment.end())
      result.insert_or_assign(found->first, found->second);
  };
  for (const std::string_view variable : engine::kPassedOn) pass(std::string(variable));
  for (const auto& [variable, value] : around.environment) {
    if (variable.starts_with("LC_")) result.emplace(variable, value);
  }
  // Its own, also over retries and repairs; the person's only where the plan passes it on.
  if (!place.home.empty()) result["HOME"] = place.home;
  // A check is the plan's command, and not the agent: it asks no model.
  const bool is_agent = name.phase == 0;
  if (agent.login && is_agent) pass("CLAUDE_CODE_OAUTH_TOKEN");
  for (const std::string& variable : agent.pass_environment) {
    if (is_agent || !is_kept_from_checks(spec, variable)) pass(variable);
  }
  for (const auto& [variable, value] : agent.environment)
    result[variable] = plan::fill(value, lookup);
  for (const auto& [variable, value] : task.environment)
    result[variable] = plan::fill(value, lookup);
  result["TMPDIR"] = place.folder + "/tmp";
  result["INTERLOCK_RUN"] = around.run;
  result["INTERLOCK_TASK"] = task.id;
  result["INTERLOCK_ATTEMPT"] = spec.label;
  result["INTERLOCK_DEADLINE"] =
      fmt::format("{}", spec.deadline.time_since_epoch().count() / 1'000'000);
  result["INTERLOCK_TIMEOUT_S"] =
      fmt::format("{}", std::chrono::floor<std::chrono::seconds>(task.timeout).count());
  result["INTERLOCK_PORT_FIRST"] = fmt::format("{}", place.first_port);
  result["INTERLOCK_PORT_COUNT"] =
      fmt::format("{}", engine::kPortsPerLane - static_cast<int>(task.services.size()));
  for (std::size_t at = 0; at < task.services.size(); ++at) {
    std::string variable = "INTERLOCK_PORT_" + task.services[at].name;
    std::ranges::transform(variable, variable.begin(), [](char c) {
      return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    result[variable] = fmt::format("{}", engine::port_of_service(place.first_port, at));
  }
  if (!around.trace.empty())
    result.try_emplace("TRACEPARENT",
                       engine::traceparent_of(around.trace, name.task.index(), name.attempt));
  if (!task.output_of.empty()) result["INTERLOCK_OUTPUTS"] = place.folder + "/outputs";
  if (!place.schema_file.empty()) result["INTERLOCK_SCHEMA"] = place.schema_file;
  if (!place.correction.empty()) result["INTERLOCK_CORRECTION"] = place.correction;
  return result;
}

}  // namespace interlock::worker
