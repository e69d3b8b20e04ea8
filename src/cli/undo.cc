#include <fmt/format.h>

#include "base/text.h"
#include "cli/commands.h"
#include "runs/landing_check.h"
#include "runs/returned_changes.h"
#include "runs/undo.h"

// `undo` and `land`: what a run that is over changed, taken back or handed on.
namespace interlock::cli {

namespace {

/// As `hook worktree` names sub-agents; a run is never called so.
constexpr std::string_view kSubAgent = "agent-";

Result<Exit> undo_sub_agent(const Context& context, const std::string& name) {
  const auto undone = runs::undo_returns(context.state_folder, name);
  if (!undone) return std::unexpected(undone.error());
  if (context.json) {
    context.console.result(pretty_json(json::object{{"version", 1},
                                                    {"sub_agent", name},
                                                    {"workspace", undone->workspace},
                                                    {"paths", undone->paths}}));
  } else {
    context.console.result(fmt::format("took back what `{}` changed in `{}`: {} {}\n", name,
                                       undone->workspace, undone->paths,
                                       undone->paths == 1 ? "path" : "paths"));
  }
  return Exit::done;
}

}  // namespace

Result<Exit> undo_command(const Context& context, const std::string& name,
                          const std::string& word) {
  if (name.starts_with(kSubAgent) && word.empty()) return undo_sub_agent(context, name);
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

namespace {

std::vector<std::string> ids_of(const runs::ChosenRun& run, const std::vector<TaskId>& tasks,
                                const std::vector<std::size_t>& commits) {
  std::vector<std::string> ids;
  for (const std::size_t commit : commits) ids.push_back(run.plan()[tasks[commit]].id);
  return ids;
}

json::array array_of(const std::vector<std::string>& texts) {
  json::array all;
  for (const std::string& text : texts) all.push_back(json::value(text));
  return all;
}

std::string quoted_words(std::vector<std::string> ids) {
  for (std::string& id : ids) id = fmt::format("`{}`", id);
  return join_words(ids, 6);
}

/// Done where all of it passed: what is left out is not to be overlooked.
Result<Exit> land_what_passes(const Context& context, journal::Store& store,
                              const runs::ChosenRun& run, const LandRequest& request,
                              const std::string& branch, plan::Command command) {
  runs::LandingCheck check;
  std::string shown = command.shell;
  for (const std::string& argument : command.arguments)
    shown += (shown.empty() ? "" : " ") + argument;
  check.command = std::move(command);
  check.timeout = run.plan().defaults.timeout;
  check.most_checks = static_cast<std::size_t>(request.checks);
  check.on_check = [&](const std::string& said) { context.console.remark(said); };
  context.console.remark(
      fmt::format("`{}` is run once where all pass; for each change that fails, about as often as "
                  "halving them takes; {} times at most",
                  printable(shown), request.checks));
  const auto checked = runs::land_checked(store, context.state_folder, run, branch, check);
  if (!checked) return std::unexpected(checked.error());
  if (checked->green.interrupted) {
    context.console.insist("interrupted: no branch was made");
    return Exit::interrupted;
  }
  for (const std::string& remark : checked->landed.remarks)
    context.console.remark("note: " + remark);
  const auto red = ids_of(run, checked->green.tasks, checked->green.subset.red);
  const auto untried = ids_of(run, checked->green.tasks, checked->green.subset.untried);
  if (!request.out.empty()) {
    if (auto written = report_command(context, run.id(), request.out); !written) return written;
  }
  if (context.json) {
    context.console.result(pretty_json(json::object{{"version", 1},
                                                    {"run", run.id()},
                                                    {"branch", branch},
                                                    {"commits", checked->landed.commits},
                                                    {"checks", checked->green.subset.checks},
                                                    {"red", array_of(red)},
                                                    {"untried", array_of(untried)},
                                                    {"left_out", checked->left_out}}));
    return red.empty() && untried.empty() ? Exit::done : Exit::failed;
  }
  std::string text =
      checked->landed.commits == 0
          ? std::string("nothing of it passes: no branch was made of that\n")
          : fmt::format(
                "branch `{}`: {} {} upon HEAD, which pass together\n  git log -p HEAD..{}\n",
                branch, checked->landed.commits,
                checked->landed.commits == 1 ? "commit" : "commits", branch);
  text += fmt::format("{} {} in {}\n", checked->green.subset.checks,
                      checked->green.subset.checks == 1 ? "check" : "checks",
                      show_duration(checked->green.took));
  if (!red.empty()) text += fmt::format("fails: {}\n", quoted_words(red));
  if (!untried.empty())
    text += fmt::format("left out with that, or not tried: {}\n", quoted_words(untried));
  if (!checked->left_out.empty()) text += fmt::format("kept on branch `{}`\n", checked->left_out);
  context.console.result(text);
  return red.empty() && untried.empty() ? Exit::done : Exit::failed;
}

}  // namespace

Result<Exit> land_command(const Context& context, const std::string& name,
                          const LandRequest& request) {
  auto store = runs::open_store(context.place(), journal::Access::read);
  if (!store) return std::unexpected(store.error());
  auto meant = runs::choose_meant(**store, context.where, name, "");
  if (!meant) return std::unexpected(meant.error());
  const runs::ChosenRun& run = *meant->run;
  const std::string branch = request.branch.empty() ? "land/" + run.id() : request.branch;
  if (!request.verify.empty())
    return land_what_passes(context, **store, run, request, branch, {.shell = request.verify});
  const plan::Task* const own = request.checks == 0 ? nullptr : runs::run_check_of(run.plan());
  if (own != nullptr) return land_what_passes(context, **store, run, request, branch, own->verify);
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
