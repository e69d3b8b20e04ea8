#include "panel/terminal.h"

#include <gtest/gtest.h>

namespace interlock::panel {
namespace {

TEST(JudgeTerminal, ColoursAreForTerminalsThatKnowThem) {
  const Environment xterm{.term = "xterm-256color"};
  EXPECT_TRUE(judge_terminal(true, ColorMode::automatic, xterm).color);
  EXPECT_FALSE(judge_terminal(false, ColorMode::automatic, xterm).color);
  EXPECT_FALSE(judge_terminal(true, ColorMode::automatic, {.term = "dumb"}).color);
  EXPECT_FALSE(judge_terminal(true, ColorMode::automatic, {}).color);
}

TEST(JudgeTerminal, NoColorIsHonouredUnlessColourIsAskedFor) {
  const Environment environment{.no_color = "1", .term = "xterm"};
  EXPECT_FALSE(judge_terminal(true, ColorMode::automatic, environment).color);
  EXPECT_TRUE(judge_terminal(false, ColorMode::always, environment).color);
  EXPECT_FALSE(judge_terminal(true, ColorMode::never, {.term = "xterm"}).color);
}

TEST(JudgeTerminal, APanelNeedsATerminalThatMovesItsCursor) {
  EXPECT_TRUE(judge_terminal(true, ColorMode::never, {.term = "xterm"}).moves_cursor);
  EXPECT_FALSE(judge_terminal(true, ColorMode::always, {.term = "dumb"}).moves_cursor);
  EXPECT_FALSE(judge_terminal(false, ColorMode::always, {.term = "xterm"}).moves_cursor);
}

TEST(JudgeTerminal, TheFirstLocaleThatIsSetDecidesOnUnicode) {
  EXPECT_TRUE(judge_terminal(true, ColorMode::never, {.lang = "de_DE.UTF-8"}).unicode);
  EXPECT_TRUE(judge_terminal(true, ColorMode::never, {.lc_ctype = "C.utf8", .lang = "C"}).unicode);
  EXPECT_FALSE(
      judge_terminal(true, ColorMode::never, {.lc_all = "C", .lang = "en_US.UTF-8"}).unicode);
  EXPECT_FALSE(judge_terminal(true, ColorMode::never, {}).unicode);
}

TEST(JudgeTerminal, ProgressIsForTabsThatAreKnownToShowIt) {
  const auto shows = [](Environment environment) {
    environment.term = "xterm-256color";
    return judge_terminal(true, ColorMode::automatic, environment).shows_progress;
  };
  EXPECT_TRUE(shows({.term_program = "ghostty"}));
  EXPECT_TRUE(shows({.wt_session = "5b5"}));
  EXPECT_TRUE(shows({.vte_version = "8001"}));
  EXPECT_FALSE(shows({.vte_version = "7600"})) << "it would pop up as a notice";
  EXPECT_FALSE(shows({.term_program = "Apple_Terminal"}));
  EXPECT_FALSE(shows({.term_program = "WezTerm", .tmux = "/tmp/tmux-0/default,1,0"}));
  EXPECT_FALSE(
      judge_terminal(false, ColorMode::automatic, {.term = "xterm", .term_program = "WezTerm"})
          .shows_progress);
}

TEST(Terminal, a_link_cannot_be_ended_by_what_it_names) {
  EXPECT_TRUE(judge_terminal(true, ColorMode::automatic, {.term = "xterm"}).links);
  EXPECT_FALSE(judge_terminal(true, ColorMode::automatic, {.term = "linux"}).links);
  EXPECT_EQ(file_link("/a b/\x1b\\c%.html", "c\x1b]8;;", "host"),
            "\x1b]8;;file://host/a%20b/%1B%5Cc%25.html\x1b\\c8;;\x1b]8;;\x1b\\");
}

TEST(Terminal, text_of_others_cannot_steer_it) {
  EXPECT_EQ(harmless("plain\n\ttab\n"), "plain\n        tab\n");
  EXPECT_EQ(harmless("\x1b[2J\x1b]0;title\x07safe\x1b[8mhidden\n"), "safehidden\n");
  EXPECT_EQ(harmless("approved\rREJECTED\b\n"), "approved\u240dREJECTED\u2408\n");
  EXPECT_EQ(harmless("\u009b2J\u202egnp.exe\xff\n").find('\xff'), std::string::npos);
  EXPECT_EQ(harmless("\u009b2Jx").find("\u009b"), std::string::npos) << "the one-byte beginning";
}

TEST(Terminal, our_own_inks_stay_and_end_with_their_line) {
  EXPECT_EQ(harmless("\x1b[31mred\x1b[0m plain\n"), "\x1b[31mred\x1b[0m plain\n");
  EXPECT_EQ(harmless("\x1b[31mred\nplain\n"), "\x1b[31mred\x1b[0m\nplain\n");
  EXPECT_EQ(harmless("\x1b]0;\x1b[31mx\x1b[0m\n").find("\x1b]"), std::string::npos);
}

}  // namespace
}  // namespace interlock::panel
