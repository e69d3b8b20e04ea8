#include <gtest/gtest.h>

#include "agents/clients.h"
#include "agents/fixture.h"

namespace interlock::agents {
namespace {

TEST(Codex, TakesItsLastMessageForTheAnswerAndCachedTokensOutOfTheInput) {
  const Read read = read_lines(
      codex(),
      {R"({"type":"thread.started","thread_id":"t1"})", R"({"type":"turn.started"})",
       R"({"type":"item.completed","item":{"id":"0","type":"error","message":"Model metadata not found"}})",
       R"({"type":"item.completed","item":{"id":"1","type":"agent_message","text":"I run it."}})",
       R"({"type":"item.started","item":{"id":"2","type":"command_execution","command":"ls","status":"in_progress"}})",
       R"({"type":"item.completed","item":{"id":"2","type":"command_execution","command":"ls","status":"completed"}})",
       R"({"type":"item.completed","item":{"id":"3","type":"file_change","changes":[{"path":"/w/a","kind":"add"}]}})",
       R"({"type":"item.completed","item":{"id":"4","type":"agent_message","text":"Done."}})",
       R"({"type":"turn.completed","usage":{"input_tokens":6000,"cached_input_tokens":5000,"cache_write_input_tokens":200,"output_tokens":70,"reasoning_output_tokens":7}})"});
  EXPECT_EQ(read.events,
            "started session=t1 model= version=\n"
            "remark other \"Model metadata not found\"\n"
            "text \"I run it.\"\n"
            "tool shell \"ls\"\n"
            "file /w/a\n"
            "text \"Done.\"\n"
            "usage 800/70/5000/200 cost=? total whole\n"
            "final \"Done.\"\n");
  EXPECT_EQ(ending_of(codex(), read), "success");
}

TEST(Codex, TryingAgainIsAWaitAndNoEnd) {
  const Read read = read_lines(
      codex(),
      {R"_({"type":"error","message":"Reconnecting... 1/5 (last status: 429 Too Many Requests)"})_",
       R"({"type":"item.completed","item":{"id":"1","type":"agent_message","text":"42"}})",
       R"({"type":"turn.completed","usage":{"input_tokens":1,"cached_input_tokens":0,"output_tokens":1}})"});
  EXPECT_EQ(read.transcript.waits, 1u);
  EXPECT_EQ(ending_of(codex(), read), "success");
}

TEST(Codex, FailedTurnsAreToldApartByTheirMessages) {
  const auto ends = [](std::string_view message) {
    const std::string line =
        fmt::format(R"({{"type":"turn.failed","error":{{"message":"{}"}}}})", message);
    const Ending ending = codex().ending(read_lines(codex(), {line}).transcript, 1, {});
    return std::string(ending.failure ? name_of(*ending.failure) : "success");
  };
  EXPECT_EQ(ends("unexpected status 401 Unauthorized: Incorrect API key"), "authentication");
  EXPECT_EQ(ends("unexpected status 403 Forbidden: You exceeded your current quota"),
            "quota_spent");
  EXPECT_EQ(ends("exceeded retry limit, last status: 429 Too Many Requests"), "rate_limited");
  EXPECT_EQ(ends("unexpected status 502 Bad Gateway: url: http://127.0.0.1:443/v1"), "api");
  EXPECT_EQ(ends("Incomplete response returned, reason: max_output_tokens"), "cut_off");
  EXPECT_EQ(ends("stream disconnected before completion: closed"), "cut_off");
}

TEST(Codex, ARefusalThatComesAsAnEmptySuccessIsNone) {
  const Read read = read_lines(
      codex(),
      {R"({"type":"turn.completed","usage":{"input_tokens":1,"cached_input_tokens":0,"output_tokens":1}})"});
  EXPECT_EQ(ending_of(codex(), read), "empty: it ended well and said nothing");
}

TEST(Codex, UsageWithoutSubAgentsIsNotWhole) {
  const Read read = read_lines(
      codex(),
      {R"({"type":"item.started","item":{"id":"1","type":"collab_tool_call","tool":"spawn_agent","prompt":"look"}})",
       R"({"type":"turn.completed","usage":{"input_tokens":5,"cached_input_tokens":0,"cache_write_input_tokens":0,"output_tokens":1}})"});
  EXPECT_EQ(read.events, "tool spawn_agent \"look\"\nusage 5/1/0/0 cost=? total\nfinal \"\"\n");
}

TEST(Codex, IsCalledWithAConfigurationOfItsOwn) {
  const plan::Agent agent;
  Wanted wanted = wanted_of(agent);
  wanted.model = "gpt-5-codex";
  wanted.schema = "{}";
  wanted.schema_file = "/s.json";
  EXPECT_EQ(show_call(codex().invoke(wanted)),
            "codex\nexec\n--json\n--skip-git-repo-check\n"
            "--dangerously-bypass-approvals-and-sandbox\n--output-schema\n/s.json\n-\n"
            "CODEX_HOME=/state/codex\nOPENAI_API_KEY=s3cret\nTMPDIR=/tmp/t\n"
            "< Do it\n"
            "codex/config.toml:\n"
            "model = \"gpt-5-codex\"\n"
            "check_for_update_on_startup = false\n"
            "model_provider = \"interlock\"\n"
            "\n[analytics]\nenabled = false\n\n[skills.bundled]\nenabled = false\n"
            "\n[model_providers.interlock]\nname = \"interlock\"\n"
            "base_url = \"http://127.0.0.1:8080/s3cret/v1\"\n"
            "env_key = \"OPENAI_API_KEY\"\nwire_api = \"responses\"\n"
            "request_max_retries = 2\nstream_max_retries = 2\n"
            "stream_idle_timeout_ms = 21600000\n");
}

TEST(Codex, ResumesAfterItsOptionsAndReadsOnlyWhereNothingMayBeWritten) {
  plan::Agent agent;
  agent.arguments = {"-c", "model_reasoning_effort=low"};
  Wanted wanted = wanted_of(agent);
  wanted.base_url.clear();
  wanted.secret.clear();
  wanted.session = "t1";
  wanted.may_write = false;
  EXPECT_EQ(show_call(codex().invoke(wanted)),
            "codex\nexec\n--json\n--skip-git-repo-check\n-s\nread-only\n"
            "-c\nmodel_reasoning_effort=low\nresume\nt1\n-\n"
            "CODEX_HOME=/state/codex\nTMPDIR=/tmp/t\n"
            "< Do it\n"
            "codex/config.toml:\ncheck_for_update_on_startup = false\n"
            "\n[analytics]\nenabled = false\n\n[skills.bundled]\nenabled = false\n");
}

}  // namespace
}  // namespace interlock::agents
