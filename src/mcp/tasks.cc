#include "mcp/tasks.h"

#include <boost/json/serialize.hpp>

#include "mcp/tools.h"

namespace interlock::mcp {
namespace {

constexpr std::int64_t kPollMillis = 2000;

std::string text_at(const json::object& in, std::string_view key) {
  const json::value* found = in.if_contains(key);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

json::object task(const std::string& id, std::string_view status, std::string_view message,
                  std::string_view created, std::string_view now) {
  return {{"taskId", id},
          {"status", status},
          {"statusMessage", message},
          {"createdAt", created},
          {"lastUpdatedAt", now},
          {"ttlMs", nullptr},
          {"pollIntervalMs", kPollMillis}};
}

/// When its first attempt began, as near as a run says when it was made.
std::string first_start(const json::object& shown, std::string_view now) {
  std::string first(now);
  const json::value* tasks = shown.if_contains("tasks");
  if (tasks == nullptr || !tasks->is_array()) return first;
  for (const json::value& task : tasks->get_array()) {
    const json::value* history =
        task.is_object() ? task.get_object().if_contains("history") : nullptr;
    if (history == nullptr || !history->is_array()) continue;
    for (const json::value& attempt : history->get_array()) {
      const std::string began =
          attempt.is_object() ? text_at(attempt.get_object(), "started") : std::string();
      // In this form what is earlier is smaller.
      if (!began.empty() && began < first) first = began;
    }
  }
  return first;
}

/// A run that waits for a person goes on once that one has been asked, at a terminal or the page.
bool goes_on(std::string_view state) {
  return state == "running" || state == "waits at a gate" || state == "planned";
}

}  // namespace

json::object created_task(const json::object& run_answer, std::string_view now) {
  return task(text_at(run_answer, "run"), "working", "the run has begun", now, now);
}

json::object task_of_run(const json::object& shown, std::string_view now) {
  const json::object status = status_of(shown);
  const std::string id = text_at(status, "run"), state = text_at(status, "state");
  const std::string began = first_start(shown, now);
  if (goes_on(state)) {
    const std::string message =
        state == "waits at a gate" ? "a task waits for a person's approval" : state;
    return task(id, "working", message, began, now);
  }
  if (state == "cancelled") return task(id, "cancelled", state, began, now);
  json::object done = task(id, "completed", state, began, now);
  done["result"] = json::object{
      {"content", json::array{json::object{{"type", "text"}, {"text", json::serialize(status)}}}},
      {"structuredContent", status},
      {"isError", state != "finished"}};
  return done;
}

}  // namespace interlock::mcp
