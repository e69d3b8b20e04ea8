#pragma once

#include <functional>
#include <string>

#include "cli/commands.h"

namespace interlock::cli {

/// Keys of a person before a panel, each as soon as it is pressed.
class Keyboard {
 public:
  /// Whether a person can press keys here: standard input and standard error are one terminal that
  /// moves its cursor, and we are what is in its foreground.
  static bool is_there(const Console& console);

  /// What was pressed since the last call: letters, and Escape; never waits. Other keys, such as
  /// arrows, come as sequences and are dropped. Nothing while we are in the background.
  static std::string pressed();
  /// Whether we were stopped, by Ctrl-Z, and go on since the last call: the shell has written.
  static bool was_stopped();
};

/// Has `work` done by a child process, with `context.keys` and `context.on_leave` set, while this
/// one keeps the terminal: keys are not echoed and come one by one until the child is over, however
/// it ends, then the terminal is as it was. Where this one is killed the child asks itself to end,
/// as by SIGTERM, and gives the terminal back. Ctrl-C, Ctrl-Z and `kill` work as without it.
///
/// Ends as the child does; done at once, with a word on how to see more, when it leaves.
Result<Exit> with_keys(const Context& context,
                       const std::function<Result<Exit>(const Context&)>& work);

}  // namespace interlock::cli
