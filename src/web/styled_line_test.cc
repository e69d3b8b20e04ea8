#include "web/styled_line.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace interlock::web {
namespace {

/// `plain<bold red|text>`, after lines that left `style`.
std::string shown(std::string_view line, TextStyle& style) {
  const StyledLine made = styled_line(line, style);
  if (made.runs.empty()) return made.text;
  std::string text;
  std::size_t at = 0;
  for (const StyledLine::Run& run : made.runs) {
    // Only ASCII here, of which units are bytes.
    const std::string part = made.text.substr(at, run.units);
    text += run.classes.empty() ? part : fmt::format("<{}|{}>", run.classes, part);
    at += run.units;
  }
  EXPECT_EQ(at, made.text.size());
  return text;
}
std::string shown(std::string_view line) {
  TextStyle style;
  return shown(line, style);
}

TEST(StyledLine, ShowsWhatSgrSets) {
  EXPECT_EQ(shown("plain"), "plain");
  EXPECT_EQ(shown("a \x1b[31mred\x1b[0m b"), "a <red|red> b");
  EXPECT_EQ(shown("\x1b[1;4;92mok\x1b[22;24;39m."), "<bold underlined green|ok>.");
  EXPECT_EQ(shown("\x1b[2;3;9mx\x1b[m."), "<dim italic struck|x>.");
  EXPECT_EQ(shown("\x1b[90mnote\x1b[33m!"), "<gray|note><yellow|!>");
  EXPECT_EQ(shown("\x1b[4mx\x1b[4:0my"), "<underlined|x>y");
}

TEST(StyledLine, NothingIsUnreadable) {
  // White on white paper, black on black, and any ink upon any ground.
  EXPECT_EQ(shown("\x1b[37ma\x1b[30mb\x1b[97mc"), "abc");
  EXPECT_EQ(shown("\x1b[31;41ma\x1b[40mb"), "<on-red|a><red|b>");
  EXPECT_EQ(shown("\x1b[7ma\x1b[32mb\x1b[27mc"), "<inverse|a><on-green|b><green|c>");
}

TEST(StyledLine, TakesTheNearestOfMoreColours) {
  EXPECT_EQ(shown("\x1b[38;5;196ma\x1b[38;5;46mb\x1b[38;5;21mc"), "<red|a><green|b><blue|c>");
  EXPECT_EQ(shown("\x1b[38;5;9ma\x1b[38;5;244mb\x1b[38;5;231mc"), "<red|a><gray|b>c");
  EXPECT_EQ(shown("\x1b[38;2;250;200;20ma\x1b[48;2;0;90;200mb"), "<yellow|a><on-blue|b>");
  EXPECT_EQ(shown("\x1b[38:2::20:200:220ma\x1b[38:5:201mb"), "<cyan|a><magenta|b>");
  // What follows a colour is not taken for a part of it.
  EXPECT_EQ(shown("\x1b[38;5;196;1ma\x1b[0;38;2;1;2;3;4mb"), "<bold red|a><underlined|b>");
}

TEST(StyledLine, WhatMeansNothingChangesNothing) {
  for (const char* line : {"\x1b[38mx", "\x1b[38;5mx", "\x1b[38;5;999mx", "\x1b[38;2;1mx",
                           "\x1b[38;2;300;0;0mx", "\x1b[73mx", "\x1b[99999999999999999999mx"})
    EXPECT_EQ(shown(line), "x") << line + 1;
  const std::string many = "\x1b[" + std::string(5000, ';') + "31mx";
  EXPECT_EQ(shown(many), "x");
}

TEST(StyledLine, NoOtherSequenceIsLeft) {
  EXPECT_EQ(shown("a\x1b]8;;http://evil/\x1b\\link\x1b]8;;\x1b\\b"), "alinkb");
  EXPECT_EQ(shown("\x1b[?1049h\x1b[2J\x1b[31mx\x1b[5A"), "<red|x>");
  EXPECT_EQ(shown("\x1b[31"), "");
  EXPECT_EQ(shown("\x1b\x1b[31mx\x1b"), "<red|x>");
  EXPECT_EQ(shown("<b class=red>\x1b[31m</b>"), "<b class=red><red|</b>>");
  for (int byte = 0; byte < 32; ++byte) {
    TextStyle style;
    const std::string made =
        styled_line(fmt::format("a{}\x1b[31mb\x07", static_cast<char>(byte)), style).text;
    for (const char c : made) EXPECT_GE(static_cast<unsigned char>(c), 0x20u) << byte;
  }
}

TEST(StyledLine, AColourLastsUntilItIsEnded) {
  TextStyle style;
  EXPECT_EQ(shown("\x1b[1;35mone", style), "<bold magenta|one>");
  EXPECT_EQ(shown("two", style), "<bold magenta|two>");
  EXPECT_EQ(shown("three\x1b[0m", style), "<bold magenta|three>");
  EXPECT_EQ(shown("four", style), "four");
}

TEST(StyledLine, CountsAsJavaScriptDoesAndKeepsTabsInTheirColumns) {
  TextStyle style;
  // A letter of one unit in two bytes, a sign of two units in four.
  const StyledLine made = styled_line("\xc3\xa9\xf0\x9f\x9a\x80\x1b[32m.", style);
  ASSERT_EQ(made.runs.size(), 2u);
  EXPECT_EQ(made.runs[0].units, 3u);
  EXPECT_EQ(made.runs[1].units, 1u);
  EXPECT_EQ(shown("abc\x1b[31m\tx"), "abc<red|     x>");
  EXPECT_EQ(shown("abcdefgh\tx"), "abcdefgh        x");
}

}  // namespace
}  // namespace interlock::web
