#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <filesystem>
#include <iterator>
#include <random>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/detached.h"
#include "cli/isolation.h"
#include "cli/learning.h"
#include "cli/looking_back.h"
#include "cli/models.h"
#include "cli/observed.h"
#include "cli/plan_checks.h"
#include "cli/plan_view.h"
#include "cli/powers.h"
#include "cli/run_report.h"
#include "decide/words.h"
#include "panel/screen.h"
#include "process/clock.h"
#include "workspace/local_files.h"
#include "workspace/recorded_files.h"

// `plan`, `run` and `resume`.
namespace interlock::cli {

namespace {

/// What the agents may do is said with everything else that is to be known before they do it.
void note_powers(Planned& planned) {
  PowersSaid said = say_powers(planned.plan);
  auto& notes = planned.plan.notes;
  notes.insert(notes.begin(), said.notes.begin(), said.notes.end());
  auto& warnings = planned.decision.warnings;
  warnings.insert(warnings.begin(), said.warnings.begin(), said.warnings.end());
}

/// What the plan says of this machine and is not so.
void note_machine(Planned& planned) {
  std::ranges::move(unmatched_reads(planned.plan), std::back_inserter(planned.plan.notes));
  std::ranges::move(absent_commands(planned.plan, own_environment()),
                    std::back_inserter(planned.plan.notes));
}

std::string cannot_run_here(const Error& error) {
  return fmt::format("it cannot run here: {}{}{}", error.message, error.hint.empty() ? "" : ": ",
                     error.hint);
}

void print_notes(const Context& context, const Planned& planned) {
  for (const std::string& note : planned.plan.notes) context.console.remark("note: " + note);
  for (const std::string& warning : planned.decision.warnings)
    context.console.remark("warning: " + warning);
}

Result<void> fix_from_run(const Context& context, const Document& document,
                          const PlanRequest& request, const FixRequest& fix, plan::Files& files) {
  auto plan = read_plan_or_complain(document, request, files);
  if (!plan) return std::unexpected(plan.error());
  auto store = journal::Store::open(context.state_folder, journal::Access::read);
  if (!store) return std::unexpected(store.error());
  const auto fixed = fix_plan(*store, context.where, document, *plan, fix.run);
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

void report(const Context& context, journal::Store& store, const ChosenRun& run) {
  if (!context.json) return context.console.result(run.id() + "\n");
  process::SystemClock clock;
  engine::RunStatus view = view_from_outside(run, clock.now());
  show_kept_hindsight(run, store, view);
  context.console.result(pretty_json(run_json(run, view, store)));
}

/// The folders whose `last` the run may be, beside its workspace: where a person stood when they
/// started it, and where its plan lies.
json::array places_of(const Context& context, const Document& document) {
  json::array places;
  if (!context.where.folder.empty()) places.push_back(json::string(context.where.folder));
  std::error_code trouble;
  const auto folder = std::filesystem::canonical(document.folder, trouble);
  if (!trouble && folder != context.where.folder) places.push_back(json::string(folder.string()));
  return places;
}

/// A run that was refused before it began is none: nobody is to find it as `last`, or as died.
void forget_unbegun(const Context& context, journal::Store& store, const std::string& run) {
  const auto summary = store.summary(run);
  if (!summary || summary->events > 0) return;
  // Where this fails too it stays without events, and is passed over wherever `last` is meant.
  static_cast<void>(store.prune(run));
  std::error_code ignored;
  std::filesystem::remove_all(run_folder(context.state_folder, run), ignored);
}

/// The id of a run that kept what models answered.
Result<std::string> recorded_run(const Context& context, journal::Store& store,
                                 const std::string& name) {
  const auto id = run_named(store, context.where, name);
  if (!id) return std::unexpected(id.error());
  auto run = choose_run(store, *id);
  if (!run) return std::unexpected(run.error());
  std::error_code trouble;
  if (std::filesystem::is_directory(recording_folder(context.state_folder, (*run)->id()), trouble))
    return (*run)->id();
  return fail(Error::Kind::invalid, fmt::format("run {} has no recording", (*run)->id()),
              "record one with `interlock run --record`");
}

}  // namespace

Result<std::unique_ptr<ChosenRun>> enter_run(const Context& context, journal::Store& store,
                                             const Document& document, const PlanRequest& request) {
  workspace::LocalFiles local;
  workspace::RecordingFiles files(local);
  auto plan = read_plan_or_complain(document, request, files);
  if (!plan) return std::unexpected(plan.error());

  sample_old_runs(store, context.state_folder);
  auto history = store.history(plan->workspace, said_slowings(*plan));
  if (!history) return std::unexpected(history.error());
  if (auto settled = settle_isolation(*plan, context.state_folder); !settled)
    return std::unexpected(settled.error());
  auto made = std::make_unique<ChosenRun>(
      ChosenRun{{},
                request,
                plan_it(std::move(*plan), request, *history, context.state_folder),
                engine::RunState(plan::Plan{})});
  ChosenRun& run = *made;
  if (auto able = check_can_run(run.planned); !able) return std::unexpected(able.error());
  if (!run.request.replay.empty()) {
    auto recorded = recorded_run(context, store, run.request.replay);
    if (!recorded) return std::unexpected(recorded.error());
    run.request.replay = std::move(*recorded);
  } else if (auto access = check_access(run.plan(), own_environment()); !access) {
    return std::unexpected(access.error());
  }
  if (auto there = check_programs(run.plan(), own_environment()); !there)
    return std::unexpected(there.error());
  note_powers(run.planned);
  note_machine(run.planned);
  print_notes(context, run.planned);

  process::SystemClock clock;
  run.head.plan_name = run.plan().name;
  run.head.plan_file = document.file;
  run.head.workspace = run.plan().workspace;
  run.head.plan_text = document.text;
  run.head.files = files.text();
  run.request.folder = document.folder;
  json::object options = to_json(run.request);
  options["here"] = places_of(context, document);
  run.head.options = json::serialize(options);
  run.head.decision =
      json::serialize(json::object{{"pattern", pattern_text(run.planned.decision)}});
  run.head.created = clock.now();
  auto id = store.create_run(run.head, static_cast<std::uint16_t>(std::random_device{}()));
  if (!id) return std::unexpected(id.error());
  run.head.id = *id;
  run.state = engine::RunState(run.plan());
  context.console.remark(whole_name(run));
  return made;
}

namespace {

/// Reads the plan, decides, and runs it.
Result<Exit> run_document(const Context& context, const Document& document,
                          const PlanRequest& request, Face face) {
  auto store = journal::Store::open(context.state_folder, journal::Access::write);
  if (!store) return std::unexpected(store.error());
  auto run = enter_run(context, *store, document, request);
  if (!run) return std::unexpected(run.error());
  auto exit = dispatch_and_report(context, *store, **run, face);
  if (!exit) forget_unbegun(context, *store, (*run)->id());
  return exit;
}

}  // namespace

decide::History history_of(const Context& context, const plan::Plan& plan) {
  if (context.state_folder.empty()) return {};
  auto store = journal::Store::open(context.state_folder, journal::Access::read);
  if (!store) return {};
  auto history = store->history(plan.workspace, said_slowings(plan));
  return history ? std::move(*history) : decide::History{};
}

Result<Exit> dispatch_and_report(const Context& context, journal::Store& store, ChosenRun& run,
                                 Face face) {
  const auto begun = [&]() -> Result<void> {
    if (context.detachment == nullptr) return {};
    return context.detachment->begin(run);
  };
  auto exit = dispatch(store, context.state_folder, run, face, context.console, begun);
  if (exit) report(context, store, run);
  return exit;
}

Result<Exit> plan_command(const Context& context, const std::string& file,
                          const PlanRequest& request, const FixRequest& fix) {
  auto document = read_document(file);
  if (!document) return std::unexpected(document.error());
  workspace::LocalFiles files;
  if (fix.fix) {
    if (auto fixed = fix_from_run(context, *document, request, fix, files); !fixed)
      return std::unexpected(fixed.error());
    document = read_document(file);
    if (!document) return std::unexpected(document.error());
  }
  auto plan = read_plan_or_complain(*document, request, files);
  if (!plan) return std::unexpected(plan.error());
  const decide::History history = history_of(context, *plan);
  // A plan can be looked at where it cannot be run, but not without saying so.
  const Result<void> settled = context.state_folder.empty()
                                   ? settle_commits(*plan)
                                   : settle_isolation(*plan, context.state_folder);
  Planned planned = plan_it(std::move(*plan), request, history, context.state_folder);
  note_powers(planned);
  note_machine(planned);
  const Environment environment = own_environment();
  for (const auto& able : {settled, check_access(planned.plan, environment),
                           check_programs(planned.plan, environment)}) {
    auto& warnings = planned.decision.warnings;
    if (!able) warnings.insert(warnings.begin(), cannot_run_here(able.error()));
  }
  if (auto note = unchecked_note(planned.plan)) planned.plan.notes.push_back(std::move(*note));
  if (context.json) {
    context.console.result(pretty_json(
        plan_json(planned.plan, planned.interlocking, planned.expected, planned.decision)));
    return Exit::done;
  }
  PlanScreen screen;
  screen.columns =
      context.console.out().is_terminal ? panel::Screen(STDOUT_FILENO).size().columns : 100;
  screen.color = context.console.out().color;
  screen.unicode = context.console.out().unicode;
  screen.full = fix.full;
  context.console.result(
      render_plan(planned.plan, planned.interlocking, planned.expected, planned.decision, screen));
  return Exit::done;
}

Result<Exit> run_edited(const Context& context, const ChosenRun& run, Face face) {
  auto document = read_document(plan_path_of(run));
  if (!document) return std::unexpected(document.error());
  document->file = run.head.plan_file;
  return run_document(context, *document, run.request, face);
}

Result<Exit> run_command(const Context& context, const std::string& file,
                         const PlanRequest& request, Face face) {
  const auto document = read_document(file);
  if (!document) return std::unexpected(document.error());
  return run_document(context, *document, request, face);
}

Result<Exit> resume_command(const Context& context, const std::string& name, Face face,
                            const ResumeRequest& request) {
  auto store = journal::Store::open(context.state_folder, journal::Access::write);
  if (!store) return std::unexpected(store.error());
  const auto id = run_named(*store, context.where, name);
  if (!id) return std::unexpected(id.error());
  auto run = choose_run_to_dispatch(*store, *id, context.state_folder);
  if (!run) return std::unexpected(run.error());
  auto followed = follow_edits(*store, *run, context.state_folder, request.which, context.console);
  if (!followed) return std::unexpected(followed.error());
  if (*followed == Followed::needs_new_run) return run_edited(context, **run, face);
  // Whether to wait at gates is asked of each dispatcher anew: nobody may sit before this one.
  (*run)->request.wait_at_gates = request.wait_at_gates;
  if (request.tokens) (*run)->planned.plan.limits.tokens = request.tokens;
  if (request.usd) (*run)->planned.plan.limits.usd = request.usd;
  auto open = store->open_requests((*run)->id());
  if (!open) return std::unexpected(open.error());

  const auto& state = (*run)->state;
  // What is committed and could not be brought into the workspace is still to be brought in.
  const bool nothing_left = state.ended && state.finished_count == state.tasks.size() &&
                            state.checkpointed == state.commits.size();
  if (nothing_left && open->empty()) {
    const bool finished = *state.ended == engine::RunEnded::How::finished;
    context.console.remark(fmt::format("{} is over: {}", whole_name(**run), state_text(**run)));
    if (!finished)
      context.console.remark(
          fmt::format(" hint: `interlock retry {}` runs again what failed", (*run)->id()));
    report(context, *store, **run);
    return finished ? Exit::done : Exit::failed;
  }
  context.console.remark("going on with " + whole_name(**run));
  return dispatch_and_report(context, *store, **run, face);
}

}  // namespace interlock::cli
