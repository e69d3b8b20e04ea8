#include "cli/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/detached.h"
#include "cli/keyboard.h"

// What all verbs share on the command line, and the verbs that plan, run and ask.
namespace interlock::cli {

CommandLine::CommandLine()
    : app_("Proves which tasks of a plan can run at the same time, and runs them that way.",
           "interlock") {
  app_.require_subcommand(1);
  app_.fallthrough();
  app_.set_version_flag("--version", fmt::format("interlock {}", kVersion));
  app_.add_option("--state", options_.state, "Folder of the journal [$XDG_STATE_HOME/interlock]")
      ->type_name("DIR");
  app_.add_option("--store", options_.store,
                  "Where runs are kept: postgres://USER@HOST/DATABASE [$INTERLOCK_STORE, else the "
                  "journal in the folder of --state]")
      ->type_name("URL");
  app_.add_option("--color", options_.color, "Colours: auto, always or never")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->type_name("WHEN");
  app_.add_flag("-q,--quiet", options_.quiet, "Only results, failures and errors");
  app_.footer(
      "Results go to standard output, everything else to standard error.\n"
      "Exit codes: 0 all tasks done, 1 some task failed, 2 the plan or the command line is "
      "wrong,\n"
      "3 refused (conflict, budget, gate), 4 Interlock itself failed, 130 interrupted.");
  add_planning();
  add_looking();
  add_asking();
  add_queues();
  add_rest();
}

CLI::App* CommandLine::add(const std::string& name, const std::string& about, Verb verb,
                           Journal journal) {
  CLI::App* sub = app_.add_subcommand(name, about);
  sub->callback([this, verb = std::move(verb), journal] {
    verb_ = verb;
    journal_ = journal;
  });
  return sub;
}

void CommandLine::add_file(CLI::App* sub) {
  sub->add_option("FILE", options_.file, "The plan; `-` reads standard input [interlock.yaml]");
}

void CommandLine::add_set(CLI::App* sub) {
  sub->add_option("--set", options_.set,
                  "Fills `{key}` in the plan, or replaces a value such as `limits.parallel`")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
}

void CommandLine::add_plan_options(CLI::App* sub) {
  add_file(sub);
  sub->add_option("--pattern", options_.pattern,
                  "Overrides the decision: sequential, parallel or queue")
      ->check(CLI::IsMember({"sequential", "parallel", "queue"}))
      ->type_name("PATTERN");
  sub->add_option("--parallel", options_.parallel, "Attempts at once, at most")
      ->check(CLI::Range(1, 1024))
      ->type_name("N");
  sub->add_option("--isolation", options_.isolation,
                  "For all tasks: direct, guard, view or worktree; after commas what will do "
                  "where the host cannot")
      ->check(CLI::IsMember({"direct", "guard", "view", "worktree"}))
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("HOW[,HOW]");
  sub->add_option("--effort", options_.effort, "How long to improve the order [100ms]")
      ->type_name("DURATION");
  add_set(sub);
}

void CommandLine::add_json(CLI::App* sub) {
  sub->add_flag("--json", options_.json, "The result as JSON (docs/json.md)");
}

void CommandLine::add_face(CLI::App* sub) {
  sub->add_option("--face", options_.face, "How the run is shown: auto, panel or lines")
      ->check(CLI::IsMember({"auto", "panel", "lines"}))
      ->type_name("FACE");
  sub->add_flag("--wait", options_.wait,
                "Wait at gates for a person; without it the run pauses there with exit code 3");
  sub->add_option("--notify", options_.notify,
                  "Call a person when a gate waits, a task failed or the run is over: terminal, "
                  "desktop, command:CMD or a URL; several times")
      ->type_name("TARGET")
      ->allow_extra_args(false);
}

void CommandLine::add_detach(CLI::App* sub) {
  sub->add_flag("--detach", options_.detach,
                "Print the run's id as soon as it has begun; it goes on without this terminal");
  sub->add_flag("--wait-for-workspace", options_.wait_for_workspace,
                "Where another run has the workspace, wait until it is over");
  sub->add_option("--lock-timeout", options_.lock_timeout,
                  "The same, but so long at most; then exit code 3")
      ->type_name("DURATION");
}

Result<Exit> CommandLine::perhaps_apart(
    const Context& context, const Options& options,
    const std::function<Result<Exit>(const Context&, Face)>& work) {
  Context with = context;
  with.notify = options.notify;
  const auto waits = workspace_wait_of(options);
  if (!waits) return std::unexpected(waits.error());
  with.workspace_wait = *waits;
  if (!options.detach) {
    const auto here = [&](const Context& own) { return work(own, face_of(options)); };
    const bool has_keys =
        face_of(options) != Face::lines && options.file != "-" && Keyboard::is_there(with.console);
    return has_keys ? with_keys(with, here) : here(with);
  }
  return run_detached(with, [&](const Context& own) { return work(own, Face::lines); });
}

void CommandLine::add_which_plan(CLI::App* sub) {
  sub->add_option("--plan", options_.which_plan,
                  "Where the plan was edited since: go on with the `old` or the `new` one")
      ->check(CLI::IsMember({"old", "new"}))
      ->type_name("WHICH");
}

void CommandLine::add_run(CLI::App* sub) {
  sub->add_option("RUN", options_.run,
                  "A run's id, its beginning or last part, or `last` [last of this folder]");
  sub->add_flag("--any", options_.any,
                "`last` is the latest run of the machine, not this folder's");
}

CLI::Option* CommandLine::add_run_and_task(CLI::App* sub, const std::string& about) {
  add_run(sub);
  return sub->add_option("TASK", options_.task, about);
}

void CommandLine::add_planning() {
  CLI::App* plan = add(
      "plan", "Show how a plan would run, and why",
      [](const Context& context, const Options& options) -> Result<Exit> {
        if (drafts(options)) return draft_of(context, options);
        auto request = request_of(options);
        if (!request) return std::unexpected(request.error());
        return plan_command(context, options.file, *request, options.fix);
      },
      Journal::not_needed);
  add_plan_options(plan);
  plan->add_flag("--full", options_.fix.full, "Show everything, not only what fits a screen");
  plan->add_flag("--fix", options_.fix.fix,
                 "First write the footprints that a run showed into FILE");
  plan->add_option("--of", options_.fix.run, "The run that showed them [the plan's latest]")
      ->type_name("RUN");
  add_draft(plan);
  add_json(plan);
  CLI::App* breakeven = add(
      "breakeven", "Show from how many tasks on overlapping pays, and a queue",
      [](const Context& context, const Options& options) -> Result<Exit> {
        auto request = request_of(options);
        if (!request) return std::unexpected(request.error());
        return breakeven_command(context, options.file, *request, options.svg);
      },
      Journal::not_needed);
  add_file(breakeven);
  add_set(breakeven);
  breakeven->add_option("-o", options_.svg, "Draw the chart into this file, as SVG")
      ->type_name("FILE");
  add_json(breakeven);
  CLI::App* forecast = add("forecast", "Foretell a run's plan as if other conditions held",
                           [](const Context& context, const Options& options) {
                             runs::AsIf as_if;
                             if (options.parallel > 0)
                               as_if.parallel = static_cast<std::uint32_t>(options.parallel);
                             as_if.conditions = options.conditions;
                             return forecast_command(context, options.run, as_if);
                           });
  add_run(forecast);
  forecast->add_option("--parallel", options_.parallel, "Attempts at once, at most [as the run's]")
      ->check(CLI::Range(1, 1024))
      ->type_name("N");
  const auto factor = CLI::Range(decide::kLeastFactor, decide::kMostFactor);
  forecast->add_option("--quota", options_.conditions.quota, "Times the plan's quotas [1]")
      ->check(factor)
      ->type_name("FACTOR");
  forecast->add_option("--size", options_.conditions.size, "Times what each task takes [1]")
      ->check(factor)
      ->type_name("FACTOR");
  add_json(forecast);
  CLI::App* run =
      add("run", "Run a plan", [](const Context& context, const Options& options) -> Result<Exit> {
        auto request = request_of(options);
        if (!request) return std::unexpected(request.error());
        return perhaps_apart(context, options, [&](const Context& own, Face face) {
          return run_command(own, options.file, *request, face);
        });
      });
  add_plan_options(run);
  add_face(run);
  add_detach(run);
  add_json(run);
  run->add_flag("--fresh", options_.fresh,
                "Run everything, also what has not changed since an earlier run");
  CLI::Option* record = run->add_flag(
      "--record", options_.record,
      "Keep what models are asked and answer; a repeated attempt gets what was paid for back");
  run->add_option("--replay", options_.replay,
                  "Answer from this run's recording: no network, no cost, no surprises")
      ->type_name("RUN")
      ->excludes(record);
  add_workers_options(run);
  CLI::App* resume =
      add("resume", "Go on with a run that was interrupted, paused or killed",
          [](const Context& context, const Options& options) {
            const auto request = resume_request_of(options);
            if (!request) return Result<Exit>(std::unexpected(request.error()));
            return perhaps_apart(context, options, [&](const Context& own, Face face) {
              return resume_command(own, options.run, face, *request);
            });
          });
  add_run(resume);
  add_workers_options(resume);
  resume->add_option("--tokens", options_.tokens, "In place of the plan's `limits.tokens`")
      ->type_name("COUNT");
  resume->add_option("--usd", options_.usd, "In place of the plan's `limits.usd`")
      ->type_name("DOLLARS");
  add_which_plan(resume);
  add_face(resume);
  add_detach(resume);
  add_json(resume);
}

void CommandLine::add_asking() {
  CLI::App* approve =
      add("approve", "Approve a gate", [](const Context& context, const Options& options) {
        return approve_command(context, options.run, options.task);
      });
  CLI::App* reject = add("reject", "Reject at a gate: the task fails",
                         [](const Context& context, const Options& options) {
                           return reject_command(context, options.run, options.task);
                         });
  CLI::App* cancel = add("cancel", "Cancel a run, or one task of it",
                         [](const Context& context, const Options& options) {
                           return cancel_command(context, options.run, options.task);
                         });
  CLI::App* retry =
      add("retry", "Run again what failed, and what was skipped because of it",
          [](const Context& context, const Options& options) {
            return perhaps_apart(context, options, [&](const Context& own, Face face) {
              return retry_command(own, options.run, options.task, face, which_plan_of(options));
            });
          });
  for (CLI::App* sub : {approve, reject, cancel, retry}) {
    add_run_and_task(sub, sub == approve || sub == reject
                              ? "The task; without it the review, or the only gate that waits"
                          : sub == cancel ? "The task; without it the run"
                                          : "The task; without it all that failed");
    add_json(sub);
  }
  add_face(retry);
  add_detach(retry);
  add_which_plan(retry);
  CLI::App* undo = add("undo", "Take back what a run that is over changed in the workspace",
                       [](const Context& context, const Options& options) {
                         return undo_command(context, options.run, options.task);
                       });
  add_run_and_task(undo, "Only what this task changed, where nothing later stands on it");
  add_json(undo);
  CLI::App* land = add("land", "Make a git branch of what a run that is over changed",
                       [](const Context& context, const Options& options) {
                         LandRequest request = options.land;
                         request.out = options.out;
                         return land_command(context, options.run, request);
                       });
  add_run(land);
  land->add_option("--branch", options_.land.branch, "Its name [land/RUN]")->type_name("NAME");
  land->add_option("--verify", options_.land.verify, "Land what passes this command together")
      ->type_name("COMMAND");
  land->add_option("--checks", options_.land.checks, "Run the command at most so often [20]")
      ->check(CLI::Range(2, 1000))
      ->type_name("N");
  land->add_flag_callback(
      "--no-verify", [this] { options_.land.checks = 0; },
      "Land all of it, whatever the plan's own `verify` says");
  land->add_option("-o,--out", options_.out, "And a report of the run: FILE.md or FILE.html")
      ->type_name("FILE");
  add_json(land);
}

}  // namespace interlock::cli
