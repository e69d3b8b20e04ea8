#include <fmt/format.h>

#include <algorithm>

#include "decide/verdicts.h"
#include "engine/conditions.h"
#include "sim/world.h"

// Worlds whose tasks have conditions.
namespace interlock::sim {

namespace {

using engine::TaskState;

void add_once(std::vector<TaskId>& tasks, TaskId task) {
  if (std::ranges::find(tasks, task) == tasks.end()) tasks.push_back(task);
  std::ranges::sort(tasks);
}

/// `outcome.t3 != 'failed'` or `outputs.t3 < '8'`, half of which hold: answers are digests.
std::string draw_term(Dice& dice, plan::Plan& plan, plan::Task& task, std::size_t place) {
  const TaskId other(dice.below(place));
  if (dice.chance(500)) {
    static const std::vector<std::string> kEnds = {"done", "failed", "skipped"};
    task.when_inputs.push_back({other, 1, true});
    add_once(task.after, other);
    return fmt::format("outcome.t{} {} '{}'", other.index(),
                       dice.chance(500) ? "==" : "!=", dice.one_of(kEnds));
  }
  if (plan[other].output.form != plan::OutputSpec::Form::text) return "true";
  task.when_inputs.push_back({other, 1, false});
  return fmt::format("outputs.t{} {} '8'", other.index(), dice.chance(500) ? "<" : ">=");
}

/// Whether one of the terms above holds, as the run's record has it.
bool term_holds(const std::string& term, const engine::RunState& run,
                const testing_support::FakeJournal& journal) {
  if (term == "true") return true;
  const bool is_outcome = term.starts_with("outcome.t");
  const std::size_t number = std::stoul(term.substr(9));
  const engine::TaskRecord& record = run.tasks[number];
  const bool negated = term.contains("!=") || term.contains(">=");
  if (is_outcome) return term.contains(engine::name_of(record.state)) != negated;
  const std::string* const answer = record.output && record.state == TaskState::done
                                        ? journal.find_blob(*record.output)
                                        : nullptr;
  // Two that have no order: the task fails by that.
  return answer != nullptr && (answer->front() < '8') != negated;
}

}  // namespace

void draw_conditions(Dice& dice, plan::Plan& plan) {
  for (std::size_t i = 1; i < plan.tasks.size(); ++i) {
    plan::Task& task = plan.tasks[i];
    if (!dice.chance(450)) continue;
    task.batch = 1;
    task.when = draw_term(dice, plan, task, i);
    if (dice.chance(400)) {
      task.when += dice.chance(500) ? " and " : " or ";
      task.when += draw_term(dice, plan, task, i);
    }
    // A task whose outcome is asked for need not succeed, unless it is needed besides.
    for (const plan::ConditionInput& input : task.when_inputs) {
      if (!input.is_outcome && std::ranges::find(task.after, input.task) == task.after.end())
        add_once(task.needs, input.task);
    }
  }
}

void draw_families(Dice& dice, plan::Plan& plan) {
  const std::size_t all = plan.tasks.size();
  if (all < 4) return;
  const std::size_t producer = dice.below(all - 3), first = producer + 1 + dice.below(2);
  const std::size_t count = std::min(all - first, 1 + dice.below(5));
  plan.tasks[producer].output = {};
  plan.tasks[producer].output.form = plan::OutputSpec::Form::text;
  plan::Family family;
  family.id = "family";
  family.first = TaskId(first);
  family.at_most = static_cast<std::uint32_t>(count);
  family.producer = TaskId(producer);
  for (std::size_t i = first; i < first + count; ++i) {
    plan::Task& place = plan.tasks[i];
    const auto is_inside = [&](TaskId other) { return other.index() >= first; };
    std::erase_if(place.needs, is_inside);
    std::erase_if(place.output_of, is_inside);
    add_once(place.needs, family.producer);
    place.prompt = "work";
    for (const TaskId needed : place.output_of)
      place.prompt += fmt::format(" {{outputs.t{}}}", needed.index());
    place.family = 0;
    place.batch = 1;
  }
  plan.families = {family};
}

/// What is not known yet may touch all that any of the family's tasks does, and more.
void World::cover_families() {
  for (std::uint32_t i = 0; i < plan_.families.size(); ++i) {
    const plan::Family& family = plan_.families[i];
    const bool is_known = std::ranges::any_of(journal_.events(), [&](const auto& recorded) {
      const auto* expanded = std::get_if<engine::FamilyExpanded>(&recorded.event);
      return expanded != nullptr && expanded->task == family.first;
    });
    if (is_known) continue;
    footprint::Footprint cover;
    for (std::uint32_t at = 0; at < family.at_most; ++at) {
      const auto& own = plan_.tasks[family.first.index() + at].footprint;
      cover.unknown |= own.unknown;
      for (const auto& [from, to] :
           {std::pair(&own.reads, &cover.reads), std::pair(&own.writes, &cover.writes)})
        to->include.insert(to->include.end(), from->include.begin(), from->include.end());
    }
    if (cover.unknown) cover.reads = cover.writes = {};
    if (!covers_families_) cover = {};
    for (std::uint32_t at = 0; at < family.at_most; ++at)
      grown_.tasks[family.first.index() + at].footprint = cover;
  }
}

/// The first letter of an answer says how many: none, some or all that there may be.
std::uint32_t World::items_in(std::uint32_t family, const std::string& output) const {
  return static_cast<std::uint32_t>(output.empty() ? 0 : static_cast<unsigned char>(output[0])) %
         (plan_.families[family].at_most + 1);
}

Result<engine::Expanded> World::expand(std::uint32_t number, const std::string& output) {
  const plan::Family& family = plan_.families[number];
  if (output.starts_with('9')) return fail(Error::Kind::invalid, "this is no list of items");
  engine::Expanded expanded;
  expanded.count = items_in(number, output);
  expanded.items = fmt::format("{}", expanded.count);
  for (std::uint32_t i = 0; i < family.at_most; ++i) {
    const std::size_t at = family.first.index() + i;
    if (i < expanded.count) grown_.tasks[at] = plan_.tasks[at];
  }
  interlock_again();
  schedule::Problem problem =
      decide::problem_of(grown_, interlocking_, decide::expect(grown_, {}), verdicts_);
  const auto first = problem.jobs.begin() + family.first.index();
  expanded.jobs.assign(first, first + family.at_most);
  expanded.links = std::move(problem.links);
  return expanded;
}

std::size_t World::unneeded() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      run_->tasks, [](const engine::TaskRecord& one) { return one.is_unneeded(); }));
}

/// Whatever happened on the way: a task is passed over if and only if its condition says so of what
/// the others came to, or it takes an output that there is none of.
void World::check_conditions() {
  for (std::size_t i = 0; i < run_->tasks.size(); ++i) {
    const plan::Task& task = plan_.tasks[i];
    const engine::TaskRecord& record = (*run_)[TaskId(i)];
    const bool is_judged =
        record.state >= TaskState::done && record.state != TaskState::cancelled &&
        std::ranges::all_of(task.needs, [&](TaskId one) { return (*run_)[one].went_well(); });
    if (!is_judged || task.try_of || task.judge_of) continue;
    // Asked for again, it may have come to something else since it was asked about.
    const bool is_past = std::ranges::any_of(
        task.when_inputs, [&](const auto& input) { return (*run_)[input.task].revived; });
    if (is_past && !task.family) continue;
    if (task.family) {
      const plan::Family& family = plan_.families[*task.family];
      const auto& output = (*run_)[family.producer].output;
      const std::string* const text = output ? journal_.find_blob(*output) : nullptr;
      const bool is_refused = text == nullptr || text->starts_with('9');
      const bool is_item = !is_refused && i - family.first.index() < items_in(*task.family, *text);
      promise(is_refused || is_item || record.unneeded == engine::kNoSuchItem,
              fmt::format("`{}` is done only if there is an item for it", task.id));
      promise(!is_refused || record.attempts.empty(),
              fmt::format("`{}` is not done where nobody knows the items", task.id));
      if (!is_item) continue;
    }
    const bool lacks =
        std::ranges::any_of(task.output_of, [&](TaskId one) { return (*run_)[one].is_unneeded(); });
    bool holds = true;
    if (const std::size_t at = task.when.find(" and "); at != std::string::npos) {
      holds = term_holds(task.when.substr(0, at), *run_, journal_) &&
              term_holds(task.when.substr(at + 5), *run_, journal_);
    } else if (const std::size_t or_at = task.when.find(" or "); or_at != std::string::npos) {
      holds = term_holds(task.when.substr(0, or_at), *run_, journal_) ||
              term_holds(task.when.substr(or_at + 4), *run_, journal_);
    } else if (!task.when.empty()) {
      holds = term_holds(task.when, *run_, journal_);
    }
    const bool cannot_be_told =
        record.failure == engine::Outcome::not_started && record.detail.contains("cannot be told");
    promise(
        record.is_unneeded() == (lacks || !holds) || cannot_be_told,
        fmt::format("`{}` is passed over if and only if `{}` does not hold", task.id, task.when));
    promise(!record.is_unneeded() || record.attempts.empty(),
            fmt::format("`{}`, which is not needed, was never begun", task.id));
  }
}

}  // namespace interlock::sim
