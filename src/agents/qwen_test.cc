#include <gtest/gtest.h>

#include "agents/clients.h"
#include "agents/fixture.h"

namespace interlock::agents {
namespace {

TEST(Qwen, TakesWhatTheCacheHadOutOfTheInput) {
  const Read read = read_lines(
      qwen(),
      {R"({"type":"system","subtype":"init","session_id":"q1","model":"m","qwen_code_version":"0.24.4"})",
       R"({"type":"stream_event","event":{"type":"goal_state"}})",
       R"({"type":"assistant","message":{"content":[{"type":"text","text":"42"}]}})",
       R"({"type":"result","subtype":"success","is_error":false,"result":"42","usage":{"input_tokens":18000,"output_tokens":210,"cache_read_input_tokens":15000}})"});
  EXPECT_EQ(read.events,
            "started session=q1 model=m version=0.24.4\n"
            "text \"42\"\n"
            "usage 3000/210/15000/0 cost=? total whole\n"
            "final \"42\"\n");
  EXPECT_EQ(ending_of(qwen(), read), "success");
}

TEST(Qwen, AnErrorThatOldVersionsSayAsAnAnswerIsAFailure) {
  const Read read = read_lines(
      qwen(),
      {R"({"type":"result","subtype":"success","is_error":false,"result":"[API Error: 401 Incorrect API key provided.]","usage":{"input_tokens":0,"output_tokens":0,"cache_read_input_tokens":0}})"});
  EXPECT_EQ(ending_of(qwen(), read, 0),
            "authentication: [API Error: 401 Incorrect API key provided.]");
  EXPECT_FALSE(read.transcript.parsed_whole);
}

std::string result_line(std::string_view text) {
  return R"({"type":"result","subtype":"success","is_error":false,"result":")" + std::string(text) +
         R"("})";
}

TEST(Qwen, AnAnswerThatEndsInAnErrorIsNoAnswer) {
  const std::pair<std::string_view, std::string_view> reported[] = {
      {"This will never be[API Error: terminated (cause: other side closed)]",
       "cut_off: [API Error: terminated (cause: other side closed)]"},
      {"First half\\n[API Error: Connection error.]\\n",
       "cut_off: [API Error: Connection error.]␊"},
      {"[API Error: Connection error.]", "api: [API Error: Connection error.]"},
      {"Half [API Error: 500 upstream]", "api: [API Error: 500 upstream]"},
      {"Half [API Error: 429 slow down]\\nPossible quota limitations in place.",
       "rate_limited: [API Error: 429 slow down]␊Possible quota limitations in place."},
      {"Half [API Error: said [twice]]", "other: [API Error: said [twice]]"},
  };
  for (const auto& [text, ending] : reported)
    EXPECT_EQ(ending_of(qwen(), read_lines(qwen(), {result_line(text)}), 0), ending) << text;
}

TEST(Qwen, AnAnswerMaySpeakOfAnError) {
  for (const std::string_view text :
       {"The log says `[API Error: terminated]`, so I tried again and it went well.",
        "It printed [API Error: x. I mended that."})
    EXPECT_EQ(ending_of(qwen(), read_lines(qwen(), {result_line(text)}), 0), "success") << text;
}

TEST(Qwen, SchemasThatTheModelIgnoredAreInvalidOutput) {
  const Read ignored = read_lines(
      qwen(),
      {R"({"type":"result","subtype":"error_during_execution","is_error":true,"error":{"message":"Model produced plain text instead of calling the structured_output tool"}})"});
  EXPECT_EQ(ignored.transcript.failed->failure, Failure::output_invalid);
  const Read held = read_lines(
      qwen(),
      {R"({"type":"result","subtype":"success","result":"{\"a\":1}","structured_result":{"a":1}})"});
  EXPECT_EQ(held.transcript.final, (Final{"{\"a\":1}", "{\"a\":1}"}));
}

TEST(Qwen, TryingAgainIsAWait) {
  const Read read =
      read_lines(qwen(), {R"({"type":"system","subtype":"retry","data":{"reason":"retry"}})"});
  EXPECT_EQ(read.events, "waits ? \"retry\"\n");
  EXPECT_EQ(ending_of(qwen(), read, 130),
            "aborted: ended by signal 2 (exit status 130), while it waited: retry");
}

TEST(Qwen, IsCalledAsAnOpenAiClient) {
  const plan::Agent agent;
  Wanted wanted = wanted_of(agent);
  wanted.model = "coder";
  wanted.schema = "{}";
  EXPECT_EQ(show_call(qwen().invoke(wanted)),
            "qwen\n--output-format\nstream-json\n--auth-type\nopenai\n--yolo\n--json-schema\n{}\n"
            "HOME=/state/home\nOPENAI_API_KEY=s3cret\n"
            "OPENAI_BASE_URL=http://127.0.0.1:8080/s3cret/v1\nOPENAI_MODEL=coder\n"
            "QWEN_CODE_NO_RELAUNCH=true\n"
            "TMPDIR=/tmp/t\n"
            "< Do it\n"
            "home/.qwen/settings.json:\n"
            "{\n"
            "  \"privacy\": {\"usageStatisticsEnabled\": false},\n"
            "  \"general\": {\"enableAutoUpdate\": false, \"disableAutoUpdate\": true},\n"
            "  \"memory\": {\"enableManagedAutoMemory\": false}\n"
            "}\n");
}

}  // namespace
}  // namespace interlock::agents
