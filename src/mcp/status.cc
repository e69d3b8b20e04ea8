#include <fmt/format.h>

#include <array>
#include <boost/json/serialize.hpp>

#include "base/digest.h"
#include "mcp/tools.h"

// A run as `show --json` tells it, in few words for a model.
namespace interlock::mcp {
namespace {

constexpr std::size_t kTasksNamed = 40;

std::string_view text_of(const json::object& in, std::string_view key) {
  const json::value* found = in.if_contains(key);
  return found != nullptr && found->is_string() ? std::string_view(found->get_string())
                                                : std::string_view();
}

json::value copy_of(const json::object& in, std::string_view key) {
  const json::value* found = in.if_contains(key);
  return found == nullptr ? json::value(nullptr) : *found;
}

/// What went wrong and what is asked comes first, where not all can be named.
int rank_of(std::string_view state) {
  constexpr std::array kOrder{"failed",  "reviewing", "running",   "committing",
                              "waiting", "skipped",   "cancelled", "done"};
  for (std::size_t i = 0; i < kOrder.size(); ++i) {
    if (state == kOrder[i]) return static_cast<int>(i);
  }
  return static_cast<int>(kOrder.size());
}

json::object task_of(const json::object& document) {
  json::object task{{"id", copy_of(document, "id")}, {"state", copy_of(document, "state")}};
  if (const auto detail = text_of(document, "detail"); !detail.empty())
    task["detail"] = detail.substr(0, 400);
  if (const auto waits = text_of(document, "model_call_waits"); !waits.empty())
    task["waits"] = waits;
  if (!text_of(document, "reused_from").empty())
    task["reused_from"] = copy_of(document, "reused_from");
  return task;
}

std::string next_step(std::string_view state, bool is_asked) {
  if (state == "running")
    return is_asked ? "a task waits for a person's approval; ask the person" : "call `wait` again";
  if (state == "waits at a gate")
    return "ask the person to approve or reject, then go on with the run";
  if (state == "finished") return "call `output` for what the tasks gave back";
  if (state == "failed") return "call `why` and `log` for a task that failed";
  return "the run does not go on by itself; `interlock resume` takes it up";
}

}  // namespace

json::object status_of(const json::object& shown) {
  std::array<std::vector<json::object>, 9> by_rank;
  json::object counts;
  std::size_t total = 0;
  bool is_asked = false;
  const json::value* tasks = shown.if_contains("tasks");
  if (tasks != nullptr && tasks->is_array()) {
    for (const json::value& one : tasks->get_array()) {
      const json::object* document = one.if_object();
      if (document == nullptr) continue;
      const std::string_view state = text_of(*document, "state");
      is_asked |= state == "reviewing";
      json::value& count = counts[state];
      count = count.is_int64() ? count.get_int64() + 1 : 1;
      by_rank[static_cast<std::size_t>(rank_of(state))].push_back(task_of(*document));
      ++total;
    }
  }
  json::array named;
  for (auto& of_rank : by_rank) {
    for (json::object& task : of_rank) {
      if (named.size() < kTasksNamed) named.emplace_back(std::move(task));
    }
  }
  const std::string_view state = text_of(shown, "state");
  json::object status{{"next", next_step(state, is_asked)},
                      {"run", copy_of(shown, "run")},
                      {"state", state},
                      {"pattern", copy_of(shown, "pattern")},
                      {"counts", std::move(counts)},
                      {"tasks_total", total},
                      {"tasks_not_named", total - named.size()},
                      {"tasks", std::move(named)}};
  if (const json::value* totals = shown.if_contains("totals");
      totals != nullptr && totals->is_object()) {
    for (const auto* key : {"elapsed_s", "saved_s", "tokens", "cost_usd"})
      status[key] = copy_of(totals->get_object(), key);
  }
  const json::value* windows = shown.if_contains("windows");
  if (windows != nullptr && windows->is_array() && !windows->get_array().empty())
    status["windows"] = *windows;
  return status;
}

std::string cursor_of(const json::object& status) {
  json::object still = status;
  for (const auto* key : {"elapsed_s", "saved_s", "tokens", "cost_usd", "windows", "cursor"})
    still.erase(key);
  return digest_of(canonical_json(still)).hex().substr(0, 16);
}

}  // namespace interlock::mcp
