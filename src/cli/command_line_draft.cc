#include <CLI/CLI.hpp>

#include "cli/command_line.h"

// `plan --goal`, which has a plan written by an agent.
namespace interlock::cli {

void CommandLine::add_draft(CLI::App* plan) {
  DraftOptions& draft = options_.draft;
  CLI::Option* goal =
      plan->add_option("--goal", draft.request.goal,
                       "Have the plan written by an agent; `-` reads the goal from standard input. "
                       "FILE is then a plan whose agents are used")
          ->type_name("TEXT");
  const auto with_goal = [goal](CLI::Option* option) { option->needs(goal); };
  with_goal(plan->add_option("--agent", draft.request.agent,
                             "Who writes it: claude, codex, gemini, opencode, pi, qwen, or an "
                             "agent of FILE")
                ->type_name("AGENT"));
  with_goal(
      plan->add_option("-o,--out", draft.out, "Where to; `-` is standard output [interlock.yaml]")
          ->type_name("FILE"));
  with_goal(plan->add_flag("--force", draft.force, "Overwrite what is there"));
  with_goal(plan->add_option("--rounds", draft.request.rounds,
                             "Answers, at most: each after the first is told what was wrong [3]")
                ->check(CLI::Range(1U, runs::kDraftRoundsMax))
                ->type_name("N"));
  with_goal(plan->add_option("--tokens", options_.tokens, "Stop writing at so many tokens")
                ->type_name("COUNT"));
  with_goal(plan->add_option("--usd", options_.usd, "Stop writing at so many dollars")
                ->type_name("DOLLARS"));
}

bool drafts(const Options& options) {
  return !options.draft.request.goal.empty() || !options.draft.request.agent.empty();
}

Result<Exit> draft_of(const Context& context, const Options& options) {
  auto read = request_of(options);
  if (!read) return std::unexpected(read.error());
  if (context.state_folder.empty())
    return fail(Error::Kind::invalid,
                "there is no place for the journal: neither HOME nor XDG_STATE_HOME is set",
                "pass `--state DIR`");
  if (options.fix.fix)
    return fail(Error::Kind::invalid, "a plan that is still to be written cannot be fixed");
  DraftOptions draft = options.draft;
  draft.request.base = options.file;
  draft.request.set = read->set;
  if (!options.tokens.empty()) draft.request.tokens = options.tokens;
  if (!options.usd.empty()) draft.request.usd = options.usd;
  return draft_command(context, draft, face_of(options));
}

void CommandLine::add_draft_check() {
  CLI::App* check = add(
      "check-draft", "Say what is wrong with a plan that an agent wrote",
      [](const Context& context, const Options& options) {
        return check_draft_command(context, options.draft_check);
      },
      Journal::not_needed);
  DraftCheckOptions& its = options_.draft_check;
  check->add_option("ANSWER", its.answer)->required();
  check->add_option("--file", its.frame.file);
  check->add_option("--in", its.frame.folder);
  check->add_option("--workspace", its.frame.workspace);
  check->add_option("--agents", its.frame.agents);
  check->add_flag("--print", its.print);
  check->group("");  // For the plan of a draft, not for people.
}

}  // namespace interlock::cli
