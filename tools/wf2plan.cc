// wf2plan: makes an Interlock plan of a recorded workflow run (WfFormat 1.5,
// https://wfcommons.org).
//
//     wf2plan INSTANCE.json > plan.yaml
//
// One task per workflow task, in an order the recorded run allows, with the files it read and wrote
// and the time it took. The recorded parents only make the order; the plan does not hold them, so
// that the interlocking has to find them.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <cctype>
#include <cstdio>
#include <fstream>
#include <functional>
#include <map>
#include <queue>
#include <sstream>
#include <stdexcept>
#include <vector>

#include "base/json.h"
#include "footprint/glob.h"

namespace {

using namespace interlock;

struct Task {
  std::string id;
  std::string started_at;  ///< RFC 3339; empty where it was not recorded.
  double runtime_s = 0;
  std::vector<std::string> reads, writes, parents;
};

std::vector<std::string> strings(const json::object& task, std::string_view key) {
  std::vector<std::string> strings;
  const json::value* list = task.if_contains(key);
  if (list == nullptr || !list->is_array()) return strings;
  for (const json::value& item : list->get_array()) {
    if (item.is_string()) strings.emplace_back(item.get_string());
  }
  return strings;
}

/// Some runs name files from the root of their machine, and none of them means the folder above.
std::string pattern_of(std::string_view file) {
  std::string path;
  while (!file.empty()) {
    const std::string_view segment = file.substr(0, file.find('/'));
    file.remove_prefix(std::min(segment.size() + 1, file.size()));
    if (segment.empty() || segment == ".") continue;
    path +=
        (path.empty() ? "" : "/") + (segment == ".." ? std::string("__") : std::string(segment));
  }
  return footprint::escape(path);
}

std::vector<std::string> patterns(const std::vector<std::string>& files) {
  std::vector<std::string> patterns;
  for (const std::string& file : files) patterns.push_back(pattern_of(file));
  return patterns;
}

std::vector<Task> tasks_of(const json::value& instance) {
  const json::value& workflow = instance.at("workflow");
  std::map<std::string, json::object> executed;
  if (const auto* execution = workflow.as_object().if_contains("execution")) {
    for (const json::value& task : execution->at("tasks").as_array()) {
      executed[std::string(task.at("id").as_string())] = task.as_object();
    }
  }
  std::vector<Task> tasks;
  for (const json::value& value : workflow.at("specification").at("tasks").as_array()) {
    const json::object& task = value.as_object();
    tasks.push_back({.id = std::string(task.at("id").as_string()),
                     .started_at = {},
                     .reads = patterns(strings(task, "inputFiles")),
                     .writes = patterns(strings(task, "outputFiles")),
                     .parents = strings(task, "parents")});
    const json::object& run = executed[tasks.back().id];
    if (const auto* at = run.if_contains("executedAt"); at && at->is_string())
      tasks.back().started_at = at->get_string();
    if (const auto* took = run.if_contains("runtimeInSeconds"); took && took->is_number()) {
      tasks.back().runtime_s = took->to_number<double>();
    }
  }
  return tasks;
}

/// Parents first; among those that could come next the one that started first, then the one
/// recorded first.
std::vector<std::size_t> order_of(const std::vector<Task>& tasks) {
  std::map<std::string, std::size_t> index;
  for (std::size_t i = 0; i < tasks.size(); ++i) index[tasks[i].id] = i;
  std::vector<std::vector<std::size_t>> children(tasks.size());
  std::vector<std::size_t> waits_for(tasks.size(), 0);
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    for (const std::string& parent : tasks[i].parents) {
      if (!index.contains(parent)) continue;
      children[index[parent]].push_back(i);
      ++waits_for[i];
    }
  }
  using Ready = std::pair<std::string, std::size_t>;
  std::priority_queue<Ready, std::vector<Ready>, std::greater<>> ready;
  const auto add_if_ready = [&](std::size_t i) {
    if (waits_for[i] == 0) ready.emplace(tasks[i].started_at, i);
  };
  for (std::size_t i = 0; i < tasks.size(); ++i) add_if_ready(i);
  std::vector<std::size_t> order;
  while (!ready.empty()) {
    order.push_back(ready.top().second);
    ready.pop();
    for (const std::size_t child : children[order.back()]) {
      --waits_for[child];
      add_if_ready(child);
    }
  }
  return order;
}

/// Ids of a plan are letters, digits, `_`, `.` and `-`.
std::string id_of(std::string id) {
  const auto allowed = [](unsigned char c) {
    return std::isalnum(c) || c == '_' || c == '.' || c == '-';
  };
  std::ranges::replace_if(id, std::not_fn(allowed), '-');
  return id.starts_with('.') || id.starts_with('-') ? "task" + id : id;
}

std::string quoted(const std::string& text) { return json::serialize(json::string(text)); }

std::string list(const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items) text += (text.empty() ? "" : ", ") + quoted(item);
  return "[" + text + "]";
}

void print_plan(const json::value& instance) {
  const std::vector<Task> tasks = tasks_of(instance);
  const std::vector<std::size_t> order = order_of(tasks);
  if (order.size() < tasks.size()) throw std::runtime_error("the recorded parents form a cycle");
  fmt::print(
      "interlock: 1\nname: {}\ndefaults: {{agent: sh}}\nagents:\n  sh: {{kind: command}}\ntasks:\n",
      quoted(std::string(instance.at("name").as_string())));
  for (const std::size_t i : order) {
    const Task& task = tasks[i];
    fmt::print(
        "  - id: {}\n    run: [\"true\"]\n    reads: {}\n    writes: {}\n    estimate: {{time: "
        "{}ms}}\n",
        quoted(id_of(task.id)), list(task.reads), list(task.writes),
        static_cast<long>(task.runtime_s * 1000 + 0.5));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: wf2plan INSTANCE.json > plan.yaml\n");
    return 2;
  }
  std::ifstream file(argv[1]);
  std::stringstream text;
  text << file.rdbuf();
  const auto instance = parse_json(text.str());
  if (!file || !instance) {
    fmt::print(stderr, "wf2plan: cannot read {}{}\n", argv[1],
               file ? ": " + instance.error().message : "");
    return 2;
  }
  try {
    print_plan(*instance);
  } catch (const std::exception& error) {  // What Boost.JSON throws where a member is missing.
    fmt::print(stderr, "wf2plan: {} is not a WfFormat instance: {}\n", argv[1], error.what());
    return 2;
  }
  return 0;
}
