#include <fmt/format.h>
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "e2e/cli_harness.h"
#include "endpoint/endpoint.h"

// Keys and secrets, planted wherever they could come back from: nothing that is written or shown
// has them.
namespace interlock::e2e {

namespace {

using endpoint::Endpoint;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* kKey = "sk-very-secret-key-of-a-person";
constexpr const char* kInBase64 = "c2stdmVyeS1zZWNyZXQta2V5LW9mLWEtcGVyc29u";

endpoint::Script script_of(const std::string& text) {
  auto script = endpoint::read_script(text);
  EXPECT_TRUE(script.has_value()) << (script ? "" : script.error().message);
  return script.value_or(endpoint::Script{});
}

class Secrets : public Cli {
 protected:
  Secrets() { environment()["THE_KEY"] = kKey; }

  /// Files of the state folder that hold the text.
  std::vector<std::string> kept(const std::string& text) const {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder() + "/state")) {
      if (!entry.is_regular_file()) continue;
      std::ifstream stream(entry.path(), std::ios::binary);
      const std::string bytes(std::istreambuf_iterator<char>(stream), {});
      if (bytes.find(text) != std::string::npos) found.push_back(entry.path().string());
    }
    return found;
  }

  /// All that can be seen of the last run.
  std::string all_faces(const Ended& run) {
    std::string all = run.out + run.err;
    const auto shown = json_of({"show", "last"});
    for (const std::vector<std::string>& verb : std::vector<std::vector<std::string>>{
             {"show", "last"}, {"show", "last", "--json"}, {"log", "last"}}) {
      const Ended seen = interlock(verb);
      all += seen.out + seen.err;
    }
    for (const auto& task : shown.at("tasks").as_array()) {
      const std::string id(task.at("id").as_string());
      for (const char* verb : {"why", "output"}) {
        const Ended seen = interlock({verb, "last", id});
        all += seen.out + seen.err;
      }
    }
    return all;
  }
};

TEST_F(Secrets, a_key_that_a_provider_repeats_is_kept_and_shown_nowhere) {
  const Endpoint endpoint(script_of(fmt::format(
      R"({{"rules": [
        {{"prompt": "refuse", "steps": [{{"status": 400, "code": "{0}", "message": "bad key {0}, {1}",
                                        "headers": {{"x-echo": "{0}"}}}}]}},
        {{"prompt": "fail", "steps": [{{"status": 401, "message": "wrong key {0}"}}]}},
        {{"prompt": "say", "steps": [{{"text": "Key: {0}. In base64: {1}."}}]}}]}})",
      kKey, kInBase64)));
  std::string plan = "agents:\n";
  std::string tasks;
  for (const char* api : {"anthropic", "openai", "openai-responses", "gemini"}) {
    plan +=
        fmt::format("  {0}: {{kind: chat, api: {0}, base_url: \"{1}\", model: m, key: THE_KEY}}\n",
                    api, endpoint.base_url());
    for (const char* prompt : {"refuse", "fail", "say"}) {
      tasks += fmt::format(
          "  - {{id: {1}-{0}, agent: {0}, prompt: \"{1} {0}\", reads: [], writes: [], output: "
          "text}}\n",
          api, prompt);
    }
  }
  write_plan(plan + "defaults: {retries: 0}\nlimits: {on_failure: continue}\ntasks:\n" + tasks);
  const Ended ended = interlock({"run", "plan.yaml", "--record"});
  EXPECT_EQ(ended.exit, 1);
  const std::string seen = all_faces(ended);
  EXPECT_THAT(seen, HasSubstr("[key THE_KEY]"));
  for (const char* secret : {kKey, kInBase64}) {
    EXPECT_THAT(seen, Not(HasSubstr(secret)));
    EXPECT_THAT(kept(secret), IsEmpty());
  }
}

TEST_F(Secrets, of_attempts_that_print_their_environment_are_kept_and_shown_nowhere) {
  const Endpoint endpoint{endpoint::Script{}};
  write("client", R"sh(#!/bin/sh
cat >/dev/null
printf %s "$ANTHROPIC_API_KEY" >secret
env >&2
printf '{"type":"assistant","message":{"content":[{"type":"text","text":"%s %s"}]}}\n' "$ANTHROPIC_API_KEY" "$ANTHROPIC_BASE_URL"
printf '{"type":"result","subtype":"success","is_error":false,"terminal_reason":"completed","result":"%s %s","session_id":"s"}\n' "$ANTHROPIC_API_KEY" "$MY_TOKEN"
)sh");
  shell("chmod +x client");
  environment()["MY_TOKEN"] = "token-of-a-person";
  write_plan(
      fmt::format("agents: {{c: {{kind: claude-code, bin: {}/client, base_url: \"{}\", key: "
                  "THE_KEY, pass_env: [MY_TOKEN]}}}}\n"
                  "defaults: {{isolation: direct}}\n"
                  "tasks: [{{id: a, agent: c, prompt: x, output: text}}]\n",
                  workspace(), endpoint.base_url()));
  const Ended ended = interlock({"run", "plan.yaml"});
  ASSERT_EQ(ended.exit, 0) << ended.err;
  const std::string secret = read("secret");
  ASSERT_EQ(secret.size(), 32U);
  EXPECT_EQ(interlock({"output", "last", "a"}).out, "[key attempt] [key MY_TOKEN]");
  const std::string seen = all_faces(ended);
  for (const std::string& hidden : {secret, std::string("token-of-a-person"), std::string(kKey)}) {
    EXPECT_THAT(seen, Not(HasSubstr(hidden)));
    EXPECT_THAT(kept(hidden), IsEmpty());
  }
}

TEST_F(Secrets, told_in_pieces_are_not_shown_joined) {
  const Endpoint endpoint{endpoint::Script{}};
  const std::string half(kKey, 6);
  const std::string rest = std::string(kKey).substr(half.size());
  write("client",
        "#!/bin/sh\ncat >/dev/null\n"
        "for piece in 'The key is ' " +
            half + " " + rest +
            " '.'; do\n"
            "  echo "
            "\"{\\\"type\\\":\\\"message\\\",\\\"role\\\":\\\"assistant\\\",\\\"delta\\\":true,"
            "\\\"content\\\":\\\"$piece\\\"}\"\ndone\n"
            "[ \"$1\" = --fail ] || echo '{\"type\":\"result\",\"status\":\"success\"}'\n");
  shell("chmod +x client");
  write_plan(fmt::format(
      "agents:\n  whole: {{kind: gemini, bin: {0}/client, base_url: \"{1}\", key: THE_KEY}}\n"
      "  part: {{kind: gemini, bin: {0}/client, base_url: \"{1}\", key: THE_KEY}}\n"
      "defaults: {{isolation: direct, retries: 0}}\n"
      "tasks: [{{id: a, agent: whole, prompt: x, output: text}}, {{id: b, agent: part, prompt: y, "
      "output: json}}]\n",
      workspace(), endpoint.base_url()));
  const Ended ended = interlock({"run", "plan.yaml"});
  EXPECT_EQ(ended.exit, 1) << "what is not JSON failed, and is shown for it";
  const std::string log = interlock({"log", "last", "a"}).out;
  EXPECT_THAT(log, HasSubstr("The key is [key THE_KEY]."));
  EXPECT_THAT(all_faces(ended) + log, Not(HasSubstr(kKey)));
}

}  // namespace

}  // namespace interlock::e2e
