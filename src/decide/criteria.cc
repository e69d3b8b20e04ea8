// The three tests of the decision, each with its reason in one line.
#include "decide/criteria.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "decide/speculation.h"
#include "decide/verdicts.h"
#include "decide/words.h"
#include "plan/keys.h"

namespace interlock::decide {
namespace {

using footprint::Edge;
using footprint::Why;

/// A way between neighbours in plan order can only be an edge; tasks that run alone split the plan,
/// so it is a chain exactly where every neighbour that may overlap waits for the one before it.
bool some_pair_may_overlap(const plan::Plan& plan, const footprint::Interlocking& interlocking) {
  for (std::size_t i = 1; i < plan.tasks.size(); ++i) {
    if (touches_the_unknown(plan.tasks[i - 1]) || touches_the_unknown(plan.tasks[i])) continue;
    const auto into = interlocking.into(TaskId(i));
    const bool waits =
        std::ranges::any_of(into, [&](const Edge& edge) { return edge.before.index() == i - 1; });
    if (!waits) return true;
  }
  return false;
}

/// What ties tasks together, the first few; what holds of several places of a `foreach` once.
std::string ties(const plan::Plan& plan, const std::vector<const Edge*>& edges) {
  constexpr std::size_t kMost = 2;
  std::vector<std::string> said;
  std::size_t named = 0;
  for (const Edge* edge : edges) {
    std::string text = say_edge(plan, *edge);
    if (std::ranges::find(said, text) == said.end()) {
      if (said.size() == kMost) break;
      said.push_back(std::move(text));
    }
    ++named;
  }
  std::string all;
  for (const std::string& text : said) all += "; " + text;
  if (named < edges.size()) all += fmt::format("; and {} more", edges.size() - named);
  return all;
}

/// `2 min each, from 4 runs`; of several the first.
std::string say_price(const std::vector<Verdict>& verdicts, const std::vector<TaskId>& tasks) {
  const Verdict& first = verdicts[tasks.front().index()];
  const bool assumed = std::ranges::any_of(
      tasks, [&](TaskId task) { return verdicts[task.index()].join_from == From::prior; });
  std::string source = "as the plan says";
  if (assumed)
    source = "assumed";
  else if (first.join_from == From::history)
    source = "from " + count_of(first.join_runs, "run");
  return fmt::format("{} each, {}", show_time_taken(first.join), source);
}

}  // namespace

Test independent_test(const plan::Plan& plan, const footprint::Interlocking& interlocking,
                      const std::vector<TaskId>& joined, Duration quota) {
  // The plan's own check waits for all of them, and says nothing of whether they may overlap.
  const auto is_check = [&](std::size_t i) { return plan.tasks[i].id == plan::kRunCheck; };
  const auto all = plan.tasks.size() - static_cast<std::size_t>(std::ranges::count(
                                           plan.tasks, plan::kRunCheck, &plan::Task::id));
  if (all < 2) return {false, all == 0 ? "there is nothing to run" : "there is only one task"};

  std::vector<bool> tied(plan.tasks.size());
  std::vector<const Edge*> conflicts, needs;
  std::vector<TaskId> unknown, undeclared;
  for (const Edge& edge : interlocking.edges) {
    if (edge.why == Why::unknown || is_check(edge.after.index())) continue;
    (footprint::is_said(edge.why) ? needs : conflicts).push_back(&edge);
    if (!footprint::is_said(edge.why)) tied[edge.before.index()] = tied[edge.after.index()] = true;
  }
  for (const TaskId one : joined) tied[one.index()] = true;
  for (std::size_t i = 0; i < tied.size(); ++i) {
    if (is_check(i)) tied[i] = true;
    if (plan.tasks[i].footprint.unknown && is_caught(plan.tasks[i]))
      undeclared.push_back(TaskId(i));
    if (!touches_the_unknown(plan.tasks[i])) continue;
    unknown.push_back(TaskId(i));
    tied[i] = true;
  }

  Test test{some_pair_may_overlap(plan, interlocking), {}};
  const auto loose = static_cast<std::size_t>(std::ranges::count(tied, false));
  if (test.holds && loose == 0) {
    test.why = fmt::format("some of {} may overlap", count_of(all, "task"));
  } else if (loose > 0) {
    test.why = fmt::format("{} of {} {} nothing in common", loose, count_of(all, "task"),
                           loose == 1 ? "touches" : "touch");
  } else {
    test.why = "no two tasks may overlap";
  }
  if (!test.holds && unknown.empty()) test.why = "each task waits for the one before it";
  test.why += ties(plan, conflicts);
  if (!needs.empty() && (!test.holds || conflicts.empty())) test.why += ties(plan, needs);
  if (!joined.empty())
    test.why += fmt::format("; merge drivers join the files that {} share", names_of(plan, joined));
  // They have views, so that nothing of it would be lost: that is why it is not `unknown`.
  if (!test.holds && conflicts.empty() && !undeclared.empty()) {
    test.why += fmt::format("; nobody said what {} touch{}", names_of(plan, undeclared),
                            undeclared.size() == 1 ? "es" : "");
  }
  if (!unknown.empty()) {
    test.why += fmt::format("; {} may touch anything", names_of(plan, unknown));
  }
  if (quota > Duration::zero())
    test.why += fmt::format("; the quotas admit it all in {}", show_time_taken(quota));
  return test;
}

Test mergeable_test(const plan::Plan& plan, const std::vector<Verdict>& verdicts,
                    const Forecast& overlapped) {
  std::vector<TaskId> loose, exclusive;
  Duration price{};
  bool at_gate = false;
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    const Verdict& it = verdicts[i];
    at_gate |= it.joined_at_gate;
    if (it.join == Duration::zero()) continue;
    (it.exclusive ? exclusive : loose).push_back(TaskId(i));
    if (it.exclusive) price += it.join;
  }
  if (loose.empty() && exclusive.empty()) {
    return {true, at_gate ? "what a person joins at a gate is in the time they take there"
                          : "nothing has to be joined by hand"};
  }
  std::vector<TaskId> priced = loose;
  priced.insert(priced.end(), exclusive.begin(), exclusive.end());
  const std::string each = say_price(verdicts, priced);
  if (exclusive.empty()) {
    return {true, fmt::format("joining {} by hand takes {} ({})", names_of(plan, loose),
                              show_time_taken(overlapped.join), each)};
  }
  const std::size_t free = verdicts.size() - exclusive.size();
  return {free >= 2, fmt::format("joining what {} return{} by hand would take {} ({}), more than "
                                 "overlapping saves",
                                 names_of(plan, exclusive), exclusive.size() == 1 ? "s" : "",
                                 show_time_taken(price), each)};
}

Test worthwhile_test(const Saving& saving, Duration min_saving) {
  const auto says = [](Duration saved, Duration of) {
    return saved > Duration::zero()
               ? fmt::format("saves {} of {}", show_time_taken(saved), show_time_taken(of))
               : std::string("saves nothing");
  };
  Duration saved = saving.saved, required = saving.required;
  std::string saves = "it " + says(saved, saving.sequential);
  // What counts is the average of the draws; it is said where it is another answer than the
  // estimates give.
  const bool by_estimates = saved >= required;
  if (saving.mean_saved) {
    saved = *saving.mean_saved;
    required = std::max(min_saving, *saving.mean_sequential / 10);
    if ((saved >= required) != by_estimates)
      saves += fmt::format(", but on average it {}", says(saved, *saving.mean_sequential));
    else
      required = saving.required;
  }
  const bool holds = saving.mean_saved
                         ? *saving.mean_saved >= std::max(min_saving, *saving.mean_sequential / 10)
                         : by_estimates;
  if (holds) return {true, fmt::format("{}, where {} would do", saves, show_time_taken(required))};
  if (required == min_saving) {
    return {false, fmt::format("{}, under the {} that `limits.min_saving` asks for", saves,
                               show_time_taken(min_saving))};
  }
  return {false, fmt::format("{}, under a tenth ({})", saves, show_time_taken(required))};
}

}  // namespace interlock::decide
