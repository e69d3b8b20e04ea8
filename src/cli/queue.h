#pragma once

#include <string>
#include <vector>

#include "cli/commands.h"

// Verbs of standing queues, and of what is asked of runs while they go on.
namespace interlock::cli {

struct QueueRequest {
  std::string action = "show";
  std::string name;
  std::string plan;            ///< Agents, resources, limits and first tasks come from this file.
  std::string task, place;     ///< `move`: what, and `first` or `last`.
  std::string before, behind;  ///< `move`: or beside which.
  bool foreground = false;
  bool calls = false;  ///< `pause`: hold model calls too.
  runs::PlanRequest how;
};
Result<Exit> queue_command(const Context& context, const QueueRequest& request);

/// One task, in the words of the command line.
struct AddRequest {
  std::string queue, run;
  std::string id, agent, prompt, output, timeout;
  std::vector<std::string> reads, writes, uses, needs, command;
  bool reads_nothing = false, writes_nothing = false;
};
Result<Exit> add_command(const Context& context, const AddRequest& request);

/// `pattern`: of files. A command, or an agent with a prompt.
struct EachRequest {
  std::string pattern, agent, prompt;
  std::vector<std::string> reads, writes, command;
  bool login = false;  ///< The agent uses the log-in of its client on this machine.
  runs::PlanRequest how;
};
Result<Exit> each_command(const Context& context, const EachRequest& request, Face face);

/// `calls`: no model call is sent either.
Result<Exit> pause_command(const Context& context, const std::string& run, bool calls);
/// `settings`: `parallel=2`, `tokens=800k`, `usd=5`.
Result<Exit> set_command(const Context& context, const std::string& run,
                         const std::vector<std::string>& settings);
/// Until the task, or all tasks of the run, are over; `timeout` empty: however long it takes.
Result<Exit> wait_command(const Context& context, const std::string& run, const std::string& task,
                          const std::string& timeout);

}  // namespace interlock::cli
