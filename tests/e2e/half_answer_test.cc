#include <fmt/format.h>
#include <gmock/gmock.h>

#include "e2e/cli_harness.h"
#include "endpoint/endpoint.h"

// Clients that claim success whatever their model answered. What the gateway saw outranks them.
namespace interlock::e2e {

namespace {

using endpoint::Endpoint;

/// Asks its model `$CALLS` times (once, where it is not set), and says that all is well.
constexpr const char* kClient = R"sh(#!/bin/sh
cat >/dev/null
for i in $(seq "${CALLS:-1}"); do
  case $CLIENT in
    claude) INTERLOCK_KEY=$ANTHROPIC_API_KEY "$IL" chat --api anthropic --model m --base-url "$ANTHROPIC_BASE_URL" ;;
    gemini) INTERLOCK_KEY=$GEMINI_API_KEY "$IL" chat --api gemini --model m --base-url "$GOOGLE_GEMINI_BASE_URL" ;;
    qwen) INTERLOCK_KEY=$OPENAI_API_KEY "$IL" chat --api openai --model m --base-url "${OPENAI_BASE_URL%/v1}" ;;
  esac <<X >/dev/null 2>&1
question ${SAME:-$i}
X
done
case $CLIENT in
  claude) echo '{"type":"result","subtype":"success","is_error":false,"terminal_reason":"completed","result":"half","session_id":"s"}' ;;
  gemini) echo '{"type":"message","role":"assistant","content":"half"}'; echo '{"type":"result","status":"success"}' ;;
  qwen) echo '{"type":"result","subtype":"success","is_error":false,"result":"half","session_id":"s"}' ;;
esac
exit 0
)sh";

class HalfAnswers : public Cli {
 protected:
  HalfAnswers() {
    environment()["THE_KEY"] = "sk-very-secret";
    write("client", kClient);
    shell("chmod +x client");
  }

  /// Runs each of three clients once before an endpoint that answers with `step`; `client:
  /// outcome`, a line each.
  std::string outcomes(const std::string& step, const std::string& limits = "{}") {
    auto script = endpoint::read_script(fmt::format(R"({{"otherwise": {}}})", step));
    EXPECT_TRUE(script.has_value()) << (script ? "" : script.error().message);
    if (!script) return {};
    const Endpoint endpoint(*script);
    std::string plan = "agents:\n";
    for (const auto& [name, kind] : kClients) {
      plan += fmt::format(
          "  {}: {{kind: {}, bin: {}/client, base_url: \"{}\", model: m, key: THE_KEY, "
          "pass_env: [IL, CALLS, SAME], env: {{CLIENT: {}}}}}\n",
          name, kind, workspace(), endpoint.base_url(), name);
    }
    plan +=
        fmt::format("defaults: {{retries: 0, isolation: direct}}\nlimits: {}\ntasks:\n", limits);
    for (const auto& [name, kind] : kClients) {
      plan += fmt::format(
          "  - {{id: {0}, agent: {0}, prompt: \"say {1}\", reads: [], writes: [], output: text}}\n",
          name, ++runs_);
    }
    write_plan(plan);
    environment()["IL"] = shell("printf %s \"$INTERLOCK\"").out;
    const Ended ended = interlock({"run", "plan.yaml"});
    const auto shown = json_of({"show", "last"});
    std::string text;
    for (std::size_t i = 0; i < kClients.size(); ++i)
      text += fmt::format("{}: {}\n", kClients[i].first,
                          at(shown, fmt::format("/tasks/{}/outcome", i)));
    last_ = ended;
    asked_ = endpoint.entries().size();
    return text;
  }

  static std::string all(const std::string& outcome) {
    return fmt::format("claude: {0}\ngemini: {0}\nqwen: {0}\n", outcome);
  }

  inline static const std::vector<std::pair<std::string, std::string>> kClients = {
      {"claude", "claude-code"}, {"gemini", "gemini"}, {"qwen", "qwen"}};
  int runs_ = 0;
  Ended last_;
  std::size_t asked_ = 0;
};

TEST_F(HalfAnswers, whole_ones_are_believed) {
  EXPECT_EQ(outcomes(R"({"text": "All of it."})"), all("succeeded")) << last_.err;
  EXPECT_EQ(last_.exit, 0);
}

TEST_F(HalfAnswers, that_end_cleanly_in_mid_text_or_without_the_last_event_are_cut_off) {
  EXPECT_EQ(outcomes(R"({"text": "one two three four five six seven eight nine", "end_after": 2})"),
            all("cut-off"));
  EXPECT_EQ(outcomes(R"({"text": "All of it, it seems.", "drop_last": 1})"), all("cut-off"));
  // Without what says how it ended: `message_delta` and `message_stop`, the last chunk and
  // `[DONE]`.
  EXPECT_EQ(outcomes(R"({"text": "All of it, it seems.", "drop_last": 2})"), all("cut-off"));
}

TEST_F(HalfAnswers, that_a_filter_stopped_are_declined_whether_something_was_said_or_not) {
  EXPECT_EQ(outcomes(R"({"text": "Part of", "finish": "refusal"})"), all("declined"));
  EXPECT_EQ(outcomes(R"({"text": "", "finish": "refusal"})"), all("declined"));
}

TEST_F(HalfAnswers, at_the_output_limit_are_cut_off) {
  EXPECT_EQ(outcomes(R"({"text": "Part of", "finish": "length"})"), all("cut-off"));
}

TEST_F(HalfAnswers, that_end_with_a_word_nobody_knows_are_not_good) {
  EXPECT_EQ(outcomes(R"({"text": "Hm", "ends_with": "enough_for_today"})"), all("cut-off"));
}

TEST_F(HalfAnswers, that_pause_or_break_down_are_told_apart) {
  EXPECT_EQ(outcomes(R"({"text": "I search", "ends_with": "pause_turn"})"), all("cut-off"));
  EXPECT_THAT(interlock({"why", "last", "claude"}).out, ::testing::HasSubstr("pause_turn"));
  EXPECT_EQ(outcomes(R"({"text": "I was", "ends_with": "error"})"),
            "claude: cut-off\ngemini: cut-off\nqwen: api-failed\n");
}

TEST_F(HalfAnswers, that_were_refused_are_what_the_provider_said) {
  EXPECT_EQ(outcomes(R"({"status": 401})"), all("auth-failed"));
  EXPECT_EQ(outcomes(R"({"status": 400, "message": "no such option"})"), all("bad-request"));
}

TEST_F(HalfAnswers, are_asked_for_again_only_so_often) {
  environment()["CALLS"] = "40";
  environment()["SAME"] = "same";
  EXPECT_EQ(outcomes(R"({"text": "one two three four", "drop_last": 1})", "{repeats: 2}"),
            all("cut-off"));
  EXPECT_EQ(asked_, 6U) << "each asked twice";
  EXPECT_THAT(interlock({"why", "last", "qwen"}).out, ::testing::HasSubstr("answered 2 times"));
}

TEST_F(HalfAnswers, and_good_ones_without_end_are_a_runaway) {
  environment()["CALLS"] = "40";
  EXPECT_EQ(outcomes(R"({"text": "On it goes."})", "{calls: 4}"), all("runaway"));
  EXPECT_EQ(asked_, 12U);
  EXPECT_THAT(interlock({"why", "last", "claude"}).out, ::testing::HasSubstr("limits.calls"));
}

TEST_F(HalfAnswers, a_task_that_the_runs_limit_stopped_goes_on_in_its_session) {
  write("talker", R"sh(#!/bin/sh
echo "$*" >>calls
cat >>asked
echo '{"type":"system","subtype":"init","session_id":"s-1","model":"m"}'
for i in 1 2 3; do
  INTERLOCK_KEY=$ANTHROPIC_API_KEY "$IL" chat --api anthropic --model m --base-url "$ANTHROPIC_BASE_URL" >/dev/null 2>&1 <<X
question $i
X
done
echo '{"type":"result","subtype":"success","is_error":false,"terminal_reason":"completed","result":"all","session_id":"s-1"}'
)sh");
  shell("chmod +x talker");
  environment()["IL"] = shell("printf %s \"$INTERLOCK\"").out;
  auto script = endpoint::read_script(
      R"({"otherwise": {"text": "Yes.", "usage": {"input": 20000, "output": 1000}}})");
  ASSERT_TRUE(script.has_value());
  const Endpoint endpoint(*script);
  write_plan(fmt::format(
      "agents: {{c: {{kind: claude-code, bin: {}/talker, base_url: \"{}\", model: m, key: THE_KEY, "
      "pass_env: [IL]}}}}\n"
      "defaults: {{retries: 0, isolation: direct}}\nlimits: {{tokens: 30k}}\n"
      "tasks: [{{id: a, agent: c, prompt: do it all, output: text, estimate: {{tokens: 100}}}}]\n",
      workspace(), endpoint.base_url()));
  ASSERT_EQ(interlock({"run", "plan.yaml"}).exit, 3);
  const Ended resumed = interlock({"resume", "last", "--tokens", "200k"});
  ASSERT_EQ(resumed.exit, 0) << resumed.err;
  EXPECT_THAT(read("calls"), ::testing::ContainsRegex("\n.*--resume s-1"));
  EXPECT_THAT(read("asked"), ::testing::HasSubstr("Go on where you stopped"));
}

TEST_F(HalfAnswers, that_nobody_can_see_past_the_gateway_are_said_in_the_plan) {
  write_plan(
      "agents: {q: {kind: qwen, gateway: false}}\n"
      "tasks: [{id: a, agent: q, prompt: x, reads: [], writes: [], output: text}]\n");
  EXPECT_THAT(interlock({"plan", "plan.yaml", "--full"}).out,
              ::testing::HasSubstr(
                  "agent `q` goes past the gateway: an answer that was cut at the output limit"));
}

}  // namespace

}  // namespace interlock::e2e
