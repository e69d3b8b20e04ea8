#include <fmt/format.h>

#include "base/text.h"
#include "cli/asking.h"
#include "cli/commands.h"
#include "runs/excerpt.h"

// `approve`, `reject`, `cancel` and `retry`: what people ask of a run. The request is durable
// first; then its dispatcher, if it lives, is poked to look. Each says which run of which plan in
// which workspace it meant.
namespace interlock::cli {

namespace {

using engine::TaskState;

std::vector<std::string> tasks_at_gates(const runs::ChosenRun& run) {
  std::vector<std::string> tasks;
  for (std::uint32_t i = 0; i < run.plan().tasks.size(); ++i) {
    if (run.state.tasks[i].gate_since) tasks.push_back(run.plan().tasks[i].id);
  }
  return tasks;
}

std::string quoted(const std::vector<std::string>& tasks) {
  std::vector<std::string> words;
  for (const std::string& task : tasks) words.push_back(fmt::format("`{}`", task));
  return join_words(words, 8);
}

/// The task whose gate is meant; empty: the run's review.
Result<std::string> gate_meant(const runs::ChosenRun& run, const std::string& task) {
  const std::vector<std::string> waiting = tasks_at_gates(run);
  const std::string hint =
      waiting.empty() ? std::string() : fmt::format("waiting for approval: {}", quoted(waiting));
  if (task.empty()) {
    if (run.state.review_open) return std::string();
    if (waiting.size() == 1) return waiting.front();
    if (waiting.empty())
      return fail(Error::Kind::refused, runs::whole_name(run) + " is not waiting at a gate");
    return fail(
        Error::Kind::refused,
        fmt::format("{} tasks of {} wait for approval", waiting.size(), runs::whole_name(run)),
        fmt::format("name one: {}", quoted(waiting)));
  }
  const auto id = runs::choose_task(run, task);
  if (!id) return std::unexpected(id.error());
  if (run.state[*id].gate_since) return task;
  return fail(Error::Kind::refused,
              fmt::format("task `{}` of {} is not waiting at a gate: it is {}", task,
                          runs::whole_name(run), name_of(run.state[*id].state)),
              hint);
}

Result<Exit> answer(const Context& context, const std::string& name, const std::string& word,
                    engine::Request::Kind kind) {
  auto asked = runs::open_for_answering(context.place(), context.where, name, word);
  if (!asked) return std::unexpected(asked.error());
  const auto task = gate_meant(*asked->run, asked->task);
  if (!task) return std::unexpected(task.error());
  if (auto done = runs::ask(*asked, kind, *task); !done) return std::unexpected(done.error());
  const std::string what = kind == engine::Request::Kind::approve ? "approved" : "rejected";
  report(context, *asked->run, what,
         task->empty() ? std::vector<std::string>{} : std::vector<std::string>{*task},
         fmt::format("{} {} of {}", what, task->empty() ? "the review" : fmt::format("`{}`", *task),
                     runs::whole_name(*asked->run)));
  return Exit::done;
}

Result<void> check_can_cancel(const runs::ChosenRun& run, const std::string& task) {
  if (run.state.finished_count == run.state.tasks.size()) {
    return fail(Error::Kind::refused,
                fmt::format("{} is over: {}", runs::whole_name(run), runs::state_text(run)));
  }
  if (task.empty()) return {};
  const auto id = runs::choose_task(run, task);
  if (!id) return std::unexpected(id.error());
  const TaskState state = run.state[*id].state;
  if (state == TaskState::waiting || state == TaskState::running || state == TaskState::reviewing ||
      state == TaskState::committing)
    return {};
  return fail(Error::Kind::refused, fmt::format("task `{}` of {} is over: it is {}", task,
                                                runs::whole_name(run), name_of(state)));
}

/// The tasks to run again: the one that is named, or all that failed.
Result<std::vector<std::string>> tasks_to_retry(const runs::ChosenRun& run,
                                                const std::string& task) {
  const auto is_lost = [](TaskState state) {
    return state == TaskState::failed || state == TaskState::cancelled;
  };
  if (!task.empty()) {
    const auto id = runs::choose_task(run, task);
    if (!id) return std::unexpected(id.error());
    const TaskState state = run.state[*id].state;
    if (run.state[*id].is_unneeded())
      return fail(Error::Kind::refused,
                  fmt::format("task `{}` of {} was not needed: {}", task, runs::whole_name(run),
                              run.state[*id].unneeded));
    if (is_lost(state) || state == TaskState::skipped) return std::vector{task};
    return fail(Error::Kind::refused,
                fmt::format("task `{}` of {} has not failed: it is {}", task, runs::whole_name(run),
                            name_of(state)),
                state == TaskState::done
                    ? "finished work is not run again; `interlock run --fresh` starts a new run"
                    : "");
  }
  std::vector<std::string> again;
  for (std::uint32_t i = 0; i < run.plan().tasks.size(); ++i) {
    if (is_lost(run.state.tasks[i].state)) again.push_back(run.plan().tasks[i].id);
  }
  if (again.empty())
    return fail(Error::Kind::refused, fmt::format("{} has no failed task", runs::whole_name(run)));
  return again;
}

}  // namespace

Result<Exit> approve_command(const Context& context, const std::string& run,
                             const std::string& task) {
  return answer(context, run, task, engine::Request::Kind::approve);
}

Result<Exit> reject_command(const Context& context, const std::string& run,
                            const std::string& task) {
  return answer(context, run, task, engine::Request::Kind::reject);
}

Result<Exit> cancel_command(const Context& context, const std::string& name,
                            const std::string& word) {
  auto asked = runs::open_for_asking(context.place(), context.where, name, word);
  if (!asked) return std::unexpected(asked.error());
  const std::string task = asked->task;
  if (auto able = check_can_cancel(*asked->run, task); !able) return std::unexpected(able.error());
  const auto kind =
      task.empty() ? engine::Request::Kind::cancel_run : engine::Request::Kind::cancel_task;
  if (auto done = runs::ask(*asked, kind, task); !done) return std::unexpected(done.error());
  const std::string whole = runs::whole_name(*asked->run);
  report(context, *asked->run, "cancelled",
         task.empty() ? std::vector<std::string>{} : std::vector<std::string>{task},
         task.empty() ? fmt::format("asked to cancel {}", whole)
                      : fmt::format("asked to cancel task `{}` of {}", task, whole));
  if (asked->run->dispatched() || !task.empty()) return Exit::done;
  // Nobody dispatches it: what a dead dispatcher left running is ended here and now.
  auto run = runs::choose_run_to_dispatch(*asked->store, asked->run->id(), context.state_folder);
  if (!run) return std::unexpected(run.error());
  auto exit =
      dispatch_and_show(*asked->store, context.state_folder, **run, Face::lines, context.console);
  if (!exit) return exit;
  return Exit::done;
}

Result<Exit> retry_command(const Context& context, const std::string& name, const std::string& word,
                           Face face, runs::WhichPlan which) {
  auto asked = runs::open_for_asking(context.place(), context.where, name, word);
  if (!asked) return std::unexpected(asked.error());
  auto followed = follow_edits(context, *asked->store, asked->run, which);
  if (!followed) return std::unexpected(followed.error());
  if (*followed == runs::Followed::needs_new_run) return run_edited(context, *asked->run, face);
  const auto again = tasks_to_retry(*asked->run, asked->task);
  if (!again) return std::unexpected(again.error());
  for (const std::string& one : *again) {
    if (auto done = runs::ask(*asked, engine::Request::Kind::retry, one); !done)
      return std::unexpected(done.error());
  }
  const std::string line =
      fmt::format("running again: {} of {}", quoted(*again), runs::whole_name(*asked->run));
  if (asked->run->dispatched()) {
    report(context, *asked->run, "retried", *again, line);
    return Exit::done;
  }
  context.console.remark(line);
  if (*followed == runs::Followed::taken_over)
    return dispatch_and_report(context, *asked->store, *asked->run, face);
  auto run = runs::choose_run_to_dispatch(*asked->store, asked->run->id(), context.state_folder);
  if (!run) return std::unexpected(run.error());
  return dispatch_and_report(context, *asked->store, **run, face);
}

}  // namespace interlock::cli
