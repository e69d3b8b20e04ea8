#include "decide/verdicts.h"

#include <fmt/format.h>

#include <algorithm>

#include "decide/lifting.h"

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

Verdict verdict_of(const plan::Task& task, Joined joined) {
  using Form = plan::OutputSpec::Form;
  if (touches_the_unknown(task)) {
    return {true, "it declares neither reads nor writes, so it may touch anything",
            "declare what it reads and writes"};
  }
  const bool has_schema = task.output.form == Form::json && task.output.schema;
  if (task.output.form == Form::exit_status || has_schema || joined == Joined::given_a_form)
    return {};
  const std::string hint = "give its output a schema, or join it with a `with: agent` merge";
  if (task.output.form == Form::json)
    return {true, "its output is JSON without a schema, and no merge gives it a form", hint};
  if (joined == Joined::strung_together)
    return {true, "its output is prose, which `concat` strings together but does not join", hint};
  return {true, "its output is prose that no merge joins", hint};
}

}  // namespace

bool touches_the_unknown(const plan::Task& task) {
  return task.footprint.unknown && !is_caught(task);
}

std::vector<Verdict> verdicts_of(const plan::Plan& plan) {
  const std::vector<Joined> joined = joins_of(plan);
  std::vector<Verdict> verdicts;
  verdicts.reserve(plan.tasks.size());
  const bool any_picture = std::ranges::any_of(plan.tasks, is_caught);
  for (std::size_t i = 0; i < plan.tasks.size(); ++i) {
    const plan::Task& task = plan.tasks[i];
    if (any_picture && !is_caught(task)) {
      verdicts.push_back({true, "it works in the workspace itself, of which others have views",
                          fmt::format("give it `isolation: {}`", name_of(plan::Isolation::view))});
    } else {
      verdicts.push_back(verdict_of(task, joined[i]));
    }
  }
  return verdicts;
}

std::vector<Verdict> unknown_only(const plan::Plan& plan, std::vector<Verdict> verdicts) {
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    const plan::Task& task = plan.tasks[i];
    if (!touches_the_unknown(task) && !works_among_pictures(plan, task)) verdicts[i] = {};
  }
  return verdicts;
}

}  // namespace interlock::decide
