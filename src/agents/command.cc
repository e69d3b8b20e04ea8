#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>

#include "agents/calling.h"
#include "agents/clients.h"
#include "agents/json_fields.h"
#include "plan/fill.h"

// Any program that prints JSON lines: the plan's `events` say what they mean.
namespace interlock::agents {

namespace {

using Gives = plan::EventRule::Gives;

/// As text: numbers and booleans as they are written, lists and maps as JSON.
std::string text_of(const json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : json::serialize(value);
}

bool holds(const plan::EventRule& rule, const json::value& reported) {
  for (const auto& [path, wanted] : rule.when) {
    const json::value* value = value_at(reported, path);
    if (!value) return false;
    const bool is_wanted =
        value->is_string() ? value->get_string() == wanted : json::serialize(*value) == wanted;
    if (!is_wanted) return false;
  }
  return true;
}

class CommandReader : public Reader {
 public:
  explicit CommandReader(const plan::Agent& agent)
      : rules_(agent.events),
        answers_with_text_(std::ranges::any_of(rules_, [](const plan::EventRule& rule) {
          return rule.gives == Gives::final && rule.at.empty();
        })) {}

  std::vector<Event> read(const json::value& reported) override {
    std::vector<Event> events;
    bool counts = false;
    bool is_known = false;
    for (const plan::EventRule& rule : rules_) {
      if (!holds(rule, reported)) continue;
      const json::value* value = rule.at.empty() ? nullptr : value_at(reported, rule.at);
      if (!rule.at.empty() && !value) continue;
      is_known = true;
      if (auto* total = number_for(rule.gives)) {
        counts = count(reported, rule, *total) || counts;
      } else if (auto event = event_for(rule.gives, value)) {
        events.push_back(std::move(*event));
      }
    }
    if (counts) events.insert(events.begin(), UsageReported{usage_, true, false});
    if (!is_known) events.push_back(Unknown{std::string(text_at(reported, "type"))});
    return events;
  }

  std::vector<Event> end() override { return {}; }

 private:
  std::optional<std::int64_t>* number_for(Gives gives) {
    switch (gives) {
      case Gives::input_tokens: return &usage_.input;
      case Gives::output_tokens: return &usage_.output;
      case Gives::cache_read_tokens: return &usage_.cache_read;
      case Gives::cache_write_tokens: return &usage_.cache_write;
      case Gives::usd: return &usage_.cost;
      default: return nullptr;
    }
  }

  static bool count(const json::value& reported, const plan::EventRule& rule,
                    std::optional<std::int64_t>& total) {
    const auto number =
        rule.gives == Gives::usd ? usd_at(reported, rule.at) : count_at(reported, rule.at);
    if (!number) return false;
    total = rule.sum ? total.value_or(0) + *number : *number;
    return true;
  }

  std::optional<Event> event_for(Gives gives, const json::value* value) {
    if (gives == Gives::final) return final(value);
    if (gives == Gives::text && value && value->is_string() && !answers_with_text_)
      return Text{std::string(end_of(value->get_string()))};
    std::string text = value ? text_of(*value) : std::string();
    switch (gives) {
      case Gives::session: return Started{text, {}, {}};
      case Gives::model: return Started{{}, text, {}};
      case Gives::text: {
        Text event{std::string(end_of(text))};
        if (answers_with_text_) said_ = std::move(text);
        return event;
      }
      case Gives::error: return error(value, text);
      case Gives::rate_limited: return waits(value, text);
      case Gives::tool: return ToolUsed{text, {}};
      case Gives::file: return FileChanged{text};
      default: return {};
    }
  }

  /// What is no text is an answer of its own form; without a place, the last text is the answer.
  Event final(const json::value* value) const {
    if (!value) return Final{said_, {}};
    if (value->is_string()) return Final{std::string(value->get_string()), {}};
    std::string written = json::serialize(*value);
    return Final{written, written};
  }

  /// `"error": false` is none.
  static std::optional<Event> error(const json::value* value, const std::string& text) {
    if (value && value->is_bool() && !value->get_bool()) return {};
    return Failed{Failure::other, text.empty() ? "the program told of an error" : text};
  }

  static Event waits(const json::value* value, const std::string& text) {
    if (!value || !value->is_number()) return RateLimited{{}, one_line(text)};
    return RateLimited{seconds_at(*value, ""), {}};
  }

  std::vector<plan::EventRule> rules_;
  Usage usage_;             ///< So far; what no rule gives stays unknown.
  bool answers_with_text_;  ///< The last text is the answer.
  std::string said_;
};

class CommandAdapter : public Adapter {
 public:
  plan::AgentKind kind() const override { return plan::AgentKind::command; }
  std::string_view program() const override { return ""; }
  Powers powers(bool) const override { return Powers::own; }
  std::unique_ptr<Reader> reader(const plan::Agent& agent) const override {
    return std::make_unique<CommandReader>(agent);
  }
  std::optional<Provider> provider(const plan::Agent&, std::string_view) const override {
    return {};
  }
  bool resumes(const plan::Agent& agent) const override { return !agent.resume.empty(); }
  std::span<const std::string_view> tried_with() const override { return {}; }

  /// The task's command, else the agent's `run`; its `resume` with `{session}` filled in where
  /// there is one. Its prompt is on standard input, and in `{prompt}` where the command mentions
  /// that.
  Result<Invocation> invoke(const Wanted& wanted) const override {
    const plan::Agent& agent = *wanted.agent;
    const auto lookup = [&](std::string_view name) -> std::optional<std::string> {
      if (name == "session") return wanted.session;
      if (name == "prompt") return wanted.prompt;
      return {};
    };
    const plan::Command& fresh = wanted.run.empty() ? agent.run : wanted.run;
    const plan::Command filled =
        plan::fill_command(wanted.session.empty() ? fresh : agent.resume, lookup);
    if (filled.empty()) {
      return fail(Error::Kind::invalid, "agent `" + agent.name + "` has no command of its own",
                  "give it a `run`");
    }
    Invocation call;
    call.arguments = filled.shell.empty() ? filled.arguments
                                          : std::vector<std::string>{"sh", "-c", filled.shell};
    call.standard_input = wanted.prompt;
    return call;
  }
};

}  // namespace

const Adapter& command() {
  static const CommandAdapter adapter;
  return adapter;
}

const Adapter* adapter_for(const plan::Agent& agent) {
  if (agent.kind == plan::AgentKind::command && agent.events.empty()) return nullptr;
  for (const Adapter* adapter : all_adapters()) {
    if (adapter->kind() == agent.kind) return adapter;
  }
  return nullptr;
}

std::optional<Provider> provider_through_gateway(const plan::Agent& agent, std::string_view model) {
  const Adapter* adapter = adapter_for(agent);
  if (adapter == nullptr || !agent.gateway) return {};
  return adapter->provider(agent, model.empty() ? agent.model : model);
}

std::span<const Adapter* const> all_adapters() {
  static const std::array<const Adapter*, 8> all = {
      &command(), &claude_code(), &codex(), &gemini(), &opencode(), &pi(), &qwen(), &chat()};
  return all;
}

}  // namespace interlock::agents
