#include "decide/merge_drivers.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "decide/speculation.h"

namespace interlock::decide {
namespace {

using footprint::Edge;
using footprint::Footprint;
using footprint::Glob;
using footprint::PatternSet;
using footprint::Why;

/// Above so many pairs of tasks to look at, conflicts are waited for as without drivers.
constexpr std::size_t kMostPairs = 200'000;

PatternSet files_of(const plan::Plan& plan) {
  PatternSet all;
  for (const plan::MergeDriver& driver : plan.drivers) {
    all.include.insert(all.include.end(), driver.files.include.begin(), driver.files.include.end());
  }
  return all;
}

/// A plain path means all below it as well; one that is a driver's is taken for a file. Were it a
/// folder, what meets below it would be found when it is committed.
bool is_within(const Glob& pattern, const PatternSet& files) {
  if (pattern.is_literal() && files.matches(pattern.literal_prefix())) return true;
  const PatternSet one{{pattern}, {}};
  const std::array<const PatternSet*, 1> cover{&files};
  return footprint::covers(cover, one, one);
}

/// The pattern of `of` that meets `other`; nothing where none does.
std::optional<std::string> overlapping(const PatternSet& of, const PatternSet& other) {
  for (const Glob& one : of.include) {
    if (footprint::overlaps(PatternSet{{one}, of.exclude}, other)) return one.text();
  }
  return {};
}

bool touches(const Footprint& footprint, const PatternSet& files) {
  return footprint::overlaps(footprint.writes, files) ||
         footprint::overlaps(footprint.reads, files);
}

}  // namespace

MergeDrivers::MergeDrivers(const plan::Plan& plan) : plan_(plan) {
  if (plan.drivers.empty()) return;
  const PatternSet files = files_of(plan);
  std::size_t touching = 0;
  for (std::size_t i = 0; i < plan.tasks.size(); ++i) {
    const plan::Task& task = plan.tasks[i];
    const Footprint& all = task.footprint;
    if (all.unknown) continue;
    if (touches(all, files)) ++touching;
    // What tries change is not merged, and who excludes something may read it all the same.
    const bool is_simple = is_caught(task) && all.writes.exclude.empty() && !task.try_of &&
                           task.tries.empty() && !task.judge_of;
    if (!is_simple) continue;
    Split split;
    for (const Glob& one : all.writes.include)
      (is_within(one, files) ? split.joined : split.rest.writes).include.push_back(one);
    if (split.joined.empty()) continue;
    split.rest.reads = all.reads;
    std::ranges::copy(split.joined.include, std::back_inserter(split.rest.reads.exclude));
    tasks_.emplace(TaskId(i), std::move(split));
  }
  if (tasks_.size() < 2 || tasks_.size() * touching > kMostPairs) tasks_.clear();
}

const Footprint* MergeDrivers::rest_of(TaskId task) const {
  const auto found = tasks_.find(task);
  return found == tasks_.end() ? nullptr : &found->second.rest;
}

const Footprint& MergeDrivers::rest_or_all(TaskId task) const {
  const Footprint* const rest = rest_of(task);
  return rest == nullptr ? plan_[task].footprint : *rest;
}

bool MergeDrivers::leave_conflict(TaskId one, TaskId other) const {
  const Footprint &mine = rest_or_all(one), &theirs = rest_or_all(other);
  const footprint::Claim a{.footprint = &mine, .needs = {}, .output_of = {}, .locks = {}};
  const footprint::Claim b{.footprint = &theirs, .needs = {}, .output_of = {}, .locks = {}};
  if (footprint::conflicts(a, b)) return true;
  const auto meets = [&](TaskId task, const Footprint& rest) {
    const auto found = tasks_.find(task);
    return found != tasks_.end() && touches(rest, found->second.joined);
  };
  return meets(one, theirs) || meets(other, mine);
}

std::vector<Edge> MergeDrivers::edges_left(const std::vector<bool>& lifted) const {
  std::vector<Edge> edges;
  if (!any()) return edges;
  const PatternSet files = files_of(plan_);
  std::vector<TaskId> touching;
  for (std::size_t i = 0; i < plan_.tasks.size(); ++i) {
    const plan::Task& task = plan_.tasks[i];
    // Whoever is unknown is waited for in any case, and of tries their task claims it.
    if (!lifted[i] && !task.footprint.unknown && !task.try_of && touches(task.footprint, files))
      touching.emplace_back(i);
  }
  for (std::size_t j = 0; j < touching.size(); ++j) {
    for (std::size_t i = 0; i < j; ++i) add_edges_between(touching[i], touching[j], edges);
  }
  return edges;
}

void MergeDrivers::add_edges_between(TaskId before, TaskId after, std::vector<Edge>& edges) const {
  const auto earlier = tasks_.find(before), later = tasks_.find(after);
  const auto add = [&](Why why, const std::optional<std::string>& on) {
    if (!on) return;
    edges.push_back({before, after, why, *on});
    for (const TaskId one : plan_[after].tries) {
      if (before < one) edges.push_back({before, one, why, *on});
    }
  };
  if (earlier != tasks_.end()) {
    const PatternSet& joined = earlier->second.joined;
    const Footprint& rest = rest_or_all(after);
    add(Why::write_write, overlapping(rest.writes, joined));
    add(Why::write_read, overlapping(rest.reads, joined));
  }
  if (later != tasks_.end()) {
    const PatternSet& joined = later->second.joined;
    const Footprint& rest = rest_or_all(before);
    add(Why::write_write, overlapping(joined, rest.writes));
    add(Why::read_write, overlapping(joined, rest.reads));
  }
}

}  // namespace interlock::decide
