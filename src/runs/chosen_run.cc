#include "runs/chosen_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/text.h"
#include "engine/conditions.h"
#include "runs/decision_record.h"
#include "runs/excerpt.h"
#include "runs/growth.h"
#include "runs/isolation.h"
#include "runs/learning.h"
#include "runs/outside.h"
#include "runs/queues.h"
#include "sys/process_identity.h"
#include "workspace/recorded_files.h"

namespace interlock::runs {

Result<plan::Plan> kept_plan(const journal::RunHead& head, const PlanRequest& request,
                             const std::map<std::uint32_t, std::vector<std::string>>& items) {
  auto files = workspace::RecordedFiles::parse(head.files);
  if (!files) return std::unexpected(files.error());
  const Document document{head.plan_file, request.folder, head.plan_text};
  auto plan = read_plan_or_complain(document, request, *files, items);
  if (!plan && !items.empty()) return plan;
  if (!plan) return within(plan.error(), "the plan kept with the run cannot be read");
  plan->workspace = head.workspace;
  return plan;
}

/// What people changed while it went on holds for whoever goes on with it.
void take_retuned(Planned& planned, const engine::RunRetuned& retuned) {
  if (retuned.parallel) {
    planned.decision.n = static_cast<std::uint32_t>(*retuned.parallel);
    planned.decision.policy.parallel = planned.decision.n;
  }
  if (retuned.tokens) planned.plan.limits.tokens = retuned.tokens;
  if (retuned.usd) planned.plan.limits.usd = retuned.usd;
}

/// Of a run that was read before, only the events since.
Result<void> ChosenRun::replay(journal::Store& store, decide::History history,
                               const std::string* state_folder, bool is_decided) {
  const bool is_first = state.seq == 0;
  if (is_first) planned_tasks = planned.plan.tasks.size();
  RunGrowth growth(planned, request, std::move(history));
  growth.read_again = [this](const auto& items) { return kept_plan(head, request, items); };
  engine::Replay read(plan());
  if (!is_first) {
    read.run = std::move(state);
    read.commits = std::move(commits);
    read.changes = std::move(changes);
  }
  Result<void> grown;
  bool prepared = state_folder == nullptr;
  auto done = store.replay(id(), read.run.seq, [&](engine::RecordedEvent&& recorded) {
    if (!grown) return;
    if (const auto* added = std::get_if<engine::TasksAdded>(&recorded.event)) {
      if (!std::exchange(is_decided, true)) {
        PlanRequest planning = request;
        planning.effort = Duration{};
        planned = plan_it(std::move(planned.plan), planning, {}, {});
      }
      if (!std::exchange(prepared, true))
        growth.dispatch_with(growth_means(plan(), *state_folder, request.stands, {}));
      grown = growth.replay(*added);
    }
    if (const auto* expanded = std::get_if<engine::FamilyExpanded>(&recorded.event))
      grown = growth.replay(*expanded);
    if (grown) read.take(recorded);
  });
  if (!done) return done;
  state = std::move(read.run);
  commits = std::move(read.commits);
  changes = std::move(read.changes);
  take_retuned(planned, state.retuned);
  return grown;
}

bool ChosenRun::dispatched() const {
  if (state.ended || !state.process) return false;
  if (sys::is_alive(*state.process)) return true;
  if (leases == nullptr) return false;
  // It may be on another machine; of what cannot be asked nothing is known to run.
  const auto holder = leases->holder_of_run(id());
  return holder && *holder;
}

namespace {

/// The run as it is kept, and its plan, which is not read into it yet.
struct KeptRun {
  journal::RunHead head;
  PlanRequest request;
  plan::Plan plan;
};

Result<KeptRun> read_kept(journal::Store& store, const std::string& name) {
  auto id = store.find_run(name);
  if (!id) return std::unexpected(id.error());
  auto head = store.head(*id);
  if (!head) return std::unexpected(head.error());
  auto request = request_from_json(head->options);
  if (!request) return std::unexpected(request.error());
  auto plan = kept_plan(*head, *request);
  if (!plan) return std::unexpected(plan.error());
  return KeptRun{std::move(*head), std::move(*request), std::move(*plan)};
}

Result<std::unique_ptr<ChosenRun>> with_state(journal::Store& store, KeptRun kept, Planned planned,
                                              decide::History history,
                                              const std::string* state_folder, bool is_decided) {
  auto run =
      std::make_unique<ChosenRun>(ChosenRun{std::move(kept.head), std::move(kept.request),
                                            std::move(planned), engine::RunState(plan::Plan{})});
  run->leases = &store;
  if (auto replayed = run->replay(store, std::move(history), state_folder, is_decided); !replayed)
    return std::unexpected(replayed.error());
  return run;
}

/// `state_folder`: of a run that is to be dispatched; nothing: it is looked at.
Result<std::unique_ptr<ChosenRun>> choose(journal::Store& store, const std::string& name,
                                          const std::string* state_folder) {
  auto kept = read_kept(store, name);
  if (!kept) return std::unexpected(kept.error());
  auto history = store.history(kept->head.workspace, said_slowings(kept->plan));
  if (!history) return std::unexpected(history.error());

  PlanRequest planning = kept->request;
  want_as_decided(planning, kept->head.decision);
  const std::string accounts = state_folder != nullptr ? *state_folder : std::string();
  if (state_folder == nullptr) {
    planning.effort = Duration{};
  } else if (auto settled = settle_isolation(kept->plan, *state_folder); !settled) {
    return std::unexpected(settled.error());
  }
  Planned planned = plan_it(std::move(kept->plan), planning, *history, accounts);
  auto run = with_state(store, std::move(*kept), std::move(planned), std::move(*history),
                        state_folder, true);
  if (run && state_folder == nullptr && !(*run)->dispatched()) show_nothing_running((*run)->state);
  return run;
}

}  // namespace

namespace {

Result<std::string> latest(journal::Store& store, const Where& where) {
  journal::RunFilter filter;
  filter.most = 1;
  filter.begun = true;
  if (!where.any) filter.folder = where.folder;
  const auto found = store.runs(filter);
  if (!found) return std::unexpected(found.error());
  if (!found->empty()) return found->front().id;
  filter.folder.clear();
  const auto anywhere = store.runs(filter);
  if (!anywhere) return std::unexpected(anywhere.error());
  if (anywhere->empty())
    return fail(Error::Kind::missing, "there are no runs yet", "`interlock run FILE` makes one");
  const journal::RunSummary& other = anywhere->front();
  return fail(Error::Kind::missing, "no run belongs to this folder",
              fmt::format("name one (`interlock runs` lists them), or say `--any` for the latest "
                          "anywhere: {} of plan `{}` in `{}`",
                          other.id, printable(other.plan_name), printable(other.workspace)));
}

}  // namespace

Result<std::string> run_named(journal::Store& store, const Where& where, const std::string& name) {
  if (name.empty() || name == "last") return latest(store, where);
  auto run = store.find_run(name);
  if (run) return run;
  // The name of a standing queue means its run.
  const auto queue = find_queue(store, where, name, false);
  if (queue && *queue) return **queue;
  return run;
}

std::string whole_name(const ChosenRun& run) {
  return fmt::format("run {} (plan `{}`, workspace `{}`)", run.id(), printable(run.head.plan_name),
                     printable(run.head.workspace));
}

Result<std::unique_ptr<ChosenRun>> choose_run_as_kept(journal::Store& store,
                                                      const std::string& name) {
  auto kept = read_kept(store, name);
  if (!kept) return std::unexpected(kept.error());
  Planned planned;
  planned.plan = std::move(kept->plan);
  auto run = with_state(store, std::move(*kept), std::move(planned), {}, nullptr, false);
  if (run && !(*run)->dispatched()) show_nothing_running((*run)->state);
  return run;
}

Result<std::unique_ptr<ChosenRun>> read_on(journal::Store& store, std::unique_ptr<ChosenRun> run) {
  // Of a run that nobody dispatched, what was running is shown as waiting: that is not what its
  // next events are about. And whoever takes it up may have given it another plan.
  if (!run->dispatched()) return choose_run(store, run->id());
  bool has_grown = false;
  auto looked = store.replay(run->id(), run->state.seq, [&](engine::RecordedEvent&& recorded) {
    has_grown |= std::holds_alternative<engine::TasksAdded>(recorded.event) ||
                 std::holds_alternative<engine::FamilyExpanded>(recorded.event);
  });
  if (!looked) return std::unexpected(looked.error());
  // It says what tasks that came are expected to take, and nothing else of what is new.
  auto history = has_grown ? store.history(run->head.workspace, said_slowings(run->plan()))
                           : Result<decide::History>();
  if (!history) return std::unexpected(history.error());
  if (auto read = run->replay(store, std::move(*history), nullptr); !read)
    return std::unexpected(read.error());
  if (!run->dispatched()) show_nothing_running(run->state);
  return run;
}

Result<std::unique_ptr<ChosenRun>> choose_run(journal::Store& store, const std::string& name) {
  return choose(store, name, nullptr);
}

Result<std::unique_ptr<ChosenRun>> choose_run_to_dispatch(journal::Store& store,
                                                          const std::string& name,
                                                          const std::string& state_folder) {
  return choose(store, name, &state_folder);
}

Result<TaskId> choose_task(const ChosenRun& run, const std::string& name) {
  if (const auto id = run.plan().find(name)) return *id;
  // A `foreach` of which no task has come is shown by its own id; its first place stands for it.
  for (const plan::Family& family : run.plan().families) {
    if (family.id == name && !run.state.expanded.contains(family.first)) return family.first;
  }
  std::vector<std::string> ids;
  for (std::uint32_t i = 0; i < run.plan().tasks.size(); ++i) {
    if (!engine::is_unused_place(run.plan(), run.state, TaskId(i)))
      ids.push_back(run.plan()[TaskId(i)].id);
  }
  const std::string its_tasks = fmt::format("its tasks: {}", join_words(ids, 8));
  if (name.empty())
    return fail(Error::Kind::missing, fmt::format("which task of run {}?", run.id()), its_tasks);
  const auto near = nearest_word(name, ids);
  return fail(Error::Kind::missing,
              fmt::format("run {} has no task `{}`", run.id(), printable(name)),
              near ? fmt::format("did you mean `{}`?", *near) : its_tasks);
}

std::string ended_text(engine::RunEnded::How how) {
  switch (how) {
    case engine::RunEnded::How::finished: return "finished";
    case engine::RunEnded::How::failed: return "failed";
    case engine::RunEnded::How::paused_at_gate: return "waits at a gate";
    case engine::RunEnded::How::interrupted: return "interrupted";
    case engine::RunEnded::How::cancelled: return "cancelled";
    case engine::RunEnded::How::limit_reached: return "stopped at a limit";
  }
  return {};
}

std::string state_text(const ChosenRun& run) {
  if (run.state.ended) return ended_text(*run.state.ended);
  return run.dispatched() ? "running" : "died";
}

std::string run_folder(const std::string& state, const std::string& run) {
  return fmt::format("{}/runs/{}", state, run);
}
std::string log_folder(const std::string& state, const std::string& run) {
  return run_folder(state, run) + "/logs";
}

engine::RunStatus view_from_outside(const ChosenRun& run, Time now) {
  return Outside(run, now).status(run, now);
}

engine::TaskStatus task_view_from_outside(const ChosenRun& run, TaskId task, Time now) {
  return Outside(run, now).status(run, task, now);
}

}  // namespace interlock::runs
