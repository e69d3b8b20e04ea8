#include <fmt/format.h>

#include "base/text.h"
#include "cli/commands.h"
#include "runs/undo.h"

// `undo` and `land`: what a run that is over changed, taken back or handed on.
namespace interlock::cli {

Result<Exit> undo_command(const Context& context, const std::string& name,
                          const std::string& word) {
  auto store = runs::open_store(context.place(), journal::Access::read);
  if (!store) return std::unexpected(store.error());
  auto meant = runs::choose_meant(**store, context.where, name, word);
  if (!meant) return std::unexpected(meant.error());
  const runs::ChosenRun& run = *meant->run;
  std::optional<TaskId> task;
  if (!meant->name.empty()) {
    const auto id = runs::choose_task(run, meant->name);
    if (!id) return std::unexpected(id.error());
    task = *id;
  }
  const auto undone = runs::undo(**store, context.state_folder, run, task);
  if (!undone) return std::unexpected(undone.error());
  json::array tasks;
  std::vector<std::string> names;
  for (const TaskId id : undone->tasks) {
    tasks.push_back(json::value(run.plan()[id].id));
    names.push_back(fmt::format("`{}`", run.plan()[id].id));
  }
  if (context.json) {
    context.console.result(pretty_json(json::object{{"version", 1},
                                                    {"run", run.id()},
                                                    {"workspace", run.head.workspace},
                                                    {"undone", std::move(tasks)},
                                                    {"paths", undone->paths}}));
    return Exit::done;
  }
  context.console.result(fmt::format("took back what {} changed in `{}`: {} {}\n",
                                     join_words(names, 6), run.head.workspace, undone->paths,
                                     undone->paths == 1 ? "path" : "paths"));
  return Exit::done;
}

Result<Exit> land_command(const Context& context, const std::string& name,
                          const LandRequest& request) {
  auto store = runs::open_store(context.place(), journal::Access::read);
  if (!store) return std::unexpected(store.error());
  auto meant = runs::choose_meant(**store, context.where, name, "");
  if (!meant) return std::unexpected(meant.error());
  const runs::ChosenRun& run = *meant->run;
  const std::string branch = request.branch.empty() ? "land/" + run.id() : request.branch;
  const auto landed = runs::land(**store, context.state_folder, run, branch);
  if (!landed) return std::unexpected(landed.error());
  for (const std::string& remark : landed->remarks) context.console.remark("note: " + remark);
  if (landed->commits == 0)
    return fail(
        Error::Kind::missing,
        fmt::format("git knows nothing of what run {} changed: no branch was made", run.id()));
  if (!request.out.empty()) {
    if (auto written = report_command(context, run.id(), request.out); !written) return written;
  }
  if (context.json) {
    context.console.result(pretty_json(json::object{{"version", 1},
                                                    {"run", run.id()},
                                                    {"branch", landed->branch},
                                                    {"commits", landed->commits}}));
    return Exit::done;
  }
  context.console.result(fmt::format("branch `{}`: {} {} upon HEAD\n  git log -p HEAD..{}\n",
                                     branch, landed->commits,
                                     landed->commits == 1 ? "commit" : "commits", branch));
  return Exit::done;
}

}  // namespace interlock::cli
