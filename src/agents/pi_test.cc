#include <gtest/gtest.h>

#include "agents/clients.h"
#include "agents/fixture.h"

namespace interlock::agents {
namespace {

constexpr std::string_view kAnswer =
    R"({"role":"assistant","content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"42"}],"model":"m","usage":{"input":10,"output":7,"cacheRead":5,"cacheWrite":3,"cost":{"total":0.5}},"stopReason":"stop"})";
constexpr std::string_view kBroken =
    R"({"role":"assistant","content":[],"model":"m","usage":{"input":0,"output":0,"cacheRead":0,"cacheWrite":0,"cost":{"total":0}},"stopReason":"error","errorMessage":"429 slow down"})";

std::string with(std::string_view type, std::string_view message) {
  return fmt::format(R"({{"type":"{}","message":{}}})", type, message);
}
std::string agent_end(std::string_view message) {
  return fmt::format(R"({{"type":"agent_end","messages":[{}]}})", message);
}

TEST(Pi, TellsAMessageOnceThoughItsUpdatesRepeatIt) {
  const Read read = read_lines(
      pi(), {R"({"type":"session","id":"p1"})", R"({"type":"agent_start"})",
             with("message_update", kAnswer), with("message_update", kAnswer),
             with("message_end", kAnswer), with("turn_end", kAnswer), agent_end(kAnswer)});
  EXPECT_EQ(read.events,
            "started session=p1 model= version=\n"
            "started session= model=m version=\n"
            "text \"42\"\n"
            "usage 10/7/5/3 cost=500000 whole\n"
            "final \"42\"\n");
  EXPECT_EQ(ending_of(pi(), read), "success");
}

TEST(Pi, AnApiErrorWithExitStatusZeroIsAFailure) {
  const Read read = read_lines(pi(), {with("message_end", kBroken), agent_end(kBroken)});
  EXPECT_EQ(ending_of(pi(), read, 0), "rate_limited: 429 slow down");
  EXPECT_FALSE(read.transcript.parsed_whole);
}

TEST(Pi, OfSeveralEndsTheLastCounts) {
  const Read read = read_lines(
      pi(),
      {agent_end(kBroken),
       R"({"type":"auto_retry_start","attempt":1,"delayMs":2000,"errorMessage":"429 slow down"})",
       with("message_end", kAnswer), R"({"type":"auto_retry_end","success":true})",
       agent_end(kAnswer)});
  EXPECT_EQ(read.transcript.waits, 1u);
  EXPECT_EQ(ending_of(pi(), read), "success");
  const Read given_up = read_lines(
      pi(),
      {agent_end(kBroken),
       R"({"type":"auto_retry_end","success":false,"finalError":"500 Internal server error"})"});
  EXPECT_EQ(ending_of(pi(), given_up), "api: 500 Internal server error");
}

TEST(Pi, ALengthFinishIsCutOff) {
  const Read read = read_lines(
      pi(),
      {agent_end(
          R"({"role":"assistant","content":[{"type":"text","text":"half"}],"stopReason":"length"})")});
  EXPECT_EQ(ending_of(pi(), read), "cut_off: the answer was cut at the output limit");
}

TEST(Pi, APromptThatIsTooLongStaysAFailureWhileItCompacts) {
  const Read read = read_lines(
      pi(),
      {agent_end(
           R"({"role":"assistant","stopReason":"error","errorMessage":"400 Your input exceeds the context window of this model."})"),
       R"({"type":"compaction_start","reason":"overflow"})"});
  EXPECT_EQ(read.transcript.failed->failure, Failure::too_long);
  EXPECT_EQ(read.transcript.unknown, 0u);
}

TEST(Pi, ToolsThatWroteTellTheirFile) {
  const Read read = read_lines(
      pi(),
      {R"({"type":"tool_execution_start","toolCallId":"c1","toolName":"write","args":{"path":"/w/a"}})",
       R"({"type":"tool_execution_end","toolCallId":"c1","isError":false})",
       R"({"type":"tool_execution_start","toolCallId":"c2","toolName":"edit","args":{"path":"/w/b"}})",
       R"({"type":"tool_execution_end","toolCallId":"c2","isError":true})"});
  EXPECT_EQ(read.events, "tool write \"/w/a\"\nfile /w/a\ntool edit \"/w/b\"\n");
}

TEST(Pi, IsCalledWithAProviderOfItsOwn) {
  const plan::Agent agent{.name = "p"};
  Wanted wanted = wanted_of(agent);
  wanted.model = "small";
  wanted.may_write = false;
  const auto call = pi().invoke(wanted);
  ASSERT_TRUE(call);
  EXPECT_EQ(call->arguments, (std::vector<std::string>{"pi", "-p", "--mode", "json", "--offline",
                                                       "--provider", "interlock", "--model",
                                                       "small", "--tools", "read,grep,find,ls"}));
  ASSERT_EQ(call->files.size(), 2u);
  EXPECT_EQ(canonical_json(*parse_json(call->files[0].content)),
            R"({"providers":{"interlock":{"api":"openai-completions","apiKey":"s3cret",)"
            R"("baseUrl":"http://127.0.0.1:8080/s3cret/v1","models":[{"id":"small"}]}}})");
  EXPECT_EQ(canonical_json(*parse_json(call->files[1].content)), R"({"retry":{"maxRetries":2}})");
  wanted.model = "anthropic/claude-x";
  EXPECT_TRUE(show_call(pi().invoke(wanted)).contains("anthropic-messages"));
  wanted.model.clear();
  EXPECT_EQ(show_call(pi().invoke(wanted)),
            "error: agent `p`: Pi behind a `base_url` or the gateway needs a model\n");
}

TEST(Pi, WithoutAGatewayTakesItsProviderFromTheModel) {
  const plan::Agent agent;
  Wanted wanted = wanted_of(agent);
  wanted.base_url.clear();
  wanted.model = "openai/gpt-5";
  const auto call = pi().invoke(wanted);
  ASSERT_TRUE(call);
  EXPECT_EQ(call->arguments,
            (std::vector<std::string>{"pi", "-p", "--mode", "json", "--offline", "--provider",
                                      "openai", "--model", "gpt-5"}));
}

}  // namespace
}  // namespace interlock::agents
