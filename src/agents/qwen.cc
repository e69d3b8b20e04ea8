#include <fmt/format.h>
#include <algorithm>
#include <boost/json/serialize.hpp>

#include "agents/calling.h"
#include "agents/clients.h"
#include "agents/failures.h"
#include "agents/json_fields.h"

// Qwen Code's `--output-format stream-json`: Claude Code's lines with other meanings.
namespace interlock::agents {

namespace {

constexpr std::string_view kTriedWith[] = {"0.15.10", "0.24.4"};

/// What 0.15 says as a success, instead of an answer or behind the part of one that came before the
/// connection broke.
constexpr std::string_view kErrorAsText = "[API Error:";
/// What may follow it where the error was a limit.
constexpr std::string_view kAdvice[] = {"\nPlease wait", "\nPossible quota"};

/// Where the text's last words are such an error; `npos`: they are not.
std::size_t error_at_end(std::string_view text) {
  const auto at = text.rfind(kErrorAsText);
  if (at == text.npos || at == 0) return at;
  const auto closed = text.rfind(']');
  if (closed == text.npos || closed < at) return text.npos;
  const std::string_view rest = text.substr(closed + 1);
  const bool ends =
      rest.find_first_not_of(" \t\r\n") == rest.npos ||
      std::ranges::any_of(kAdvice, [&](auto words) { return rest.starts_with(words); });
  return ends ? at : text.npos;
}

/// Something was said before the error: without a status of its own it is the connection that
/// broke, and what was said is not whole.
Failure failure_behind(std::string_view error, bool has_said) {
  const Failure failure = failure_of(error);
  const bool is_broken = failure == Failure::api && !status_in(error);
  return has_said && is_broken ? Failure::cut_off : failure;
}

/// An answer that met the output limit is continued without a word and looks whole.
class QwenReader : public Reader {
 public:
  std::vector<Event> read(const json::value& reported) override {
    const auto type = text_at(reported, "type");
    if (type == "assistant" || type == "user") return events_of_message(reported);
    if (type == "system") return system(reported);
    if (type == "result") return result(reported);
    if (type == "stream_event") return {};
    return {Unknown{std::string(type)}};
  }

  std::vector<Event> end() override { return {}; }

 private:
  static std::vector<Event> system(const json::value& reported) {
    const auto subtype = text_at(reported, "subtype");
    if (subtype == "init") {
      return {Started{std::string(text_at(reported, "session_id")),
                      std::string(text_at(reported, "model")),
                      std::string(text_at(reported, "qwen_code_version"))}};
    }
    if (subtype == "retry") return {RateLimited{{}, one_line(text_at(reported, "data.reason"))}};
    if (subtype == "task_started" || subtype == "task_notification") return {};
    return {Unknown{fmt::format("system/{}", subtype)}};
  }

  /// Hidden calls and sub-agents are in it, calls of a run that failed not always. Input holds what
  /// the cache had; this API writes none.
  static UsageReported usage_in(const json::value& reported, bool has_failed) {
    const auto cached = count_at(reported, "usage.cache_read_input_tokens");
    return {{without(count_at(reported, "usage.input_tokens"), cached),
             count_at(reported, "usage.output_tokens"),
             cached,
             0,
             {}},
            true,
            !has_failed};
  }

  static std::vector<Event> result(const json::value& reported) {
    std::vector<Event> events = denials_in(reported, 0);
    const std::string_view text = text_at(reported, "result");
    const auto error_at = error_at_end(text);
    const bool has_failed = true_at(reported, "is_error") ||
                            text_at(reported, "subtype").starts_with("error") ||
                            error_at != text.npos;
    if (value_at(reported, "usage")) events.push_back(usage_in(reported, has_failed));
    if (has_failed) {
      const auto message = text_at(reported, "error.message");
      const bool is_said = message.empty() && error_at != text.npos;
      const std::string detail(is_said ? text.substr(error_at) : message.empty() ? text : message);
      events.push_back(Failed{failure_behind(detail, is_said && error_at > 0), detail});
      return events;
    }
    Final final{std::string(text), {}};
    if (const json::value* structured = value_at(reported, "structured_result"))
      final.structured = json::serialize(*structured);
    events.push_back(std::move(final));
    return events;
  }
};

constexpr std::string_view kSettings = R"({
  "privacy": {"usageStatisticsEnabled": false},
  "general": {"enableAutoUpdate": false, "disableAutoUpdate": true},
  "memory": {"enableManagedAutoMemory": false}
}
)";

class Qwen : public Adapter {
 public:
  plan::AgentKind kind() const override { return plan::AgentKind::qwen; }
  std::string_view program() const override { return "qwen"; }
  std::unique_ptr<Reader> reader(const plan::Agent&) const override {
    return std::make_unique<QwenReader>();
  }
  std::optional<Provider> provider(const plan::Agent& agent, std::string_view) const override {
    return provider_of(agent, "openai");
  }
  bool takes_schema() const override { return true; }
  bool reports_cuts() const override { return false; }
  bool resumes(const plan::Agent&) const override { return false; }
  bool sends_random_ids() const override { return true; }
  bool sends_the_date() const override { return true; }
  std::span<const std::string_view> tried_with() const override { return kTriedWith; }

  Result<Invocation> invoke(const Wanted& wanted) const override {
    Call call(wanted, program());
    call.with({"--output-format", "stream-json", "--auth-type", "openai"});
    // Without it, tools that write are not offered to the model.
    if (wanted.may_write) call.with({"--yolo"});
    call.with_option("--json-schema", wanted.schema)
        .with_own_arguments()
        .set_folder("HOME", "home")
        // As with Gemini CLI: no launcher that hides by which signal the client ended.
        .set("QWEN_CODE_NO_RELAUNCH", "true")
        .set_if(!wanted.secret.empty(), "OPENAI_API_KEY", wanted.secret)
        .set_if(!wanted.model.empty(), "OPENAI_MODEL", wanted.model)
        .add_file("home/.qwen/settings.json", std::string(kSettings));
    if (const std::string base = base_of(wanted); !base.empty())
      call.set("OPENAI_BASE_URL", base + "/v1");
    return call.done();
  }
};

}  // namespace

const Adapter& qwen() {
  static const Qwen adapter;
  return adapter;
}

}  // namespace interlock::agents
