#include <fmt/format.h>

#include <algorithm>

#include "sim/world.h"

// Tasks of which several tries are made side by side, and one counts.
namespace interlock::sim {

using engine::TaskState;

namespace {

bool may_have_tries(const plan::Task& task) {
  const bool locks = std::ranges::any_of(
      task.uses, [](const plan::Use& use) { return use.resource == ResourceId(0); });
  return is_in_view(task) && !task.gate_before && !locks;
}

plan::Task try_of(const plan::Task& task, std::size_t number, TaskId place) {
  plan::Task made = task;
  made.id = fmt::format("{}.{}", task.id, number);
  made.retries = 0;
  made.gate_after = false;
  made.try_of = place;
  return made;
}

plan::Task judge_of(const plan::Task& task, TaskId place) {
  plan::Task made;
  made.id = task.id + ".judge";
  made.run.arguments = {"agent"};
  made.prompt = "work";
  made.isolation = plan::Isolation::view;
  made.output.form = plan::OutputSpec::Form::json;
  made.output.schema = "good";
  made.timeout = std::chrono::seconds(120);
  made.backoff = std::chrono::seconds(1);
  made.retries = 2;
  made.judge_of = place;
  return made;
}

}  // namespace

void draw_tries(Dice& dice, plan::Plan& plan) {
  std::vector<plan::Task> made;
  std::vector<TaskId> moved;
  const auto move_all = [&](std::vector<TaskId>& tasks) {
    for (TaskId& one : tasks) one = moved[one.index()];
  };
  for (plan::Task& task : plan.tasks) {
    move_all(task.needs);
    move_all(task.output_of);
    const std::size_t tries = may_have_tries(task) && dice.chance(500) ? 2 + dice.below(3) : 0;
    const bool judged = tries > 0 && dice.chance(400);
    const TaskId place(made.size() + tries + (judged ? 1 : 0));
    std::vector<TaskId> its;
    for (std::size_t k = 1; k <= tries; ++k) {
      its.emplace_back(made.size());
      made.push_back(try_of(task, k, place));
    }
    if (judged) {
      task.judge = TaskId(made.size());
      made.push_back(judge_of(task, place));
      made.back().after = its;
      task.needs.push_back(*task.judge);
    }
    task.after = its;
    task.tries = std::move(its);
    moved.push_back(place);
    made.push_back(std::move(task));
  }
  plan.tasks = std::move(made);
  for (plan::Merge& merge : plan.merges) move_all(merge.from);
}

/// Any of them, now and then one that was not good: a judge is not always right.
std::string World::pick_one(const plan::Task& judge) {
  return fmt::format(R"({{"pick": {}, "why": "drawn"}})",
                     1 + dice_.below(plan_[*judge.judge_of].tries.size()));
}

void World::check_tries() {
  std::map<TaskId, TaskId> picked;
  std::map<TaskId, Digest> changed;  // By each task's latest attempt so far.
  for (const engine::RecordedEvent& recorded : journal_.events()) {
    if (const auto* const pick = std::get_if<engine::TryPicked>(&recorded.event)) {
      promise(picked.emplace(pick->task, pick->picked).second,
              fmt::format("of the tries of `{}` one is picked", plan_[pick->task].id));
      promise(plan_[pick->picked].try_of == pick->task, "what is picked is a try of the task");
    }
    const auto* const ended = std::get_if<engine::AttemptEnded>(&recorded.event);
    if (ended != nullptr && ended->changes) changed[ended->task] = *ended->changes;
    const auto* const commit = std::get_if<engine::ChangesCommitted>(&recorded.event);
    if (commit == nullptr) continue;
    const std::string& id = plan_[commit->task].id;
    promise(!plan_[commit->task].try_of, fmt::format("nothing of the try `{}` commits", id));
    const auto& attempts = (*run_)[commit->task].attempts;
    const auto& from = attempts[commit->attempt - 1].from;
    promise(!from || (picked.contains(commit->task) && picked.at(commit->task) == *from),
            fmt::format("what `{}` commits is of the try that was picked", id));
    promise(!from || changed[*from] == commit->changes,
            fmt::format("what `{}` commits is what its try changed", id));
  }
  for (std::size_t i = 0; i < run_->tasks.size(); ++i) {
    const plan::Task& task = plan_.tasks[i];
    if (!task.try_of || (*run_)[*task.try_of].state < TaskState::done) continue;
    const bool counts = picked.contains(*task.try_of) && picked.at(*task.try_of) == TaskId(i);
    const TaskState state = run_->tasks[i].state;
    promise(state >= TaskState::done, fmt::format("`{}` is over with its task", task.id));
    const bool may_be_judged_again = plan_[*task.try_of].judge && !picked.contains(*task.try_of) &&
                                     (*run_)[*plan_[*task.try_of].judge].state == TaskState::failed;
    promise(state != TaskState::done || counts || may_be_judged_again,
            fmt::format("`{}` does not count, as it was not picked", task.id));
    promise(state != TaskState::failed, fmt::format("`{}` is a try, and fails nothing", task.id));
  }
}

}  // namespace interlock::sim
