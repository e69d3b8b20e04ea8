#include "cli/asking.h"

#include <fmt/format.h>

#include <csignal>

#include "base/json.h"
#include "process/clock.h"

namespace interlock::cli {

Result<Asked> open_for_asking(const Context& context, const std::string& name,
                              const std::string& task) {
  auto store = journal::Store::open(context.state_folder, journal::Access::write);
  if (!store) return std::unexpected(store.error());
  auto meant = runs::choose_meant(*store, context.where, name, task);
  if (!meant) return std::unexpected(meant.error());
  return Asked{std::move(*store), std::move(meant->run), std::move(meant->name)};
}

Result<std::int64_t> post(journal::Store& store, const runs::ChosenRun& run,
                          engine::Request::Kind kind, const std::string& task,
                          const std::string& body) {
  process::SystemClock clock;
  engine::Request request;
  request.kind = kind;
  request.task = task;
  request.by = runs::dispatcher_name();
  request.body = body;
  auto posted = store.post_request(run.id(), request, clock.now());
  if (posted) poke(run);
  return posted;
}

void poke(const runs::ChosenRun& run) {
  if (run.dispatched()) ::kill(static_cast<pid_t>(run.state.process->pid), SIGUSR1);
}

Result<void> ask(Asked& asked, engine::Request::Kind kind, const std::string& task,
                 const std::string& body) {
  if (auto posted = post(asked.store, *asked.run, kind, task, body); !posted)
    return std::unexpected(posted.error());
  return {};
}

/// What was asked of which run, as JSON or in a line.
void report(const Context& context, const runs::ChosenRun& run, std::string_view did,
            const std::vector<std::string>& tasks, const std::string& line) {
  if (context.json) {
    context.console.result(
        pretty_json(json::object{{"version", 1},
                                 {"did", did},
                                 {"run", run.id()},
                                 {"plan", run.head.plan_name},
                                 {"workspace", run.head.workspace},
                                 {"tasks", json::array(tasks.begin(), tasks.end())},
                                 {"dispatched", run.dispatched()}}));
    return;
  }
  context.console.remark(line);
  if (!run.dispatched())
    context.console.remark(fmt::format(" hint: interlock resume {}", run.id()));
}

}  // namespace interlock::cli
