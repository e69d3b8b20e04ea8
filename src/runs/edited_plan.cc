#include "runs/edited_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "base/text.h"
#include "plan/compare.h"
#include "runs/isolation.h"
#include "runs/learning.h"
#include "workspace/local_files.h"
#include "workspace/recorded_files.h"

namespace interlock::runs {

namespace {

/// The files a plan mentions as they are now. What matched a `foreach` when the run began does so
/// still: files that came since are the run's own as a rule, and what a task of the run writes is
/// no edit of a person's.
class FilesNow final : public plan::Files {
 public:
  FilesNow(workspace::RecordedFiles recorded, const plan::Plan& plan)
      : recorded_(std::move(recorded)), plan_(plan) {}

  Result<std::string> read(const std::string& path, std::size_t max_bytes) override {
    if (is_written_by_the_run(path)) {
      if (auto then = recorded_.read(path, max_bytes)) return then;
    }
    return local_.read(path, max_bytes);
  }
  Result<std::vector<std::string>> matching(const std::string& folder,
                                            const footprint::PatternSet& patterns) override {
    if (auto then = recorded_.matching(folder, patterns)) return then;
    return local_.matching(folder, patterns);
  }
  Result<std::string> resolve_folder(const std::string& path) override {
    if (auto then = recorded_.resolve_folder(path)) return then;
    return local_.resolve_folder(path);
  }

 private:
  bool is_written_by_the_run(const std::string& path) const {
    const std::string below =
        std::filesystem::path(path).lexically_relative(plan_.workspace).string();
    if (below.empty() || below.starts_with("..")) return false;
    return std::ranges::any_of(
        plan_.tasks, [&](const plan::Task& task) { return task.footprint.writes.matches(below); });
  }

  workspace::RecordedFiles recorded_;
  workspace::LocalFiles local_;
  const plan::Plan& plan_;
};

bool has_result(const engine::TaskRecord& task) {
  using State = engine::TaskState;
  return task.state == State::done || task.state == State::reviewing ||
         task.state == State::committing || task.state == State::running;
}

std::string named(const plan::Plan& plan, const std::vector<TaskId>& tasks) {
  std::vector<std::string> names;
  for (const TaskId task : tasks) names.push_back(fmt::format("`{}`", plan[task].id));
  return join_words(names, 4);
}

/// What differs, in words.
std::string say(const plan::Plan& plan, const plan::PlanChanges& changes) {
  if (!changes.apart.empty()) return changes.apart;
  std::vector<std::string> parts;
  if (!changes.tasks.empty())
    parts.push_back(fmt::format("{} {}", named(plan, changes.tasks),
                                changes.tasks.size() == 1 ? "differs" : "differ"));
  if (changes.added > 0)
    parts.push_back(
        fmt::format("{} task{} new", changes.added, changes.added == 1 ? " is" : "s are"));
  if (!changes.merges.empty()) parts.emplace_back("merges differ");
  if (changes.limits) parts.emplace_back("`limits` differ");
  if (changes.drivers) parts.emplace_back("merge drivers differ");
  return join_words(parts, parts.size());
}

/// Whether tasks were added to the run, which no plan document has.
bool has_grown(const ChosenRun& run) { return run.state.tasks.size() > run.planned_tasks; }

/// Why the run itself cannot go on with the edited plan; empty: it can.
std::string why_not(const ChosenRun& run, const plan::PlanChanges& changes) {
  if (!changes.apart.empty()) return changes.apart;
  std::vector<TaskId> finished;
  std::ranges::copy_if(changes.tasks, std::back_inserter(finished),
                       [&](TaskId task) { return has_result(run.state[task]); });
  if (!finished.empty())
    return fmt::format("{} {} a result of the plan as it was", named(run.plan(), finished),
                       finished.size() == 1 ? "has" : "have");
  if (changes.added > 0 && has_grown(run))
    return "tasks were added to the run, and new ones of the plan would come before them";
  for (const std::uint32_t merge : changes.merges) {
    if (merge < run.state.merges.size() && run.state.merges[merge].output)
      return fmt::format("merge `{}` was made already", run.plan().merges[merge].name);
  }
  return {};
}

/// What a person is told who has to choose.
std::unexpected<Error> choose_which(const ChosenRun& run, const std::string& what,
                                    const std::string& why) {
  return fail(
      Error::Kind::refused,
      fmt::format("plan `{}` was edited since run {} began: {}{}{}", printable(run.head.plan_file),
                  run.id(), what, what == why ? "" : "; ", what == why ? "" : why),
      fmt::format(
          "`--plan old` goes on with the plan as it was, `--plan new` starts a new run of the "
          "edited one, which reuses what did not change{}",
          has_grown(run) ? " and has none of the tasks that were added to this run" : ""));
}

/// The run with the edited plan in the place of its own.
Result<void> take_over(journal::Store& store, std::unique_ptr<ChosenRun>& run, plan::Plan plan,
                       const Document& document, const std::string& files,
                       const std::string& state_folder) {
  auto history = store.history(run->head.workspace, said_slowings(plan));
  if (!history) return std::unexpected(history.error());
  if (auto settled = settle_isolation(plan, state_folder); !settled)
    return std::unexpected(settled.error());
  auto fresh = std::make_unique<ChosenRun>(ChosenRun{
      run->head, run->request, plan_it(std::move(plan), run->request, *history, state_folder),
      engine::RunState(plan::Plan{})});
  if (auto able = check_can_run(fresh->planned); !able) return able;
  fresh->head.plan_text = document.text;
  fresh->head.files = files;
  fresh->plan_is_new = true;
  if (auto replayed = fresh->replay(store, std::move(*history), &state_folder); !replayed) {
    if (!has_grown(*run)) return replayed;
    return choose_which(*run, "what was added to the run does not fit it",
                        replayed.error().message);
  }
  run = std::move(fresh);
  return {};
}

/// The run's own plan as it was read when it began: its tasks have the isolation they asked for,
/// not what there was for them.
Result<plan::Plan> plan_as_kept(const ChosenRun& run) {
  auto recorded = workspace::RecordedFiles::parse(run.head.files);
  if (!recorded) return std::unexpected(recorded.error());
  return read_plan_or_complain({run.head.plan_file, run.request.folder, run.head.plan_text},
                               run.request, *recorded);
}

}  // namespace

std::string plan_path_of(const ChosenRun& run) {
  const std::string name = std::filesystem::path(run.head.plan_file).filename().string();
  return run.request.folder.empty() || name.empty() ? std::string()
                                                    : run.request.folder + "/" + name;
}

Result<Followed> follow_edits(journal::Store& store, std::unique_ptr<ChosenRun>& run,
                              const std::string& state_folder, WhichPlan which,
                              std::vector<std::string>& remarks) {
  const std::string path = plan_path_of(*run);
  const std::string shown = printable(run->head.plan_file);
  auto document =
      path.empty() ? Result<Document>(fail(Error::Kind::missing, "")) : read_document(path);
  if (!document) {
    if (which == WhichPlan::new_one)
      return fail(Error::Kind::missing, fmt::format("plan `{}` cannot be read any more", shown),
                  "`--plan old` goes on with the plan as it was");
    if (run->head.plan_file != "standard input" && !run->head.plan_file.empty())
      remarks.push_back(fmt::format(
          "note: plan `{}` cannot be read any more: run {} goes on with the plan it began with",
          shown, run->id()));
    return Followed::as_it_was;
  }
  document->file = run->head.plan_file;
  auto recorded = workspace::RecordedFiles::parse(run->head.files);
  if (!recorded) return std::unexpected(recorded.error());
  FilesNow now(std::move(*recorded), run->plan());
  workspace::RecordingFiles files(now);
  auto plan = read_plan_or_complain(*document, run->request, files);
  if (!plan && which != WhichPlan::old_one) {
    remarks.push_back(plan.error().message);
    return fail(Error::Kind::invalid,
                fmt::format("plan `{}` was edited since run {} began, and has errors now", shown,
                            run->id()),
                "mend it, or go on with the plan as it was: `--plan old`");
  }
  auto before = plan_as_kept(*run);
  if (!before) return std::unexpected(before.error());
  const auto changes = plan ? plan::changes_between(*before, *plan) : plan::PlanChanges{};
  if (plan && !changes.any()) return Followed::as_it_was;
  const std::string what = plan ? say(run->plan(), changes) : "it has errors now";
  if (which == WhichPlan::old_one) {
    remarks.push_back(fmt::format(
        "note: plan `{}` was edited since ({}): run {} goes on with the plan it began with", shown,
        what, run->id()));
    return Followed::as_it_was;
  }
  if (run->dispatched())
    return fail(
        Error::Kind::refused,
        fmt::format(
            "plan `{}` was edited since ({}), and run {} is running with the plan it began with",
            shown, what, run->id()),
        "`--plan old` says that this is meant; for the edited plan wait until the run is over, or "
        "cancel it");
  const std::string why = why_not(*run, changes);
  if (!why.empty()) {
    if (which == WhichPlan::ask) return choose_which(*run, what, why);
    if (run->state.checkpointed < run->state.commits.size())
      return fail(
          Error::Kind::refused,
          fmt::format(
              "changes of run {} are not in the workspace yet, so a new run would not see them",
              run->id()),
          "finish it first, with `--plan old`");
    remarks.push_back(fmt::format(
        "note: run {} stays as it is ({}): a new run of the edited plan begins, which reuses "
        "what did not change",
        run->id(), why));
    return Followed::needs_new_run;
  }
  if (auto taken = take_over(store, run, std::move(*plan), *document, files.text(), state_folder);
      !taken) {
    if (which != WhichPlan::new_one || !has_grown(*run)) return std::unexpected(taken.error());
    remarks.push_back(
        fmt::format("note: run {} stays as it is: {}", run->id(), taken.error().message));
    return Followed::needs_new_run;
  }
  remarks.push_back(
      fmt::format("note: plan `{}` was edited since ({}): run {} goes on with it as it is now",
                  shown, what, run->id()));
  return Followed::taken_over;
}

}  // namespace interlock::runs
