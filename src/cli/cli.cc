#include "cli/cli.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <sstream>
#include <string>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/completion.h"
#include "cli/detached.h"
#include "cli/options.h"
#include "cli/synonyms.h"
#include "process/secrecy.h"

namespace interlock::cli {

namespace {

std::string default_state_folder() {
  if (const char* state = std::getenv("XDG_STATE_HOME"); state != nullptr && *state == '/') {
    return std::string(state) + "/interlock";
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/') {
    return std::string(home) + "/.local/state/interlock";
  }
  return {};
}

using Verb = std::function<Result<Exit>(const Context&, const Options&)>;

/// Whether a verb has to have a journal, so that a place for it must be known.
enum class Journal : unsigned char { needed, not_needed };

/// Adds verbs to the command line; remembers which one was called.
class CommandLine {
 public:
  CommandLine()
      : app_("Proves which tasks of a plan can run at the same time, and runs them that way.",
             "interlock") {
    app_.require_subcommand(1);
    app_.fallthrough();
    app_.set_version_flag("--version", fmt::format("interlock {}", kVersion));
    app_.add_option("--state", options_.state, "Folder of the journal [$XDG_STATE_HOME/interlock]")
        ->type_name("DIR");
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
    add_rest();
  }

  CLI::App& app() { return app_; }
  const Options& options() const { return options_; }
  const Verb& verb() const { return verb_; }
  Journal journal() const { return journal_; }

 private:
  CLI::App* add(const std::string& name, const std::string& about, Verb verb,
                Journal journal = Journal::needed) {
    CLI::App* sub = app_.add_subcommand(name, about);
    sub->callback([this, verb = std::move(verb), journal] {
      verb_ = verb;
      journal_ = journal;
    });
    return sub;
  }

  void add_file(CLI::App* sub) {
    sub->add_option("FILE", options_.file, "The plan; `-` reads standard input [interlock.yaml]");
  }
  void add_set(CLI::App* sub) {
    sub->add_option("--set", options_.set,
                    "Fills `{key}` in the plan, or replaces a value such as `limits.parallel`")
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false);
  }

  void add_plan_options(CLI::App* sub) {
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

  void add_json(CLI::App* sub) {
    sub->add_flag("--json", options_.json, "The result as JSON (docs/json.md)");
  }
  void add_face(CLI::App* sub) {
    sub->add_option("--face", options_.face, "How the run is shown: auto, panel or lines")
        ->check(CLI::IsMember({"auto", "panel", "lines"}))
        ->type_name("FACE");
    sub->add_flag("--wait", options_.wait,
                  "Wait at gates for a person; without it the run pauses there with exit code 3");
  }
  void add_detach(CLI::App* sub) {
    sub->add_flag("--detach", options_.detach,
                  "Print the run's id as soon as it has begun; it goes on without this terminal");
  }
  static Result<Exit> perhaps_apart(const Context& context, const Options& options,
                                    const std::function<Result<Exit>(const Context&, Face)>& work) {
    if (!options.detach) return work(context, face_of(options));
    return run_detached(context, [&](const Context& own) { return work(own, Face::lines); });
  }
  void add_which_plan(CLI::App* sub) {
    sub->add_option("--plan", options_.which_plan,
                    "Where the plan was edited since: go on with the `old` or the `new` one")
        ->check(CLI::IsMember({"old", "new"}))
        ->type_name("WHICH");
  }
  /// RUN may be left out: the latest run that belongs to this folder.
  void add_run(CLI::App* sub) {
    sub->add_option("RUN", options_.run,
                    "A run's id, its beginning or last part, or `last` [last of this folder]");
    sub->add_flag("--any", options_.any,
                  "`last` is the latest run of the machine, not this folder's");
  }
  /// Both may be left out, and a word alone is a task of the latest run where there is one.
  CLI::Option* add_run_and_task(CLI::App* sub, const std::string& about) {
    add_run(sub);
    return sub->add_option("TASK", options_.task, about);
  }

  void add_planning() {
    CLI::App* plan = add(
        "plan", "Show how a plan would run, and why",
        [](const Context& context, const Options& options) -> Result<Exit> {
          auto wish = wish_of(options);
          if (!wish) return std::unexpected(wish.error());
          return plan_command(context, options.file, *wish, options.fix);
        },
        Journal::not_needed);
    add_plan_options(plan);
    plan->add_flag("--full", options_.fix.full, "Show everything, not only what fits a screen");
    plan->add_flag("--fix", options_.fix.fix,
                   "First write the footprints that a run showed into FILE");
    plan->add_option("--of", options_.fix.run, "The run that showed them [the plan's latest]")
        ->type_name("RUN");
    add_json(plan);
    CLI::App* breakeven = add(
        "breakeven", "Show from how many tasks on overlapping pays, and a queue",
        [](const Context& context, const Options& options) -> Result<Exit> {
          auto wish = wish_of(options);
          if (!wish) return std::unexpected(wish.error());
          return breakeven_command(context, options.file, *wish, options.svg);
        },
        Journal::not_needed);
    add_file(breakeven);
    add_set(breakeven);
    breakeven->add_option("-o", options_.svg, "Draw the chart into this file, as SVG")->type_name("FILE");
    add_json(breakeven);
    CLI::App* run = add("run", "Run a plan",
                        [](const Context& context, const Options& options) -> Result<Exit> {
                          auto wish = wish_of(options);
                          if (!wish) return std::unexpected(wish.error());
                          return perhaps_apart(context, options, [&](const Context& own, Face face) {
                            return run_command(own, options.file, *wish, face);
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
    CLI::App* resume =
        add("resume", "Go on with a run that was interrupted, paused or killed",
            [](const Context& context, const Options& options) {
              const auto wish = resume_wish_of(options);
              if (!wish) return Result<Exit>(std::unexpected(wish.error()));
              return perhaps_apart(context, options, [&](const Context& own, Face face) {
                return resume_command(own, options.run, face, *wish);
              });
            });
    add_run(resume);
    resume->add_option("--tokens", options_.tokens, "In place of the plan's `limits.tokens`")
        ->type_name("COUNT");
    resume->add_option("--usd", options_.usd, "In place of the plan's `limits.usd`")
        ->type_name("DOLLARS");
    add_which_plan(resume);
    add_face(resume);
    add_detach(resume);
    add_json(resume);
  }

  void add_looking() {
    CLI::App* runs = add("runs", "List runs, the newest first",
                         [](const Context& context, const Options& options) {
                           return runs_command(context, options.runs);
                         });
    runs->add_option("-n", options_.runs.most, "Show at most N; 0: all [20]")->type_name("N");
    runs->add_flag("--here", options_.runs.here, "Only runs that belong to this folder");
    add_json(runs);
    CLI::App* show = add("show", "Show how a run stands or ended",
                         [](const Context& context, const Options& options) {
                           return show_command(context, options.run, options.suggest);
                         });
    add_run(show);
    show->add_flag("--suggest", options_.suggest,
                   "The footprints that were seen, as lines for the plan");
    add_json(show);
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
  }

  void add_asking() {
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
    CLI::App* retry = add("retry", "Run again what failed, and what was skipped because of it",
                          [](const Context& context, const Options& options) {
                            return perhaps_apart(context, options, [&](const Context& own, Face face) {
                              return retry_command(own, options.run, options.task, face,
                                                   which_plan_of(options));
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
  }

  void add_rest() {
    CLI::App* init = add(
        "init", "Write a commented plan to start from, with its schemas and prompts",
        [](const Context& context, const Options& options) -> Result<Exit> {
          if (options.init_for.client.empty()) return init_command(context, options.use, options.folder);
          InitForWish wish = options.init_for;
          // USE means nothing here: a word alone is the folder.
          wish.folder = options.use.empty() ? options.folder : options.use;
          return init_for_command(context, wish);
        },
        Journal::not_needed);
    init->add_option("--for", options_.init_for.client,
                     "Let this client's model reach Interlock instead: claude-code, codex, gemini or opencode")
        ->type_name("CLIENT");
    init->add_flag("--enforce", options_.init_for.enforce, "With --for: deny what the plan refuses, do not only advise");
    init->add_flag("--undo", options_.init_for.undo, "With --for: take it all back");
    init->add_option("USE", options_.use,
                     "research, review, content, tests, migrations or edits [research]");
    add_json(init);
    init->add_option("DIR", options_.folder, "Target folder [.]");
    CLI::App* doctor = add(
        "doctor", "Show what this host supports, and what is missing",
        [](const Context& context, const Options&) { return doctor_command(context); },
        Journal::not_needed);
    add_json(doctor);
    CLI::App* agents = add(
        "agents", "List the agent clients that are installed, and what is known of their versions",
        [](const Context& context, const Options&) { return agents_command(context); },
        Journal::not_needed);
    add_json(agents);
    CLI::App* gateway =
        add("gateway", "Serve the gateway on its own, for any program, until it is interrupted",
            [](const Context& context, const Options& options) -> Result<Exit> {
              auto wish = gateway_wish_of(options);
              if (!wish) return std::unexpected(wish.error());
              return gateway_command(context, *wish);
            });
    GatewayWish& its = options_.gateway;
    gateway->add_option("--api", its.api, "Whose address and key: anthropic, openai or gemini")
        ->check(CLI::IsMember({"anthropic", "openai", "openai-responses", "gemini"}))
        ->type_name("API");
    gateway->add_option("--upstream", its.upstream, "Where the model is instead")->type_name("URL");
    gateway->add_option("--key", its.key, "The variable that holds the key")->type_name("NAME");
    gateway->add_option("--plan", its.plan, "A plan whose quotas hold")->type_name("FILE");
    gateway->add_option("--agent", its.agent, "The plan's agent whose provider it is")
        ->type_name("NAME");
    gateway->add_option("--port", its.port, "On 127.0.0.1 [any that is free]")->type_name("PORT");
    gateway->add_option("--tokens", options_.tokens, "Stop at so many tokens")->type_name("COUNT");
    gateway->add_option("--usd", options_.usd, "Stop at so many dollars")->type_name("DOLLARS");
    add_json(gateway);
    add_chat();
    CLI::App* mcp = add("mcp", "Let an agent's client plan and run through the Model Context Protocol",
                        [](const Context& context, const Options& options) {
                          return mcp_command(context, options.may_approve);
                        });
    mcp->add_flag("--approve", options_.may_approve, "The client may answer gates");
    CLI::App* hook = add(
        "hook", "Answer a client before it starts sub-agents; `init --for` sets it up",
        [](const Context& context, const Options& options) {
          return hook_command(context, options.hook);
        },
        Journal::not_needed);
    hook->add_option("WHEN", options_.when, "pre-tool")->required()->check(CLI::IsMember({"pre-tool"}));
    hook->add_option("--for", options_.hook.client, "Whose: claude-code or codex")
        ->required()
        ->check(CLI::IsMember({"claude-code", "codex"}))
        ->type_name("CLIENT");
    hook->add_flag("--enforce", options_.hook.enforce, "Deny what the plan refuses; else advise");
    hook->add_option("--most", options_.hook.most, "Deny more than N sub-agents in one message")
        ->type_name("N");
    CLI::App* prune = add("prune", "Forget runs, with their logs and kept changes",
                          [](const Context& context, const Options& options) -> Result<Exit> {
                            auto wish = prune_wish_of(options);
                            if (!wish) return std::unexpected(wish.error());
                            return prune_command(context, *wish);
                          });
    prune->add_option("RUN", options_.run, "A run's id, its beginning or last part");
    prune->add_option("--older", options_.older, "Runs idle for at least AGE, such as 30d")
        ->type_name("AGE");
    prune->add_flag("--force", options_.force, "Also changes that are in no workspace yet");
    prune->add_flag("--any", options_.any, "`last` is the latest run of the machine");
    add_json(prune);
    CLI::App* completion = add(
        "completion", "Print a shell's completion script",
        [this](const Context& context, const Options& options) -> Result<Exit> {
          const std::string script = completion_script(app_, options.shell);
          context.talk.result(
              context.json ? pretty_json(json::object{
                                 {"version", 1}, {"shell", options.shell}, {"script", script}})
                           : script);
          return Exit::done;
        },
        Journal::not_needed);
    completion->add_option("SHELL", options_.shell, "bash, zsh or fish")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish"}));
    add_json(completion);
    CLI::App* complete = add("complete", "List words for a shell's completion",
                             [](const Context& context, const Options& options) {
                               return complete_command(context, options.words, options.run);
                             });
    complete->add_option("KIND", options_.words, "runs, tasks or outputs")->required();
    complete->add_option("RUN", options_.run, "Whose tasks");
    complete->group("");  // For scripts, not for people.
  }

  void add_chat() {
    CLI::App* chat = add(
        "chat", "Ask a model's API: a prompt on standard input, the answer as JSON lines",
        [](const Context&, const Options& options) { return chat_command(options.chat); },
        Journal::not_needed);
    chat->add_option("--api", options_.chat.api, "anthropic, openai, openai-responses or gemini")
        ->required()
        ->check(CLI::IsMember({"anthropic", "openai", "openai-responses", "gemini"}));
    chat->add_option("--model", options_.chat.model, "As the API names it")->required();
    chat->add_option("--base-url", options_.chat.base_url,
                     "Where the API is, without `/v1` [the provider's own]")
        ->type_name("URL");
    chat->add_option("--schema", options_.chat.schema, "A JSON Schema the answer must hold to")
        ->type_name("FILE");
    chat->add_option("--max-output", options_.chat.output_max, "Tokens of the answer, at most")
        ->check(CLI::PositiveNumber)
        ->type_name("N");
    chat->footer(
        "The key is taken from INTERLOCK_KEY, else from ANTHROPIC_API_KEY, OPENAI_API_KEY or\n"
        "GEMINI_API_KEY, whichever the API goes by. Exit codes: 0 a whole answer, 1 none or not "
        "all "
        "of it.");
  }

  CLI::App app_;
  Options options_;
  Verb verb_;
  Journal journal_ = Journal::needed;
};

panel::ColorWish color_of(const Options& options) {
  return options.color == "always"  ? panel::ColorWish::always
         : options.color == "never" ? panel::ColorWish::never
                                    : panel::ColorWish::automatic;
}

/// Where a person stands; empty where that cannot be told (the folder was deleted).
std::string folder_stood_in() {
  std::error_code trouble;
  return std::filesystem::canonical(".", trouble).string();
}

Exit dispatch_verb(const CommandLine& line, Talk& talk) {
  const Options& options = line.options();
  const Context context{options.state.empty() ? default_state_folder() : options.state,
                        options.json,
                        {folder_stood_in(), options.any},
                        talk};
  if (context.state_folder.empty() && line.journal() == Journal::needed) {
    return talk.complain(
        {Error::Kind::invalid,
         "there is no place for the journal: neither HOME nor XDG_STATE_HOME is set",
         "pass `--state DIR`"});
  }
  const auto exit = line.verb()(context, options);
  return exit ? *exit : talk.complain(exit.error());
}

/// A descriptor that is closed would be given to the next file that is opened, and what is said
/// would go into that: a journal, for one. What is written to a folder that was opened to read is
/// refused, and so told.
void hold_standard_streams() {
  for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(number, F_GETFD) >= 0) continue;
    const int held = ::open("/dev/null", number == STDERR_FILENO ? O_WRONLY : O_RDONLY);
    if (held >= 0 && held != number) {
      ::dup2(held, number);
      ::close(held);
    }
  }
}

/// Before the command line could be understood.
bool asks_for_json(int argc, char** argv) {
  return std::any_of(argv + 1, argv + argc,
                     [](const char* word) { return std::string_view(word) == "--json"; });
}

/// A mistyped verb is the commonest mistake, and CLI11 would only say that one is missing.
std::optional<Error> unknown_verb(const CLI::App& app, const std::string& word) {
  std::vector<std::string> verbs;
  for (const CLI::App* sub : app.get_subcommands({})) {
    if (sub->get_name() == word) return std::nullopt;
    if (!sub->get_group().empty()) verbs.push_back(sub->get_name());
  }
  if (word.starts_with('-')) return std::nullopt;
  const std::string other = verb_meant(word);
  const auto near = nearest_word(word, verbs);
  return Error{Error::Kind::invalid, fmt::format("there is no command `{}`", printable(word)),
               !other.empty() ? fmt::format("it is {} here", other)
               : near         ? fmt::format("did you mean `{}`?", *near)
                              : fmt::format("there are: {}", join_words(verbs, 20))};
}

}  // namespace

int run_interlock(int argc, char** argv) {
  hold_standard_streams();  // First: whatever is opened next must not come to stand there.
  process::hide_environment();
  ::signal(SIGPIPE, SIG_IGN);  // A reader that goes away is told by write().
  CommandLine line;
  Talk early(panel::ColorWish::automatic, false, asks_for_json(argc, argv));
  if (argc < 2) {
    early.insist(line.app().help());
    return static_cast<int>(Exit::wrong);
  }
  std::vector<std::string> words = arguments_of(argc, argv);
  if (const auto unknown = unknown_verb(line.app(), words.front()))
    return static_cast<int>(early.close(early.complain(*unknown)));
  try {
    std::ranges::reverse(words);  // CLI11 takes them from the end.
    line.app().parse(std::move(words));
  } catch (const CLI::Success& asked) {
    std::ostringstream out, err;
    line.app().exit(asked, out, err);
    early.result(out.str());
    return static_cast<int>(early.close(Exit::done));
  } catch (const CLI::ParseError& error) {
    return static_cast<int>(early.close(
        early.complain({Error::Kind::invalid, error.what(), hint_for(argc, argv)})));
  }
  Talk talk(color_of(line.options()), line.options().quiet, line.options().json);
  const Exit exit = dispatch_verb(line, talk);
  return static_cast<int>(talk.close(exit));
}

}  // namespace interlock::cli
