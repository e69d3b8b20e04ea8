#include <fmt/format.h>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <map>

#include "agents/calling.h"
#include "agents/clients.h"
#include "agents/failures.h"
#include "agents/json_fields.h"

// Pi's `--mode json`. Its exit status is 0 whatever the API said.
namespace interlock::agents {

namespace {

constexpr std::string_view kTriedWith[] = {"0.73.1"};

std::string text_of(const json::value& message) {
  std::string text;
  const json::array* blocks = list_at(message, "content");
  for (std::size_t at = 0; blocks && at < blocks->size(); ++at) {
    if (text_at((*blocks)[at], "type") == "text") text += text_at((*blocks)[at], "text");
  }
  return text;
}

/// `agent_end` comes once for each time it tries, so the last one counts. `message_update` repeats
/// all of the text so far: `message_end` has it once.
class PiReader : public Reader {
 public:
  std::vector<Event> read(const json::value& reported) override {
    const auto type = text_at(reported, "type");
    if (type == "session") return {Started{std::string(text_at(reported, "id")), {}, {}}};
    if (type == "message_end") return message(*value_or_text(reported, "message"));
    if (type == "tool_execution_start") return tool(reported);
    if (type == "tool_execution_end") return tool_end(reported);
    if (type == "agent_end") return agent_end(reported);
    if (type == "auto_retry_start") {
      return {RateLimited{milliseconds_at(reported, "delayMs"),
                          one_line(text_at(reported, "errorMessage"))}};
    }
    if (type == "auto_retry_end") return retry_end(reported);
    if (type == "compaction_start" || type == "auto_compaction_start") {
      is_compacted_ = true;  // By calls it does not tell of.
      return {};
    }
    constexpr std::string_view kIdle[] = {"agent_start",    "turn_start",
                                          "turn_end",       "message_start",
                                          "message_update", "tool_execution_update",
                                          "compaction_end", "auto_compaction_end"};
    for (const std::string_view known : kIdle) {
      if (type == known) return {};
    }
    return {Unknown{std::string(type)}};
  }

  std::vector<Event> end() override { return {}; }

 private:
  static const json::value* value_or_text(const json::value& reported, std::string_view path) {
    const json::value* value = value_at(reported, path);
    return value ? value : &reported;
  }

  std::vector<Event> message(const json::value& message) {
    if (text_at(message, "role") != "assistant") return {};
    std::vector<Event> events;
    if (!has_model_) {
      has_model_ = true;
      events.push_back(Started{{}, std::string(text_at(message, "model")), {}});
    }
    if (const std::string text = text_of(message); !text.empty())
      events.push_back(Text{std::string(end_of(text))});
    const auto reason = text_at(message, "stopReason");
    UsageReported usage;
    usage.usage = {count_at(message, "usage.input"), count_at(message, "usage.output"),
                   count_at(message, "usage.cacheRead"), count_at(message, "usage.cacheWrite"),
                   usd_at(message, "usage.cost.total", true)};
    // What a call used that broke is told as 0.
    usage.whole = !is_compacted_ && reason != "error" && reason != "aborted";
    events.push_back(usage);
    return events;
  }

  std::vector<Event> tool(const json::value& reported) {
    const std::string name(text_at(reported, "toolName"));
    if (name == "write" || name == "edit")
      writing_[std::string(text_at(reported, "toolCallId"))] = text_at(reported, "args.path");
    return {ToolUsed{name, tool_detail(value_at(reported, "args"))}};
  }

  std::vector<Event> tool_end(const json::value& reported) {
    const auto written = writing_.find(std::string(text_at(reported, "toolCallId")));
    if (written == writing_.end() || true_at(reported, "isError")) return {};
    return {FileChanged{written->second}};
  }

  static std::vector<Event> agent_end(const json::value& reported) {
    const json::array* messages = list_at(reported, "messages");
    if (!messages || messages->empty()) return {};
    const json::value& last = messages->back();
    const auto reason = text_at(last, "stopReason");
    const std::string message(text_at(last, "errorMessage"));
    if (reason == "stop") return only(Final{text_of(last), {}});
    if (reason == "length")
      return {Failed{Failure::cut_off, "the answer was cut at the output limit"}};
    if (reason == "aborted") return {Failed{Failure::aborted, message}};
    if (reason == "error") return {Failed{failure_of(message), message}};
    return {};
  }

  static std::vector<Event> retry_end(const json::value& reported) {
    if (true_at(reported, "success")) return {};
    const std::string message(text_at(reported, "finalError"));
    return {Failed{failure_of(message), message}};
  }

  bool has_model_ = false, is_compacted_ = false;
  std::map<std::string, std::string> writing_;  ///< Paths of tools that write, by the call's id.
};

std::string models_of(const Wanted& wanted, const NamedModel& named) {
  const bool anthropic = speaks_anthropic(named);
  json::object model{{"id", named.model}};
  json::object provider;
  provider["baseUrl"] = anthropic ? base_of(wanted) : base_of(wanted) + "/v1";
  provider["api"] = anthropic ? "anthropic-messages" : "openai-completions";
  // The name of a variable is looked up.
  provider["apiKey"] = has_gateway(wanted) ? std::string_view(wanted.secret) : kAgentKey;
  provider["models"] = json::array{std::move(model)};
  return pretty_json(json::object{{"providers", {{"interlock", std::move(provider)}}}});
}

class Pi : public Adapter {
 public:
  plan::AgentKind kind() const override { return plan::AgentKind::pi; }
  std::string_view program() const override { return "pi"; }
  std::unique_ptr<Reader> reader(const plan::Agent&) const override {
    return std::make_unique<PiReader>();
  }
  std::optional<Provider> provider(const plan::Agent& agent,
                                   std::string_view model) const override {
    return provider_of_model(agent, model);
  }
  bool resumes(const plan::Agent&) const override { return false; }
  bool sends_the_date() const override { return true; }
  std::span<const std::string_view> tried_with() const override { return kTriedWith; }

  Result<Invocation> invoke(const Wanted& wanted) const override {
    Call call(wanted, program());
    call.with({"-p", "--mode", "json", "--offline"});
    if (auto added = add_model(call, wanted); !added) return std::unexpected(added.error());
    // It asks nobody before it writes: it is not given the tools to.
    if (!wanted.may_write) call.with({"--tools", "read,grep,find,ls"});
    call.with_own_arguments()
        .set_folder("HOME", "home")
        .set("PI_OFFLINE", "1")
        .set("PI_TELEMETRY", "0")
        .add_file("home/.pi/agent/settings.json",
                  pretty_json(json::object{{"retry", {{"maxRetries", retries_of(wanted)}}}}));
    return call.done();
  }

 private:
  static Result<void> add_model(Call& call, const Wanted& wanted) {
    const NamedModel named = split_model(wanted.model);
    if (base_of(wanted).empty()) {
      call.with_option("--provider", named.provider).with_option("--model", named.model);
      return {};
    }
    if (wanted.model.empty()) {
      return fail(Error::Kind::invalid,
                  fmt::format("agent `{}`: Pi behind a `base_url` or the gateway needs a model",
                              wanted.agent->name),
                  "name one with `model`, as in `model: anthropic/claude-sonnet-4-5`");
    }
    call.with({"--provider", "interlock", "--model", named.model})
        .set_if(!has_gateway(wanted), kAgentKey, wanted.secret)
        .add_file("home/.pi/agent/models.json", models_of(wanted, named));
    return {};
  }
};

}  // namespace

const Adapter& pi() {
  static const Pi adapter;
  return adapter;
}

}  // namespace interlock::agents
