#include <CLI/CLI.hpp>

#include "cli/add_plan.h"
#include "cli/attach.h"
#include "cli/board.h"
#include "cli/command_line.h"
#include "cli/queue.h"

// Verbs of standing queues, of single tasks without a plan file, and of runs that go on.
namespace interlock::cli {

namespace {

/// What follows `--`.
void take_command(CLI::App* sub, std::vector<std::string>& into) {
  sub->add_option("COMMAND", into,
                  "After `--`: a command and its arguments; one word alone is a line of shell");
}

}  // namespace

void CommandLine::add_queues() {
  CLI::App* queue =
      add("queue", "Show, start, pause, resume, set, reorder or stop a standing queue of tasks",
          [](const Context& context, const Options& options) -> Result<Exit> {
            auto how = request_of(options);
            if (!how) return std::unexpected(how.error());
            QueueRequest request = options.queue;
            request.how = std::move(*how);
            return queue_command(context, request);
          });
  QueueRequest& its = options_.queue;
  queue->add_option("ACTION", its.action, "show, start, pause, resume, set, move or stop [show]")
      ->check(CLI::IsMember({"show", "start", "pause", "resume", "set", "move", "stop"}));
  queue->add_option("QUEUE", its.name, "Its name [default]");
  queue->add_option("TASK", its.task, "move: a task that waits");
  queue->add_option("WHERE", its.place, "move: first or last among those that wait");
  CLI::Option* before =
      queue->add_option("--before", its.before, "move: before this one")->type_name("ID");
  queue->add_option("--after", its.behind, "move: right after this one")
      ->type_name("ID")
      ->excludes(before);
  queue->add_option("--plan", its.plan, "start: agents, resources and first tasks of this plan")
      ->type_name("FILE");
  queue->add_option("--parallel", options_.parallel, "start, set: attempts at once, at most [4]")
      ->check(CLI::Range(1, 1024))
      ->type_name("N");
  queue
      ->add_option("--isolation", options_.isolation,
                   "start: for all tasks: direct, guard, view or worktree [view, else guard]")
      ->check(CLI::IsMember({"direct", "guard", "view", "worktree"}))
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("HOW[,HOW]");
  queue->add_flag("--foreground", its.foreground, "start: in this terminal, until it is stopped");
  queue->add_flag("--now", its.calls, "pause: send no model call either");
  add_set(queue);
  add_json(queue);

  CLI::App* task = add("add", "Add a task to a standing queue, or to a run that goes on",
                       [](const Context& context, const Options& options) {
                         if (!options.file.empty())
                           return add_plan_command(context, options.add, options.file);
                         return add_command(context, options.add);
                       });
  AddRequest& added = options_.add;
  CLI::Option* of_queue =
      task->add_option("-q,--queue", added.queue, "The queue [default]")->type_name("QUEUE");
  task->add_option("--run", added.run, "A run that goes on instead")
      ->type_name("RUN")
      ->excludes(of_queue);
  task->add_option("--plan", options_.file,
                   "All tasks of this plan instead of one; or none of them")
      ->type_name("FILE");
  task->add_option("--id", added.id, "Its id; the same task with the same id is added once")
      ->type_name("KEY");
  const auto list = [task](const std::string& name, std::vector<std::string>& into,
                           const std::string& about, const std::string& type) {
    task->add_option(name, into, about)->type_name(type)->allow_extra_args(false);
  };
  list("-r,--reads", added.reads, "It reads what matches; without -r and -w it runs alone", "GLOB");
  list("-w,--writes", added.writes, "It writes what matches", "GLOB");
  list("-u,--uses", added.uses, "It takes this resource of the queue's plan", "RES");
  list("--needs", added.needs, "It follows this task, and is skipped where that fails", "ID");
  task->add_flag("--reads-nothing", added.reads_nothing, "It reads no file of the workspace");
  task->add_flag("--writes-nothing", added.writes_nothing, "It changes no file of the workspace");
  task->add_option("--agent", added.agent,
                   "Who does it: claude, codex, gemini, opencode, pi, qwen, "
                   "or an agent of the queue's plan")
      ->type_name("AGENT");
  task->add_option("-p,--prompt", added.prompt, "What the agent is asked")->type_name("TEXT");
  task->add_option("--output", added.output, "What it gives back: text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->type_name("FORM");
  task->add_option("--timeout", added.timeout, "For each attempt")->type_name("DURATION");
  take_command(task, added.command);
  add_json(task);

  CLI::App* each = add("each", "Run a command or an agent for each file that matches",
                       [](const Context& context, const Options& options) -> Result<Exit> {
                         auto how = request_of(options);
                         if (!how) return std::unexpected(how.error());
                         EachRequest request = options.each;
                         request.how = std::move(*how);
                         // With an agent, what stands by itself is its prompt.
                         if (!request.agent.empty() && request.command.size() == 1) {
                           request.prompt = request.command.front();
                           request.command.clear();
                         }
                         return perhaps_apart(context, options, [&](const Context& own, Face face) {
                           return each_command(own, request, face);
                         });
                       });
  EachRequest& every = options_.each;
  each->add_option("GLOB", every.pattern, "Which files, in quotes: 'sources/*.md'")->required();
  each->add_option("--agent", every.agent, "Who does it; the prompt follows: 'Summarise {item}'")
      ->type_name("AGENT");
  each->add_flag("--login", every.login,
                 "The agent uses the log-in that Claude Code has on this machine, and no key");
  each->add_option("-r,--reads", every.reads, "Each reads what matches [{item}]")
      ->type_name("GLOB")
      ->allow_extra_args(false);
  each->add_option("-w,--writes", every.writes, "Each writes what matches: 'notes/{item.stem}.md'")
      ->type_name("GLOB")
      ->allow_extra_args(false);
  each->add_option("--pattern", options_.pattern,
                   "Overrides the decision: sequential, parallel or queue")
      ->check(CLI::IsMember({"sequential", "parallel", "queue"}))
      ->type_name("PATTERN");
  each->add_option("--parallel", options_.parallel, "Attempts at once, at most")
      ->check(CLI::Range(1, 1024))
      ->type_name("N");
  each->add_option("--isolation", options_.isolation, "direct, guard, view or worktree")
      ->check(CLI::IsMember({"direct", "guard", "view", "worktree"}))
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("HOW[,HOW]");
  each->add_flag("--fresh", options_.fresh, "Run everything, also what has not changed");
  each->add_option("COMMAND", every.command,
                   "The agent's prompt, or after `--` a command; `{item}` is the file");
  add_face(each);
  add_detach(each);
  add_json(each);

  CLI::App* pause = add("pause", "Let nothing more of a run start until `resume`",
                        [](const Context& context, const Options& options) {
                          return pause_command(context, options.run, options.queue.calls);
                        });
  add_run(pause);
  pause->add_flag("--now", its.calls, "Send no model call either");
  add_json(pause);
  CLI::App* set = add("set", "Change how many run at once, or what a run may use, while it goes on",
                      [](const Context& context, const Options& options) {
                        return set_command(context, options.run, options.settings);
                      });
  add_run(set);
  set->add_option("SETTING", options_.settings, "parallel=2, tokens=800k, usd=5.00, on_quota=wait");
  add_json(set);
  CLI::App* attach = add("attach", "Show a run that goes on elsewhere, until it is over",
                         [](const Context& context, const Options& options) {
                           return attach_command(context, options.run);
                         });
  add_run(attach);
  attach->footer("Ctrl-C ends the looking, not the run.");
  CLI::App* wait = add("wait", "Wait until a task, or all tasks of a run, are over",
                       [](const Context& context, const Options& options) {
                         return wait_command(context, options.run, options.task, options.timeout);
                       });
  add_run_and_task(wait, "The task; without it all of the run");
  wait->add_option("--timeout", options_.timeout, "Give up after so long, with exit code 3")
      ->type_name("DURATION");

  CLI::App* board = add(
      "board", "Post a note for other tasks, or read what they left",
      [](const Context& context, const Options& options) {
        return board_command(context, options.board);
      },
      Journal::not_needed);
  add_board_words(*board, options_.board);
  add_json(board);
  CLI::App* send =
      add("send", "Say something to the agent of a task that is not over",
          [](const Context& context, const Options& options) {
            return send_command(context, options.run, options.task, options.board.text);
          });
  add_run_and_task(send, "The task's id");
  send->add_option("TEXT", options_.board.text,
                   "What its agent is told; `-` or nothing: standard input");
  add_json(send);
}

}  // namespace interlock::cli
