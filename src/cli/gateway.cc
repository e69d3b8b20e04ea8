#include <fmt/format.h>

#include <map>
#include <set>

#include "base/json.h"
#include "base/text.h"
#include "cli/commands.h"
#include "process/clock.h"
#include "process/local_processes.h"
#include "runs/run_models.h"
#include "workspace/local_files.h"

// `gateway`: the gateway on its own, for any program. It prints what the program is to be told,
// then what it calls, until it is interrupted.
namespace interlock::cli {

namespace {

constexpr engine::AttemptName kRoute{TaskId(0), 1, 0};
/// Nobody waits longer for a call.
constexpr Duration kLongest = std::chrono::hours(24 * 365);

/// A plan of one agent, as far as the command line says it.
Result<plan::Plan> plan_of(const GatewayRequest& request) {
  plan::Plan plan;
  plan::Agent agent;
  agent.name = "gateway";
  agent.kind = plan::AgentKind::chat;
  agent.api = request.api;
  agent.base_url = request.upstream;
  agent.key.variable = request.key;
  plan.agents.push_back(agent);
  if (request.plan.empty()) return plan;
  auto document = runs::read_document(request.plan);
  if (!document) return std::unexpected(document.error());
  workspace::LocalFiles files;
  auto read = runs::read_plan_or_complain(*document, {}, files);
  if (!read) return std::unexpected(read.error());
  plan.resources = read->resources;
  plan.limits = read->limits;
  if (request.agent.empty()) return plan;
  std::vector<std::string> names;
  for (const plan::Agent& one : read->agents) {
    names.push_back(one.name);
    if (one.name == request.agent) plan.agents[0] = one;
  }
  if (plan.agents[0].name == request.agent) return plan;
  const auto near = nearest_word(request.agent, names);
  return fail(Error::Kind::invalid,
              fmt::format("the plan has no agent `{}`", printable(request.agent)),
              near ? fmt::format("did you mean `{}`?", *near)
                   : fmt::format("its agents: {}", join_words(names, 8)));
}

/// What a program is told, so that its calls come here.
std::vector<std::pair<std::string, std::string>> environment_for(
    const engine::Gateway::Route& route) {
  std::vector<std::pair<std::string, std::string>> reported;
  for (const auto& [name, end] : {std::pair{"ANTHROPIC_BASE_URL", ""},
                                  {"OPENAI_BASE_URL", "/v1"},
                                  {"GOOGLE_GEMINI_BASE_URL", ""}})
    reported.emplace_back(name, route.base_url + end);
  for (const auto* name : {"ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY"})
    reported.emplace_back(name, route.secret);
  return reported;
}

std::string exports(const engine::Gateway::Route& route) {
  std::string text;
  for (const auto& [name, value] : environment_for(route))
    text += fmt::format("export {}={}\n", name, value);
  return text;
}

json::object exports_json(const engine::Gateway::Route& route) {
  json::object environment;
  for (const auto& [name, value] : environment_for(route)) environment[name] = value;
  return {{"version", 1}, {"environment", std::move(environment)}};
}

std::string count_text(const std::optional<Tokens>& count) {
  return count ? show_count(*count) : std::string("?");
}

/// The calls of one model, added up.
struct Sum {
  std::uint32_t calls = 0, not_answered = 0, again = 0;
  Usage used = no_usage();

  void add(const engine::ModelCall& call) {
    ++(call.end == engine::CallEnd::answered ? calls : not_answered);
    again += call.retries;
    used = used + call.usage;
  }
};

std::string line_of(const engine::ModelCall& call) {
  std::string text = fmt::format(
      "{:<10} {}  in {}, out {}, cache {} read, {} written", engine::name_of(call.end),
      printable(call.model), count_text(call.usage.input), count_text(call.usage.output),
      count_text(call.usage.cache_read), count_text(call.usage.cache_write));
  if (call.usage.cost) text += fmt::format(", {}", show_usd(*call.usage.cost));
  if (call.waited_quota > Duration{})
    text += fmt::format(", waited {} for quotas", show_duration(call.waited_quota));
  if (call.waited_lead > Duration{})
    text += fmt::format(", {} for a prompt cache", show_duration(call.waited_lead));
  if (call.retries > 0) text += fmt::format(", sent again {} times", call.retries);
  if (!call.detail.empty()) text += ": " + printable(call.detail);
  return text;
}

void report(Console& console, std::map<std::string, Sum>& sums,
            const std::vector<engine::ModelCall>& calls) {
  for (const engine::ModelCall& call : calls) {
    sums[call.model].add(call);
    console.remark(line_of(call));
    if (!call.warning.empty()) console.insist("warning: " + printable(call.warning));
  }
}

json::object sums_json(const std::map<std::string, Sum>& sums) {
  json::array models;
  const auto value = [](const std::optional<std::int64_t>& number) {
    return number ? json::value(*number) : json::value(nullptr);
  };
  for (const auto& [model, sum] : sums) {
    models.push_back(json::object{
        {"model", model},
        {"answered", sum.calls},
        {"not_answered", sum.not_answered},
        {"sent_again", sum.again},
        {"tokens", json::object{{"input", value(sum.used.input)},
                                {"output", value(sum.used.output)},
                                {"cache_read", value(sum.used.cache_read)},
                                {"cache_write", value(sum.used.cache_write)}}},
        {"cost_usd", sum.used.cost ? json::value(static_cast<double>(*sum.used.cost) / 1e6)
                                   : json::value(nullptr)}});
  }
  return {{"version", 1}, {"models", std::move(models)}};
}

/// Serves until a signal comes.
void serve(Console& console, std::map<std::string, Sum>& sums, process::LocalProcesses& host,
           engine::Gateway& gateway) {
  for (bool going_on = true; going_on;) {
    for (const engine::Report& report : host.wait(std::nullopt)) {
      if (std::holds_alternative<engine::Interrupted>(report)) going_on = false;
    }
    report(console, sums, gateway.take_calls());
  }
  report(console, sums, gateway.close(kRoute));
}

}  // namespace

Result<Exit> gateway_command(const Context& context, const GatewayRequest& request) {
  auto plan = plan_of(request);
  if (!plan) return std::unexpected(plan.error());
  plan::Task task;
  task.id = "gateway";
  plan->tasks.push_back(task);
  auto options = runs::gateway_options(*plan, context.state_folder, runs::own_environment(), false);
  if (!options) return std::unexpected(options.error());
  options->port = request.port;
  process::SystemClock clock;
  auto host = process::LocalProcesses::open(clock);
  if (!host) return std::unexpected(host.error());
  auto gateway = runs::open_gateway(std::move(*options), clock, [&host = **host] { host.poke(); });
  if (!gateway) return std::unexpected(gateway.error());
  (*gateway)->set_budget(request.tokens, request.usd);
  engine::Gateway::RouteSpec route_spec;
  route_spec.name = kRoute;
  route_spec.label = "gateway";
  route_spec.agent = plan->agents[0].name;
  for (const plan::Resource& resource : plan->resources) {
    if (resource.kind == plan::Resource::Kind::quota) route_spec.quotas.push_back(resource.name);
  }
  route_spec.deadline = clock.now() + kLongest;
  route_spec.brakes.repeats = plan->limits.repeats;
  route_spec.brakes.usd_per_minute = plan->limits.usd_per_minute;
  // Without a plan nobody said how many calls a program makes; and one whose provider was down for
  // a while is not to be refused for ever.
  if (!request.plan.empty()) route_spec.brakes.calls = plan->limits.calls;
  const auto route = (*gateway)->open(route_spec);
  if (!route) return std::unexpected(route.error());
  context.console.result(context.json ? canonical_json(exports_json(*route)) + "\n"
                                      : exports(*route));
  std::map<std::string, Sum> sums;
  serve(context.console, sums, **host, **gateway);
  if (context.json) context.console.result(canonical_json(sums_json(sums)) + "\n");
  for (const auto& [model, sum] : sums) {
    context.console.remark(fmt::format("{}: {} calls, {} not answered; in {}, out {}",
                                       printable(model), sum.calls, sum.not_answered,
                                       count_text(sum.used.input), count_text(sum.used.output)));
  }
  return Exit::done;
}

}  // namespace interlock::cli
