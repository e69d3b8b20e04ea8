#include "agents/calling.h"

#include <fmt/format.h>

#include <algorithm>

#include "plan/fill.h"

namespace interlock::agents {

bool has_gateway(const Wanted& wanted) { return !wanted.base_url.empty(); }

int retries_of(const Wanted& wanted) {
  return has_gateway(wanted) ? kRetriesBehindGateway : kRetriesAlone;
}

Call::Call(const Wanted& wanted, std::string_view program) : wanted_(wanted) {
  const std::string& binary = wanted.agent->binary;
  call_.arguments.emplace_back(binary.empty() ? program : std::string_view(binary));
  call_.standard_input = wanted.prompt;
  set_if(!wanted.temporary.empty(), "TMPDIR", wanted.temporary);
}

Call& Call::with(std::initializer_list<std::string_view> arguments) {
  call_.arguments.insert(call_.arguments.end(), arguments.begin(), arguments.end());
  return *this;
}

Call& Call::with_option(std::string_view option, std::string_view value) {
  return value.empty() ? *this : with({option, value});
}

Call& Call::with_own_arguments() {
  const auto nothing = [](std::string_view) { return std::optional<std::string>(); };
  for (const std::string& argument : wanted_.agent->arguments)
    call_.arguments.push_back(plan::fill(argument, nothing));
  return *this;
}

Call& Call::set(std::string_view variable, std::string_view value) {
  const plan::Agent& agent = *wanted_.agent;
  std::string name(variable);
  const auto& passed = agent.pass_environment;
  const bool is_the_plans =
      agent.environment.contains(name) || std::ranges::find(passed, name) != passed.end();
  if (!is_the_plans) call_.environment.insert_or_assign(std::move(name), std::string(value));
  return *this;
}

Call& Call::set_if(bool holds, std::string_view variable, std::string_view value) {
  return holds ? set(variable, value) : *this;
}

Call& Call::add_file(std::string_view path, std::string content) {
  call_.files.push_back({std::string(path), std::move(content)});
  return *this;
}

Call& Call::set_folder(std::string_view variable, std::string_view name) {
  return set(variable, fmt::format("{}/{}", wanted_.state_folder, name));
}

Result<Invocation> Call::done() {
  const auto too_long = std::ranges::find_if(
      call_.arguments, [](const std::string& argument) { return argument.size() >= kArgumentMax; });
  if (too_long != call_.arguments.end()) {
    return fail(Error::Kind::invalid,
                fmt::format("agent `{}`: an argument of {} bytes is more than Linux takes ({})",
                            wanted_.agent->name, too_long->size(), kArgumentMax),
                "a schema this long cannot be given to this client: leave it to the prompt");
  }
  return std::move(call_);
}

namespace {

std::string without_version(std::string_view base) {
  for (const std::string_view end : {"/", "/v1", "/v1beta", "/"}) {
    if (base.ends_with(end)) base.remove_suffix(end.size());
  }
  return std::string(base);
}

}  // namespace

std::string base_of(const Wanted& wanted) {
  return without_version(has_gateway(wanted) ? wanted.base_url : wanted.agent->base_url);
}

Provider provider_of(const plan::Agent& agent, std::string_view api) {
  Provider provider{std::string(api), "https://api.openai.com", "OPENAI_API_KEY"};
  if (api == "anthropic") {
    provider.base_url = "https://api.anthropic.com";
    provider.key_variable = "ANTHROPIC_API_KEY";
  } else if (api == "gemini") {
    provider.base_url = "https://generativelanguage.googleapis.com";
    provider.key_variable = "GEMINI_API_KEY";
  }
  if (!agent.base_url.empty()) provider.base_url = without_version(agent.base_url);
  return provider;
}

Provider provider_of_model(const plan::Agent& agent, std::string_view model) {
  return provider_of(agent, speaks_anthropic(split_model(model)) ? "anthropic" : "openai");
}

NamedModel split_model(std::string_view model) {
  const auto slash = model.find('/');
  if (slash == model.npos) return {"", model};
  return {model.substr(0, slash), model.substr(slash + 1)};
}

bool speaks_anthropic(const NamedModel& named) {
  return named.provider == "anthropic" ||
         (named.provider.empty() && named.model.starts_with("claude"));
}

}  // namespace interlock::agents
