#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "plan/keys.h"
#include "plan/settings.h"

namespace interlock::plan {

namespace {

/// One word, or a list of them: what is wanted, then what will do where the host cannot.
std::vector<Isolation> read_isolation(Reading& reading, Node node) {
  std::vector<Isolation> list;
  const auto take = [&](Node word) {
    const auto value = read_choice(reading, word, kIsolations);
    if (!value) return;
    const auto isolation = static_cast<Isolation>(*value);
    if (std::ranges::find(list, isolation) == list.end()) list.push_back(isolation);
  };
  if (!node.is_list()) {
    take(node);
    return list;
  }
  for (const auto& item : node.items()) take(item);
  if (node.size() == 0) reading.problems.add(node.span(), "`isolation` names nothing");
  return list;
}

/// A time that may be left out of force: `none`, as `0s`.
std::optional<Duration> read_duration_or_none(Reading& reading, Node node) {
  if (node.is_scalar() && node.text() == "none") return Duration::zero();
  return read_duration(reading, node);
}

std::optional<Duration> read_positive_duration(Reading& reading, Node node) {
  const auto duration = read_duration(reading, node);
  if (duration != Duration::zero()) return duration;
  reading.problems.add(node.span(), "a time limit of zero leaves no time for anything");
  return std::nullopt;
}

OnFailure read_on_failure(Reading& reading, Node node) {
  const auto text = node.is_scalar() ? fill(node.text(), reading.set) : std::string();
  if (text == "continue") return {};
  if (text == "stop") return {.kind = OnFailure::Kind::stop};
  int percent = -1;
  const auto* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, percent);
  const bool whole = read.ec == std::errc() && read.ptr + 1 == end && text.ends_with('%');
  if (whole && percent >= 0 && percent <= 100) {
    return {.kind = OnFailure::Kind::share, .share = percent / 100.0};
  }
  expected(reading, node, "`continue`, `stop` or a share such as `20%`");
  return {};
}

void read_speculate(Reading& reading, Node node, Limits& limits) {
  limits.speculate_said = true;
  if (!node.is_map()) {
    if (const auto value = read_bool(reading, node)) limits.speculate = *value;
    return;
  }
  static constexpr std::string_view kKeys[] = {"tokens", "usd"};
  const Fields fields(reading, node, "speculate", kKeys);
  limits.speculate = true;
  if (const auto usd = fields["usd"]) limits.speculate_usd = read_usd(reading, *usd);
  if (const auto tokens = fields["tokens"]) limits.speculate_tokens = read_count(reading, *tokens);
}

/// `example.com`, `example.com:8443`, `*.example.com`.
bool is_host(std::string_view text) {
  const auto colon = text.find(':');
  const std::string_view port = colon == text.npos ? "443" : text.substr(colon + 1);
  std::string_view host = text.substr(0, colon);
  if (host.starts_with("*.")) host.remove_prefix(2);
  std::uint16_t number = 0;
  const auto read = std::from_chars(port.data(), port.data() + port.size(), number);
  const bool is_port =
      read.ec == std::errc() && read.ptr == port.data() + port.size() && number > 0;
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
  };
  return is_port && !host.empty() && !host.starts_with('.') && std::ranges::all_of(host, fits);
}

std::vector<std::string> read_allowed_hosts(Reading& reading, Node node) {
  static constexpr std::string_view kKeys[] = {"allow"};
  const Fields fields(reading, node, "a network", kKeys);
  const auto allow = fields["allow"];
  std::vector<std::string> hosts;
  if (!allow) {
    reading.problems.add(node.span(), "the network has no `allow`",
                         "such as `{allow: [registry.example.com]}`, or write `gateway`");
    return hosts;
  }
  for (const Item& item : read_items(reading, *allow, "a list of hosts")) {
    std::string host = fill(item.text, reading.set);
    if (is_host(host)) {
      hosts.push_back(std::move(host));
    } else {
      reading.problems.add(item.node.span(), fmt::format("{} is not a host", quoted(host)),
                           "write `example.com`, `example.com:8443` or `*.example.com`: no scheme, "
                           "no path");
    }
  }
  if (hosts.empty() && allow->is_list() && allow->size() == 0)
    reading.problems.add(allow->span(), "`allow` names no host", "write `network: gateway`");
  return hosts;
}

}  // namespace

std::optional<AgentId> read_agent_name(Reading& reading, Node node) {
  const auto name = read_filled(reading, node, "the name of an agent");
  if (!name) return std::nullopt;
  const auto& agents = reading.plan.agents;
  const auto found = std::ranges::find(agents, *name, &Agent::name);
  if (found != agents.end()) return AgentId(static_cast<std::size_t>(found - agents.begin()));
  std::vector<std::string> names;
  for (const auto& agent : agents) names.push_back(agent.name);
  reading.problems.add(node.span(), fmt::format("no agent {}", quoted(*name)),
                       did_you_mean(reading, *name, names, "declare it under `agents`"));
  return std::nullopt;
}

std::optional<double> read_part(Reading& reading, Node node, double most) {
  const auto text = node.is_scalar() ? fill(node.text(), reading.set) : std::string();
  const bool percent = text.ends_with('%');
  double value = -1;
  const auto* end = text.data() + text.size() - (percent ? 1 : 0);
  const auto read = std::from_chars(text.data(), end, value);
  if (percent) value /= 100;
  if (read.ec == std::errc() && read.ptr == end && value >= 0 && value <= most) return value;
  expected(reading, node, fmt::format("a number from 0 to {}, or a percentage", most));
  return std::nullopt;
}

std::optional<Slowing> read_slowing(Reading& reading, Node node) {
  constexpr std::int64_t kMostBeyond = 100'000;
  static constexpr std::string_view kKeys[] = {"beyond", "by"};
  const Fields fields(reading, node, "`slowing`", kKeys);
  if (!node.is_map()) return std::nullopt;
  const auto beyond = fields["beyond"];
  const auto by = fields["by"];
  if (!beyond || !by) {
    reading.problems.add(node.span(), "`slowing` needs both `beyond` and `by`",
                         "such as `{beyond: 3, by: 0.5}`");
    return std::nullopt;
  }
  const auto count = read_integer(reading, *beyond, 1, kMostBeyond);
  const auto part = read_part(reading, *by, 1000);
  if (!count || !part) return std::nullopt;
  return Slowing{*count, *part};
}

std::optional<std::uint32_t> read_batch(Reading& reading, Node node) {
  const std::string wanted = fmt::format("`auto`, `none` or a number from 2 to {}", kBatchMax);
  const auto text = node.is_scalar() ? std::optional(node.text()) : std::nullopt;
  if (text == "auto") return kBatchAuto;
  if (text == "none") return 1;
  std::uint32_t count = 0;
  const char* const end = text ? text->data() + text->size() : nullptr;
  const auto read = text ? std::from_chars(text->data(), end, count) : std::from_chars_result{};
  if (text && !text->empty() && read.ptr == end && count >= 1 && count <= kBatchMax) return count;
  expected(reading, node, wanted);
  return std::nullopt;
}

Settings read_settings(Reading& reading, const Fields& fields, Settings base) {
  const auto take = [&](std::string_view key, auto read, auto& into) {
    const auto node = fields[key];
    if (!node) return;
    if (const auto value = read(*node)) into = *value;
  };
  const auto positive = [&](Node node) { return read_positive_duration(reading, node); };
  const auto optional = [&](Node node) { return read_duration_or_none(reading, node); };
  take("timeout", positive, base.timeout);
  if (fields["timeout"]) base.timeout_said = true;
  take("idle_timeout", optional, base.idle_timeout);
  take("grace", optional, base.grace);
  take("backoff", optional, base.backoff);
  take("join", [&](Node node) { return read_duration(reading, node); }, base.join);
  take("batch", [&](Node node) { return read_batch(reading, node); }, base.batch);
  take(
      "model", [&](Node node) { return read_filled(reading, node, "the name of a model"); },
      base.model);
  if (const auto node = fields["retries"]) {
    if (const auto value = read_integer(reading, *node, 0, 100))
      base.retries = static_cast<int>(*value);
  }
  if (const auto node = fields["isolation"]) {
    if (auto isolation = read_isolation(reading, *node); !isolation.empty())
      base.isolation = std::move(isolation);
  }
  if (!reading.options.isolation.empty()) base.isolation = reading.options.isolation;
  if (const auto node = fields["observe"]) {
    if (const auto value = read_choice(reading, *node, kObserves))
      base.observe = static_cast<Observe>(*value);
  }
  if (const auto node = fields["network"]) {
    base.allowed_hosts.clear();
    if (node->is_map()) {
      base.own_network = base.needs_gateway = true;
      base.allowed_hosts = read_allowed_hosts(reading, *node);
    } else if (const auto value = read_choice(reading, *node, kNetworks)) {
      base.own_network = *value != 0;
      base.needs_gateway = *value == 2;
    }
  }
  if (const auto node = fields["setup"])
    base.setup = node->is_null() ? Command{} : read_command(reading, *node).value_or(Command{});
  if (const auto node = fields["services"]) base.services = read_service_names(reading, *node);
  if (const auto node = fields["env"]) {
    for (auto& [name, value] : read_environment(reading, *node)) base.environment[name] = value;
  }
  return base;
}

Settings read_defaults(Reading& reading, std::optional<Node> node) {
  Settings defaults;
  if (!reading.options.isolation.empty()) defaults.isolation = reading.options.isolation;
  if (!node || node->is_null()) return defaults;
  const Fields fields(reading, *node, "defaults", kDefaultsKeys);
  defaults = read_settings(reading, fields, std::move(defaults));
  if (const auto agent = fields["agent"]) defaults.agent = read_agent_name(reading, *agent);
  return defaults;
}

Settings for_agent(Settings defaults, const Agent& agent) {
  if (!agent.model.empty()) defaults.model = agent.model;
  if (agent.batch) defaults.batch = *agent.batch;
  for (const auto& [name, value] : agent.environment) defaults.environment[name] = value;
  if (defaults.isolation.empty()) defaults.isolation = default_isolation(agent.kind);
  return defaults;
}

void apply(const Settings& settings, Task& task) {
  task.model = settings.model;
  task.join = settings.join;
  task.batch = settings.batch;
  task.timeout = settings.timeout;
  task.timeout_said = settings.timeout_said;
  task.idle_timeout = settings.idle_timeout;
  task.grace = settings.grace;
  task.retries = settings.retries;
  task.backoff = settings.backoff;
  // Empty only where the task has no agent, and so a problem.
  if (!settings.isolation.empty()) {
    task.isolation = settings.isolation.front();
    task.isolation_else.assign(settings.isolation.begin() + 1, settings.isolation.end());
  }
  task.observe = settings.observe;
  task.own_network = settings.own_network;
  task.needs_gateway = settings.needs_gateway;
  task.allowed_hosts = settings.allowed_hosts;
  task.setup = settings.setup;
  task.services = settings.services;
  task.environment = settings.environment;
}

namespace {

/// What keeps an attempt that runs away: always on, for nobody asks for a thousand calls by mistake
/// twice.
void read_brakes(Reading& reading, const Fields& fields, Limits& limits) {
  constexpr std::int64_t kMostCalls = 1'000'000'000;
  const auto count = [&](const char* key, std::uint32_t& to) {
    const auto value = fields[key];
    if (!value) return;
    if (const auto read = read_integer(reading, *value, 1, kMostCalls))
      to = static_cast<std::uint32_t>(*read);
  };
  count("calls", limits.calls);
  count("repeats", limits.repeats);
  if (const auto value = fields["usd_per_minute"]) {
    limits.usd_per_minute = read_usd(reading, *value).value_or(limits.usd_per_minute);
  }
}

}  // namespace

void read_limits(Reading& reading, Node node) {
  constexpr std::int64_t kMostParallel = 1024;
  constexpr std::int64_t kMostTasks = 1'000'000;
  const Fields fields(reading, node, "limits", kLimitsKeys);
  auto& limits = reading.plan.limits;
  if (const auto value = fields["parallel"]) {
    limits.parallel = read_integer(reading, *value, 1, kMostParallel).value_or(limits.parallel);
  }
  if (const auto value = fields["tokens"]) limits.tokens = read_count(reading, *value);
  if (const auto value = fields["usd"]) limits.usd = read_usd(reading, *value);
  if (const auto value = fields["min_saving"]) {
    limits.min_saving = read_duration(reading, *value).value_or(limits.min_saving);
  }
  if (const auto value = fields["on_failure"]) limits.on_failure = read_on_failure(reading, *value);
  if (const auto value = fields["gate_every"]) {
    limits.gate_every = read_integer(reading, *value, 1, kMostTasks);
  }
  if (const auto value = fields["on_quota"]) {
    limits.waits_for_quota = read_choice(reading, *value, kOnQuotas).value_or(0) == 1;
  }
  if (const auto value = fields["answer"]) limits.answer = read_duration(reading, *value);
  if (const auto value = fields["speculate"]) read_speculate(reading, *value, limits);
  read_brakes(reading, fields, limits);
}

}  // namespace interlock::plan
