#include "cli/hook_running.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <filesystem>

#include "base/digest.h"
#include "base/text.h"
#include "sys/descriptor.h"
#include "workspace/content.h"

namespace interlock::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBytesMax = 4u << 20;
constexpr std::int64_t kForgottenAfterS = 3600;  ///< Whose end never came.

/// Of one session, under a lock for as long as this lives.
class Kept {
 public:
  Kept(const std::string& state_folder, const std::string& session) {
    if (state_folder.empty() || session.empty()) return;
    const fs::path folder = fs::path(state_folder) / "hooks";
    std::error_code trouble;
    fs::create_directories(folder, trouble);
    path_ = (folder / ("session-" + digest_of(session).hex().substr(0, 24))).string();
    file_ = sys::Descriptor(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (file_ && ::flock(file_.get(), LOCK_EX) != 0) file_.reset();
  }
  explicit operator bool() const { return static_cast<bool>(file_); }

  RunningAgents read(std::int64_t now_s) const {
    RunningAgents running;
    if (const auto text = workspace::read_file(file_, path_, kBytesMax))
      running = running_from_text(*text);
    std::erase_if(running.agents, [&](const RunningAgents::Agent& agent) {
      return now_s - agent.began_s > kForgottenAfterS;
    });
    return running;
  }
  void write(const RunningAgents& running) const {
    const std::string text = running.to_text();
    const bool is_written =
        ::ftruncate(file_.get(), 0) == 0 &&
        ::pwrite(file_.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
    // Torn: as if nothing ran.
    if (!is_written && ::ftruncate(file_.get(), 0) != 0) ::unlink(path_.c_str());
  }

 private:
  std::string path_;
  sys::Descriptor file_;
};

std::string denial(const std::string& why) {
  return canonical_json(json::object{{"decision", "deny"}, {"reason", why}}) + "\n";
}

/// What a call is known by: its id, else what was asked.
std::string key_of(const HookCall& call) {
  return call.tool_use_id.empty() ? digest_of(canonical_json(call.input)).hex() : call.tool_use_id;
}

}  // namespace

std::string RunningAgents::to_text() const {
  json::array list;
  for (const Agent& agent : agents)
    list.push_back(json::object{{"id", agent.what.tool_use_id},
                                {"prompt", agent.what.prompt},
                                {"only_reads", agent.what.only_reads},
                                {"apart", agent.what.apart},
                                {"began", agent.began_s}});
  return canonical_json(
      json::object{{"agents", std::move(list)}, {"advice", advice}, {"is_advised", is_advised}});
}

RunningAgents running_from_text(std::string_view text) {
  RunningAgents running;
  const auto parsed = parse_json(text);
  const json::object* object = parsed ? parsed->if_object() : nullptr;
  if (object == nullptr) return running;
  if (const json::value* advice = object->if_contains("advice"); advice && advice->is_string())
    running.advice = std::string(advice->get_string());
  if (const json::value* is = object->if_contains("is_advised"); is && is->is_bool())
    running.is_advised = is->get_bool();
  const json::value* agents = object->if_contains("agents");
  if (agents == nullptr || !agents->is_array()) return running;
  for (const json::value& one : agents->get_array()) {
    const json::object* agent = one.if_object();
    if (agent == nullptr) continue;
    const json::value* id = agent->if_contains("id");
    const json::value* prompt = agent->if_contains("prompt");
    const json::value* only_reads = agent->if_contains("only_reads");
    const json::value* apart = agent->if_contains("apart");
    const json::value* began = agent->if_contains("began");
    if (!id || !id->is_string() || !prompt || !prompt->is_string() || !only_reads ||
        !only_reads->is_bool() || !apart || !apart->is_bool() || !began || !began->is_int64())
      continue;
    running.agents.push_back({{std::string(id->get_string()), std::string(prompt->get_string()),
                               only_reads->get_bool(), apart->get_bool()},
                              began->get_int64()});
  }
  return running;
}

std::vector<SubAgent> begun_together(const Context& context, const HookCall& call) {
  constexpr std::int64_t kTogetherS = 1;
  const SubAgent own = siblings_of(call, "").front();
  if (call.turn.empty()) return {own};
  const Kept kept(context.state_folder, call.session + "\n" + call.turn);
  if (!kept) return {own};
  const std::int64_t now_s = std::time(nullptr);
  RunningAgents begun = kept.read(now_s);
  std::erase_if(begun.agents, [&](const RunningAgents::Agent& agent) {
    return now_s - agent.began_s > kTogetherS && agent.what.tool_use_id != own.tool_use_id;
  });
  // Who asks again keeps its place.
  const auto is_own = [&](const RunningAgents::Agent& agent) {
    return agent.what.tool_use_id == own.tool_use_id;
  };
  if (std::ranges::none_of(begun.agents, is_own)) begun.agents.push_back({own, now_s});
  kept.write(begun);
  std::vector<SubAgent> agents;
  for (const RunningAgents::Agent& agent : begun.agents) agents.push_back(agent.what);
  return agents;
}

std::string answer_at_beginning(const Context& context, const HookRequest& request,
                                const HookCall& call) {
  const Kept kept(context.state_folder, call.session);
  if (!kept) return {};
  const std::int64_t now_s = std::time(nullptr);
  RunningAgents running = kept.read(now_s);
  if (running.agents.empty()) running = {};
  SubAgent own = siblings_of(call, "").front();
  own.tool_use_id = key_of(call);
  if (request.most > 0 && running.agents.size() >= request.most)
    return denial(
        fmt::format("{} sub-agents run already, and at most {} are let through at once. "
                    "Wait for one of them.",
                    running.agents.size(), request.most));
  running.agents.push_back({std::move(own), now_s});
  if (running.agents.size() > 1) {
    std::vector<SubAgent> agents;
    for (const RunningAgents::Agent& agent : running.agents) agents.push_back(agent.what);
    const auto verdict = verdict_on(agents, request.client, call.folder, context);
    if (verdict && verdict->refuses && request.enforce) return denial(verdict->text);
    // The last one says it of all of them.
    if (verdict && !running.is_advised) running.advice = verdict->text;
  }
  kept.write(running);
  return {};
}

Result<Exit> hook_ended_command(const Context& context) {
  const auto call = hook_call_from(hook_input());
  if (!call) return Exit::done;
  const Kept kept(context.state_folder, call->session);
  if (!kept) return Exit::done;
  RunningAgents running = kept.read(std::time(nullptr));
  const auto own = std::ranges::find_if(running.agents, [&](const RunningAgents::Agent& agent) {
    return agent.what.tool_use_id == key_of(*call);
  });
  if (own == running.agents.end()) return Exit::done;
  running.agents.erase(own);
  const std::string advice = std::exchange(running.advice, "");
  running.is_advised |= !advice.empty();
  if (running.agents.empty()) running = {};
  kept.write(running);
  if (!advice.empty())
    context.console.result(
        canonical_json(
            json::object{{"hookSpecificOutput", json::object{{"hookEventName", "AfterTool"},
                                                             {"additionalContext", advice}}}}) +
        "\n");
  return Exit::done;
}

}  // namespace interlock::cli
