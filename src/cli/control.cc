#include <fmt/format.h>

#include <csignal>

#include "cli/commands.h"
#include "process/clock.h"

// `approve`, `reject`, `cancel` and `retry`: what people ask of a run. The request is durable
// first; then its dispatcher, if it lives, is poked to look.
namespace interlock::cli {

namespace {

struct Asked {
  journal::Store store;
  std::unique_ptr<ChosenRun> run;
};

Result<Asked> open_for_asking(const Context& context, const std::string& name) {
  auto store = journal::Store::open(context.state_folder, journal::Access::write);
  if (!store) return std::unexpected(store.error());
  auto run = choose_run_to_dispatch(*store, name, context.state_folder);
  if (!run) return std::unexpected(run.error());
  return Asked{std::move(*store), std::move(*run)};
}

Result<void> ask(Asked& asked, engine::Request::Kind kind, const std::string& task) {
  process::SystemClock clock;
  engine::Request request;
  request.kind = kind;
  request.task = task;
  request.by = dispatcher_name();
  if (auto posted = asked.store.post_request(asked.run->id(), request, clock.now()); !posted) {
    return std::unexpected(posted.error());
  }
  if (asked.run->dispatched()) ::kill(static_cast<pid_t>(asked.run->state.process->pid), SIGUSR1);
  return {};
}

Result<void> check_waits_at_gate(const ChosenRun& run, const std::string& task) {
  if (task.empty()) {
    if (run.state.review_open) return {};
    return fail(Error::Kind::refused, fmt::format("run {} waits for no review", run.id()),
                "name the task whose gate is meant");
  }
  const auto id = choose_task(run, task);
  if (!id) return std::unexpected(id.error());
  if (run.state[*id].gate_since) return {};
  return fail(Error::Kind::refused, fmt::format("task `{}` waits at no gate: it is {}", task,
                                                name_of(run.state[*id].state)));
}

Result<Exit> answer(const Context& context, const std::string& name, const std::string& task,
                    engine::Request::Kind kind) {
  auto asked = open_for_asking(context, name);
  if (!asked) return std::unexpected(asked.error());
  if (auto waits = check_waits_at_gate(*asked->run, task); !waits)
    return std::unexpected(waits.error());
  if (auto done = ask(*asked, kind, task); !done) return std::unexpected(done.error());
  const std::string what = kind == engine::Request::Kind::approve ? "approved" : "rejected";
  context.talk.remark(fmt::format("{} {} of run {}", what,
                                  task.empty() ? "the review" : fmt::format("`{}`", task),
                                  asked->run->id()));
  if (!asked->run->dispatched())
    context.talk.remark(fmt::format(" hint: interlock resume {}", asked->run->id()));
  return Exit::done;
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
                            const std::string& task) {
  auto asked = open_for_asking(context, name);
  if (!asked) return std::unexpected(asked.error());
  ChosenRun& run = *asked->run;
  if (run.state.finished_count == run.state.tasks.size()) {
    return fail(Error::Kind::refused, fmt::format("run {} is over: {}", run.id(), state_text(run)));
  }
  if (!task.empty()) {
    const auto id = choose_task(run, task);
    if (!id) return std::unexpected(id.error());
    const engine::TaskState state = run.state[*id].state;
    if (state != engine::TaskState::waiting && state != engine::TaskState::running &&
        state != engine::TaskState::reviewing && state != engine::TaskState::committing) {
      return fail(Error::Kind::refused,
                  fmt::format("task `{}` is over: it is {}", task, name_of(state)));
    }
  }
  const auto kind =
      task.empty() ? engine::Request::Kind::cancel_run : engine::Request::Kind::cancel_task;
  if (auto done = ask(*asked, kind, task); !done) return std::unexpected(done.error());
  context.talk.remark(fmt::format("asked to cancel {} {}", task.empty() ? "run" : "task",
                                  task.empty() ? run.id() : task));
  if (run.dispatched()) return Exit::done;
  if (!task.empty()) {
    context.talk.remark(fmt::format(" hint: interlock resume {}", run.id()));
    return Exit::done;
  }
  // Nobody dispatches it: what a dead dispatcher left running is ended here and now.
  auto exit = dispatch(asked->store, context.state_folder, run, Face::lines, context.talk);
  if (!exit) return exit;
  return Exit::done;
}

Result<Exit> retry_command(const Context& context, const std::string& name, const std::string& task,
                           Face face, WhichPlan which) {
  auto asked = open_for_asking(context, name);
  if (!asked) return std::unexpected(asked.error());
  auto followed = follow_edits(asked->store, asked->run, context.state_folder, which, context.talk);
  if (!followed) return std::unexpected(followed.error());
  if (*followed == Followed::needs_new_run) return run_edited(context, *asked->run, face);
  ChosenRun& run = *asked->run;
  std::vector<std::string> again;
  for (std::uint32_t i = 0; i < run.plan().tasks.size(); ++i) {
    const engine::TaskState state = run.state.tasks[i].state;
    const bool failed = state == engine::TaskState::failed || state == engine::TaskState::cancelled;
    if (task.empty() && failed) again.push_back(run.plan().tasks[i].id);
  }
  if (!task.empty()) {
    const auto id = choose_task(run, task);
    if (!id) return std::unexpected(id.error());
    const engine::TaskState state = run.state[*id].state;
    if (state != engine::TaskState::failed && state != engine::TaskState::cancelled &&
        state != engine::TaskState::skipped) {
      return fail(Error::Kind::refused,
                  fmt::format("task `{}` has not failed: it is {}", task, name_of(state)),
                  state == engine::TaskState::done
                      ? "finished work is not run again; `interlock run --fresh` starts a new run"
                      : "");
    }
    again.push_back(task);
  }
  if (again.empty())
    return fail(Error::Kind::refused, fmt::format("run {} has no failed task", run.id()));
  for (const std::string& one : again) {
    if (auto done = ask(*asked, engine::Request::Kind::retry, one); !done)
      return std::unexpected(done.error());
  }
  if (run.dispatched()) return Exit::done;
  auto exit = dispatch(asked->store, context.state_folder, run, face, context.talk);
  if (exit) context.talk.result(run.id() + "\n");
  return exit;
}

}  // namespace interlock::cli
