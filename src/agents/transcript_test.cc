#include <gtest/gtest.h>

#include "agents/clients.h"
#include "agents/failures.h"
#include "agents/fixture.h"
#include "agents/json_fields.h"

namespace interlock::agents {
namespace {

Transcript transcript_of(std::initializer_list<Event> events) {
  Transcript transcript;
  for (const Event& event : events) transcript.take(event);
  return transcript;
}

TEST(Transcript, OfFinalAndFailedTheLastCounts) {
  EXPECT_TRUE(transcript_of({Final{"a", {}}, Failed{}}).failed);
  EXPECT_FALSE(transcript_of({Failed{}, Final{"a", {}}}).failed);
  EXPECT_FALSE(transcript_of({Final{"a", {}}, Failed{.part_only = true}}).failed);
}

TEST(Transcript, ATotalReplacesAndACallIsAdded) {
  const Usage one{1, 1, 1, 1, 1}, two{2, 2, 2, 2, 2};
  EXPECT_EQ(
      transcript_of({UsageReported{one, false, true}, UsageReported{two, false, true}}).reported,
      (Usage{3, 3, 3, 3, 3}));
  EXPECT_EQ(
      transcript_of({UsageReported{one, true, true}, UsageReported{two, true, true}}).reported,
      two);
  EXPECT_FALSE(transcript_of({UsageReported{one, false, false}, UsageReported{two, false, true}})
                   .parsed_whole);
  EXPECT_TRUE(transcript_of({UsageReported{one, true, false}, UsageReported{two, true, true}})
                  .parsed_whole);
  EXPECT_FALSE(Transcript().counted);
}

TEST(Transcript, WhatIsUnknownOfOneCallIsUnknownOfAll) {
  const Transcript transcript =
      transcript_of({UsageReported{{1, 1, {}, 1, 1}}, UsageReported{{1, 1, 1, 1, 1}}});
  EXPECT_EQ(transcript.reported, (Usage{2, 2, {}, 2, 2}));
}

TEST(Transcript, ItsSessionIsTheFirstThatWasNamed) {
  const Transcript transcript =
      transcript_of({Started{"", "m", ""}, Started{"s1", "n", "2"}, Started{"s2", "", ""}});
  EXPECT_EQ(transcript.started, (Started{"s1", "m", "2"}));
}

TEST(Transcript, RemarksAreTheFirstFew) {
  Transcript transcript;
  for (int i = 0; i < 100; ++i) transcript.take(Failed{Failure::other, std::to_string(i), true});
  EXPECT_EQ(transcript.remarks.size(), 8u);
  EXPECT_EQ(transcript.remarks.front(), "0");
}

TEST(Transcript, AWaitIsOverWhenAnythingElseComes) {
  EXPECT_EQ(transcript_of({RateLimited{{}, "429"}}).waits_for, "429");
  EXPECT_EQ(transcript_of({RateLimited{{}, "429"}, Text{"x"}}).waits_for, "");
}

TEST(Ending, SuccessNeedsAFinalEventAGoodExitAndAnAnswer) {
  const Adapter& any = codex();
  const Transcript good = transcript_of({Final{"a", {}}});
  EXPECT_EQ(show_ending(any.ending(good, 0, {})), "success");
  EXPECT_EQ(show_ending(any.ending(good, 1, {})),
            "other: it told of success and ended with exit status 1");
  EXPECT_EQ(show_ending(any.ending(good, {}, 9)), "aborted: ended by signal 9");
  EXPECT_EQ(show_ending(any.ending(Transcript(), 0, {})),
            "no_final: it ended without its final event");
  EXPECT_EQ(show_ending(any.ending(Transcript(), 101, {})),
            "no_final: it ended without its final event, with exit status 101");
  EXPECT_EQ(show_ending(any.ending(transcript_of({Final{"", "{}"}}), 0, {})), "success");
}

TEST(Ending, WhoLingeredAfterItsFinalEventSucceeded) {
  EXPECT_EQ(show_ending(codex().ending(transcript_of({Final{"a", {}}}), {}, {})), "success");
}

TEST(Provider, IsTheClientsUnlessThePlanSaysWhere) {
  const plan::Agent agent;
  EXPECT_EQ(claude_code().provider(agent, ""),
            (Provider{"anthropic", "https://api.anthropic.com", "ANTHROPIC_API_KEY"}));
  EXPECT_EQ(codex().provider(agent, "")->api, "openai-responses");
  EXPECT_EQ(gemini().provider(agent, "")->key_variable, "GEMINI_API_KEY");
  EXPECT_EQ(pi().provider(agent, "claude-x")->api, "anthropic");
  EXPECT_EQ(pi().provider(agent, "openrouter/claude-x")->api, "openai");
  EXPECT_EQ(chat().provider(plan::Agent{.api = "gemini"}, "")->base_url,
            "https://generativelanguage.googleapis.com");
  EXPECT_EQ(command().provider(agent, ""), std::nullopt);
  for (const std::string_view url : {"http://h:1/x", "http://h:1/x/", "http://h:1/x/v1/",
                                     "http://h:1/x/v1", "http://h:1/x/v1beta"}) {
    EXPECT_EQ(qwen().provider(plan::Agent{.base_url = std::string(url)}, "")->base_url,
              "http://h:1/x");
  }
}

TEST(Version, IsTheFirstWordThatLooksLikeOne) {
  EXPECT_EQ(claude_code().version_in("2.1.330 (Claude Code)\n"), "2.1.330");
  EXPECT_EQ(codex().version_in("codex-cli 0.169.0\n"), "0.169.0");
  EXPECT_EQ(gemini().version_in("Loaded cached credentials.\nv0.61.0\n"), "0.61.0");
  EXPECT_EQ(gemini().version_in("no idea"), "");
}

TEST(Failures, AStatusIsANumberOfItsOwn) {
  EXPECT_EQ(status_in("unexpected status 401 Unauthorized"), 401);
  EXPECT_EQ(status_in(R"([API Error: {"error":{"code":403,"message":"no"}}])"), 403);
  EXPECT_EQ(status_in("Request rejected (429)"), 429);
  EXPECT_EQ(status_in("see http://127.0.0.1:443/v1"), std::nullopt);
  EXPECT_EQ(status_in("the request is ~250000 tokens, 64000 at most, 5000 now"), std::nullopt);
  EXPECT_EQ(status_in("version 4.500.1"), std::nullopt);
}

TEST(Failures, WordsWeighMoreThanTheStatus) {
  EXPECT_EQ(failure_of(429, "You exceeded your current quota"), Failure::quota_spent);
  EXPECT_EQ(failure_of(400, "Prompt is too long"), Failure::too_long);
  EXPECT_EQ(failure_of(400, "no such option"), Failure::bad_request);
  EXPECT_EQ(failure_of(529, ""), Failure::api);
  EXPECT_EQ(failure_of("Connection dropped (ECONNRESET)"), Failure::api);
  EXPECT_EQ(failure_of("429 Too Many Requests, retry after 7200s"), Failure::quota_spent);
  EXPECT_EQ(failure_of("429 Too Many Requests, retry after 20s"), Failure::rate_limited);
  EXPECT_EQ(failure_of("what?"), Failure::other);
}

TEST(Reported, PathsFindValuesAndNothingElse) {
  const auto reported = fields_of(R"({"a":{"b":[{"c":"x"},2.0,-1,0.5]},"n":null,"t":true})");
  ASSERT_TRUE(reported);
  EXPECT_EQ(text_at(*reported, "a.b[0].c"), "x");
  EXPECT_EQ(count_at(*reported, "a.b[1]"), 2);
  EXPECT_EQ(count_at(*reported, "a.b[2]"), std::nullopt);
  EXPECT_EQ(count_at(*reported, "a.b[3]"), std::nullopt);
  EXPECT_EQ(usd_at(*reported, "a.b[3]"), 500'000);
  EXPECT_EQ(value_at(*reported, "n"), nullptr);
  for (const std::string_view odd :
       {"a.b[9]", "a.b[", "a.b[x]", "a..b", ".", "a.b.c", "[0]", "t.x"})
    EXPECT_EQ(value_at(*reported, odd), nullptr) << odd;
  EXPECT_FALSE(fields_of("[1]"));
  EXPECT_FALSE(fields_of(R"({"a":1} x)"));
  EXPECT_TRUE(fields_of(R"({"a":1,"a":2})"));
  EXPECT_FALSE(fields_of(std::string(100'000, '[')));
}

TEST(Reported, TextForPeopleStaysOnOneLine) {
  EXPECT_EQ(one_line("a\nb\x1b[31m"), "a␊b");
  EXPECT_LE(one_line(std::string(100'000, 'x')).size(), 303u);
}

}  // namespace
}  // namespace interlock::agents
