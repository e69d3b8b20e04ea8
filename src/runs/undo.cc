#include "runs/undo.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.h"
#include "changes/read_set.h"
#include "changes/stale.h"
#include "journal/run_lock.h"
#include "process/clock.h"
#include "runs/run_commits.h"
#include "snapshots/git_history.h"
#include "snapshots/layout.h"
#include "snapshots/undo.h"

namespace interlock::runs {
namespace {

using snapshots::Committed;

std::vector<std::string> quoted(const std::vector<std::string>& paths) {
  std::vector<std::string> words;
  for (const std::string& path : paths) words.push_back(fmt::format("`{}`", changes::shown(path)));
  return words;
}

}  // namespace

Result<std::vector<Committed>> commits_of(journal::Store& store, const ChosenRun& run) {
  std::vector<Committed> commits;
  for (const engine::CommitRecord& commit : run.state.commits) {
    auto text = store.blob(commit.changes);
    if (!text) return std::unexpected(text.error());
    auto changeset = changes::changeset_from_text(*text);
    if (!changeset) return std::unexpected(changeset.error());
    commits.push_back(
        {engine::snapshot_of(run.state, commit.task, commit.attempt), std::move(*changeset)});
  }
  return commits;
}

TaskId task_of(const plan::Plan& plan, const Committed& commit) {
  return plan[commit.name.task].try_of.value_or(commit.name.task);
}

Result<void> check_over(const ChosenRun& run) {
  if (run.dispatched() || !run.state.ended)
    return fail(Error::Kind::refused, fmt::format("run {} is not over", run.id()),
                fmt::format("interlock cancel {}, or wait for it", run.id()));
  if (run.state.checkpointed < run.state.commits.size())
    return fail(Error::Kind::refused,
                fmt::format("not all that run {} committed is in the workspace", run.id()),
                fmt::format("interlock resume {}", run.id()));
  if (run.state.commits.empty())
    return fail(Error::Kind::missing, fmt::format("nothing that run {} changed is known", run.id()),
                "only tasks in views and worktrees commit what they change; see `isolation`");
  return {};
}

Result<changes::ReadSet> reads_of(journal::Store& store, const ChosenRun& run,
                                  const Committed& commit) {
  for (const engine::AttemptRecord& attempt : run.state[commit.name.task].attempts) {
    if (attempt.number != commit.name.attempt || !attempt.reads) continue;
    auto text = store.blob(*attempt.reads);
    if (!text) return std::unexpected(text.error());
    return changes::read_set_from_text(*text);
  }
  return changes::ReadSet();
}

namespace {

/// The first commit after `undone` that read or changed what it changed, and what that was.
Result<void> check_nothing_stands_on(journal::Store& store, const ChosenRun& run,
                                     const std::vector<Committed>& commits,
                                     const std::vector<bool>& undone) {
  std::vector<const changes::Changeset*> since;
  for (std::size_t i = 0; i < commits.size(); ++i) {
    if (undone[i]) {
      since.push_back(&commits[i].changes);
      continue;
    }
    if (since.empty()) continue;
    const Committed& later = commits[i];
    const auto reads = reads_of(store, run, later);
    if (!reads) return std::unexpected(reads.error());
    const auto stale = changes::stale(*reads, later.changes, since);
    if (stale.empty()) continue;
    const std::string& task = run.plan()[task_of(run.plan(), later)].id;
    return fail(
        Error::Kind::refused,
        fmt::format("`{}` {} {} after that", task,
                    stale.front().what == changes::Stale::What::written ? "changed" : "read",
                    changes::place_of(stale.front())),
        fmt::format("take the whole run back: interlock undo {}", run.id()));
  }
  return {};
}

}  // namespace

Result<Undone> undo(journal::Store& store, const std::string& state_folder, const ChosenRun& run,
                    std::optional<TaskId> task) {
  process::SystemClock clock(run.state.last.value_or(Time{}));
  const journal::Holder holder{run.id(), run.head.plan_name, ::getpid(), "", clock.now()};
  auto held_run = store.lease_run(holder);
  if (!held_run) return std::unexpected(held_run.error());
  auto held_workspace = journal::lock_workspace(state_folder, run.plan().workspace, holder);
  if (!held_workspace) return std::unexpected(held_workspace.error());
  if (auto over = check_over(run); !over) return std::unexpected(over.error());
  auto commits = commits_of(store, run);
  if (!commits) return std::unexpected(commits.error());
  std::vector<bool> undone;
  for (const Committed& commit : *commits)
    undone.push_back(!task || task_of(run.plan(), commit) == *task);
  bool is_anything = false;
  for (std::size_t i = 0; i < commits->size(); ++i)
    is_anything |= undone[i] && !(*commits)[i].changes.empty();
  if (!is_anything)
    return fail(Error::Kind::missing,
                task ? fmt::format("`{}` changed nothing in run {}", run.plan()[*task].id, run.id())
                     : fmt::format("run {} changed nothing", run.id()));
  if (auto free = check_nothing_stands_on(store, run, *commits, undone); !free)
    return std::unexpected(free.error());
  Undone result;
  std::vector<Committed> chosen;
  for (std::size_t i = 0; i < commits->size(); ++i) {
    if (!undone[i]) continue;
    result.tasks.push_back(task_of(run.plan(), (*commits)[i]));
    result.paths += (*commits)[i].changes.changes.size();
    chosen.push_back(std::move((*commits)[i]));
  }
  snapshots::Undo back(run.plan().workspace, state_folder, run.id(), chosen);
  const auto foreign = back.run();
  if (!foreign) return std::unexpected(foreign.error());
  if (!foreign->empty())
    return fail(Error::Kind::refused,
                fmt::format("{} changed since, or was taken back already: nothing was undone",
                            join_words(quoted(*foreign), 4)),
                fmt::format("interlock diff {} TASK shows what the run left", run.id()));
  return result;
}

Result<Landed> land(journal::Store& store, const std::string& state_folder, const ChosenRun& run,
                    const std::string& branch) {
  if (auto over = check_over(run); !over) return std::unexpected(over.error());
  auto commits = commits_of(store, run);
  if (!commits) return std::unexpected(commits.error());
  const std::string& root = run.plan().workspace;
  const snapshots::Layout layout(state_folder, run.id());
  Landed landed;
  landed.branch = branch;
  for (const Committed& commit : *commits) {
    const snapshots::History history(
        root, layout.snapshots(), run.id(),
        fmt::format("{}/{}", run.id(), run.plan()[task_of(run.plan(), commit)].id));
    auto made =
        history.commit_onto(branch, landed.commits == 0,
                            {layout.file(commit.name, "after"), &commit.changes}, landed.remarks);
    if (!made) return std::unexpected(made.error());
    if (*made) ++landed.commits;
  }
  return landed;
}

}  // namespace interlock::runs
