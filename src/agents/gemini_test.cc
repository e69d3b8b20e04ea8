#include <gtest/gtest.h>

#include "agents/clients.h"
#include "agents/fixture.h"

namespace interlock::agents {
namespace {

TEST(Gemini, JoinsWhatItSaidAfterTheLastTool) {
  const Read read = read_lines(
      gemini(),
      {R"({"type":"init","session_id":"g1","model":"flash"})",
       R"({"type":"message","role":"user","content":"Write a"})",
       R"({"type":"message","role":"assistant","content":"I ","delta":true})",
       R"({"type":"message","role":"assistant","content":"write.","delta":true})",
       R"({"type":"tool_use","tool_name":"write_file","tool_id":"w1","parameters":{"file_path":"/w/a","content":"x"}})",
       R"({"type":"tool_result","tool_id":"w1","status":"success"})",
       R"({"type":"message","role":"assistant","content":"Do","delta":true})",
       R"({"type":"message","role":"assistant","content":"ne.","delta":true})",
       R"({"type":"result","status":"success","stats":{"total_tokens":6077,"input_tokens":6000,"output_tokens":70,"cached":5000,"input":1000}})"});
  EXPECT_EQ(read.events,
            "started session=g1 model=flash version=\n"
            "piece \"I \"\npiece \"write.\"\n"
            "tool write_file \"/w/a\"\n"
            "file /w/a\n"
            "piece \"Do\"\npiece \"ne.\"\n"
            "usage 1000/77/5000/0 cost=? total whole\n"
            "final \"Done.\"\n");
  EXPECT_EQ(read.transcript.said, "Done.");
  EXPECT_EQ(ending_of(gemini(), read), "success");
}

TEST(Gemini, AnErrorThatEndsWithStatusZeroIsAFailure) {
  const Read blocked = read_lines(
      gemini(),
      {R"({"type":"error","severity":"error","message":"The model response was blocked due to safety settings."})",
       R"({"type":"result","status":"error","stats":{}})"});
  EXPECT_EQ(ending_of(gemini(), blocked),
            "refused: The model response was blocked due to safety settings.");
  const Read empty = read_lines(
      gemini(),
      {R"({"type":"error","severity":"error","message":"The model returned an empty response"})",
       R"({"type":"result","status":"error"})"});
  EXPECT_EQ(ending_of(gemini(), empty), "empty: The model returned an empty response");
}

TEST(Gemini, ItsExitStatusIsTheApisModulo256) {
  const Read nothing = read_lines(gemini(), {});
  EXPECT_EQ(ending_of(gemini(), nothing, 145),
            "authentication: exit status 145, which is how it tells HTTP 401");
  EXPECT_EQ(ending_of(gemini(), nothing, 173),
            "rate_limited: exit status 173, which is how it tells HTTP 429");
  EXPECT_EQ(ending_of(gemini(), nothing, 55),
            "bad_request: it does not trust the folder it was started in");
  EXPECT_EQ(ending_of(gemini(), nothing, 0), "no_final: it ended without its final event");
  EXPECT_EQ(ending_of(gemini(), nothing, 1),
            "no_final: it ended without its final event, with exit status 1");
}

TEST(Gemini, ALimitThatIsFarOffIsASpentQuota) {
  const Read read = read_lines(
      gemini(),
      {R"({"type":"result","status":"error","error":{"message":"[API Error: This request would exceed your rate limit.\nSuggested retry after 3600s.]"}})"});
  EXPECT_EQ(read.transcript.failed->failure, Failure::quota_spent);
}

TEST(Gemini, AMessageInOnePieceReplacesWhatWasSaid) {
  const Read read =
      read_lines(gemini(), {R"({"type":"message","role":"assistant","content":"a","delta":true})",
                            R"({"type":"message","role":"assistant","content":"whole"})",
                            R"({"type":"result","status":"success"})"});
  EXPECT_EQ(read.transcript.final->text, "whole");
}

TEST(Gemini, IsCalledWithAHomeOfItsOwn) {
  const plan::Agent agent;
  Wanted wanted = wanted_of(agent);
  wanted.model = "gemini-2.5-flash";
  EXPECT_EQ(show_call(gemini().invoke(wanted)),
            "gemini\n-m\ngemini-2.5-flash\n--output-format\nstream-json\n--skip-trust\n--yolo\n"
            "GEMINI_API_KEY=s3cret\n"
            "GEMINI_CLI_NO_RELAUNCH=true\n"
            "GOOGLE_GEMINI_BASE_URL=http://127.0.0.1:8080/s3cret\n"
            "HOME=/state/home\nTMPDIR=/tmp/t\n"
            "< Do it\n"
            "home/.gemini/settings.json:\n"
            "{\n"
            "  \"security\": {\"auth\": {\"selectedType\": \"gemini-api-key\"}},\n"
            "  \"privacy\": {\"usageStatisticsEnabled\": false},\n"
            "  \"general\": {\"enableAutoUpdate\": false},\n"
            "  \"skills\": {\"disabled\": [\"antigravity-support\", \"skill-creator\"]}\n"
            "}\n");
  wanted.may_write = false;
  EXPECT_FALSE(show_call(gemini().invoke(wanted)).contains("--yolo"));
}

}  // namespace
}  // namespace interlock::agents
