#include <fmt/format.h>
#include <boost/json/object.hpp>

#include "agents/calling.h"
#include "agents/clients.h"
#include "agents/failures.h"
#include "agents/json_fields.h"

// OpenCode's `run --format json`.
namespace interlock::agents {

namespace {

constexpr std::string_view kTriedWith[] = {"1.18.33"};
/// What it calls the repository by.
constexpr std::string_view kDroppings[] = {".git/opencode"};

/// There is no final event: a step that finishes with `stop` is the end, its texts are the answer.
/// Steps count their own tokens; the call that makes the title and sub-agents' are told nowhere.
class OpenCodeReader : public Reader {
 public:
  std::vector<Event> read(const json::value& reported) override {
    std::vector<Event> events;
    const auto session = text_at(reported, "sessionID");
    if (!has_started_ && !session.empty()) {
      has_started_ = true;
      events.push_back(Started{std::string(session), {}, {}});
    }
    add(reported, text_at(reported, "type"), events);
    return events;
  }

  std::vector<Event> end() override { return {}; }

 private:
  void add(const json::value& reported, std::string_view type, std::vector<Event>& events) {
    if (type == "step_start") {
      answer_.clear();
    } else if (type == "text") {
      const std::string_view text = text_at(reported, "part.text");
      if (!answer_.empty()) answer_ += '\n';
      answer_ += text;
      events.push_back(Text{std::string(end_of(text))});
    } else if (type == "tool_use") {
      add_tool(reported, events);
    } else if (type == "step_finish") {
      add_finish(reported, events);
    } else if (type == "error") {
      add_error(reported, events);
    } else if (type != "reasoning") {
      events.push_back(Unknown{std::string(type)});
    }
  }

  static void add_tool(const json::value& reported, std::vector<Event>& events) {
    const std::string tool(text_at(reported, "part.tool"));
    const bool is_error = text_at(reported, "part.state.status") == "error";
    const bool is_denied =
        is_error && text_at(reported, "part.state.error").contains("rejected permission");
    events.push_back(
        ToolUsed{tool, tool_detail(value_at(reported, "part.state.input")), is_denied});
    const auto path = text_at(reported, "part.state.input.filePath");
    if (!is_error && !path.empty() && (tool == "write" || tool == "edit"))
      events.push_back(FileChanged{std::string(path)});
  }

  void add_finish(const json::value& reported, std::vector<Event>& events) {
    if (value_at(reported, "part.tokens")) events.push_back(usage_in(reported));
    const auto reason = text_at(reported, "part.reason");
    has_failed_ = reason == "length" || reason == "content-filter" || reason == "error";
    if (reason == "stop") {
      events.push_back(Final{answer_, {}});
    } else if (reason == "length") {
      events.push_back(Failed{Failure::cut_off, "the answer was cut at the output limit"});
    } else if (reason == "content-filter") {
      events.push_back(Failed{Failure::refused, "a content filter stopped the answer"});
    } else if (reason == "error") {
      events.push_back(Failed{Failure::api, "a step ended with an error"});
    } else if (reason != "tool-calls") {
      events.push_back(Unknown{fmt::format("step_finish/{}", reason)});
    }
  }

  static UsageReported usage_in(const json::value& reported) {
    const auto output = count_at(reported, "part.tokens.output");
    const auto reasoning = count_at(reported, "part.tokens.reasoning");
    UsageReported usage;
    usage.usage = {count_at(reported, "part.tokens.input"),
                   output ? std::optional(*output + reasoning.value_or(0)) : std::nullopt,
                   count_at(reported, "part.tokens.cache.read"),
                   count_at(reported, "part.tokens.cache.write"),
                   usd_at(reported, "part.cost", true)};
    return usage;
  }

  /// One that says nothing new does not hide what a step said of the same end.
  void add_error(const json::value& reported, std::vector<Event>& events) const {
    Failed error = failed(reported);
    error.part_only = has_failed_ && error.failure == Failure::other;
    events.push_back(std::move(error));
  }

  static Failed failed(const json::value& reported) {
    const auto name = text_at(reported, "error.name");
    const auto message = text_at(reported, "error.data.message");
    std::string detail(message.empty() ? name : message);
    if (name == "ProviderAuthError") return {Failure::authentication, std::move(detail)};
    if (name == "MessageOutputLengthError") return {Failure::cut_off, std::move(detail)};
    if (name == "MessageAbortedError") return {Failure::aborted, std::move(detail)};
    if (name == "ContextOverflowError") return {Failure::too_long, std::move(detail)};
    const auto status = count_at(reported, "error.data.statusCode");
    const Failure failure =
        status ? failure_of(static_cast<int>(*status), detail) : failure_of(detail);
    return {failure, std::move(detail)};
  }

  bool has_started_ = false;
  bool has_failed_ = false;  ///< The last step did.
  std::string answer_;       ///< Of the step that is going on.
};

/// One provider that is the gateway. A key in the configuration is not seen by the commands the
/// model runs.
Result<std::string> config_of(const Wanted& wanted) {
  json::object config;
  // Snapshots of the whole folder, to undo from: reading all of it would be seen as the task's.
  config["snapshot"] = false;
  if (!wanted.may_write) config["permission"] = {{"edit", "deny"}, {"bash", "deny"}};
  const std::string base = base_of(wanted);
  if (base.empty()) return pretty_json(config);
  if (wanted.model.empty()) {
    return fail(Error::Kind::invalid,
                fmt::format("agent `{}`: OpenCode behind a `base_url` or the gateway needs a model",
                            wanted.agent->name),
                "name one with `model`, as in `model: anthropic/claude-sonnet-4-5`");
  }
  const NamedModel named = split_model(wanted.model);
  const std::string model = fmt::format("interlock/{}", named.model);
  json::object provider;
  provider["npm"] = speaks_anthropic(named) ? "@ai-sdk/anthropic" : "@ai-sdk/openai-compatible";
  provider["name"] = "interlock";
  const std::string key =
      has_gateway(wanted) ? wanted.secret : fmt::format("{{env:{}}}", kAgentKey);
  provider["options"] = {{"baseURL", base + "/v1"}, {"apiKey", key}};
  provider["models"] = {{named.model, json::object()}};
  config["model"] = model;
  config["small_model"] = model;
  config["provider"] = {{"interlock", provider}};
  return pretty_json(config);
}

class OpenCode : public Adapter {
 public:
  plan::AgentKind kind() const override { return plan::AgentKind::opencode; }
  std::string_view program() const override { return "opencode"; }
  std::unique_ptr<Reader> reader(const plan::Agent&) const override {
    return std::make_unique<OpenCodeReader>();
  }
  std::optional<Provider> provider(const plan::Agent& agent,
                                   std::string_view model) const override {
    return provider_of_model(agent, model);
  }
  bool resumes(const plan::Agent&) const override { return false; }
  bool sends_random_ids() const override { return true; }
  std::span<const std::string_view> droppings() const override { return kDroppings; }
  bool sends_the_date() const override { return true; }
  std::span<const std::string_view> tried_with() const override { return kTriedWith; }

  Result<Invocation> invoke(const Wanted& wanted) const override {
    auto config = config_of(wanted);
    if (!config) return std::unexpected(config.error());
    Call call(wanted, program());
    call.with({"run", "--format", "json"});
    if (wanted.may_write) call.with({"--auto"});
    // With a configuration of ours the model is named in it.
    if (base_of(wanted).empty()) call.with_option("--model", wanted.model);
    call.with_own_arguments()
        .set_folder("HOME", "home")
        .set_folder("XDG_CONFIG_HOME", "home/.config")
        .set_folder("XDG_DATA_HOME", "home/.local/share")
        .set_folder("XDG_STATE_HOME", "home/.local/state")
        .set_folder("XDG_CACHE_HOME", "home/.cache");
    // FFF indexes every file of the folder, and so would read all of it; `rg` does its work
    // without.
    for (const std::string_view what :
         {"AUTOUPDATE", "MODELS_FETCH", "LSP_DOWNLOAD", "DEFAULT_PLUGINS", "FFF"})
      call.set(fmt::format("OPENCODE_DISABLE_{}", what), "1");
    call.set_if(!has_gateway(wanted) && !wanted.secret.empty(), kAgentKey, wanted.secret);
    call.add_file("home/.config/opencode/opencode.json", std::move(*config));
    return call.done();
  }
};

}  // namespace

const Adapter& opencode() {
  static const OpenCode adapter;
  return adapter;
}

}  // namespace interlock::agents
