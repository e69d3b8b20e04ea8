#include <CLI/CLI.hpp>

#include "cli/board.h"

namespace interlock::cli {

void add_board_words(CLI::App& board, BoardRequest& request) {
  board.add_option("ACTION", request.action, "post, read or watch")
      ->required()
      ->check(CLI::IsMember({"post", "read", "watch"}));
  board.add_option("TOPIC", request.topic,
                   "A topic of the plan's `board`; `read` without one lists them");
  board.add_option("TEXT", request.text, "post: the note; `-` or nothing: standard input");
  board
      .add_option("--run", request.run,
                  "From outside: the run's id, or `last`; a post is a person's")
      ->type_name("RUN");
  board.add_option("--after", request.after, "read, watch: only notes with a larger number")
      ->type_name("NUMBER");
  board.add_option("--for", request.most, "watch: for so long at most")->type_name("DURATION");
  board.footer("Inside an attempt it needs no RUN. docs/board.md says what is seen when.");
}

}  // namespace interlock::cli
