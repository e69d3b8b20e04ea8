// Real workflow runs (WfFormat 1.5, https://wfcommons.org): from their files alone the interlocking
// must be exactly the dependencies that were recorded.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "base/json.h"
#include "footprint/interlocking.h"

namespace interlock::footprint {
namespace {

const std::filesystem::path kFolder = "../shared/data/wfinstances";

struct Task {
  std::string id;
  Footprint footprint;
  std::vector<std::string> parents;
};

std::vector<std::string> strings(const json::value& list) {
  std::vector<std::string> strings;
  for (const json::value& item : list.as_array()) strings.emplace_back(item.as_string());
  return strings;
}

PatternSet files(const json::value& list) {
  PatternSet set;
  for (const std::string& file : strings(list)) {
    // Some instances name files from the root of the machine they ran on.
    auto glob = Glob::parse(escape(file.substr(file.find_first_not_of('/'))));
    EXPECT_TRUE(glob.has_value()) << glob.error().message;
    set.include.push_back(std::move(*glob));
  }
  return set;
}

std::vector<Task> tasks_of(const std::filesystem::path& instance) {
  std::stringstream text;
  text << std::ifstream(instance).rdbuf();
  const auto document = parse_json(text.str());
  EXPECT_TRUE(document.has_value()) << instance << ": " << document.error().message;
  std::vector<Task> tasks;
  for (const json::value& task :
       document->at("workflow").at("specification").at("tasks").as_array()) {
    tasks.push_back({std::string(task.at("id").as_string()),
                     {files(task.at("inputFiles")), files(task.at("outputFiles")), false},
                     strings(task.at("parents"))});
  }
  return tasks;
}

/// An order the recorded run allows: each task after its parents, else as recorded.
std::vector<Task> in_order(std::vector<Task> tasks) {
  std::vector<Task> ordered;
  std::set<std::string> placed;
  const auto ready = [&](const Task& task) {
    return std::ranges::all_of(task.parents,
                               [&](const std::string& parent) { return placed.contains(parent); });
  };
  while (!tasks.empty()) {
    const auto next = std::ranges::find_if(tasks, ready);
    if (next == tasks.end()) break;
    placed.insert(next->id);
    ordered.push_back(std::move(*next));
    tasks.erase(next);
  }
  EXPECT_TRUE(tasks.empty()) << "the recorded parents form a cycle";
  return ordered;
}

using Pairs = std::set<std::pair<std::string, std::string>>;

Pairs recorded(const std::vector<Task>& tasks) {
  Pairs pairs;
  for (const Task& task : tasks) {
    for (const std::string& parent : task.parents) pairs.emplace(parent, task.id);
  }
  return pairs;
}

Pairs interlocked(const std::vector<Task>& tasks) {
  std::vector<Claim> claims;
  for (const Task& task : tasks) claims.push_back({&task.footprint, {}, {}, {}});
  Pairs pairs;
  for (const Edge& edge : interlock(claims, {}).edges) {
    pairs.emplace(tasks[edge.before.index()].id, tasks[edge.after.index()].id);
  }
  return pairs;
}

std::string difference(const Pairs& have, const Pairs& lack) {
  std::string text;
  for (const auto& [before, after] : have) {
    if (!lack.contains({before, after})) text += fmt::format("{} -> {}\n", before, after);
  }
  return text;
}

TEST(WfInstances, files_alone_give_exactly_the_recorded_dependencies) {
  if (!std::filesystem::exists(kFolder)) GTEST_SKIP() << kFolder << " is not here";
  std::size_t instances = 0, edges = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() != ".json") continue;
    const std::vector<Task> tasks = in_order(tasks_of(entry.path()));
    const Pairs expected = recorded(tasks), found = interlocked(tasks);
    EXPECT_EQ(difference(found, expected), "") << entry.path() << ": not recorded";
    EXPECT_EQ(difference(expected, found), "") << entry.path() << ": not found";
    ++instances;
    edges += expected.size();
  }
  EXPECT_GT(instances, 0u);
  RecordProperty("edges", std::to_string(edges));
}

}  // namespace
}  // namespace interlock::footprint
