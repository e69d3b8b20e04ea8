#include <fmt/format.h>

#include <map>

#include "agents/calling.h"
#include "agents/clients.h"
#include "agents/failures.h"
#include "agents/json_fields.h"

// Gemini CLI's `--output-format stream-json`.
namespace interlock::agents {

namespace {

constexpr std::string_view kTriedWith[] = {"0.61.0"};

/// The result has no text: the answer is what was said after the last tool. It has no finish reason
/// either: an answer cut at the output limit looks whole, and only who saw the API's own answer
/// knows.
class GeminiReader : public Reader {
 public:
  std::vector<Event> read(const json::value& reported) override {
    const auto type = text_at(reported, "type");
    if (type == "init") {
      return {Started{std::string(text_at(reported, "session_id")),
                      std::string(text_at(reported, "model")),
                      {}}};
    }
    if (type == "message") return message(reported);
    if (type == "tool_use") return tool(reported);
    if (type == "tool_result") return tool_result(reported);
    if (type == "error") {
      error_ = text_at(reported, "message");
      return {Failed{failure_of(error_), one_line(error_), true}};
    }
    if (type == "result") return result(reported);
    return {Unknown{std::string(type)}};
  }

  std::vector<Event> end() override { return {}; }

 private:
  std::vector<Event> message(const json::value& reported) {
    if (text_at(reported, "role") != "assistant") return {};
    const std::string_view text = text_at(reported, "content");
    const bool is_piece = true_at(reported, "delta");
    if (!is_piece) answer_.clear();
    answer_ += text;
    return {Text{std::string(end_of(text)), is_piece}};
  }

  std::vector<Event> tool(const json::value& reported) {
    const std::string name(text_at(reported, "tool_name"));
    if (name == "write_file" || name == "replace")
      writing_[std::string(text_at(reported, "tool_id"))] =
          text_at(reported, "parameters.file_path");
    return {ToolUsed{name, tool_detail(value_at(reported, "parameters"))}};
  }

  std::vector<Event> tool_result(const json::value& reported) {
    answer_.clear();
    const auto written = writing_.find(std::string(text_at(reported, "tool_id")));
    if (written == writing_.end() || text_at(reported, "status") != "success") return {};
    return {FileChanged{written->second}};
  }

  std::vector<Event> result(const json::value& reported) {
    const bool is_success = text_at(reported, "status") == "success";
    std::vector<Event> events;
    if (value_at(reported, "stats")) {
      const auto input = count_at(reported, "stats.input_tokens");
      const auto cached = count_at(reported, "stats.cached");
      // Its own output leaves thoughts out, its total does not. The API knows no cache writes.
      const auto output = without(count_at(reported, "stats.total_tokens"), input);
      events.push_back(
          UsageReported{{without(input, cached), output, cached, 0, {}}, true, is_success});
    }
    if (is_success) {
      events.push_back(Final{answer_, {}});
    } else {
      const auto message = text_at(reported, "error.message");
      const std::string detail = message.empty() ? error_ : std::string(message);
      events.push_back(Failed{failure_of(detail), detail});
    }
    return events;
  }

  std::string answer_;  ///< Since the last tool.
  std::string error_;
  std::map<std::string, std::string> writing_;  ///< Paths of tools that write, by the call's id.
};

/// The skills it brings along are about itself, and it lists them to the model in an order that is
/// another each time: siblings could not share a prompt cache.
constexpr std::string_view kSettings = R"({
  "security": {"auth": {"selectedType": "gemini-api-key"}},
  "privacy": {"usageStatisticsEnabled": false},
  "general": {"enableAutoUpdate": false},
  "skills": {"disabled": ["antigravity-support", "skill-creator"]}
}
)";

constexpr int kNotTrusted = 55;
constexpr int kStatusFirst = 400;
constexpr int kStatusLast = 511;  ///< Beyond that it would be mistaken for small exit codes.

/// It ends with the HTTP status modulo 256 where the API refused.
std::optional<int> status_of(int exit_code) {
  for (int status = kStatusFirst; status <= kStatusLast; ++status) {
    if (status % 256 == exit_code) return status;
  }
  return {};
}

class Gemini : public Adapter {
 public:
  plan::AgentKind kind() const override { return plan::AgentKind::gemini; }
  std::string_view program() const override { return "gemini"; }
  std::unique_ptr<Reader> reader(const plan::Agent&) const override {
    return std::make_unique<GeminiReader>();
  }
  std::optional<Provider> provider(const plan::Agent& agent, std::string_view) const override {
    return provider_of(agent, "gemini");
  }
  bool reports_cuts() const override { return false; }
  bool resumes(const plan::Agent&) const override { return false; }
  bool sends_random_ids() const override { return true; }
  bool sends_the_date() const override { return true; }
  std::span<const std::string_view> tried_with() const override { return kTriedWith; }

  Result<Invocation> invoke(const Wanted& wanted) const override {
    Call call(wanted, program());
    call.with_option("-m", wanted.model).with({"--output-format", "stream-json", "--skip-trust"});
    // Without it, tools that write are not offered to the model.
    if (wanted.may_write) call.with({"--yolo"});
    call.with_own_arguments()
        .set_folder("HOME", "home")
        // Else it is a launcher that hears no signal, and hides by which one the client ended.
        .set("GEMINI_CLI_NO_RELAUNCH", "true")
        .set_if(!wanted.secret.empty(), "GEMINI_API_KEY", wanted.secret)
        .add_file("home/.gemini/settings.json", std::string(kSettings));
    // It adds `/v1beta/models/...`.
    if (const std::string base = base_of(wanted); !base.empty())
      call.set("GOOGLE_GEMINI_BASE_URL", base);
    return call.done();
  }

  Ending ending(const Transcript& transcript, std::optional<int> exit_code,
                std::optional<int> signal) const override {
    if (!transcript.failed && !transcript.final && exit_code && !signal) {
      if (*exit_code == kNotTrusted)
        return {Failure::bad_request, "it does not trust the folder it was started in"};
      if (const auto status = status_of(*exit_code)) {
        return {failure_of(status, ""),
                fmt::format("exit status {}, which is how it tells HTTP {}", *exit_code, *status)};
      }
    }
    return Adapter::ending(transcript, exit_code, signal);
  }
};

}  // namespace

const Adapter& gemini() {
  static const Gemini adapter;
  return adapter;
}

}  // namespace interlock::agents
