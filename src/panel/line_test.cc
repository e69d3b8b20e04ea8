#include "panel/line.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace interlock::panel {
namespace {

constexpr Style kPlain{.color = false, .unicode = true};
constexpr Style kAscii{.color = false, .unicode = false};
constexpr Style kColor{.color = true, .unicode = true};

using Lines = std::vector<std::string>;

TEST(Line, TextBeyondTheLastColumnIsCutWithAMark) {
  EXPECT_EQ(Line(9, kPlain).add("research").gap(1).add("auth").text(), "research");
  EXPECT_EQ(Line(11, kPlain).add("research").gap(1).add("auth").text(), "research a…");
  EXPECT_EQ(Line(12, kAscii).add("research").gap(1).add("auth").text(), "research a..");
}

TEST(Line, AColumnKeepsBothEndsOfAName) {
  EXPECT_EQ(Line(40, kPlain).add_column("summary-chapter-07", 9).add("|").text(), "summ…r-07|");
  EXPECT_EQ(Line(40, kAscii).add_column("summary-chapter-07", 9).add("|").text(), "summ..-07|");
  EXPECT_EQ(Line(40, kPlain).add_column("a", 3).add("|").text(), "a  |");
}

TEST(Line, NothingAnAgentPrintsReachesTheTerminalAsACommand) {
  EXPECT_EQ(Line(40, kPlain).add("\x1b[2Jgone\x1b]0;title\x07 \x1b[31mred\x1b[0m").text(),
            "gone red");
}

TEST(Line, WithoutUnicodeEachCharacterIsOneQuestionMark) {
  EXPECT_EQ(Line(40, kAscii).add("naïve 日本").text(), "na?ve ??");
}

TEST(Line, ColourEndsWithItsPieceAndCountsNoColumns) {
  EXPECT_EQ(Line(8, kColor).add("done", Ink::good).gap(1).add("now").text(),
            "\x1b[32mdone\x1b[0m now");
}

TEST(Line, TheRightEdgeIsTakenOnlyWhereItIsFree) {
  EXPECT_EQ(Line(12, kPlain).add("plan").add_right("12 s").text(), "plan    12 s");
  EXPECT_EQ(Line(9, kPlain).add("plan").add_right("12 s").text(), "plan");
}

TEST(WrapWords, BreaksAtSpacesAndKeepsLongWordsWhole) {
  EXPECT_EQ(wrap_words("gate: `interlock approve r7k2 migrate`", 18, kPlain),
            (Lines{"gate: `interlock", "approve r7k2", "migrate`"}));
  EXPECT_EQ(wrap_words("  a   considerable   b ", 4, kPlain), (Lines{"a", "considerable", "b"}));
  EXPECT_EQ(wrap_words("", 4, kPlain), Lines{});
}

}  // namespace
}  // namespace interlock::panel
