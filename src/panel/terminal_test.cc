#include "panel/terminal.h"

#include <gtest/gtest.h>

namespace interlock::panel {
namespace {

TEST(JudgeTerminal, ColoursAreForTerminalsThatKnowThem) {
  const Environment xterm{.term = "xterm-256color"};
  EXPECT_TRUE(judge_terminal(true, ColorWish::automatic, xterm).color);
  EXPECT_FALSE(judge_terminal(false, ColorWish::automatic, xterm).color);
  EXPECT_FALSE(judge_terminal(true, ColorWish::automatic, {.term = "dumb"}).color);
  EXPECT_FALSE(judge_terminal(true, ColorWish::automatic, {}).color);
}

TEST(JudgeTerminal, NoColorIsHonouredUnlessColourIsAskedFor) {
  const Environment environment{.no_color = "1", .term = "xterm"};
  EXPECT_FALSE(judge_terminal(true, ColorWish::automatic, environment).color);
  EXPECT_TRUE(judge_terminal(false, ColorWish::always, environment).color);
  EXPECT_FALSE(judge_terminal(true, ColorWish::never, {.term = "xterm"}).color);
}

TEST(JudgeTerminal, APanelNeedsATerminalThatMovesItsCursor) {
  EXPECT_TRUE(judge_terminal(true, ColorWish::never, {.term = "xterm"}).moves_cursor);
  EXPECT_FALSE(judge_terminal(true, ColorWish::always, {.term = "dumb"}).moves_cursor);
  EXPECT_FALSE(judge_terminal(false, ColorWish::always, {.term = "xterm"}).moves_cursor);
}

TEST(JudgeTerminal, TheFirstLocaleThatIsSetDecidesOnUnicode) {
  EXPECT_TRUE(judge_terminal(true, ColorWish::never, {.lang = "de_DE.UTF-8"}).unicode);
  EXPECT_TRUE(judge_terminal(true, ColorWish::never, {.lc_ctype = "C.utf8", .lang = "C"}).unicode);
  EXPECT_FALSE(
      judge_terminal(true, ColorWish::never, {.lc_all = "C", .lang = "en_US.UTF-8"}).unicode);
  EXPECT_FALSE(judge_terminal(true, ColorWish::never, {}).unicode);
}

}  // namespace
}  // namespace interlock::panel
