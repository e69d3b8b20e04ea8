#include <gtest/gtest.h>

#include "agents/chat_lines.h"
#include "agents/clients.h"
#include "agents/fixture.h"

namespace interlock::agents {
namespace {

TEST(Chat, LinesAreReadAsTheyWereWritten) {
  const Read read = read_lines(
      chat(), {chat_started("anthropic", "claude-x"),
               chat_waiting(std::chrono::milliseconds(1500), "429 slow down"), chat_text("He"),
               chat_text("llo \"you\"\n"), chat_usage({12, 7, 0, {}, {}}),
               chat_final("Hello \"you\"\n", Finish::stop)});
  EXPECT_EQ(read.events,
            "started session= model=claude-x version=\n"
            "waits 1.5 s \"429 slow down\"\n"
            "piece \"He\"\n"
            "piece \"llo \"you\"␊\"\n"
            "usage 12/7/0/? cost=? whole\n"
            "final \"Hello \"you\"␊\"\n");
  EXPECT_EQ(read.transcript.said, "Hello \"you\"\n");
  EXPECT_EQ(read.transcript.final->text, "Hello \"you\"\n");
  EXPECT_EQ(ending_of(chat(), read), "success");
}

TEST(Chat, OnlyAStopIsASuccess) {
  const auto ends = [](const std::string& line) {
    return ending_of(chat(), read_lines(chat(), {line}), 1);
  };
  EXPECT_EQ(ends(chat_final("half", Finish::cut_off)),
            "cut_off: the answer was cut at the output limit");
  EXPECT_EQ(ends(chat_final("", Finish::refused)), "refused: the model declined");
  EXPECT_EQ(ends(R"({"type":"final","text":"x","finish":"new"})"), "other: it finished with `new`");
  EXPECT_EQ(ends(R"({"type":"final","text":"x"})"), "other: it finished with ``");
}

TEST(Chat, EveryKindOfFailureComesBackAsItself) {
  for (auto at = Failure::authentication; at <= Failure::other;
       at = static_cast<Failure>(static_cast<int>(at) + 1)) {
    const Read read = read_lines(chat(), {chat_failed(at, "why")});
    EXPECT_EQ(read.transcript.failed, (Failed{at, "why"}));
  }
  const Read unknown = read_lines(chat(), {R"({"type":"failed","kind":"new","message":"why"})"});
  EXPECT_EQ(unknown.transcript.failed, (Failed{Failure::other, "why"}));
}

TEST(Chat, TextThatBeginsAnewAfterAWaitReplacesTheOld) {
  const Read read =
      read_lines(chat(), {chat_text("Hel"), chat_waiting({}, "cut"), chat_text("Hi")});
  EXPECT_EQ(read.transcript.said, "Hi");
}

TEST(Chat, EachCallsUsageIsAddedUp) {
  const Read read =
      read_lines(chat(), {chat_usage({1, 2, 3, 4, {}}), chat_usage({10, 20, 30, 40, {}})});
  EXPECT_EQ(read.transcript.reported, (Usage{11, 22, 33, 44, {}}));
}

TEST(Chat, IsInterlockItself) {
  const plan::Agent agent{.api = "anthropic"};
  Wanted wanted = wanted_of(agent);
  wanted.model = "claude-x";
  wanted.schema = "{}";
  wanted.schema_file = "/s.json";
  EXPECT_EQ(show_call(chat().invoke(wanted)),
            "/usr/bin/interlock\nchat\n--api\nanthropic\n--model\nclaude-x\n"
            "--base-url\nhttp://127.0.0.1:8080/s3cret\n--schema\n/s.json\n"
            "INTERLOCK_KEY=s3cret\nTMPDIR=/tmp/t\n"
            "< Do it\n");
}

}  // namespace
}  // namespace interlock::agents
