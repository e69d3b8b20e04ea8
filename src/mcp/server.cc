#include "mcp/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "base/digest.h"
#include "mcp/arguments.h"
#include "mcp/asking.h"
#include "mcp/tasks.h"

namespace interlock::mcp {
namespace {

using std::chrono::seconds;

constexpr Moment kAskAgain = std::chrono::milliseconds(500);
constexpr Moment kProgress = seconds(1);  ///< Clients want no more often than that.
constexpr int kWaitSeconds = 30;
constexpr std::int64_t kListMillis = 3'600'000;  ///< The list of tools does not change.

constexpr std::string_view kInstructions =
    "Interlock decides whether several tasks should run at once, proves which can, runs them and "
    "gives back what running them one by one would have given. Before starting several sub-agents "
    "or "
    "long commands at once, call `plan` with the tasks and what each reads and writes; tell the "
    "person the decision and its cost; then `run`, `wait` until it has ended, and `output`.";

std::string text_at(const json::object& in, std::string_view key) {
  const json::value* found = in.if_contains(key);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

std::int64_t count_at(const json::object& in, std::string_view key) {
  const json::value* found = in.if_contains(key);
  if (found == nullptr || !found->is_object()) return 0;
  std::int64_t over = 0;
  for (const auto* state : {"done", "failed", "skipped", "cancelled"}) {
    const json::value* count = found->get_object().if_contains(state);
    if (count != nullptr && count->is_int64()) over += count->get_int64();
  }
  return over;
}

bool waits_for_person(const json::object& status) {
  const json::value* counts = status.if_contains("counts");
  return counts != nullptr && counts->is_object() && counts->get_object().contains("reviewing");
}

}  // namespace

json::object Server::about() const {
  return {{"name", "interlock"}, {"title", "Interlock"}, {"version", options_.version}};
}

Server::Act Server::answered(const Call& call, const json::object& result) {
  // The same twice: clients show their model the one or the other, never both.
  return Send{answer_line(
      call.request,
      {{"content", json::array{json::object{{"type", "text"}, {"text", json::serialize(result)}}}},
       {"structuredContent", result},
       {"isError", false}})};
}

Server::Act Server::failed(const Request& request, const Error& error) {
  const json::object document{{"error", error.message}, {"hint", error.hint}};
  return Send{answer_line(
      request, {{"content",
                 json::array{json::object{{"type", "text"}, {"text", json::serialize(document)}}}},
                {"isError", true}})};
}

std::vector<Server::Act> Server::take(std::string_view line, Moment now) {
  const Message message = read_message(line);
  if (const auto* rejected = std::get_if<Rejected>(&message)) return {Send{rejected->answer}};
  if (const auto* request = std::get_if<Request>(&message)) return answer(*request, now);
  if (const auto* notification = std::get_if<Notification>(&message)) {
    if (notification->method == "notifications/cancelled") return cancelled(*notification);
  }
  return {};
}

std::vector<Server::Act> Server::take_too_long() {
  return {Send{error_line(nullptr, Code::not_a_request,
                          fmt::format("a message is longer than {} bytes", kLineBytesMax))}};
}

std::vector<Server::Act> Server::answer(const Request& request, Moment now) {
  json::object capabilities{{"tools", json::object{}}};
  if (request.method == "tools/call") return call_tool(request, now);
  if (request.is_stateless && request.method.starts_with("tasks/")) return ask_of_task(request);
  if (request.method == "tools/list") {
    json::object list{{"tools", list_of_tools(options_.approval)}};
    if (request.is_stateless) {
      list["ttlMs"] = kListMillis;
      list["cacheScope"] = "private";
    }
    return {Send{answer_line(request, std::move(list))}};
  }
  if (request.method == "server/discover" && request.is_stateless) {
    json::array versions{kStateless};
    for (const std::string_view version : kWithHandshake) versions.emplace_back(version);
    capabilities["extensions"] = json::object{{kTasks, json::object{}}};
    return {Send{answer_line(
        request, {{"supportedVersions", std::move(versions)},
                  {"capabilities", capabilities},
                  {"ttlMs", kListMillis},
                  {"cacheScope", "private"},
                  {"_meta", json::object{{"io.modelcontextprotocol/serverInfo", about()}}},
                  {"instructions", kInstructions}})}};
  }
  if (request.method == "initialize" && !request.is_stateless) {
    return {Send{answer_line(
        request, {{"protocolVersion", negotiated(text_at(request.params, "protocolVersion"))},
                  {"capabilities", capabilities},
                  {"serverInfo", about()},
                  {"instructions", kInstructions}})}};
  }
  if (request.method == "ping") return {Send{answer_line(request, {})}};
  return {Send{error_line(request.id, Code::no_such_method,
                          fmt::format("there is no method `{}`", request.method))}};
}

std::vector<Server::Act> Server::call_tool(const Request& request, Moment now) {
  const std::string name = text_at(request.params, "name");
  const auto& all = tools(options_.approval);
  const auto tool = std::ranges::find(all, name, &Tool::name);
  if (tool == all.end()) {
    return {Send{
        error_line(request.id, Code::bad_parameters, fmt::format("there is no tool `{}`", name))}};
  }
  Call call{request, &*tool, {}, {}, {}, {}, {}, -1};
  if (const json::value* given = request.params.if_contains("arguments")) {
    if (!given->is_object())
      return {Send{error_line(request.id, Code::bad_parameters, "`arguments` is not an object")}};
    call.arguments = given->get_object();
  }
  if (calls_.size() >= kCallsMax) {
    return {failed(request,
                   {Error::Kind::refused, fmt::format("{} calls are on their way", calls_.size()),
                    "wait for their answers"})};
  }
  auto command = tool->command(call.arguments);
  if (!command) return {failed(request, command.error())};
  if (name == "wait") {
    Arguments arguments(call.arguments);
    call.deadline = now + seconds(arguments.number("seconds", kWaitSeconds, 0, kWaitSecondsMax));
    call.cursor = arguments.text("cursor");
    if (auto checked = arguments.checked(); !checked) return {failed(request, checked.error())};
  }
  if (auto asked = ask_person(call)) return {std::move(*asked)};
  const CallId id = ++last_;
  calls_.emplace(id, std::move(call));
  return {Start{id, std::move(*command)}};
}

/// Nothing: it is not a person's to decide, or that one agreed, or cannot be asked, which whoever
/// let models' clients approve knows.
std::optional<Server::Act> Server::ask_person(const Call& call) const {
  const Request& request = call.request;
  if (!call.tool->for_people || !request.asks_people) return std::nullopt;
  const std::string state = digest_of(fmt::format("{}\n{}\n{}", options_.secret, call.tool->name,
                                                  canonical_json(call.arguments)))
                                .hex();
  switch (decided_by(request.params, state)) {
    case Decided::yes: return std::nullopt;
    case Decided::not_asked:
      return Send{
          answer_line(request, form_for(call.tool->name, call.arguments, state), "input_required")};
    case Decided::no: break;
  }
  return failed(request, {Error::Kind::refused, "the person has not agreed: nothing was decided",
                          "ask the person; it can be decided at a terminal too"});
}

namespace {

/// What is asked of a run; nothing: there is no such method.
std::optional<std::vector<std::string>> words_of_task(std::string_view method) {
  if (method == "tasks/cancel") return {{"cancel", "--json"}};
  // What its gates ask is not asked through a task: there is nothing to answer.
  if (method == "tasks/get" || method == "tasks/update") return {{"show", "--json"}};
  return std::nullopt;
}

}  // namespace

std::vector<Server::Act> Server::ask_of_task(const Request& request) {
  auto words = words_of_task(request.method);
  if (!words)
    return {Send{error_line(request.id, Code::no_such_method,
                            fmt::format("there is no method `{}`", request.method))}};
  if (!request.takes_tasks) {
    const json::object needed{{"extensions", json::object{{kTasks, json::object{}}}}};
    return {Send{error_line(request.id, Code::needs_capability,
                            fmt::format("the request does not declare `{}`", kTasks),
                            json::object{{"requiredCapabilities", needed}})}};
  }
  const std::string id = text_at(request.params, "taskId");
  // A run's whole id, and none of the words that stand for one.
  if (!id.starts_with("r-"))
    return {Send{error_line(request.id, Code::bad_parameters, "there is no such task")}};
  if (calls_.size() >= kCallsMax)
    return {Send{error_line(request.id, Code::internal, "too many calls are on their way")}};
  words->push_back(id);
  calls_.emplace(++last_, Call{request, nullptr, {}, {}, {}, {}, {}, -1});
  return {Start{last_, {std::move(*words), {}}}};
}

Server::Act Server::answer_of_task(const Call& call, const Ended& how) const {
  const Request& request = call.request;
  const auto document = parse_json(how.out);
  const json::object* object = document ? document->if_object() : nullptr;
  const bool is_there = object != nullptr && !object->contains("error") &&
                        text_at(*object, "run") == text_at(request.params, "taskId");
  if (!is_there && request.method != "tasks/cancel")
    return Send{error_line(request.id, Code::bad_parameters, "there is no such task")};
  if (request.method != "tasks/get") return Send{answer_line(request, {})};
  return Send{answer_line(request, task_of_run(*object, wall_clock()))};
}

/// A run that was begun, as who asked for it takes it.
Server::Act Server::begun(const Call& call, const json::object& result) const {
  if (!call.request.takes_tasks) return answered(call, result);
  return Send{answer_line(call.request, created_task(result, wall_clock()), "task")};
}

/// The run itself goes on: only who waits for it does not.
std::vector<Server::Act> Server::cancelled(const Notification& notification) {
  const json::value* id = notification.params.if_contains("requestId");
  const auto found = std::ranges::find_if(
      calls_, [&](const auto& one) { return id != nullptr && one.second.request.id == *id; });
  if (found == calls_.end()) return {};
  const CallId call = found->first;
  calls_.erase(found);
  return {Stop{call}};
}

std::vector<Server::Act> Server::ended(CallId id, const Ended& how, Moment now) {
  const auto found = calls_.find(id);
  if (found == calls_.end()) return {};
  Call& call = found->second;
  if (call.tool == nullptr) {
    std::vector<Act> acts{answer_of_task(call, how)};
    calls_.erase(found);
    return acts;
  }
  auto result = call.tool->answer(call.arguments, how);
  if (result && call.deadline) {
    const std::string state = text_at(*result, "state");
    const bool goes_on = state == "running" && !waits_for_person(*result);
    const bool is_news = !call.cursor.empty() && text_at(*result, "cursor") != call.cursor;
    if (goes_on && !is_news && now < *call.deadline) return still_waiting(call, *result, now);
  }
  const auto say = [&] {
    return call.tool->name == "run" ? begun(call, *result) : answered(call, *result);
  };
  std::vector<Act> acts{result ? say() : failed(call.request, result.error())};
  calls_.erase(found);
  return acts;
}

std::vector<Server::Act> Server::still_waiting(Call& call, const json::object& status, Moment now) {
  call.again = std::min(now + kAskAgain, *call.deadline);
  const std::int64_t over = count_at(status, "counts");
  const bool is_due = !call.progress_at || now >= *call.progress_at + kProgress;
  if (!call.request.progress_token || !is_due || over <= call.progress) return {};
  call.progress = over;
  call.progress_at = now;
  const json::value* total = status.if_contains("tasks_total");
  return {Send{notification_line(
      "notifications/progress",
      {{"progressToken", *call.request.progress_token},
       {"progress", over},
       {"total", total == nullptr ? json::value(nullptr) : *total},
       {"message", fmt::format("{} of {} tasks are over", over,
                               total == nullptr ? "?" : json::serialize(*total))}})}};
}

std::vector<Server::Act> Server::wake(Moment now) {
  std::vector<Act> acts;
  for (auto& [id, call] : calls_) {
    if (!call.again || now < *call.again) continue;
    call.again.reset();
    auto command = call.tool->command(call.arguments);
    if (command) acts.emplace_back(Start{id, std::move(*command)});
  }
  return acts;
}

std::vector<Server::Act> Server::give_up_waiting() {
  std::vector<Act> acts;
  std::erase_if(calls_, [&](const auto& one) {
    if (one.second.deadline) acts.emplace_back(Stop{one.first});
    return one.second.deadline.has_value();
  });
  return acts;
}

std::optional<Moment> Server::next_wake() const {
  std::optional<Moment> next;
  for (const auto& [id, call] : calls_) {
    if (call.again && (!next || *call.again < *next)) next = call.again;
  }
  return next;
}

}  // namespace interlock::mcp
