#include "decide/verdicts.h"

#include <fmt/format.h>

#include <algorithm>

#include "decide/speculation.h"
#include "decide/words.h"

namespace interlock::decide {
namespace {

/// What becomes of a task's output.
enum class Joined : unsigned char { not_at_all, strung_together, given_a_form };

bool gives_a_form(plan::Merge::With with) { return with != plan::Merge::With::concat; }

std::vector<Joined> joins_of(const plan::Plan& plan) {
  std::vector<Joined> joined(plan.tasks.size(), Joined::not_at_all);
  for (const plan::Merge& merge : plan.merges) {
    for (const TaskId from : merge.from) {
      Joined& it = joined[from.index()];
      it = std::max(it, gives_a_form(merge.with) ? Joined::given_a_form : Joined::strung_together);
    }
  }
  // A task that is given an output to work on joins it; a coordinator's own output is the result.
  for (std::size_t i = 0; i < plan.tasks.size(); ++i) {
    for (const TaskId from : plan.tasks[i].output_of) joined[from.index()] = Joined::given_a_form;
    if (plan.tasks[i].coordinates) joined[i] = Joined::given_a_form;
  }
  return joined;
}

/// Whether the task's product is files: what it says beside them nobody has to join.
bool makes_files(const plan::Task& task) {
  return !task.footprint.writes.include.empty() || !task.output.file.empty() ||
         (task.footprint.unknown && is_caught(task));
}

/// Whether its output joins by itself, or there is nothing to join.
bool joins_by_itself(const plan::Task& task, Joined joined) {
  using Form = plan::OutputSpec::Form;
  if (task.output.form == Form::exit_status || joined == Joined::given_a_form) return true;
  if (task.output.form == Form::json && task.output.schema) return true;
  return joined == Joined::not_at_all && makes_files(task);
}

Verdict verdict_of(const plan::Task& task, Joined joined) {
  Verdict verdict;
  if (touches_the_unknown(task)) {
    return {.exclusive = true,
            .why = "it declares neither reads nor writes, so it may touch anything",
            .hint = "declare what it reads and writes"};
  }
  if (task.try_of) return verdict;  // One is picked: nothing of several is joined.
  if (task.join) {
    verdict.join = *task.join;
    verdict.join_from = From::plan;
  } else if (!joins_by_itself(task, joined)) {
    verdict.join = kPriorJoin;
  }
  return verdict;
}

std::string why_loose(const plan::Task& task, Joined joined) {
  if (task.output.form == plan::OutputSpec::Form::json)
    return "its output is JSON without a schema, and no merge gives it a form";
  if (joined == Joined::strung_together)
    return "its output is prose, which `concat` strings together but does not join";
  return "its output is prose that no merge joins";
}

/// By task: what of a person's answer at a gate is for its output; zero where none is asked about
/// it.
std::vector<Duration> answers_for_outputs(const plan::Plan& plan,
                                          const std::vector<Verdict>& verdicts) {
  std::vector<Duration> parts(plan.tasks.size());
  if (!plan.limits.answer) return parts;
  const Duration answer = *plan.limits.answer;
  for (std::size_t i = 0; i < plan.tasks.size(); ++i) {
    if (plan.tasks[i].gate_after) parts[i] = answer;
    if (plan.limits.gate_every) parts[i] = std::max(parts[i], answer / *plan.limits.gate_every);
    if (!plan.tasks[i].gate_before) continue;
    const std::vector<TaskId> loose = loose_outputs_before(plan, verdicts, TaskId(i));
    for (const TaskId task : loose) {
      Duration& part = parts[task.index()];
      part = std::max(part, answer / static_cast<std::int64_t>(loose.size()));
    }
  }
  return parts;
}

}  // namespace

bool touches_the_unknown(const plan::Task& task) {
  return task.footprint.unknown && !is_caught(task);
}

std::vector<Verdict> verdicts_of(const plan::Plan& plan) {
  const std::vector<Joined> joined = joins_of(plan);
  std::vector<Verdict> verdicts;
  verdicts.reserve(plan.tasks.size());
  const bool any_snapshot = std::ranges::any_of(plan.tasks, is_caught);
  for (std::size_t i = 0; i < plan.tasks.size(); ++i) {
    const plan::Task& task = plan.tasks[i];
    if (any_snapshot && !is_caught(task)) {
      verdicts.push_back(
          {.exclusive = true,
           .why = "it works in the workspace itself, of which others have views",
           .hint = fmt::format("give it `isolation: {}`", name_of(plan::Isolation::view))});
    } else {
      verdicts.push_back(verdict_of(task, joined[i]));
    }
  }
  return verdicts;
}

std::vector<TaskId> loose_outputs_before(const plan::Plan& plan,
                                         const std::vector<Verdict>& verdicts, TaskId task) {
  std::vector<TaskId> loose;
  for (const TaskId before : plan[task].needs) {
    if (verdicts[before.index()].join > Duration::zero()) loose.push_back(before);
  }
  return loose;
}

void price_joining(const plan::Plan& plan, const std::vector<Expected>& expected,
                   std::vector<Verdict>& verdicts) {
  const std::vector<Duration> answered = answers_for_outputs(plan, verdicts);
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    Verdict& it = verdicts[i];
    if (it.join == Duration::zero() || it.join_from != From::prior || !expected[i].join) continue;
    it.join = std::max(Duration::zero(), expected[i].join->each - answered[i]);
    it.join_from = From::history;
    it.join_runs = expected[i].join->runs;
    it.joined_at_gate = it.join == Duration::zero() && answered[i] > Duration::zero();
  }
}

std::vector<Verdict> keep_exclusive(const plan::Plan& plan, const std::vector<Expected>& expected,
                                    std::vector<Verdict> verdicts, bool all) {
  const std::vector<Joined> joined = joins_of(plan);
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    Verdict& it = verdicts[i];
    if (it.join == Duration::zero() || (!all && it.join < expected[i].time)) continue;
    it.exclusive = true;
    it.why = fmt::format("{}: joining it would take {}", why_loose(plan.tasks[i], joined[i]),
                         show_time_taken(it.join));
    it.hint = "give its output a schema, or join it with a `with: agent` merge";
  }
  return verdicts;
}

}  // namespace interlock::decide
