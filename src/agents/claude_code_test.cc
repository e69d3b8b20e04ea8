#include <gtest/gtest.h>

#include "agents/clients.h"
#include "agents/fixture.h"

namespace interlock::agents {
namespace {

constexpr std::string_view kInit =
    R"({"type":"system","subtype":"init","session_id":"s1","model":"opus","claude_code_version":"2.1.330"})";

TEST(ClaudeCode, TellsTextsToolsAndFilesAsTheyCome) {
  const Read read = read_lines(
      claude_code(),
      {kInit,
       R"({"type":"assistant","message":{"content":[{"type":"text","text":"I write."},{"type":"tool_use","name":"Write","input":{"file_path":"/w/a"}}],"usage":{"input_tokens":9,"output_tokens":1}}})",
       R"({"type":"user","message":{"content":[{"type":"tool_result"}]},"tool_use_result":{"type":"create","filePath":"/w/a"}})",
       R"({"stop_reason":"end_turn","type":"result","subtype":"success","is_error":false,"result":"Done.","num_turns":2,"total_cost_usd":0.0079,"modelUsage":{"opus":{"inputTokens":10,"outputTokens":7,"cacheReadInputTokens":5,"cacheCreationInputTokens":3}}})"});
  EXPECT_EQ(read.events,
            "started session=s1 model=opus version=2.1.330\n"
            "text \"I write.\"\n"
            "tool Write \"/w/a\"\n"
            "file /w/a\n"
            "usage 10/7/5/3 cost=7900 total whole\n"
            "final \"Done.\"\n");
  EXPECT_EQ(ending_of(claude_code(), read), "success");
}

TEST(ClaudeCode, AnErrorWithSubtypeSuccessIsAFailure) {
  const Read read = read_lines(
      claude_code(),
      {R"({"type":"result","subtype":"success","is_error":true,"terminal_reason":"api_error","stop_reason":"stop_sequence","api_error_status":401,"result":"Invalid API key","modelUsage":{}})"});
  EXPECT_EQ(ending_of(claude_code(), read, 1), "authentication: Invalid API key");
}

TEST(ClaudeCode, WordsTellASpentQuotaFromABadRequest) {
  const Read read = read_lines(
      claude_code(),
      {R"({"type":"result","subtype":"success","is_error":true,"terminal_reason":"completed","api_error_status":400,"result":"Credit balance is too low"})"});
  EXPECT_EQ(ending_of(claude_code(), read, 1), "quota_spent: Credit balance is too low");
}

TEST(ClaudeCode, AnInterruptThatEndsWithStatusZeroIsAborted) {
  const Read read = read_lines(
      claude_code(),
      {R"({"type":"result","subtype":"error_during_execution","is_error":true,"terminal_reason":"aborted_tools","errors":["stopped"]})"});
  EXPECT_EQ(ending_of(claude_code(), read, 0), "aborted: stopped");
}

TEST(ClaudeCode, ItsOwnLimitsAndSchemaAreToldApart) {
  const auto ends = [](std::string_view line) {
    return ending_of(claude_code(), read_lines(claude_code(), {line}), 1);
  };
  EXPECT_EQ(ends(R"({"type":"result","subtype":"error_max_turns","is_error":true,"errors":["3"]})"),
            "limit_of_client: 3");
  EXPECT_EQ(ends(R"({"type":"result","subtype":"error_max_budget_usd","is_error":true})"),
            "limit_of_client: error_max_budget_usd");
  EXPECT_EQ(
      ends(R"({"type":"result","subtype":"error_max_structured_output_retries","is_error":true})"),
      "output_invalid: error_max_structured_output_retries");
  EXPECT_EQ(
      ends(
          R"({"type":"result","subtype":"success","is_error":false,"stop_reason":"max_tokens","result":"half"})"),
      "cut_off: half");
  EXPECT_EQ(
      ends(
          R"({"type":"result","subtype":"error_during_execution","is_error":true,"errors":["No conversation found with session ID: x"]})"),
      "no_session: No conversation found with session ID: x");
}

TEST(ClaudeCode, ASchemaThatTheModelIgnoredLeavesNothingStructured) {
  const Read with = read_lines(
      claude_code(),
      {R"({"type":"result","subtype":"success","is_error":false,"result":"{\"a\":1}","structured_output":{"a":1}})"});
  EXPECT_EQ(with.transcript.final, (Final{"{\"a\":1}", "{\"a\":1}"}));
  const Read without = read_lines(
      claude_code(), {R"({"type":"result","subtype":"success","is_error":false,"result":"No."})"});
  EXPECT_EQ(without.transcript.final, (Final{"No.", {}}));
}

TEST(ClaudeCode, OfSeveralResultsTheLastIsTheAnswer) {
  const Read read = read_lines(
      claude_code(),
      {R"({"type":"system","subtype":"background_tasks_changed","tasks":[{"run_id":"r1","task_type":"local_agent"},{"run_id":"r2","task_type":"local_agent"}]})",
       R"({"type":"result","subtype":"success","is_error":false,"result":"Started two.","num_turns":2,"modelUsage":{"m":{"inputTokens":1,"outputTokens":1,"cacheReadInputTokens":0,"cacheCreationInputTokens":0}},"total_cost_usd":0.1})",
       R"({"type":"result","subtype":"success","is_error":false,"result":"","num_turns":0,"origin":{"runId":"r1"},"modelUsage":{"m":{"inputTokens":4,"outputTokens":3,"cacheReadInputTokens":0,"cacheCreationInputTokens":0}},"total_cost_usd":0.2})",
       R"({"type":"result","subtype":"success","is_error":false,"result":"Both are done.","num_turns":1,"origin":{"runId":"r2"},"usage":{"input_tokens":2},"modelUsage":{"m":{"inputTokens":6,"outputTokens":5,"cacheReadInputTokens":0,"cacheCreationInputTokens":0}},"total_cost_usd":0.3})"});
  EXPECT_EQ(read.events,
            "usage 1/1/0/0 cost=100000 total whole\n"
            "usage 4/3/0/0 cost=200000 total whole\n"
            "usage 6/5/0/0 cost=300000 total whole\n"
            "final \"Both are done.\"\n");
  EXPECT_EQ(read.transcript.reported.input, 6);
}

TEST(ClaudeCode, CommandsInTheBackgroundAreNotAwaited) {
  const auto reader = claude_code().reader({});
  EXPECT_TRUE(
      reader
          ->line(
              R"({"type":"system","subtype":"background_tasks_changed","tasks":[{"run_id":"r1","task_type":"local_bash"}]})")
          .empty());
  EXPECT_EQ(reader->line(R"({"type":"result","subtype":"success","result":"Done."})").size(), 1u);
}

TEST(ClaudeCode, WhatSubAgentsSayIsNotTheAgentsOwn) {
  const Read read = read_lines(
      claude_code(),
      {R"({"type":"assistant","parent_tool_use_id":"t1","message":{"content":[{"type":"text","text":"mine"},{"type":"tool_use","name":"Bash","input":{"command":"ls"}}]}})"});
  EXPECT_EQ(read.events, "tool Bash \"ls\"\n");
}

TEST(ClaudeCode, TheCostOfAModelItDoesNotKnowIsUnknown) {
  const Read read = read_lines(
      claude_code(),
      {R"({"type":"result","result":"x","total_cost_usd":0.5,"modelUsage":{"odd":{"inputTokens":1,"outputTokens":1,"cacheReadInputTokens":0,"cacheCreationInputTokens":0,"costBasis":"unknown"}}})"});
  EXPECT_EQ(read.events, "usage 1/1/0/0 cost=? total whole\nfinal \"x\"\n");
}

TEST(ClaudeCode, DeniedToolsAreToldOnceThoughItSucceeds) {
  constexpr std::string_view kResult =
      R"({"type":"result","subtype":"success","result":"Written.","permission_denials":[{"tool_name":"Write","tool_input":{"file_path":"/w/a"}}]})";
  const Read both = read_lines(
      claude_code(),
      {R"({"type":"system","subtype":"permission_denied","tool_name":"Write","message":"asks"})",
       kResult});
  EXPECT_EQ(both.events, "denied Write \"asks\"\nfinal \"Written.\"\n");
  const Read only_result = read_lines(claude_code(), {kResult});
  EXPECT_EQ(only_result.events, "denied Write \"/w/a\"\nfinal \"Written.\"\n");
  EXPECT_EQ(ending_of(claude_code(), both), "success");
}

TEST(ClaudeCode, KilledWhileItWaitsSaysWhatFor) {
  const Read read = read_lines(
      claude_code(),
      {kInit,
       R"({"type":"system","subtype":"api_retry","attempt":1,"retry_delay_ms":504.5,"error_status":429,"error":"rate_limit"})"});
  EXPECT_EQ(read.events,
            "started session=s1 model=opus version=2.1.330\nwaits 0.5 s \"429 rate_limit\"\n");
  EXPECT_EQ(show_ending(claude_code().ending(read.transcript, {}, 9)),
            "aborted: ended by signal 9, while it waited: 429 rate_limit");
  EXPECT_EQ(ending_of(claude_code(), read, 143),
            "aborted: ended by signal 15 (exit status 143), while it waited: 429 rate_limit");
}

TEST(ClaudeCode, IsCalledWithoutItsPromptAmongTheArguments) {
  plan::Agent agent;
  agent.arguments = {"--max-turns", "30", "{{item}}"};
  Wanted wanted = wanted_of(agent);
  wanted.model = "opus";
  wanted.schema = "{}";
  wanted.session = "s1";
  wanted.as_root = true;
  EXPECT_EQ(show_call(claude_code().invoke(wanted)),
            "claude\n-p\n--output-format\nstream-json\n--verbose\n--dangerously-skip-permissions\n"
            "--model\nopus\n--json-schema\n{}\n--resume\ns1\n--max-turns\n30\n{item}\n"
            "ANTHROPIC_API_KEY=s3cret\n"
            "ANTHROPIC_BASE_URL=http://127.0.0.1:8080/s3cret\n"
            "API_TIMEOUT_MS=21600000\n"
            "CLAUDE_CODE_ATTRIBUTION_HEADER=0\n"
            "CLAUDE_CODE_DISABLE_AUTO_MEMORY=1\n"
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1\n"
            "CLAUDE_CODE_MAX_RETRIES=2\n"
            "CLAUDE_CONFIG_DIR=/state/claude\n"
            "DISABLE_AUTOUPDATER=1\nDISABLE_ERROR_REPORTING=1\nDISABLE_TELEMETRY=1\n"
            "IS_SANDBOX=1\nTMPDIR=/tmp/t\n"
            "< Do it\n");
}

TEST(ClaudeCode, WhatMayNotWriteIsNotGivenAllPermissions) {
  plan::Agent agent;
  agent.binary = "/opt/claude";
  agent.environment = {{"CLAUDE_CONFIG_DIR", "/mine"}};
  agent.pass_environment = {"ANTHROPIC_API_KEY"};
  Wanted wanted = wanted_of(agent);
  wanted.base_url.clear();
  wanted.may_write = false;
  EXPECT_EQ(show_call(claude_code().invoke(wanted)),
            "/opt/claude\n-p\n--output-format\nstream-json\n--verbose\n--permission-mode\ndontAsk\n"
            "CLAUDE_CODE_DISABLE_AUTO_MEMORY=1\n"
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1\nCLAUDE_CODE_MAX_RETRIES=4\n"
            "DISABLE_AUTOUPDATER=1\nDISABLE_ERROR_REPORTING=1\nDISABLE_TELEMETRY=1\n"
            "TMPDIR=/tmp/t\n"
            "< Do it\n");
}

TEST(ClaudeCode, APersonsLogInIsGivenAsAFileOfItsOwn) {
  plan::Agent agent;
  agent.login = true;
  Wanted wanted = wanted_of(agent);
  wanted.secret = "of-the-route";
  wanted.login = "{}";
  const auto called = claude_code().invoke(wanted);
  ASSERT_TRUE(called);
  EXPECT_EQ(called->files, (std::vector<StateFile>{{"claude/.credentials.json", "{}"}}));
  EXPECT_FALSE(show_call(called).contains("ANTHROPIC_API_KEY")) << "it would be used instead";
}

TEST(ClaudeCode, ASchemaLongerThanAnArgumentIsRefused) {
  const plan::Agent agent{.name = "claude"};
  Wanted wanted = wanted_of(agent);
  wanted.schema.assign(132'000, ' ');
  EXPECT_EQ(
      show_call(claude_code().invoke(wanted)),
      "error: agent `claude`: an argument of 132000 bytes is more than Linux takes (131071)\n");
}

}  // namespace
}  // namespace interlock::agents
