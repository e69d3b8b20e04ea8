#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sim/world.h"

// A list that many tasks enter themselves in, and a merge driver that joins two versions of it.
namespace interlock::sim {

namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    lines.push_back(text.substr(at, end - at));
    at = end == std::string::npos ? text.size() : end + 1;
  }
  return lines;
}

/// What is new in `theirs`, behind `ours`.
std::string joined(const std::string& base, const std::string& ours, const std::string& theirs) {
  const std::vector<std::string> known = lines_of(base);
  std::string all = ours;
  for (const std::string& line : lines_of(theirs)) {
    if (std::ranges::find(known, line) == known.end()) all += line + "\n";
  }
  return all;
}

}  // namespace

void draw_drivers(Dice& dice, plan::Plan& plan) {
  const std::string list(kList);
  plan::MergeDriver driver;
  driver.files = footprint::PatternSet::parse(std::vector{list}).value();
  driver.run.arguments = {"join", "{merge.base}", "{merge.ours}", "{merge.theirs}"};
  driver.timeout = std::chrono::seconds(dice.between(30, 90));
  plan.drivers.push_back(std::move(driver));
  const auto pattern = footprint::Glob::parse(list).value();
  for (plan::Task& task : plan.tasks) {
    if (!is_in_view(task) || !dice.chance(700)) continue;
    task.run.arguments.emplace_back("enters");
    if (task.footprint.unknown) continue;
    task.footprint.reads.include.push_back(pattern);
    task.footprint.writes.include.push_back(pattern);
  }
}

/// The driver at work: now and then it comes to nothing, and leaves what nobody should take.
testing_support::Behaviour World::join_list(const engine::SpawnSpec& spec) {
  testing_support::Behaviour behaviour;
  behaviour.lasts = std::chrono::seconds(dice_.between(1, 25));
  promise(spec.arguments.size() == 4, "a merge driver is told of three files");
  const auto content = [&](std::size_t at) { return workspace_.attempt_files[spec.arguments[at]]; };
  const std::string base = content(1), ours = content(2), theirs = content(3);
  const auto leave = [&](const std::optional<std::string>& text) {
    workspace_.leave_in_attempt(spec.name, "merge/ours", text);
  };
  leave(drivers_lie_ ? theirs : joined(base, ours, theirs));
  if (!faults_are_on()) return behaviour;
  draw_faults(plan_[spec.name.task], behaviour);
  if (behaviour.hangs || behaviour.exit_code != 0) leave("half of it");
  if (!dice_.chance(faults_.driver_fails)) return behaviour;
  switch (dice_.below(6)) {
    case 0: leave(ours); break;
    case 1: leave(std::nullopt); break;
    case 2: leave(""); break;
    case 3: behaviour.hangs = true; break;
    case 4: behaviour.signal = 9; break;
    default: behaviour.exit_code = 1;
  }
  if (behaviour.hangs || behaviour.signal || behaviour.exit_code != 0) leave("half of it");
  return behaviour;
}

/// What a driver has joined is on record, and it is not asked again for the same.
void World::check_driver(const engine::SpawnSpec& spec, const engine::RunState& durable) {
  for (const engine::RecordedEvent& recorded : journal_.events()) {
    const auto* const merged = std::get_if<engine::ChangesMerged>(&recorded.event);
    if (merged == nullptr || merged->task != spec.name.task || merged->attempt != spec.name.attempt)
      continue;
    promise(merged->snapshot_version < durable.commits.size(),
            fmt::format("the driver is not asked again for what it has joined of `{}`",
                        plan_[spec.name.task].id));
  }
}

}  // namespace interlock::sim
