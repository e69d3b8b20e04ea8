#include <fmt/format.h>
#include <boost/json/serialize.hpp>

#include <set>

#include "agents/calling.h"
#include "agents/clients.h"
#include "agents/failures.h"
#include "agents/json_fields.h"

// Codex's `codex exec --json`.
namespace interlock::agents {

namespace {

constexpr std::string_view kTriedWith[] = {"0.169.0"};

/// Reads threads, turns and items. `turn.completed` holds no text: the answer is the last
/// `agent_message` before it.
class CodexReader : public Reader {
 public:
  std::vector<Event> read(const json::value& reported) override {
    const auto type = text_at(reported, "type");
    if (type == "thread.started")
      return {Started{std::string(text_at(reported, "thread_id")), {}, {}}};
    if (type == "turn.started") return {};
    if (type == "turn.completed") return completed(reported);
    if (type == "turn.failed") return {failed(text_at(reported, "error.message"))};
    if (type == "error") return {error(text_at(reported, "message"))};
    if (type == "item.started" || type == "item.completed" || type == "item.updated")
      return item(reported, type == "item.completed");
    return {Unknown{std::string(type)}};
  }

  std::vector<Event> end() override { return {}; }

 private:
  static Failed failed(std::string_view message) {
    return {failure_of(message), std::string(message)};
  }

  Event error(std::string_view message) {
    if (!message.starts_with("Reconnecting")) return failed(message);
    is_in_part_ = is_in_part_ || message.contains("stream disconnected");
    return RateLimited{{}, one_line(message)};
  }

  std::vector<Event> completed(const json::value& reported) {
    std::vector<Event> events;
    if (value_at(reported, "usage")) {
      const auto cached = count_at(reported, "usage.cached_input_tokens");
      const auto written = count_at(reported, "usage.cache_write_input_tokens");
      const auto input = without(count_at(reported, "usage.input_tokens"), cached);
      events.push_back(UsageReported{{without(input, written.value_or(0)),
                                      count_at(reported, "usage.output_tokens"),
                                      cached,
                                      written,
                                      {}},
                                     true,
                                     !is_in_part_});
    }
    events.push_back(Final{answer_, {}});
    return events;
  }

  std::vector<Event> item(const json::value& reported, bool is_complete) {
    const auto type = text_at(reported, "item.type");
    if (type == "agent_message") {
      if (!is_complete) return {};
      answer_ = text_at(reported, "item.text");
      return {Text{std::string(end_of(answer_))}};
    }
    if (type == "error") {
      return {Failed{Failure::other, one_line(text_at(reported, "item.message")), true}};
    }
    if (type == "reasoning" || type == "todo_list") return {};
    if (type == "command_execution")
      return tool(reported, "shell", text_at(reported, "item.command"));
    if (type == "mcp_tool_call" || type == "collab_tool_call") {
      is_in_part_ = is_in_part_ || type == "collab_tool_call";
      return tool(reported, text_at(reported, "item.tool"), text_at(reported, "item.prompt"));
    }
    if (type == "web_search") return tool(reported, type, text_at(reported, "item.query"));
    if (type == "file_change") return is_complete ? files(reported) : std::vector<Event>();
    return {Unknown{fmt::format("item/{}", type)}};
  }

  /// Told once, when it starts; again where it was declined.
  std::vector<Event> tool(const json::value& reported, std::string_view name,
                          std::string_view detail) {
    const bool is_new = seen_.emplace(text_at(reported, "item.id")).second;
    const bool is_denied = text_at(reported, "item.status") == "declined";
    if (!is_new && !is_denied) return {};
    return {ToolUsed{std::string(name), one_line(detail), is_denied}};
  }

  static std::vector<Event> files(const json::value& reported) {
    std::vector<Event> events;
    const json::array* changes = list_at(reported, "item.changes");
    for (std::size_t at = 0; changes && at < changes->size(); ++at) {
      if (const auto path = text_at((*changes)[at], "path"); !path.empty())
        events.push_back(FileChanged{std::string(path)});
    }
    return events;
  }

  std::string answer_;
  std::set<std::string> seen_;  ///< Items that were told.
  bool is_in_part_ = false;     ///< It leaves out sub-agents' tokens, and what a broken call used.
};

/// As a basic string of TOML, which escapes as JSON does.
std::string quote(std::string_view text) { return json::serialize(json::string(text)); }

std::string config_of(const Wanted& wanted) {
  std::string config;
  if (!wanted.model.empty()) config += fmt::format("model = {}\n", quote(wanted.model));
  config += "check_for_update_on_startup = false\n";
  std::string base = base_of(wanted);
  const bool has_provider = !base.empty() || !wanted.secret.empty();
  if (base.empty()) base = "https://api.openai.com";
  if (has_provider) config += "model_provider = \"interlock\"\n";
  // Its prompt would list the skills it unpacks, with the folder they are in, which is each task's
  // own: siblings could not share a prompt cache.
  config += "\n[analytics]\nenabled = false\n\n[skills.bundled]\nenabled = false\n";
  if (!has_provider) return config;
  config += fmt::format(
      "\n[model_providers.interlock]\nname = \"interlock\"\nbase_url = {}\n"
      "env_key = \"OPENAI_API_KEY\"\nwire_api = \"responses\"\n"
      "request_max_retries = {}\nstream_max_retries = {}\n",
      quote(base + "/v1"), retries_of(wanted), retries_of(wanted));
  if (has_gateway(wanted)) config += fmt::format("stream_idle_timeout_ms = {}\n", kPatienceMs);
  return config;
}

class Codex : public Adapter {
 public:
  plan::AgentKind kind() const override { return plan::AgentKind::codex; }
  std::string_view program() const override { return "codex"; }
  std::unique_ptr<Reader> reader(const plan::Agent&) const override {
    return std::make_unique<CodexReader>();
  }
  std::optional<Provider> provider(const plan::Agent& agent, std::string_view) const override {
    return provider_of(agent, "openai-responses");
  }
  bool takes_schema() const override { return true; }
  bool resumes(const plan::Agent&) const override { return true; }
  bool counts_over_sessions() const override { return true; }
  bool sends_random_ids() const override { return true; }
  bool sends_the_date() const override { return true; }
  std::span<const std::string_view> tried_with() const override { return kTriedWith; }

  Result<Invocation> invoke(const Wanted& wanted) const override {
    Call call(wanted, program());
    call.with({"exec", "--json", "--skip-git-repo-check"});
    if (wanted.may_write) {
      call.with({"--dangerously-bypass-approvals-and-sandbox"});
    } else {
      call.with({"-s", "read-only"});
    }
    if (!wanted.schema.empty()) call.with_option("--output-schema", wanted.schema_file);
    call.with_own_arguments();
    if (!wanted.session.empty()) call.with({"resume", wanted.session});
    call.with({"-"})  // The prompt is on standard input.
        .set_folder("CODEX_HOME", "codex")
        .set_if(!wanted.secret.empty(), "OPENAI_API_KEY", wanted.secret)
        .add_file("codex/config.toml", config_of(wanted));
    return call.done();
  }
};

}  // namespace

const Adapter& codex() {
  static const Codex adapter;
  return adapter;
}

}  // namespace interlock::agents
