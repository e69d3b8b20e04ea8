#include "cli/command_line.h"

#include <CLI/CLI.hpp>

// Verbs that look at runs.
namespace interlock::cli {

void CommandLine::add_looking() {
  CLI::App* runs = add("runs", "List runs, the newest first",
                       [](const Context& context, const Options& options) {
                         return runs_command(context, options.runs);
                       });
  runs->add_option("-n", options_.runs.most, "Show at most N; 0: all [20]")->type_name("N");
  runs->add_flag("--here", options_.runs.here, "Only runs that belong to this folder");
  add_json(runs);
  CLI::App* show = add("show", "Show how a run stands or ended",
                       [](const Context& context, const Options& options) {
                         if (options.follow) return follow_command(context, options.run);
                         return show_command(context, options.run, options.suggest);
                       });
  add_run(show);
  show->add_flag("--suggest", options_.suggest,
                 "The footprints that were seen, as lines for the plan");
  CLI::Option* follow = show->add_flag(
      "-f,--follow", options_.follow,
      "On a terminal: draw it as it goes on, until it is over; with the keys of `run`");
  add_json(show);
  follow->excludes("--json")->excludes("--suggest");
  CLI::App* history = add("history", "Show, prune, import or export what earlier runs measured",
                          [](const Context& context, const Options& options) {
                            return history_command(context, options.history);
                          });
  declare_history(*history, options_.history);
  add_json(history);
  CLI::App* calibrate = add("calibrate", "Measure what dispatching to an agent takes here",
                            [](const Context& context, const Options& options) {
                              return calibrate_command(context, options.calibrate);
                            });
  declare_calibrate(*calibrate, options_.calibrate);
  add_json(calibrate);
  CLI::App* why = add("why", "Explain why a task waits, ran, failed or was skipped",
                      [](const Context& context, const Options& options) {
                        return why_command(context, options.run, options.task);
                      });
  add_run_and_task(why, "The task's id; `why TASK` asks the last run");
  add_json(why);
  CLI::App* log = add("log", "Show what the attempts wrote",
                      [](const Context& context, const Options& options) {
                        return log_command(context, options.run, options.log);
                      });
  add_run(log);
  log->add_option("TASK", options_.log.task, "Only this task's");
  log->add_flag("--by-time", options_.log.by_time,
                "In the order it was written; else in plan order");
  log->add_flag("-f,--follow", options_.log.follow, "Go on until the run ends");
  log->add_flag("-t,--times", options_.log.times, "Each line with its time (UTC)");
  log->add_flag("--raw", options_.log.raw, "What agents printed as it is, not as it reads");
  add_json(log);
  CLI::App* diff = add("diff", "Show what a task changed, as a patch",
                       [](const Context& context, const Options& options) {
                         return diff_command(context, options.run, options.task, options.diff);
                       });
  add_run_and_task(diff, "The task's id; `diff TASK` asks the last run");
  diff->add_flag("--stat", options_.diff.stat, "Only which paths, and how");
  diff->add_option("--attempt", options_.diff.attempt, "Of this attempt [the last]")
      ->type_name("N");
  add_json(diff);
  CLI::App* output = add("output", "Print a merge's or a task's output",
                         [](const Context& context, const Options& options) {
                           return output_command(context, options.run, options.name);
                         });
  add_run(output);
  output->add_option("NAME", options_.name,
                     "A merge or a task; without it the only merge, or a list");
  add_json(output);
  CLI::App* report = add("report", "Write a run as a document for people who were not there",
                         [](const Context& context, const Options& options) {
                           return report_command(context, options.run, options.out);
                         });
  add_run(report);
  report
      ->add_option("-o,--out", options_.out,
                   "FILE.html: one page, no network, no scripts; FILE.md: for a pull request")
      ->type_name("FILE")
      ->required();
  add_json(report);
  add_traces();
}

void CommandLine::add_traces() {
  CLI::App* trace = add("trace", "Write a run for the tools that show traces",
                        [](const Context& context, const Options& options) {
                          return trace_command(context, options.run, options.trace);
                        });
  add_run(trace);
  trace
      ->add_option(
          "-o,--out", options_.trace.out,
          "FILE.json: ui.perfetto.dev, chrome://tracing; FILE.pftrace: Perfetto's own form")
      ->type_name("FILE");
  trace
      ->add_option("--otlp", options_.trace.otlp,
                   "OpenTelemetry spans as OTLP/JSON, into a file or to a receiver")
      ->type_name("FILE|URL");
  trace->add_flag("-f,--follow", options_.trace.follow,
                  "With --otlp: send what is over as it goes on, until the run ends");
  trace->add_option("--joblog", options_.trace.joblog, "The attempts as GNU parallel logs its jobs")
      ->type_name("FILE");
  add_json(trace);
  CLI::App* events = add("events", "Print what happened in a run, a line of JSON each",
                         [](const Context& context, const Options& options) {
                           return events_command(context, options.run, options.events);
                         });
  add_run(events);
  events->add_flag("-f,--follow", options_.events.follow, "Go on until the run ends");
  events->add_option("--after", options_.events.after, "Only what has a larger `seq`")
      ->type_name("SEQ");
  add_json(events);
  CLI::App* serve = add("serve", "Serve a page and a socket that show runs, until Ctrl-C",
                        [](const Context& context, const Options& options) {
                          return serve_command(context, options.serve);
                        });
  serve->add_flag("--web", options_.serve.web,
                  "Serve the page on 127.0.0.1, and print a link that opens it once");
  serve->add_option("--port", options_.serve.port, "Of the page [any that is free]")
      ->type_name("PORT");
  serve->add_flag("--link", options_.serve.link, "Print another link of the server that runs");
  serve
      ->add_option("--socket", options_.serve.socket,
                   "The Unix socket [in $XDG_RUNTIME_DIR/interlock, else in the state folder]")
      ->type_name("PATH");
  serve
      ->add_option("--metrics", options_.serve.metrics,
                   "Serve Prometheus metrics on 127.0.0.1 too, and write the bearer they want into "
                   "FILE")
      ->type_name("FILE");
  add_json(serve);
}

}  // namespace interlock::cli
