#include <fmt/format.h>
#include <unistd.h>

#include <boost/json/serialize.hpp>
#include <filesystem>
#include <random>

#include "cli/commands.h"
#include "cli/isolation.h"
#include "cli/models.h"
#include "cli/observed.h"
#include "cli/plan_view.h"
#include "cli/run_report.h"
#include "panel/screen.h"
#include "process/clock.h"
#include "workspace/local_files.h"
#include "workspace/recorded_files.h"

// `plan`, `run` and `resume`.
namespace interlock::cli {

namespace {

void tell_notes(const Context& context, const Planned& planned) {
  for (const std::string& note : planned.plan.notes) context.talk.remark("note: " + note);
  for (const std::string& warning : planned.decision.warnings)
    context.talk.remark("warning: " + warning);
}

Result<void> fix_from_run(const Context& context, const Document& document, const PlanWish& wish,
                          const FixWish& fix, plan::Files& files) {
  auto plan = read_plan_or_complain(document, wish, files);
  if (!plan) return std::unexpected(plan.error());
  auto store = journal::Store::open(context.state_folder, journal::Access::read);
  if (!store) return std::unexpected(store.error());
  const auto fixed = fix_plan(*store, document, *plan, fix.run);
  if (!fixed) return std::unexpected(fixed.error());
  context.talk.remark(*fixed == 0 ? "the plan says already what was seen"
                                  : fmt::format("wrote the footprints of {} task{} into `{}`",
                                                *fixed, *fixed == 1 ? "" : "s", document.file));
  return {};
}

Result<Exit> dispatch_and_report(const Context& context, journal::Store& store, ChosenRun& run,
                                 Face face) {
  auto exit = dispatch(store, context.state_folder, run, face, context.talk);
  if (!exit) return exit;
  if (context.json) {
    process::SystemClock clock;
    context.talk.result(pretty_json(run_json(run, view_from_outside(run, clock.now()), store)));
  } else {
    context.talk.result(run.id() + "\n");
  }
  return exit;
}

/// The id of a run that kept what models answered.
Result<std::string> recorded_run(const Context& context, journal::Store& store,
                                 const std::string& name) {
  auto run = choose_run(store, name);
  if (!run) return std::unexpected(run.error());
  std::error_code trouble;
  if (std::filesystem::is_directory(recording_folder(context.state_folder, (*run)->id()), trouble))
    return (*run)->id();
  return fail(Error::Kind::invalid, fmt::format("run {} has no recording", (*run)->id()),
              "record one with `interlock run --record`");
}

}  // namespace

decide::History history_of(const Context& context, const std::string& workspace) {
  if (context.state_folder.empty()) return {};
  auto store = journal::Store::open(context.state_folder, journal::Access::read);
  if (!store) return {};
  auto history = store->history(workspace);
  return history ? std::move(*history) : decide::History{};
}

Result<Exit> plan_command(const Context& context, const std::string& file, const PlanWish& wish,
                          const FixWish& fix) {
  auto document = read_document(file);
  if (!document) return std::unexpected(document.error());
  workspace::LocalFiles files;
  if (fix.fix) {
    if (auto fixed = fix_from_run(context, *document, wish, fix, files); !fixed)
      return std::unexpected(fixed.error());
    document = read_document(file);
    if (!document) return std::unexpected(document.error());
  }
  auto plan = read_plan_or_complain(*document, wish, files);
  if (!plan) return std::unexpected(plan.error());
  const decide::History history = history_of(context, plan->workspace);
  const Planned planned = plan_it(std::move(*plan), wish, history);
  if (context.json) {
    context.talk.result(pretty_json(
        plan_json(planned.plan, planned.interlocking, planned.expected, planned.decision)));
    return Exit::done;
  }
  PlanScreen screen;
  screen.columns =
      context.talk.out().is_terminal ? panel::Screen(STDOUT_FILENO).size().columns : 100;
  screen.color = context.talk.out().color;
  screen.unicode = context.talk.out().unicode;
  screen.full = fix.full;
  context.talk.result(
      render_plan(planned.plan, planned.interlocking, planned.expected, planned.decision, screen));
  return Exit::done;
}

Result<Exit> run_command(const Context& context, const std::string& file, const PlanWish& wish,
                         Face face) {
  auto document = read_document(file);
  if (!document) return std::unexpected(document.error());
  workspace::LocalFiles local;
  workspace::RecordingFiles files(local);
  auto plan = read_plan_or_complain(*document, wish, files);
  if (!plan) return std::unexpected(plan.error());

  auto store = journal::Store::open(context.state_folder, journal::Access::write);
  if (!store) return std::unexpected(store.error());
  auto history = store->history(plan->workspace);
  if (!history) return std::unexpected(history.error());
  if (auto settled = settle_isolation(*plan, context.state_folder); !settled)
    return std::unexpected(settled.error());
  ChosenRun run{
      {}, wish, plan_it(std::move(*plan), wish, *history), engine::RunState(plan::Plan{})};
  if (auto able = check_can_run(run.planned); !able) return std::unexpected(able.error());
  if (!run.wish.replay.empty()) {
    auto recorded = recorded_run(context, *store, run.wish.replay);
    if (!recorded) return std::unexpected(recorded.error());
    run.wish.replay = std::move(*recorded);
  } else if (auto keys = check_keys(run.plan(), own_environment()); !keys) {
    return std::unexpected(keys.error());
  }
  tell_notes(context, run.planned);

  process::SystemClock clock;
  run.head.plan_name = run.plan().name;
  run.head.plan_file = document->file;
  run.head.workspace = run.plan().workspace;
  run.head.plan_text = document->text;
  run.head.files = files.text();
  run.wish.folder = document->folder;
  run.head.options = json::serialize(to_json(run.wish));
  run.head.decision =
      json::serialize(json::object{{"pattern", pattern_text(run.planned.decision)}});
  run.head.created = clock.now();
  auto id = store->create_run(run.head, static_cast<std::uint16_t>(std::random_device{}()));
  if (!id) return std::unexpected(id.error());
  run.head.id = *id;
  run.state = engine::RunState(run.plan());
  return dispatch_and_report(context, *store, run, face);
}

Result<Exit> resume_command(const Context& context, const std::string& name, Face face,
                            const ResumeWish& wish) {
  auto store = journal::Store::open(context.state_folder, journal::Access::write);
  if (!store) return std::unexpected(store.error());
  auto run = choose_run_to_dispatch(*store, name, context.state_folder);
  if (!run) return std::unexpected(run.error());
  (*run)->wish.wait_at_gates |= wish.wait_at_gates;
  if (wish.tokens) (*run)->planned.plan.limits.tokens = wish.tokens;
  if (wish.usd) (*run)->planned.plan.limits.usd = wish.usd;
  auto open = store->open_requests((*run)->id());
  if (!open) return std::unexpected(open.error());

  const auto& state = (*run)->state;
  const bool nothing_left = state.ended && state.finished_count == state.tasks.size();
  if (nothing_left && open->empty()) {
    const bool finished = *state.ended == engine::RunEnded::How::finished;
    context.talk.remark(fmt::format("run {} is over: {}", (*run)->id(), state_text(**run)));
    if (!finished)
      context.talk.remark(
          fmt::format(" hint: `interlock retry {}` runs again what failed", (*run)->id()));
    context.talk.result((*run)->id() + "\n");
    return finished ? Exit::done : Exit::failed;
  }
  return dispatch_and_report(context, *store, **run, face);
}

}  // namespace interlock::cli
