#include <gtest/gtest.h>

#include "agents/clients.h"
#include "agents/fixture.h"

namespace interlock::agents {
namespace {

TEST(OpenCode, AddsItsStepsUpAndEndsWithAStepThatStops) {
  const Read read = read_lines(
      opencode(),
      {R"({"type":"step_start","sessionID":"o1","part":{}})",
       R"({"type":"text","sessionID":"o1","part":{"text":"I write."}})",
       R"({"type":"tool_use","sessionID":"o1","part":{"tool":"write","state":{"status":"completed","input":{"filePath":"/w/a"}}}})",
       R"({"type":"step_finish","sessionID":"o1","part":{"reason":"tool-calls","tokens":{"input":1000,"output":63,"reasoning":7,"cache":{"read":5000,"write":0}},"cost":0.5}})",
       R"({"type":"step_start","sessionID":"o1","part":{}})",
       R"({"type":"text","sessionID":"o1","part":{"text":"Done."}})",
       R"({"type":"step_finish","sessionID":"o1","part":{"reason":"stop","tokens":{"input":2000,"output":126,"reasoning":14,"cache":{"read":1,"write":2}},"cost":0}})"});
  EXPECT_EQ(read.events,
            "started session=o1 model= version=\n"
            "text \"I write.\"\n"
            "tool write \"/w/a\"\n"
            "file /w/a\n"
            "usage 1000/70/5000/0 cost=500000\n"
            "text \"Done.\"\n"
            "usage 2000/140/1/2 cost=?\n"
            "final \"Done.\"\n");
  EXPECT_EQ(read.transcript.reported, (Usage{3000, 210, 5001, 2, {}}));
  EXPECT_FALSE(read.transcript.parsed_whole);
  EXPECT_EQ(ending_of(opencode(), read), "success");
}

TEST(OpenCode, AStepCutAtItsLimitIsNoAnswer) {
  const Read read =
      read_lines(opencode(), {R"({"type":"text","part":{"text":"half"}})",
                              R"({"type":"step_finish","part":{"reason":"length"}})"});
  EXPECT_EQ(ending_of(opencode(), read), "cut_off: the answer was cut at the output limit");
}

TEST(OpenCode, ARejectedToolThatStopsItIsNoSuccess) {
  const Read read = read_lines(
      opencode(),
      {R"({"type":"tool_use","part":{"tool":"write","state":{"status":"error","input":{"filePath":"/w/a"},"error":"The user rejected permission to use this specific tool call."}}})",
       R"({"type":"step_finish","part":{"reason":"tool-calls"}})"});
  EXPECT_EQ(read.events, "denied write \"/w/a\"\n");
  EXPECT_EQ(ending_of(opencode(), read),
            "no_final: it ended without its final event; write was denied: /w/a");
}

TEST(OpenCode, ErrorsAreToldApartByNameAndStatus) {
  const auto fails = [](std::string_view error) {
    const std::string line = fmt::format(R"({{"type":"error","error":{}}})", error);
    return std::string(name_of(read_lines(opencode(), {line}).transcript.failed->failure));
  };
  EXPECT_EQ(fails(R"({"name":"APIError","data":{"message":"no","statusCode":401}})"),
            "authentication");
  EXPECT_EQ(fails(R"({"name":"APIError","data":{"message":"no","statusCode":429}})"),
            "rate_limited");
  EXPECT_EQ(fails(R"({"name":"ContextOverflowError","data":{}})"), "too_long");
  EXPECT_EQ(fails(R"({"name":"MessageOutputLengthError"})"), "cut_off");
}

TEST(OpenCode, AnErrorThatSaysLessThanTheStepDoesNotHideIt) {
  const Read read =
      read_lines(opencode(), {R"({"type":"step_finish","part":{"reason":"content-filter"}})",
                              R"({"type":"error","error":{"name":"UnknownError"}})"});
  EXPECT_EQ(ending_of(opencode(), read, 1), "refused: a content filter stopped the answer");
}

TEST(OpenCode, StepsThatAreBegunAgainForgetWhatWasSaid) {
  const Read read = read_lines(
      opencode(), {R"({"type":"step_start"})", R"({"type":"text","part":{"text":"ha"}})",
                   R"({"type":"step_start"})", R"({"type":"text","part":{"text":"one"}})",
                   R"({"type":"text","part":{"text":"two"}})",
                   R"({"type":"step_finish","part":{"reason":"stop"}})"});
  EXPECT_EQ(read.transcript.final->text, "one\ntwo");
}

TEST(OpenCode, IsCalledWithOneProviderThatIsTheGateway) {
  const plan::Agent agent{.name = "oc"};
  Wanted wanted = wanted_of(agent);
  EXPECT_EQ(show_call(opencode().invoke(wanted)),
            "error: agent `oc`: OpenCode behind a `base_url` or the gateway needs a model\n");
  wanted.model = "anthropic/claude-x";
  const auto call = opencode().invoke(wanted);
  ASSERT_TRUE(call);
  EXPECT_EQ(call->arguments,
            (std::vector<std::string>{"opencode", "run", "--format", "json", "--auto"}));
  EXPECT_EQ(call->environment.at("HOME"), "/state/home");
  EXPECT_EQ(call->environment.at("OPENCODE_DISABLE_AUTOUPDATE"), "1");
  EXPECT_EQ(call->environment.at("OPENCODE_DISABLE_FFF"), "1")
      << "it would read the whole workspace";
  ASSERT_EQ(call->files.size(), 1u);
  EXPECT_EQ(call->files[0].path, "home/.config/opencode/opencode.json");
  EXPECT_EQ(canonical_json(*parse_json(call->files[0].content)),
            R"({"model":"interlock/claude-x","provider":{"interlock":{"models":{"claude-x":{}},)"
            R"("name":"interlock","npm":"@ai-sdk/anthropic","options":{"apiKey":"s3cret",)"
            R"("baseURL":"http://127.0.0.1:8080/s3cret/v1"}}},"small_model":"interlock/claude-x",)"
            R"("snapshot":false})");
}

TEST(OpenCode, AProvidersKeyIsNotWrittenToItsConfiguration) {
  const plan::Agent agent{.name = "oc", .base_url = "https://models.example/v1/"};
  Wanted wanted = wanted_of(agent);
  wanted.base_url.clear();
  wanted.model = "small";
  wanted.may_write = false;
  const auto call = opencode().invoke(wanted);
  ASSERT_TRUE(call);
  EXPECT_EQ(call->environment.at("INTERLOCK_AGENT_KEY"), "s3cret");
  EXPECT_FALSE(call->files[0].content.contains("s3cret"));
  EXPECT_TRUE(call->files[0].content.contains("https://models.example/v1\""));
  EXPECT_TRUE(call->files[0].content.contains("@ai-sdk/openai-compatible"));
  EXPECT_TRUE(call->files[0].content.contains("\"edit\": \"deny\""));
}

}  // namespace
}  // namespace interlock::agents
