#include "footprint/growing_interlocking.h"

#include <algorithm>
#include <tuple>

#include "base/check.h"

namespace interlock::footprint {

GrowingInterlocking::GrowingInterlocking(std::span<const Claim> claims,
                                         std::vector<std::string> resource_names)
    : resource_names_(std::move(resource_names)), last_user_(resource_names_.size()) {
  for (const Claim& claim : claims) note(TaskId(tasks_++), claim, nullptr);
}

std::vector<Edge> GrowingInterlocking::add(const Claim& claim) {
  const TaskId task(tasks_++);
  std::vector<Edge> edges;
  for (const TaskId needed : claim.needs) {
    check(needed < task, "a task needs only earlier tasks");
    const bool uses_output = std::ranges::find(claim.output_of, needed) != claim.output_of.end();
    edges.push_back({needed, task, Why::needs, uses_output ? "output" : ""});
  }
  for (const TaskId earlier : claim.after) edges.push_back({earlier, task, Why::outcome, ""});
  note(task, claim, &edges);
  const auto order = [](const Edge& edge) { return std::tuple(edge.before, edge.why); };
  std::ranges::stable_sort(edges, {}, order);
  const auto [doubles, end] = std::ranges::unique(edges, {}, order);
  edges.erase(doubles, end);
  return edges;
}

/// Finds the edges into `task`, where they are asked for, and notes what it touches.
void GrowingInterlocking::note(TaskId task, const Claim& claim, std::vector<Edge>* edges) {
  for (const ResourceId lock : claim.locks) {
    std::optional<TaskId>& last = last_user_[lock.index()];
    if (edges != nullptr && last && *last != task)
      edges->push_back({*last, task, Why::lock, resource_names_[lock.index()]});
    last = task;
  }
  if (edges != nullptr && last_unknown_) edges->push_back({*last_unknown_, task, Why::unknown, ""});
  const Footprint& footprint = *claim.footprint;
  if (footprint.unknown) return note_unknown(task, edges);
  if (footprint.reads.empty() && footprint.writes.empty()) bare_.push_back(task);
  for (const bool writes : {false, true}) {
    const PatternSet& set = writes ? footprint.writes : footprint.reads;
    for (const Glob& glob : set.include) {
      if (edges != nullptr) meet(task, {&glob, set.exclude}, writes, *edges);
    }
  }
  for (const Glob& glob : footprint.reads.include) {
    Accesses& read = accesses_of({&glob, footprint.reads.exclude});
    if (read.readers.empty() || read.readers.back() != task) read.readers.push_back(task);
  }
  for (const Glob& glob : footprint.writes.include) {
    const Area written{&glob, footprint.writes.exclude};
    // Of what was there, nobody looked whom this one waits for: only the same pattern is surely
    // followed.
    if (edges != nullptr) cover(written);
    Accesses& own = accesses_of(written);
    own.readers.clear();
    own.writer = task;
  }
}

/// It may touch anything: it follows all that somebody may still have to wait for, and whoever
/// comes later follows it.
void GrowingInterlocking::note_unknown(TaskId task, std::vector<Edge>* edges) {
  for (const auto& [prefix, all] : by_prefix_) {
    if (edges == nullptr) break;
    for (const Accesses& one : all) {
      if (one.writer) edges->push_back({*one.writer, task, Why::unknown, ""});
      for (const TaskId reader : one.readers) edges->push_back({reader, task, Why::unknown, ""});
    }
  }
  for (const TaskId bare : bare_) {
    if (edges != nullptr) edges->push_back({bare, task, Why::unknown, ""});
  }
  by_prefix_.clear();
  bare_.clear();
  last_unknown_ = task;
}

void GrowingInterlocking::meet(TaskId task, const Area& mine, bool writes,
                               std::vector<Edge>& edges) {
  visit_near(mine.include->literal_prefix(), [&](Accesses& theirs) {
    if (!writes && !theirs.writer) return;
    Budget budget = kOneQuestion;
    if (!overlaps(mine, theirs.area(), budget)) return;
    const std::string& on = mine.include->text();
    if (theirs.writer && *theirs.writer != task)
      edges.push_back({*theirs.writer, task, writes ? Why::write_write : Why::write_read, on});
    if (!writes) return;
    for (const TaskId reader : theirs.readers) {
      if (reader != task) edges.push_back({reader, task, Why::read_write, on});
    }
  });
}

/// Whoever touches what this writes from now on follows this one, which follows those.
void GrowingInterlocking::cover(const Area& written) {
  visit_near(written.include->literal_prefix(), [&](Accesses& theirs) {
    // What matches nothing lies in everything, and follows from nothing.
    Budget met = kOneQuestion, covered = kOneQuestion;
    if (!overlaps(written, theirs.area(), met) || !contains(written, theirs.area(), covered))
      return;
    theirs.writer.reset();
    theirs.readers.clear();
  });
}

GrowingInterlocking::Accesses& GrowingInterlocking::accesses_of(const Area& area) {
  AtPrefix& all = by_prefix_[area.include->literal_prefix()];
  for (Accesses& one : all) {
    const bool same = one.pattern.include.front() == *area.include &&
                      std::ranges::equal(one.pattern.exclude, area.exclude);
    if (same) return one;
  }
  all.push_back({{{*area.include}, {area.exclude.begin(), area.exclude.end()}}, {}, {}});
  return all.back();
}

/// All that somebody touched at the prefix, above it and below it. What nobody is waited for any
/// more is dropped on the way.
template <typename Visit>
void GrowingInterlocking::visit_near(std::string_view prefix, const Visit& visit) {
  const auto visit_at = [&](auto at) {
    for (Accesses& one : at->second) visit(one);
    std::erase_if(at->second,
                  [](const Accesses& one) { return !one.writer && one.readers.empty(); });
    return at->second.empty() ? by_prefix_.erase(at) : std::next(at);
  };
  std::string_view above = prefix;
  while (!above.empty()) {
    const std::size_t slash = above.rfind('/');
    above = above.substr(0, slash == std::string_view::npos ? 0 : slash);
    if (const auto at = by_prefix_.find(above); at != by_prefix_.end()) visit_at(at);
  }
  const std::string below = prefix.empty() ? std::string() : std::string(prefix) + "/";
  if (!prefix.empty()) {
    if (const auto at = by_prefix_.find(prefix); at != by_prefix_.end()) visit_at(at);
  }
  for (auto at = by_prefix_.lower_bound(below);
       at != by_prefix_.end() && std::string_view(at->first).starts_with(below);)
    at = visit_at(at);
}

}  // namespace interlock::footprint
