#include <gtest/gtest.h>

#include "agents/clients.h"
#include "agents/fixture.h"

namespace interlock::agents {
namespace {

using Gives = plan::EventRule::Gives;

plan::Agent agent_with(std::vector<plan::EventRule> rules) {
  plan::Agent agent;
  agent.name = "mine";
  agent.events = std::move(rules);
  return agent;
}

TEST(CommandEvents, RulesFindTheirValuesInTheLinesTheyAreFor) {
  const plan::Agent agent =
      agent_with({{{}, Gives::session, "session_id"},
                  {{{"type", "result"}}, Gives::final, "result"},
                  {{{"type", "assistant"}}, Gives::text, "message.content[0].text"},
                  {{{"type", "tool"}}, Gives::tool, "name"},
                  {{{"type", "tool"}}, Gives::file, "input.path"},
                  {{{"type", "result"}}, Gives::input_tokens, "usage.input"},
                  {{{"type", "result"}}, Gives::usd, "usd"}});
  const Read read = read_lines(
      command(),
      {R"({"type":"hello","session_id":"x1"})",
       R"({"type":"assistant","message":{"content":[{"text":"Hi."}]}})",
       R"({"type":"tool","name":"write","input":{"path":"/w/a"}})", R"({"type":"noise"})",
       "no JSON at all", R"({"type":"result","result":"Done.","usage":{"input":12},"usd":0.25})"},
      agent);
  EXPECT_EQ(read.events,
            "started session=x1 model= version=\n"
            "text \"Hi.\"\n"
            "tool write \"\"\n"
            "file /w/a\n"
            "unknown noise\n"
            "unknown \n"
            "usage 12/?/?/? cost=250000 total\n"
            "final \"Done.\"\n");
  EXPECT_EQ(ending_of(command(), read), "success");
}

TEST(CommandEvents, NumbersAreAddedUpWhereTheRuleSaysSo) {
  const plan::Agent agent =
      agent_with({{{}, Gives::input_tokens, "in", true}, {{}, Gives::output_tokens, "out", false}});
  const Read read = read_lines(
      command(), {R"({"in":10,"out":1})", R"({"in":20,"out":5})", R"({"in":-1})"}, agent);
  EXPECT_EQ(read.transcript.reported, (Usage{30, 5, {}, {}, {}}));
}

TEST(CommandEvents, ARuleWithoutAPlaceSaysThatItIsSo) {
  const plan::Agent agent = agent_with({{{}, Gives::text, "say"},
                                        {{{"event", "end"}}, Gives::final, ""},
                                        {{{"event", "oops"}}, Gives::error, ""},
                                        {{{"event", "wait"}}, Gives::rate_limited, "seconds"}});
  const Read good = read_lines(command(), {R"({"say":"It is 42"})", R"({"event":"end"})"}, agent);
  EXPECT_EQ(good.transcript.final->text, "It is 42");
  const Read bad =
      read_lines(command(), {R"({"event":"wait","seconds":90})", R"({"event":"oops"})"}, agent);
  EXPECT_EQ(bad.events, "waits 1 m 30 s \"\"\nfailed other \"the program told of an error\"\n");
}

TEST(CommandEvents, AnswersInAFormOfTheirOwnAreStructured) {
  const plan::Agent agent = agent_with({{{}, Gives::final, "answer"}});
  const Read read = read_lines(command(), {R"({"answer":{"a":[1,2]}})"}, agent);
  EXPECT_EQ(read.transcript.final, (Final{R"({"a":[1,2]})", R"({"a":[1,2]})"}));
}

TEST(CommandEvents, AnErrorThatIsFalseOrNullIsNone) {
  const plan::Agent agent =
      agent_with({{{}, Gives::error, "error"}, {{{"done", "true"}}, Gives::final, "text"}});
  const Read read = read_lines(
      command(), {R"({"error":false})", R"({"error":null,"done":true,"text":"ok"})"}, agent);
  EXPECT_EQ(ending_of(command(), read), "success");
  const Read failed = read_lines(command(), {R"({"error":"disk full"})"}, agent);
  EXPECT_EQ(ending_of(command(), failed, 1), "other: disk full");
}

TEST(CommandEvents, WithoutAFinalEventItDidNotEndWell) {
  const plan::Agent agent = agent_with({{{}, Gives::final, "answer"}});
  EXPECT_EQ(ending_of(command(), read_lines(command(), {R"({"a":1})"}, agent)),
            "no_final: it ended without its final event");
}

TEST(CommandEvents, OnlyCommandsWithAMappingHaveAnAdapter) {
  EXPECT_EQ(adapter_for(plan::Agent()), nullptr);
  EXPECT_EQ(adapter_for(agent_with({{{}, Gives::final, "x"}})), &command());
  EXPECT_EQ(adapter_for(plan::Agent{.kind = plan::AgentKind::pi}), &pi());
}

TEST(CommandEvents, ResumesByItsOwnCommandWithTheSessionAsData) {
  plan::Agent agent = agent_with({{{}, Gives::final, "x"}});
  EXPECT_FALSE(command().resumes(agent));
  agent.run.arguments = {"./mine", "--json"};
  agent.resume.shell = "./mine --resume {session}";
  Wanted wanted = wanted_of(agent);
  EXPECT_EQ(show_call(command().invoke(wanted)),
            "./mine\n--json\n"
            "< Do it\n");
  wanted.session = "x'; rm -rf /";
  const auto call = command().invoke(wanted);
  ASSERT_TRUE(call);
  ASSERT_EQ(call->arguments.size(), 3u);
  EXPECT_TRUE(call->arguments[2].starts_with("./mine --resume '"));
  EXPECT_TRUE(command().resumes(agent));
}

}  // namespace
}  // namespace interlock::agents
