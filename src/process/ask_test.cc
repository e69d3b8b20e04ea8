#include "process/ask.h"

#include <gtest/gtest.h>

namespace interlock::process {
namespace {

using namespace std::chrono_literals;

TEST(AskProgram, GivesWhatItWroteWithoutTheLinesEnd) {
  EXPECT_EQ(ask_program({"sh", "-c", "echo the key"}, 30s).value(), "the key");
  const std::map<std::string, std::string> given{{"PATH", "/usr/bin:/bin"}, {"WHOSE", "ours"}};
  EXPECT_EQ(ask_program({"sh", "-c", "echo $WHOSE$HOME"}, 30s, &given).value(), "ours");
}

TEST(AskProgram, AFailureDoesNotTellWhatWasWritten) {
  const auto asked = ask_program({"sh", "-c", "echo half-a-key; exit 3"}, 30s);
  ASSERT_FALSE(asked);
  EXPECT_EQ(asked.error().message, "cannot ask `sh`: it failed; run it by hand to see why");
}

TEST(AskProgram, SilenceIsAnError) {
  EXPECT_EQ(ask_program({"true"}, 30s).error().message, "cannot ask `true`: it said nothing");
}

TEST(AskProgram, AProgramThatIsNotThereIsNamed) {
  EXPECT_EQ(ask_program({"no-such-program"}, 30s).error().message,
            "cannot ask `no-such-program`: No such file or directory");
}

TEST(AskProgram, WhatDoesNotAnswerIsEnded) {
  const auto asked = ask_program({"sleep", "1000"}, 20ms);
  ASSERT_FALSE(asked);
  EXPECT_EQ(asked.error().message, "cannot ask `sleep`: no answer within 20 ms");
}

}  // namespace
}  // namespace interlock::process
