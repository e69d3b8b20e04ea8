#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <random>

#include "base/text.h"
#include "cli/asking.h"
#include "cli/commands.h"
#include "cli/detached.h"
#include "cli/keyboard.h"
#include "cli/run_check.h"
#include "decide/words.h"
#include "panel/screen.h"
#include "process/blocked_signals.h"
#include "process/clock.h"
#include "report/plan_view.h"
#include "report/run_report.h"
#include "runs/hindsight.h"
#include "runs/isolation.h"
#include "runs/learning.h"
#include "runs/observed_footprints.h"
#include "runs/plan_checks.h"
#include "runs/quota_wait.h"
#include "runs/run_models.h"
#include "runs/start.h"
#include "runs/windows.h"
#include "runs/workspace_wait.h"
#include "workspace/local_files.h"
#include "workspace/recorded_files.h"

// `plan`, `run` and `resume`.
namespace interlock::cli {

namespace {

std::string cannot_run_here(const Error& error) {
  return fmt::format("it cannot run here: {}{}{}", error.message, error.hint.empty() ? "" : ": ",
                     error.hint);
}

void print_notes(const Context& context, const runs::Planned& planned) {
  for (const std::string& note : planned.plan.notes) context.console.remark("note: " + note);
  for (const std::string& warning : planned.decision.warnings)
    context.console.remark("warning: " + warning);
  if (!context.console.quiet()) return;
  // Who hears of nothing else hears of what will soon stop the run.
  for (const std::string& warning : planned.window_warnings)
    context.console.insist("warning: " + warning);
}

Result<void> fix_from_run(const Context& context, const runs::Document& document,
                          const runs::PlanRequest& request, const FixRequest& fix,
                          plan::Files& files) {
  auto plan = runs::read_plan_or_complain(document, request, files);
  if (!plan) return std::unexpected(plan.error());
  auto store = runs::open_store(context.place(), journal::Access::read);
  if (!store) return std::unexpected(store.error());
  const auto fixed = runs::fix_plan(**store, context.where, document, *plan, fix.run);
  if (!fixed) return std::unexpected(fixed.error());
  for (const std::string& one : fixed->seen.unknown) context.console.remark("note: " + one);
  const std::string runs = decide::count_of(fixed->seen.runs, "run");
  context.console.remark(
      fixed->tasks == 0
          ? fmt::format("the plan already declares everything that {} showed", runs)
          : fmt::format("wrote the footprints of {} into `{}`, as {} showed them",
                        decide::count_of(fixed->tasks, "task"), printable(document.file), runs));
  return {};
}

void report(const Context& context, journal::Store& store, const runs::ChosenRun& run) {
  if (!context.json) return context.console.result(run.id() + "\n");
  process::SystemClock clock;
  engine::RunStatus view = runs::view_from_outside(run, clock.now());
  runs::show_kept_hindsight(run, store, view);
  const auto windows = runs::login_windows(run, context.state_folder, clock.now());
  context.console.result(pretty_json(report::run_json(run, view, store, windows)));
}

}  // namespace

Result<std::unique_ptr<runs::ChosenRun>> enter_run(const Context& context, journal::Store& store,
                                                   const runs::Document& document,
                                                   const runs::PlanRequest& request) {
  auto run = runs::start({store, context.state_folder, context.where}, document, request);
  if (!run) return run;
  print_notes(context, (*run)->planned);
  context.console.remark(runs::whole_name(**run));
  return run;
}

namespace {

/// Holds the workspace, or says why not; `interrupted` where a signal asked to end.
Result<HeldWorkspace> wait_for_workspace(const Context& context, const std::string& workspace,
                                         const std::string& plan) {
  HeldWorkspace held;
  auto lock = runs::wait_for_workspace(
      context.state_folder, workspace, plan, context.workspace_wait->most,
      [&](const std::string& why) {
        context.console.insist(fmt::format("waiting: {} (Ctrl-C stops waiting)", why));
      });
  if (!lock) return std::unexpected(lock.error());
  held.interrupted = !*lock;
  if (held.interrupted) context.console.insist("stopped waiting; nothing was begun");
  held.lock = std::move(*lock);
  return held;
}

}  // namespace

Result<HeldWorkspace> wait_for_workspace_of(const Context& context, const runs::Document& document,
                                            const runs::PlanRequest& request) {
  if (!context.workspace_wait) return HeldWorkspace{};
  workspace::LocalFiles files;
  const auto plan = runs::read_plan_or_complain(document, request, files);
  if (!plan) return std::unexpected(plan.error());
  return wait_for_workspace(context, plan->workspace, plan->name);
}

namespace {

/// Reads the plan, decides, and runs it.
Result<Exit> run_document(const Context& context, const runs::Document& document,
                          const runs::PlanRequest& request, Face face) {
  auto store = runs::open_store(context.place(), journal::Access::write);
  if (!store) return std::unexpected(store.error());
  auto held = wait_for_workspace_of(context, document, request);
  if (!held) return std::unexpected(held.error());
  if (held->interrupted) return Exit::interrupted;
  auto run = enter_run(context, **store, document, request);
  if (!run) return std::unexpected(run.error());
  (*run)->workspace_held = std::move(held->lock);
  auto exit = dispatch_and_report(context, **store, **run, face);
  if (!exit) runs::forget_unbegun(**store, context.state_folder, (*run)->id());
  return exit;
}

}  // namespace

decide::History history_of(const Context& context, const plan::Plan& plan) {
  if (context.state_folder.empty()) return {};
  auto store = runs::open_store(context.place(), journal::Access::read);
  if (!store) return {};
  auto history = (*store)->history(plan.workspace, runs::said_slowings(plan));
  return history ? std::move(*history) : decide::History{};
}

namespace {

/// Whether somebody asked a run that sleeps to be cancelled. A store that cannot be asked says no.
bool is_to_be_cancelled(journal::Store& store, const std::string& run) {
  const auto open = store.open_requests(run);
  return open && std::ranges::any_of(*open, [](const engine::Request& request) {
           return request.kind == engine::Request::Kind::cancel_run;
         });
}

/// Whether whoever sits before the keys can leave the run to itself.
bool can_leave(const Context& context) {
  return context.keys && context.on_leave != nullptr && !context.on_leave->has_begun();
}

/// So long, and no longer than it is wanted to; false: a signal asked us to end. `q` leaves the
/// terminal to its person, as before a panel, and the rest is slept without them.
Result<bool> sleep_over_quota(const Context& context, journal::Store& store,
                              const runs::ChosenRun& run, Duration wait) {
  using Clock = std::chrono::system_clock;
  constexpr Duration kLook = std::chrono::seconds(1), kLookAtKeys = std::chrono::milliseconds(200);
  const process::BlockedSignals held;
  const auto until = Clock::now() + wait;
  for (;;) {
    const auto left = std::chrono::duration_cast<Duration>(until - Clock::now());
    if (left <= Duration::zero() || !runs::waits_for_quota(store, run) ||
        is_to_be_cancelled(store, run.id()))
      return true;
    const bool leaves = can_leave(context);
    if (leaves && Keyboard::pressed().contains('q')) {
      if (auto begun = context.on_leave->begin(run); !begun) return std::unexpected(begun.error());
      context.console.insist(fmt::format(
          "left waiting: a provider's quota is used up; the run goes on at {}",
          show_time(Time(std::chrono::duration_cast<Duration>(until.time_since_epoch())))));
    }
    const Duration look = leaves ? kLookAtKeys : kLook;
    if (!process::sleep_unless_asked_to_end(std::min(left, look))) return false;
  }
}

/// Sleeps until the quota is expected to be reset, and takes the run up again as `resume` does. The
/// run is nobody's meanwhile, so whoever takes it up is not in our way. Nothing: the run is not to
/// be waited for, somebody asked us to end, or it moved on without us.
Result<std::unique_ptr<runs::ChosenRun>> wait_for_quota(const Context& context,
                                                        journal::Store& store,
                                                        const runs::ChosenRun& run,
                                                        std::uint32_t tries) {
  if (!runs::waits_for_quota(store, run)) return nullptr;
  process::SystemClock clock(run.state.last.value_or(Time{}));
  std::random_device dice;
  const double chance = std::uniform_real_distribution<double>(0, 1)(dice);
  const auto wait = runs::quota_wait_of(run.state, clock.now(), tries, chance);
  if (!wait) return nullptr;
  context.console.insist(fmt::format(
      "a provider's quota is used up; {} the run goes on in {}, at {} ({}Ctrl-C stops waiting: "
      "`interlock resume {}` goes on by hand; `interlock set {} on_quota=stop` lets it rest)",
      wait->is_known ? "as it is reset," : "when it is reset was not said:",
      show_duration(wait->lasts), show_time(clock.now() + wait->lasts),
      can_leave(context) ? "`q` leaves it waiting; " : "", run.id(), run.id()));
  const auto slept = sleep_over_quota(context, store, run, wait->lasts);
  if (!slept) return std::unexpected(slept.error());
  if (!*slept) return nullptr;
  if (!runs::waits_for_quota(store, run)) {
    context.console.insist(fmt::format("it waits no longer; hint: interlock resume {}", run.id()));
    return nullptr;
  }
  auto again = runs::choose_run_to_dispatch(store, run.id(), context.state_folder);
  if (!again) return again;
  if ((*again)->state.seq != run.state.seq || (*again)->dispatched()) {
    context.console.insist(fmt::format("run {} moved on in the meantime", run.id()));
    return nullptr;
  }
  (*again)->request.wait_at_gates = run.request.wait_at_gates;
  (*again)->planned.plan.limits.tokens = run.plan().limits.tokens;
  (*again)->planned.plan.limits.usd = run.plan().limits.usd;
  return again;
}

}  // namespace

Result<Exit> dispatch_and_report(const Context& context, journal::Store& store,
                                 runs::ChosenRun& run, Face face) {
  const auto notifier = Notifier::start(context.notify);
  if (!notifier) return std::unexpected(notifier.error());
  // Of a run that somebody dispatches it is not the workspace that is in the way.
  if (context.workspace_wait && !run.workspace_held && !run.dispatched()) {
    auto held = wait_for_workspace(context, run.plan().workspace, run.head.plan_name);
    if (!held) return std::unexpected(held.error());
    if (held->interrupted) return Exit::interrupted;
    run.workspace_held = std::move(held->lock);
  }
  std::unique_ptr<runs::ChosenRun> again;
  runs::ChosenRun* taken = &run;
  std::uint32_t tries = 0;
  for (;;) {
    const auto begun = [&]() -> Result<void> {
      if (context.detachment == nullptr || again) return {};
      return context.detachment->begin(run);
    };
    const std::uint32_t finished = taken->state.finished_count;
    const bool has_left = context.on_leave != nullptr && context.on_leave->has_begun();
    // Whoever sits before the keys can answer at a gate.
    if (context.keys) taken->request.wait_at_gates = true;
    auto exit = dispatch_and_show(store, context.state_folder, *taken,
                                  has_left ? Face::lines : face, context.console, begun,
                                  {notifier->get(), has_left ? nullptr : context.on_leave});
    if (!exit) return exit;
    tries = taken->state.finished_count > finished ? 0 : tries + (again ? 1 : 0);
    auto next = wait_for_quota(context, store, *taken, tries);
    if (!next) return std::unexpected(next.error());
    if (!*next) {
      if (*exit == Exit::failed) say_who_fails_check(context, store, *taken);
      report(context, store, *taken);
      return exit;
    }
    again = std::move(*next);
    taken = again.get();
  }
}

Result<runs::Followed> follow_edits(const Context& context, journal::Store& store,
                                    std::unique_ptr<runs::ChosenRun>& run, runs::WhichPlan which) {
  std::vector<std::string> remarks;
  auto followed = runs::follow_edits(store, run, context.state_folder, which, remarks);
  for (const std::string& remark : remarks) context.console.insist(remark);
  return followed;
}

Result<Exit> plan_command(const Context& context, const std::string& file,
                          const runs::PlanRequest& request, const FixRequest& fix) {
  auto document = runs::read_document(file);
  if (!document) return std::unexpected(document.error());
  workspace::LocalFiles files;
  if (fix.fix) {
    if (auto fixed = fix_from_run(context, *document, request, fix, files); !fixed)
      return std::unexpected(fixed.error());
    document = runs::read_document(file);
    if (!document) return std::unexpected(document.error());
  }
  auto plan = runs::read_plan_or_complain(*document, request, files);
  if (!plan) return std::unexpected(plan.error());
  const decide::History history = history_of(context, *plan);
  // A plan can be looked at where it cannot be run, but not without saying so.
  const Result<void> settled = context.state_folder.empty()
                                   ? runs::settle_commits(*plan)
                                   : runs::settle_isolation(*plan, context.state_folder);
  runs::Planned planned = runs::plan_it(std::move(*plan), request, history, context.state_folder);
  runs::note_powers(planned);
  runs::note_machine(planned);
  const Time now = process::SystemClock().now();
  if (!context.state_folder.empty()) runs::note_windows(planned, context.state_folder, now);
  const runs::Environment environment = runs::own_environment();
  for (const auto& able : {settled, runs::check_access(planned.plan, environment),
                           runs::check_programs(planned.plan, environment)}) {
    auto& warnings = planned.decision.warnings;
    if (!able) warnings.insert(warnings.begin(), cannot_run_here(able.error()));
  }
  if (auto note = runs::unchecked_note(planned.plan))
    planned.plan.notes.push_back(std::move(*note));
  if (context.json) {
    report::write_plan_json(planned.plan, planned.interlocking, planned.expected, planned.decision,
                            [&](std::string_view piece) { context.console.result(piece); });
    return Exit::done;
  }
  report::PlanScreen screen;
  screen.columns =
      context.console.out().is_terminal ? panel::Screen(STDOUT_FILENO).size().columns : 100;
  screen.color = context.console.out().color;
  screen.unicode = context.console.out().unicode;
  screen.full = fix.full;
  context.console.result(report::render_plan(planned.plan, planned.interlocking, planned.expected,
                                             planned.decision, screen));
  return Exit::done;
}

Result<Exit> run_edited(const Context& context, const runs::ChosenRun& run, Face face) {
  auto document = runs::read_document(runs::plan_path_of(run));
  if (!document) return std::unexpected(document.error());
  document->file = run.head.plan_file;
  return run_document(context, *document, run.request, face);
}

Result<Exit> run_command(const Context& context, const std::string& file,
                         const runs::PlanRequest& request, Face face) {
  const auto document = runs::read_document(file);
  if (!document) return std::unexpected(document.error());
  return run_document(context, *document, request, face);
}

Result<Exit> resume_command(const Context& context, const std::string& name, Face face,
                            const ResumeRequest& request) {
  auto store = runs::open_store(context.place(), journal::Access::write);
  if (!store) return std::unexpected(store.error());
  const auto id = runs::run_named(**store, context.where, name);
  if (!id) return std::unexpected(id.error());
  auto run = runs::choose_run_to_dispatch(**store, *id, context.state_folder);
  if (!run) return std::unexpected(run.error());
  // A person who asks for it to go on does not want it paused.
  if ((*run)->state.held) {
    if (auto posted = post(**store, **run, engine::Request::Kind::release, {}); !posted)
      return std::unexpected(posted.error());
    if ((*run)->dispatched()) {
      context.console.remark(runs::whole_name(**run) + " goes on");
      return Exit::done;
    }
  }
  auto followed = follow_edits(context, **store, *run, request.which);
  if (!followed) return std::unexpected(followed.error());
  if (*followed == runs::Followed::needs_new_run) return run_edited(context, **run, face);
  // Whether to wait at gates is asked of each dispatcher anew: nobody may sit before this one.
  (*run)->request.wait_at_gates = request.wait_at_gates;
  if (request.tokens) (*run)->planned.plan.limits.tokens = request.tokens;
  if (request.usd) (*run)->planned.plan.limits.usd = request.usd;
  auto open = (*store)->open_requests((*run)->id());
  if (!open) return std::unexpected(open.error());

  const auto& state = (*run)->state;
  // What is committed and could not be brought into the workspace is still to be brought in.
  const bool nothing_left = state.ended && state.finished_count == state.tasks.size() &&
                            state.checkpointed == state.commits.size();
  if (nothing_left && open->empty()) {
    const bool finished = *state.ended == engine::RunEnded::How::finished;
    context.console.remark(
        fmt::format("{} is over: {}", runs::whole_name(**run), runs::state_text(**run)));
    if (!finished)
      context.console.remark(
          fmt::format(" hint: `interlock retry {}` runs again what failed", (*run)->id()));
    report(context, **store, **run);
    return finished ? Exit::done : Exit::failed;
  }
  context.console.remark("going on with " + runs::whole_name(**run));
  return dispatch_and_report(context, **store, **run, face);
}

}  // namespace interlock::cli
