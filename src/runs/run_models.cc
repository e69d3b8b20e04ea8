#include "runs/run_models.h"
#include "plan/escalation.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "agents/adapter.h"
#include "base/secret_name.h"
#include "base/text.h"
#include "process/ask.h"
#include "quota/windows.h"
#include "runs/chosen_run.h"
#include "runs/login.h"
#include "runs/planning.h"
#include "runs/windows.h"

extern char** environ;

namespace interlock::runs {

namespace {

namespace fs = std::filesystem;

constexpr Duration kKeyPatience = std::chrono::seconds(30);

std::string value_of(const Environment& environment, std::string_view name) {
  const auto found = environment.find(std::string(name));
  return found == environment.end() ? std::string() : found->second;
}

std::string first_of(const Environment& environment,
                     std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    if (std::string value = value_of(environment, name); !value.empty()) return value;
  }
  return {};
}

/// A model on this machine, such as llama.cpp's server, asks for no key.
bool is_local(const std::string& base_url) {
  for (const std::string_view host : {"http://127.", "http://localhost", "http://[::1]"}) {
    if (base_url.starts_with(host)) return true;
  }
  return false;
}

/// Variables that hold a provider's key wherever they are set: who is asked for one is not shown
/// others.
constexpr std::array<std::string_view, 4> kUsualKeys{"ANTHROPIC_API_KEY", "OPENAI_API_KEY",
                                                     "GEMINI_API_KEY", "GOOGLE_API_KEY"};

/// Less the variables of other agents' keys, for one whose key a command prints.
Environment without_keys(const plan::Plan& plan, const plan::Agent& agent,
                         const Environment& environment) {
  Environment rest = environment;
  if (agent.key.command.empty()) return rest;
  for (const plan::Agent& one : plan.agents) rest.erase(one.key.variable);
  return rest;
}

Result<gateway::Secret> key_of(const plan::Agent& agent, const agents::Provider& provider,
                               const Environment& environment) {
  if (!agent.key.command.empty()) {
    Environment own = environment;
    for (const std::string_view name : kUsualKeys) own.erase(std::string(name));
    auto key = process::ask_program(agent.key.command, kKeyPatience, &own);
    if (!key) return within(key.error(), fmt::format("the key of agent `{}`", agent.name));
    return gateway::Secret(std::move(*key));
  }
  const bool named = !agent.key.variable.empty();
  const std::string& variable = named ? agent.key.variable : provider.key_variable;
  if (std::string key = value_of(environment, variable); !key.empty())
    return gateway::Secret(std::move(key));
  if (!named && is_local(provider.base_url)) return gateway::Secret();
  return fail(
      Error::Kind::invalid,
      fmt::format("agent `{}` has no key for {}", agent.name, provider.base_url),
      fmt::format(
          "set `{}`, or name a variable or a command in the agent's `key`{}", variable,
          agent.kind == plan::AgentKind::claude_code
              ? "; to use the log-in of `claude` on this machine, write `login: true` (`each`: "
                "`--login`)"
              : ""));
}

gateway::Network network_of(const Environment& environment) {
  gateway::Network network;
  network.ca_file = first_of(environment, {"SSL_CERT_FILE", "CURL_CA_BUNDLE"});
  network.http_proxy = first_of(environment, {"http_proxy"});
  network.https_proxy =
      first_of(environment, {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"});
  network.no_proxy = first_of(environment, {"no_proxy", "NO_PROXY"});
  return network;
}

/// The person's own prices stand above those that come along.
Result<metering::Prices> prices_of(const Environment& environment) {
  std::string folder = value_of(environment, "XDG_CONFIG_HOME");
  if (folder.empty()) folder = value_of(environment, "HOME") + "/.config";
  const std::string file = folder + "/interlock/prices.json";
  std::ifstream stream(file, std::ios::binary);
  if (!stream.is_open()) return metering::built_in_prices();
  const std::string text(std::istreambuf_iterator<char>(stream), {});
  auto own = metering::read_prices(text);
  if (!own) {
    Error error = own.error();
    error.kind = Error::Kind::invalid;
    return within(std::move(error), fmt::format("prices `{}`", printable(file)));
  }
  return metering::overridden(metering::built_in_prices(), *own);
}

std::string quotas_folder(const std::string& state_folder) { return state_folder + "/quotas"; }

gateway::QuotaOption quota_of(const plan::Resource& resource, const std::string& folder) {
  // Connecting and TLS are 50 to 80 ms to the providers, and nothing on a kept connection.
  constexpr Duration kArrivalJitter = std::chrono::milliseconds(100);
  gateway::QuotaOption option;
  option.name = resource.name;
  option.file = fmt::format("{}/{}.quota", folder,
                            resource.account.empty() ? resource.name : resource.account);
  option.limits.requests = resource.rates.requests;
  option.limits.input_tokens = resource.rates.input_tokens;
  option.limits.output_tokens = resource.rates.output_tokens;
  option.limits.usd = resource.rates.usd;
  option.limits.concurrency = resource.concurrency;
  if (resource.burst) option.limits.burst = *resource.burst;
  option.limits.arrival_jitter = kArrivalJitter;
  option.limits.counts_windows = resource.counts_windows;
  using Charge = gateway::QuotaOption::Charge;
  option.charge =
      resource.charge == plan::Resource::Charge::actual ? Charge::actual : Charge::reserve_max;
  option.counts_cached = resource.counts_cached;
  return option;
}

}  // namespace

Environment own_environment() {
  Environment result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const char* equals = std::strchr(*entry, '=');
    if (equals != nullptr)
      result.emplace(std::string(*entry, static_cast<std::size_t>(equals - *entry)), equals + 1);
  }
  return result;
}

bool asks_models(const plan::Plan& plan) {
  return std::ranges::any_of(plan.tasks, [&](const plan::Task& task) {
    return asks_through_gateway(plan, task) ||
           (plan::escalates(task) && asks_through_gateway(plan, plan::as_retried(plan, task)));
  });
}

Result<gateway::Provider> provider_with_key(const plan::Agent& agent, const std::string& model,
                                            const Environment& environment) {
  const auto usual = agents::provider_through_gateway(agent, model);
  if (!usual)
    return fail(Error::Kind::invalid, fmt::format("agent `{}` asks no model", agent.name));
  // The client shows the person's log-in itself.
  if (agent.login)
    return gateway::Provider{usual->base_url, gateway::Secret(), agent.name, agent.unmetered};
  auto key = key_of(agent, *usual, environment);
  if (!key) return std::unexpected(key.error());
  const std::string& variable = agent.key.variable;
  const std::string name = !agent.key.command.empty() ? agent.name
                           : variable.empty()         ? usual->key_variable
                                                      : variable;
  return gateway::Provider{usual->base_url, std::move(*key), name, agent.unmetered};
}

Result<void> check_keys(const plan::Plan& plan, const Environment& environment) {
  if (plan::any_escalates(plan)) return check_keys(plan::with_retries(plan), environment);
  for (const plan::Task& task : plan.tasks) {
    const plan::Agent& agent = plan.agents[task.agent.index()];
    if (!asks_through_gateway(plan, task) || !agent.key.command.empty()) continue;
    if (auto there = provider_with_key(agent, task.model, environment); !there)
      return std::unexpected(there.error());
  }
  return {};
}

Result<gateway::Options> gateway_options(const plan::Plan& plan, const std::string& state_folder,
                                         const Environment& environment, bool replays) {
  if (plan::any_escalates(plan))
    return gateway_options(plan::with_retries(plan), state_folder, environment, replays);
  gateway::Options options;
  for (const plan::Task& task : plan.tasks) {
    if (!asks_through_gateway(plan, task)) continue;
    const plan::Agent& agent = plan.agents[task.agent.index()];
    if (options.providers.contains(agent.name)) continue;
    auto provider =
        replays ? Result<gateway::Provider>(
                      gateway::Provider{.base_url = {}, .key = {}, .unmetered = agent.unmetered})
                : provider_with_key(agent, task.model, without_keys(plan, agent, environment));
    if (!provider) return std::unexpected(provider.error());
    options.providers.emplace(agent.name, std::move(*provider));
  }
  const std::string folder = quotas_folder(state_folder);
  std::error_code trouble;
  fs::create_directories(folder, trouble);
  if (trouble)
    return fail(Error::Kind::io,
                fmt::format("cannot make folder `{}`: {}", printable(folder), trouble.message()));
  for (const plan::Resource& resource : plan.resources) {
    if (resource.kind == plan::Resource::Kind::quota)
      options.quotas.push_back(quota_of(resource, folder));
  }
  // A person who logs in as somebody else meanwhile changes nothing for a run that goes on.
  const bool has_login = std::ranges::any_of(plan.agents, &plan::Agent::login);
  const std::string login = has_login ? login_name(environment) : std::string();
  options.on_windows = [state_folder, login](const std::string& base_url,
                                             const std::vector<metering::Window>& windows,
                                             std::optional<Tokens> tokens) {
    const Time now = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
    std::string warning;
    // What cannot be noted is not known the next time; no call waits for it.
    const auto came =
        quota::note_windows(windows_file(state_folder, base_url, login), windows, tokens, now);
    if (!came) return warning;
    for (const metering::Window& window : *came)
      warning += (warning.empty() ? "" : "; ") + warning_of(window, now);
    return warning;
  };
  auto prices = prices_of(environment);
  if (!prices) return std::unexpected(prices.error());
  options.prices = std::move(*prices);
  options.network = network_of(environment);
  return options;
}

void add_idle_providers(const plan::Plan& plan, const Environment& environment,
                        gateway::Options& options) {
  for (const plan::Agent& agent : plan.agents) {
    if (options.providers.contains(agent.name) || !agents::provider_through_gateway(agent, {}))
      continue;
    auto provider = provider_with_key(agent, {}, without_keys(plan, agent, environment));
    if (provider) options.providers.emplace(agent.name, std::move(*provider));
  }
}

std::vector<schedule::QuotaRates::Backlog> backlogs_of(const plan::Plan& plan,
                                                       const std::string& state_folder) {
  std::vector<schedule::QuotaRates::Backlog> backlogs(plan.resources.size());
  if (state_folder.empty()) return backlogs;
  const quota::Moment now = quota::now();
  std::vector<bool> passes(plan.resources.size());
  for (const plan::Task& task : plan.tasks) {
    if (!asks_through_gateway(plan, task)) continue;
    for (const plan::Use& use : task.uses) passes[use.resource.index()] = true;
  }
  for (std::size_t i = 0; i < passes.size(); ++i) {
    if (!passes[i] || plan.resources[i].kind != plan::Resource::Kind::quota) continue;
    const auto option = quota_of(plan.resources[i], quotas_folder(state_folder));
    const quota::Backlog used = quota::backlog_of(option.file, option.limits, now);
    backlogs[i] = {.requests = used.requests,
                   .input_tokens = used.input_tokens,
                   .output_tokens = used.output_tokens,
                   .usd = used.usd,
                   .floor = used.floor,
                   .window = used.window,
                   .requests_limit = used.requests_limit,
                   .input_tokens_limit = used.input_tokens_limit,
                   .output_tokens_limit = used.output_tokens_limit};
  }
  return backlogs;
}

Redaction secrets_of(const plan::Plan& plan, const gateway::Options& options,
                     const Environment& environment) {
  Redaction redaction;
  for (const auto& [agent, provider] : options.providers)
    redaction.add(provider.key_name, provider.key.reveal());
  for (const plan::Agent& agent : plan.agents) {
    if (agent.login) redaction.add("log-in", claude_login_token(environment));
    for (const std::string& name : agent.pass_environment) {
      if (names_a_secret(name)) redaction.add(name, value_of(environment, name));
    }
  }
  return redaction;
}

Redaction secrets_in(const plan::Plan& plan, const Environment& environment) {
  Redaction redaction = secrets_of(plan, {}, environment);
  for (const std::string_view name : kUsualKeys) redaction.add(name, value_of(environment, name));
  for (const plan::Agent& agent : plan.agents) {
    if (!agent.key.variable.empty())
      redaction.add(agent.key.variable, value_of(environment, agent.key.variable));
  }
  return redaction;
}

Result<std::unique_ptr<gateway::LocalGateway>> open_gateway(gateway::Options options,
                                                            engine::Clock& clock,
                                                            std::function<void()> wake) {
  options.wake = std::move(wake);
  // The engine's clock is its thread's alone; what both are compared with is the same scale.
  const Time start = clock.now();
  const auto since = std::chrono::steady_clock::now();
  options.now = [start, since] {
    return start + std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - since);
  };
  options.chance = [engine = std::mt19937_64(std::random_device{}())]() mutable {
    return static_cast<double>(engine() >> 11U) / static_cast<double>(std::uint64_t{1} << 53U);
  };
  return gateway::LocalGateway::open(std::move(options));
}

std::string recording_folder(const std::string& state_folder, const std::string& run) {
  return run_folder(state_folder, run) + "/recording";
}

}  // namespace interlock::runs
