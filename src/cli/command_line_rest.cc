#include "cli/command_line.h"

#include <CLI/CLI.hpp>

#include "cli/client_setup.h"
#include "cli/completion.h"
#include "cli/hook_running.h"
#include "cli/man_page.h"
#include "plan/document_schema.h"

// Verbs around runs: to begin with, for clients and models, to clear up.
namespace interlock::cli {

void CommandLine::add_rest() {
  CLI::App* init = add(
      "init", "Write a commented plan to start from, with its schemas and prompts",
      [](const Context& context, const Options& options) -> Result<Exit> {
        if (options.init_for.client.empty())
          return init_command(context, options.use, options.folder);
        return init_for_command(context, options.init_for);
      },
      Journal::not_needed);
  CLI::Option* use =
      init->add_option("USE", options_.use,
                       "research, review, content, tests, migrations, edits or fix [research]")
          ->check(CLI::IsMember(
              {"research", "review", "content", "tests", "migrations", "edits", "fix"}));
  CLI::Option* client =
      init->add_option(
              "--for", options_.init_for.client,
              "Let this client's model reach Interlock instead: claude-code, codex, gemini or "
              "opencode")
          ->check(CLI::IsMember(clients_to_set_up()))
          ->type_name("CLIENT")
          ->excludes(use);
  init->add_option("--in", options_.init_for.folder, "With --for: the project's folder [.]")
      ->type_name("DIR")
      ->needs(client);
  init->add_flag("--enforce", options_.init_for.enforce,
                 "With --for: deny what the plan refuses, do not only advise")
      ->needs(client);
  init->add_option("--most", options_.init_for.most,
                   "With --for: deny more than N sub-agents in one message")
      ->check(CLI::Range(1, 1000))
      ->type_name("N")
      ->needs(client);
  init->add_flag("--undo", options_.init_for.undo, "With --for: take it all back")->needs(client);
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
            auto request = gateway_request_of(options);
            if (!request) return std::unexpected(request.error());
            return gateway_command(context, *request);
          });
  GatewayRequest& its = options_.gateway;
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
  CLI::App* worker = add("worker", "Take jobs of runs with `--workers` until it is interrupted",
                         [](const Context& context, const Options& options) {
                           return worker_command(context, options.worker);
                         });
  worker->add_option("--slots", options_.worker.slots, "Jobs at once [1]")
      ->check(CLI::Range(1, 1024))
      ->type_name("N");
  worker->add_option("--labels", options_.worker.labels, "What it offers, such as `gpu`")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("LABEL[,LABEL]");
  CLI::App* workers =
      add("workers", "List the workers that live, what each may do, and what it does",
          [](const Context& context, const Options&) { return workers_command(context); });
  add_json(workers);
  add_chat();
  CLI::App* mcp =
      add("mcp", "Let an agent's client plan and run through the Model Context Protocol",
          [](const Context& context, const Options& options) {
            return mcp_command(context, options.may_approve);
          });
  mcp->add_flag("--approve", options_.may_approve, "The client may answer gates");
  CLI::App* hook = add(
      "hook", "Answer a client about its own sub-agents; `init --for` sets it up",
      [](const Context& context, const Options& options) {
        if (options.when == "worktree") return hook_worktree_command(context);
        if (options.when == "post-tool") return hook_ended_command(context);
        return hook_command(context, options.hook);
      },
      Journal::not_needed);
  hook->add_option("WHEN", options_.when,
                   "pre-tool, post-tool, or worktree: where they work, and what of it")
      ->required()
      ->check(CLI::IsMember({"pre-tool", "post-tool", "worktree"}));
  hook->add_option("--for", options_.hook.client, "Whose: claude-code, codex, gemini or opencode")
      ->required()
      ->check(CLI::IsMember({"claude-code", "codex", "gemini", "opencode"}))
      ->type_name("CLIENT");
  hook->add_flag("--enforce", options_.hook.enforce, "Deny what the plan refuses; else advise");
  hook->add_option("--most", options_.hook.most, "Deny more than N sub-agents in one message")
      ->type_name("N");
  CLI::App* prune = add("prune", "Forget runs, with their logs and kept changes",
                        [](const Context& context, const Options& options) -> Result<Exit> {
                          auto request = prune_request_of(options);
                          if (!request) return std::unexpected(request.error());
                          return prune_command(context, *request);
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
        context.console.result(
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
  add(
      "schema", "Print the JSON Schema of plan documents, for editors and for agents",
      [](const Context& context, const Options&) -> Result<Exit> {
        context.console.result(pretty_json(plan::document_schema()));
        return Exit::done;
      },
      Journal::not_needed)
      ->footer(
          "In an editor that knows YAML schemas, begin a plan with the line\n"
          "  # yaml-language-server: $schema=plan.schema.json\n"
          "after `interlock schema >plan.schema.json`.");
  add(
      "man-page", "Print the manual page",
      [this](const Context& context, const Options&) -> Result<Exit> {
        context.console.result(man_page(app_, std::string(kVersion)));
        return Exit::done;
      },
      Journal::not_needed)
      ->group("");  // For packages.
  CLI::App* complete = add("complete", "List words for a shell's completion",
                           [](const Context& context, const Options& options) {
                             return complete_command(context, options.words, options.run);
                           });
  complete->add_option("KIND", options_.words, "runs, tasks or outputs")->required();
  complete->add_option("RUN", options_.run, "Whose tasks");
  complete->group("");  // For scripts, not for people.
  add_draft_check();
}

void CommandLine::add_chat() {
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

}  // namespace interlock::cli
