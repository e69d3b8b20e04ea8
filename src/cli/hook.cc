#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>

#include "base/digest.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/hook_input.h"
#include "cli/hook_running.h"
#include "runs/isolation.h"
#include "runs/planning.h"
#include "sys/descriptor.h"
#include "workspace/local_files.h"

// `hook pre-tool`: a client is about to start a sub-agent (docs/mcp.md). Of several in one message
// the first is given what Interlock would do; with `--enforce` all are denied where it would not
// overlap them.
namespace interlock::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::streamoff kTranscriptBytes = 4 << 20;  ///< Its end; the message is the last in it.

std::string end_of(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  stream.seekg(0, std::ios::end);
  const std::streamoff size = stream.tellg();
  if (size <= 0) return {};
  const std::streamoff from = std::max<std::streamoff>(0, size - kTranscriptBytes);
  stream.seekg(from);
  std::string text(static_cast<std::size_t>(size - from), '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(std::max<std::streamsize>(0, stream.gcount())));
  return text;
}

std::string denial(const std::string& why) {
  return canonical_json(json::object{
             {"hookSpecificOutput", json::object{{"hookEventName", "PreToolUse"},
                                                 {"permissionDecision", "deny"},
                                                 {"permissionDecisionReason", why}}}}) +
         "\n";
}

/// Gives the model something to read, and no permission: that stays with the client and its person.
std::string advice(const std::string& what) {
  return canonical_json(
             json::object{{"hookSpecificOutput", json::object{{"hookEventName", "PreToolUse"},
                                                              {"additionalContext", what}}}}) +
         "\n";
}

constexpr std::string_view kInstead =
    "Instead, call the tool `plan` of the MCP server `interlock` with these tasks and what each "
    "reads and writes; "
    "it says what overlaps, what that saves and what it costs.";

/// What Interlock would do with them; an error of its own is one.
Result<runs::Planned> decided(const std::vector<SubAgent>& agents, const std::string& client,
                              const std::string& folder, const Context& context) {
  runs::PlanRequest request;
  request.effort = Duration{};
  workspace::LocalFiles files;
  auto plan = runs::read_plan_or_complain(
      {"sub-agents", folder.empty() ? "." : folder, plan_of(agents, client)}, request, files);
  if (!plan) return std::unexpected(plan.error());
  const decide::History history = history_of(context, *plan);
  return runs::plan_it(std::move(*plan), request, history, context.state_folder);
}

std::string first_reason(const decide::Decision& decision) {
  if (!decision.independent.holds) return decision.independent.why;
  if (!decision.mergeable.holds) return decision.mergeable.why;
  return decision.worthwhile.why;
}

/// Of all who ask with this key the first one; nothing where that cannot be told.
std::optional<bool> is_first(const Context& context, const std::string& key) {
  if (context.state_folder.empty()) return std::nullopt;
  const fs::path folder = fs::path(context.state_folder) / "hooks";
  std::error_code trouble;
  fs::create_directories(folder, trouble);
  const auto now = fs::file_time_type::clock::now();
  for (const auto& old : fs::directory_iterator(folder, trouble)) {
    std::error_code none;
    const auto written = old.last_write_time(none);
    if (!none && now - written > std::chrono::hours(24)) fs::remove(old.path(), none);
  }
  const std::string mark = (folder / digest_of(key).hex().substr(0, 24)).string();
  const sys::Descriptor made(::open(mark.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (made) return true;
  return errno == EEXIST ? std::optional(false) : std::nullopt;
}

/// The sub-agents of the call's message, and which of them it is.
struct Message {
  std::vector<SubAgent> agents;
  std::size_t place = 0;
};

std::size_t place_in(const std::vector<SubAgent>& agents, const HookCall& call) {
  const auto own = std::ranges::find(agents, call.tool_use_id, &SubAgent::tool_use_id);
  return static_cast<std::size_t>(own - agents.begin());
}

/// The client may not have written down the message yet: it is looked at again, where a place
/// matters more often than for advice. What stands before a call is there when the call is, so that
/// all hooks of a message count alike. Else those that asked just now are of it, in that order.
Message message_of(const Context& context, const HookRequest& request, const HookCall& call) {
  constexpr useconds_t kWaitUs = 30'000;
  constexpr int kLooksForPlace = 6, kLooksForAdvice = 1;
  const std::string id = '"' + call.tool_use_id + '"';
  const int looks = request.client == "codex" ? 0  // Its transcript has another form.
                    : request.most > 0        ? kLooksForPlace
                                              : kLooksForAdvice;
  static_cast<void>(begun_together(context, call));
  std::string transcript = end_of(call.transcript);
  for (int i = 0; i < looks && !call.transcript.empty() && !transcript.contains(id); ++i) {
    ::usleep(kWaitUs);
    transcript = end_of(call.transcript);
  }
  const bool is_placed = transcript.contains(id);
  Message message{siblings_of(call, transcript), 0};
  message.place = place_in(message.agents, call);
  if (message.agents.size() == 1 && !call.transcript.empty()) {
    // Those behind it are perhaps about to be written.
    ::usleep(kWaitUs);
    message.agents = siblings_of(call, end_of(call.transcript));
  }
  if (message.agents.size() == 1) message.agents = begun_together(context, call);
  if (!is_placed) message.place = place_in(message.agents, call);
  return message;
}

std::string answer_for(const Context& context, const HookRequest& request, const HookCall& call) {
  auto [agents, place] = message_of(context, request, call);
  if (request.most > 0 && place >= request.most) {
    return denial(
        fmt::format("This is sub-agent {} of {} in one message, and at most {} are let through at "
                    "once. Wait for "
                    "the others. {}",
                    place + 1, std::max(agents.size(), place + 1), request.most, kInstead));
  }
  // What others do is kept apart from those in worktrees, and merged with what they do.
  std::erase_if(agents, [](const SubAgent& one) { return one.apart; });
  const bool is_apart =
      std::ranges::find(agents, call.tool_use_id, &SubAgent::tool_use_id) == agents.end();
  if (agents.size() < 2 || is_apart) return {};
  const auto verdict = verdict_on(agents, request.client, call.folder, context);
  if (!verdict) return {};
  if (request.enforce && verdict->refuses) return denial(verdict->text);
  // Once for all of them, whichever hook comes first.
  if (!is_first(context, agents.front().tool_use_id).value_or(place == 0)) return {};
  return advice(verdict->text);
}

}  // namespace

std::optional<HookVerdict> verdict_on(const std::vector<SubAgent>& agents,
                                      const std::string& client, const std::string& folder,
                                      const Context& context) {
  const auto planned = decided(agents, client, folder, context);
  if (!planned) return std::nullopt;
  const decide::Decision& decision = planned->decision;
  HookVerdict verdict{decision.pattern == decide::Pattern::sequential, {}};
  verdict.text = fmt::format("Interlock on these {} sub-agents: {}, for {}.", agents.size(),
                             runs::pattern_text(decision), first_reason(decision));
  if (verdict.refuses) verdict.text += " " + std::string(kInstead);
  return verdict;
}

Result<Exit> hook_command(const Context& context, const HookRequest& request) {
  const auto call = hook_call_from(hook_input());
  if (!call) return Exit::done;
  if (request.client == "gemini" || request.client == "opencode") {
    context.console.result(answer_at_beginning(context, request, *call));
    return Exit::done;
  }
  if (call->tool_use_id.empty()) return Exit::done;
  context.console.result(answer_for(context, request, *call));
  return Exit::done;
}

}  // namespace interlock::cli
