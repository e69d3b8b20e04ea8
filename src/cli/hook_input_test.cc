#include "cli/hook_input.h"
#include "cli/hook_running.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace interlock::cli {
namespace {

using testing::HasSubstr;

constexpr const char* kTranscript =
    R"({"type":"user","message":{"content":"go"}}
{"type":"assistant","message":{"id":"m0","content":[{"type":"tool_use","id":"old","name":"Agent","input":{"prompt":"before"}}]}}
{"type":"assistant","message":{"id":"m1","content":[{"type":"text","text":"\"tool_use\""}]}}
{"type":"assistant","message":{"id":"m1","content":[{"type":"tool_use","id":"a","name":"Agent","input":{"prompt":"one","subagent_type":"Explore"}}]}}
{"type":"assistant","message":{"id":"m1","content":[{"type":"tool_use","id":"r","name":"Read","input":{}},{"type":"tool_use","id":"b","name":"Task","input":{"prompt":"two {x}"}}]}}
{"torn": "tool_use)";

HookCall call_of(const std::string& id) {
  auto call =
      hook_call_from(R"({"tool_name":"Agent","tool_use_id":")" + id +
                     R"(","transcript_path":"/t","cwd":"/w","tool_input":{"prompt":"own"}})");
  EXPECT_TRUE(call);
  return call.value_or(HookCall{});
}

TEST(HookInput, finds_all_sub_agents_of_the_message) {
  const auto siblings = siblings_of(call_of("b"), kTranscript);
  ASSERT_EQ(siblings.size(), 2u);
  EXPECT_EQ(siblings[0].prompt, "one");
  EXPECT_TRUE(siblings[0].only_reads);
  EXPECT_EQ(siblings[1].tool_use_id, "b");
  EXPECT_FALSE(siblings[1].only_reads);
}

TEST(HookInput, knows_who_works_in_a_worktree) {
  const auto call = hook_call_from(
      R"({"tool_name":"Agent","tool_use_id":"x","tool_input":{"prompt":"own","isolation":"worktree"}})");
  ASSERT_TRUE(call);
  EXPECT_TRUE(siblings_of(*call, "")[0].apart);
  EXPECT_FALSE(siblings_of(call_of("x"), "")[0].apart);
}

TEST(HookInput, knows_only_itself_where_the_transcript_says_nothing) {
  for (const char* transcript : {"", "no json\n", kTranscript}) {
    const auto alone = siblings_of(call_of("unknown"), transcript);
    ASSERT_EQ(alone.size(), 1u);
    EXPECT_EQ(alone[0].prompt, "own");
  }
}

TEST(HookInput, what_it_cannot_read_is_an_error) {
  for (const char* input : {"", "[]", "{"}) EXPECT_FALSE(hook_call_from(input)) << input;
  EXPECT_EQ(hook_call_from(R"({"tool_input": 7, "tool_name": 8})").value().tool, "");
}

TEST(HookInput, makes_a_plan_of_them) {
  const std::string plan = plan_of(siblings_of(call_of("a"), kTranscript), "claude-code");
  EXPECT_THAT(plan, HasSubstr(R"("id":"agent-1","prompt":"one","reads":["**"],"writes":[])"));
  EXPECT_THAT(plan, HasSubstr(R"("id":"agent-2","prompt":"two  x ")")) << "no placeholder";
}

TEST(HookInput, what_is_kept_of_those_that_run_is_read_again) {
  RunningAgents running;
  running.agents.push_back({{"t1", "look", true, true}, 7});
  running.agents.push_back({{"t2", "write", false, false}, 9});
  running.advice = "one by one";
  const RunningAgents again = running_from_text(running.to_text());
  EXPECT_EQ(again.to_text(), running.to_text());
  EXPECT_TRUE(again.agents.at(0).what.only_reads);
  EXPECT_EQ(again.agents.at(1).began_s, 9);
  for (const char* text : {"", "[]", "{", R"({"agents": [7, {"id": 1}], "advice": 3})"})
    EXPECT_EQ(running_from_text(text).to_text(), RunningAgents().to_text()) << text;
}

TEST(HookInput, kinds_that_only_read_are_known_by_each_clients_names) {
  for (const char* input : {R"({"agent_name":"codebase_investigator","prompt":"p"})",
                            R"({"subagent_type":"explore","prompt":"p"})"}) {
    const auto call =
        hook_call_from(R"({"session_id":"s","tool_input":)" + std::string(input) + "}");
    ASSERT_TRUE(call);
    EXPECT_EQ(call->session, "s");
    EXPECT_TRUE(siblings_of(*call, "")[0].only_reads) << input;
  }
}

}  // namespace
}  // namespace interlock::cli
