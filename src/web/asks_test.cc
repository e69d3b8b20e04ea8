#include "web/asks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

namespace interlock::web {
namespace {

using ::testing::ElementsAre;
using Words = std::vector<std::string>;

Result<Words> asked(std::string_view verb, std::string_view body) {
  return command_of(verb, "r-1", json::parse(body).as_object());
}

TEST(CommandOf, MakesAnOperandOrAValueOfWhateverAMemberHolds) {
  EXPECT_THAT(asked("approve", R"({"task": "--help"})").value(),
              ElementsAre("approve", "--json", "--", "r-1", "--help"));
  EXPECT_THAT(
      asked("add", R"({"id": "--run=r-2", "command": "--version", "reads": ["--help"]})").value(),
      ElementsAre("add", "--json", "--run=r-1", "--id=--run=r-2", "--reads=--help", "--",
                  "--version"));
  EXPECT_THAT(asked("set", R"({"parallel": 3, "usd": "5"})").value(),
              ElementsAre("set", "--json", "--", "r-1", "parallel=3", "usd=5"));
  EXPECT_THAT(asked("pause", R"({"calls": true})").value(),
              ElementsAre("pause", "--json", "--now", "--", "r-1"));
}

TEST(CommandOf, PutsTasksOfAQueueIntoAnotherOrderAndSpeaksToTasksAndAgents) {
  EXPECT_THAT(asked("move", R"({"task": "--help", "place": "first"})").value(),
              ElementsAre("queue", "--json", "--", "move", "r-1", "--help", "first"));
  EXPECT_THAT(asked("move", R"({"task": "a", "before": "--b"})").value(),
              ElementsAre("queue", "--json", "--before=--b", "--", "move", "r-1", "a"));
  EXPECT_THAT(asked("move", R"({"task": "a", "after": "b"})").value(),
              ElementsAre("queue", "--json", "--after=b", "--", "move", "r-1", "a"));
  EXPECT_THAT(asked("post", R"({"topic": "ideas", "text": "--run=r-2"})").value(),
              ElementsAre("board", "--json", "--run=r-1", "--", "post", "ideas", "--run=r-2"));
  EXPECT_THAT(asked("send", R"({"task": "-", "text": "a\nb"})").value(),
              ElementsAre("send", "--json", "--", "r-1", "-", "a\nb"));
}

TEST(CommandOf, SaysThatNothingIsReadOrWrittenOnlyWhereThatIsSaid) {
  EXPECT_THAT(asked("add", R"({"command": "true", "reads": [], "writes": []})").value(),
              ElementsAre("add", "--json", "--run=r-1", "--reads-nothing", "--writes-nothing", "--",
                          "true"));
  EXPECT_THAT(asked("add", R"({"command": "true"})").value(),
              ElementsAre("add", "--json", "--run=r-1", "--", "true"));
}

TEST(CommandOf, RefusesWhatMeansNothing) {
  for (const auto& [verb, body] : {std::pair{"set", "{}"},
                                   {"set", R"({"parallel": 0})"},
                                   {"set", R"({"parallel": 1025})"},
                                   {"set", R"({"tokens": 5})"},
                                   {"add", R"({"reads": "src"})"},
                                   {"add", R"({"reads": [""]})"},
                                   {"add", R"({"id": 1})"},
                                   {"add", R"({"command": "a\u0000b"})"},
                                   {"pause", R"({"calls": "yes"})"},
                                   {"move", R"({"task": "a"})"},
                                   {"move", R"({"place": "first"})"},
                                   {"move", R"({"task": "a", "place": "up"})"},
                                   {"move", R"({"task": "a", "before": "b", "after": "c"})"},
                                   {"post", R"({"topic": "x", "text": ""})"},
                                   {"post", R"({"topic": "x", "text": "-"})"},
                                   {"post", R"({"text": "y"})"},
                                   {"send", R"({"text": "y"})"},
                                   {"send", R"({"task": "a", "text": "-"})"},
                                   {"cancel", R"({"task": []})"}}) {
    const auto words = asked(verb, body);
    ASSERT_FALSE(words) << verb << body;
    EXPECT_EQ(words.error().kind, Error::Kind::invalid);
  }
  EXPECT_EQ(asked("prune", "{}").error().kind, Error::Kind::missing);
}

TEST(ForecastOf, TakesFactorsThatTheCommandTakesAndNoOthers) {
  EXPECT_THAT(
      forecast_of("r-1", "4", "0.5", "2").value(),
      ElementsAre("forecast", "--json", "--parallel=4", "--quota=0.5", "--size=2", "--", "r-1"));
  EXPECT_THAT(forecast_of("r-1", "", "", "").value(),
              ElementsAre("forecast", "--json", "--", "r-1"));
  for (const char* factor : {"0", "-1", "1e3", "inf", "nan", "0x2", "1,5", "1 ", "101"}) {
    EXPECT_FALSE(forecast_of("r-1", "", factor, "")) << factor;
    EXPECT_FALSE(forecast_of("r-1", "", "", factor)) << factor;
  }
  for (const char* count : {"0", "1025", "many", "-3"})
    EXPECT_FALSE(forecast_of("r-1", count, "", "")) << count;
}

}  // namespace
}  // namespace interlock::web
