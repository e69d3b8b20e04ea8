// Every recorded run, through its client's reader, against what is known to have happened: the
// endpoint's own books and how the process ended. The expectations were agreed by hand.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "agents/captures.h"
#include "base/text.h"

namespace interlock::agents {
namespace {

std::string show_number(const std::optional<std::int64_t>& number) {
  return number ? fmt::format("{}", *number) : "?";
}

std::string show_usage(const Transcript& transcript) {
  if (!transcript.counted) return "none";
  const Usage& told = transcript.reported;
  return fmt::format("{}/{}/{}/{}{}", show_number(told.input), show_number(told.output),
                     show_number(told.cache_read), show_number(told.cache_write),
                     transcript.parsed_whole ? "" : " in part");
}

std::string show_outcome(const Adapter& adapter, const Transcript& transcript,
                         const Capture& capture) {
  const Ending ending = adapter.ending(transcript, capture.exit_code, capture.signal);
  std::string outcome =
      ending.failure ? std::string(name_of(*ending.failure)) : std::string("success");
  if (transcript.waits > 0) outcome += fmt::format(", waited {}", transcript.waits);
  if (transcript.denied > 0) outcome += fmt::format(", denied {}", transcript.denied);
  if (transcript.unknown > 0) outcome += fmt::format(", unknown {}", transcript.unknown);
  return outcome;
}

std::string show_final(const Transcript& transcript) {
  if (!transcript.final) return "none";
  return fmt::format("\"{}\"{}", elide_end(printable(transcript.final->text), 60),
                     transcript.final->structured ? " structured" : "");
}

std::string show_capture(const Capture& capture) {
  const Adapter& adapter = adapter_of(capture.client);
  const Transcript transcript = transcript_of(adapter, capture.lines);
  return fmt::format("{}: {}; usage {}; final {}; session {}\n", capture.name,
                     show_outcome(adapter, transcript, capture), show_usage(transcript),
                     show_final(transcript), transcript.started.session.empty() ? "no" : "yes");
}

class Recorded : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    captures_ = captures_of(GetParam());
    if (captures_.empty()) GTEST_SKIP() << "the recorded runs are not here";
  }

  std::vector<Capture> captures_;
};

TEST_P(Recorded, RunsComeToWhatTheEndpointSaw) {
  std::string shown;
  for (const Capture& capture : captures_) shown += show_capture(capture);
  std::ifstream file("tests/agents/expected/" + GetParam() + ".txt");
  const std::string expected(std::istreambuf_iterator<char>(file), {});
  EXPECT_EQ(shown, expected);
}

TEST_P(Recorded, UsageThatIsWholeIsTheEndpointsOwn) {
  int compared = 0;
  for (const Capture& capture : captures_) {
    // They count from the beginning of a session that other runs began.
    if (capture.name == "session-2-resume" || capture.name == "session-5-fork") continue;
    const Adapter& adapter = adapter_of(capture.client);
    const Transcript transcript = transcript_of(adapter, capture.lines);
    if (!transcript.parsed_whole || !transcript.reported.input) continue;
    EXPECT_GE(*transcript.reported.input, capture.least_input) << capture.name;
    EXPECT_LE(*transcript.reported.input, capture.most_input) << capture.name;
    ++compared;
  }
  // OpenCode never tells all.
  EXPECT_EQ(compared > 0, !GetParam().starts_with("opencode"));
}

TEST_P(Recorded, RunsThatWereEndedFromOutsideAreNoSuccess) {
  for (const Capture& capture : captures_) {
    if (!capture.signal && !capture.name.contains("SIG")) continue;
    if (capture.name == "pidns-tool") continue;
    const Adapter& adapter = adapter_of(capture.client);
    const Transcript transcript = transcript_of(adapter, capture.lines);
    EXPECT_TRUE(adapter.ending(transcript, capture.exit_code, capture.signal).failure)
        << capture.name;
  }
}

TEST_P(Recorded, RunsThatAreCutAnywhereAreNoSuccess) {
  constexpr int kTerminated = 15;
  for (const Capture& capture : captures_) {
    const Adapter& adapter = adapter_of(capture.client);
    std::vector<std::string> lines = capture.lines;
    while (!lines.empty()) {
      const Transcript transcript = transcript_of(adapter, lines);
      EXPECT_TRUE(adapter.ending(transcript, {}, kTerminated).failure) << capture.name;
      if (lines.size() > 200) lines.resize(lines.size() - 50);
      lines.pop_back();
    }
    EXPECT_EQ(adapter.ending({}, 0, {}).failure, Failure::no_final);
  }
}

TEST_P(Recorded, LinesThatAreCutAnywhereAreUnknown) {
  const Adapter& adapter = adapter_of(GetParam());
  for (const Capture& capture : captures_) {
    const auto reader = adapter.reader(plan::Agent());
    for (const std::string& line : capture.lines) {
      if (!line.starts_with('{')) continue;
      const std::size_t step = 1 + line.size() / 64;
      for (std::size_t at = 0; at < line.size(); at += step) {
        const auto events = reader->line(std::string_view(line).substr(0, at));
        ASSERT_EQ(events.size(), 1u) << line.substr(0, at);
        EXPECT_EQ(events.front(), Event(Unknown{}));
      }
    }
  }
}

TEST_P(Recorded, LinesBetweenGarbageAreStillRead) {
  const Adapter& adapter = adapter_of(GetParam());
  const std::vector<std::string> garbage = {"",
                                            "null",
                                            "[1, 2",
                                            "\x80\xff",
                                            R"({"type": 7})",
                                            R"({"type": "no such"})",
                                            "{}",
                                            "plain",
                                            R"({"type":"system","subtype":[]})",
                                            R"({"type":"result")"};
  for (const Capture& capture : captures_) {
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < capture.lines.size(); ++at) {
      lines.push_back(garbage[at % garbage.size()]);
      lines.push_back(capture.lines[at]);
    }
    const Transcript clean = transcript_of(adapter, capture.lines);
    const Transcript dirty = transcript_of(adapter, lines);
    EXPECT_EQ(dirty.final, clean.final) << capture.name;
    EXPECT_EQ(dirty.failed, clean.failed) << capture.name;
    EXPECT_EQ(dirty.told, clean.told) << capture.name;
    EXPECT_EQ(dirty.unknown, clean.unknown + capture.lines.size()) << capture.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Clients, Recorded, testing::ValuesIn(recorded_clients()),
                         [](const auto& instance) {
                           std::string name = instance.param;
                           for (char& c : name) {
                             if (c == '-' || c == '.') c = '_';
                           }
                           return name;
                         });

}  // namespace
}  // namespace interlock::agents
