#pragma once

#include <string>

#include "cli/commands.h"

namespace CLI {
class App;
}

// The board, and words to the agents of tasks that go on.
namespace interlock::cli {

struct BoardRequest {
  std::string action;  ///< post, read or watch.
  std::string topic;
  std::string text;  ///< Of a post; empty or `-`: it is on standard input.
  std::string run;   ///< Empty: the attempt that this runs in, else the last run of this folder.
  std::uint32_t after = 0;
  std::string most;  ///< watch: for so long at most.
};
Result<Exit> board_command(const Context& context, const BoardRequest& request);

/// `text` empty or `-`: it is on standard input.
Result<Exit> send_command(const Context& context, const std::string& run, const std::string& task,
                          const std::string& text);

/// The words of `board` on the command line.
void add_board_words(CLI::App& board, BoardRequest& request);

/// `text`, or what is on standard input where that says so; no more of that than one post may have
/// and a byte.
Result<std::string> text_or_input(const std::string& text);

}  // namespace interlock::cli
