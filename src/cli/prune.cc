#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>

#include "base/text.h"
#include "cli/commands.h"
#include "journal/lease.h"
#include "process/clock.h"
#include "workspace/own_places.h"

// `prune`: forgets runs, with their logs and the changes that were kept for `diff`.
namespace interlock::cli {

namespace {

namespace fs = std::filesystem;

/// What would be lost that is nowhere else.
std::string still_needed(const runs::ChosenRun& run) {
  if (run.dispatched()) return "it is running";
  const auto uncheckpointed = run.state.commits.size() - run.state.checkpointed;
  if (uncheckpointed > 0)
    return fmt::format("{} of its commits are not in the workspace yet", uncheckpointed);
  for (std::uint32_t i = 0; i < run.plan().tasks.size(); ++i) {
    const engine::TaskState state = run.state.tasks[i].state;
    if (state == engine::TaskState::committing || state == engine::TaskState::reviewing)
      return fmt::format("the changes of `{}` are not committed yet", run.plan().tasks[i].id);
  }
  return {};
}

/// Also what a program took its own rights away from.
void remove_all(const fs::path& folder) {
  std::error_code error;
  fs::remove_all(folder, error);
  if (!error) return;
  for (fs::recursive_directory_iterator
           it(folder, fs::directory_options::skip_permission_denied, error),
       end;
       !error && it != end; it.increment(error)) {
    std::error_code ignored;
    if (it->is_directory(ignored) && !it->is_symlink(ignored))
      fs::permissions(it->path(), fs::perms::owner_all, ignored);
  }
  fs::remove_all(folder, error);
}

Result<void> prune_one(const Context& context, journal::Store& store, const std::string& name,
                       bool force) {
  auto run = runs::choose_run(store, name);
  if (!run) return std::unexpected(run.error());
  const std::string id = (*run)->id();
  const std::string needed = still_needed(**run);
  if (!needed.empty() && (!force || (*run)->dispatched())) {
    return fail(Error::Kind::refused, fmt::format("run {} stays: {}", id, needed),
                (*run)->dispatched()
                    ? fmt::format("interlock cancel {}", id)
                    : fmt::format("`interlock resume {}` brings that in; `--force` "
                                  "throws it away",
                                  id));
  }
  process::SystemClock clock;
  const journal::Holder holder{id, (*run)->head.plan_name, ::getpid(), "", clock.now()};
  auto held = store.lease_run(holder);
  if (!held) return std::unexpected(held.error());
  if (auto pruned = store.prune(id); !pruned) return pruned;
  remove_all(runs::run_folder(context.state_folder, id));
  for (const std::string& place : workspace::attempt_places(context.state_folder, id))
    remove_all(place);
  if (!context.json) context.console.remark("pruned " + runs::whole_name(**run));
  return {};
}

void report(const Context& context, const std::vector<std::string>& pruned,
            const std::vector<std::string>& kept) {
  if (!context.json) return;
  context.console.result(
      pretty_json(json::object{{"version", 1},
                               {"pruned", json::array(pruned.begin(), pruned.end())},
                               {"kept", json::array(kept.begin(), kept.end())}}));
}

}  // namespace

Result<Exit> prune_command(const Context& context, const PruneOptions& options) {
  auto store = runs::open_store(context.place(), journal::Access::write);
  if (!store) return std::unexpected(store.error());
  std::vector<std::string> pruned;
  if (!options.run.empty()) {
    const auto id = runs::run_named(**store, context.where, options.run);
    if (!id) return std::unexpected(id.error());
    if (auto done = prune_one(context, **store, *id, options.force); !done)
      return std::unexpected(done.error());
    pruned.push_back(*id);
    report(context, pruned, {});
    return Exit::done;
  }
  if (!options.older) {
    return fail(Error::Kind::invalid, "nothing says which runs to prune",
                "name one, or pass `--older 30d`");
  }
  process::SystemClock clock;
  const Time limit = clock.now() - *options.older;
  journal::RunFilter every;
  every.most = 0;
  auto runs = (*store)->runs(every);
  if (!runs) return std::unexpected(runs.error());
  std::vector<std::string> kept;
  for (const journal::RunSummary& run : *runs) {
    if (run.last.value_or(run.created) > limit) continue;
    auto done = prune_one(context, **store, run.id, options.force);
    (done ? pruned : kept).push_back(run.id);
    if (!done && !context.json) context.console.remark(done.error().message);
  }
  report(context, pruned, kept);
  return kept.empty() ? Exit::done : Exit::refused;
}

}  // namespace interlock::cli
