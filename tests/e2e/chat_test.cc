#include <gmock/gmock.h>

#include <thread>

#include "e2e/cli_harness.h"
#include "endpoint/endpoint.h"

// `interlock chat` as a person types it and as agents of the kind `chat` run it, before a model
// endpoint.
namespace interlock::e2e {

namespace {

using endpoint::Endpoint;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

endpoint::Script script_of(std::string_view text) {
  auto script = endpoint::read_script(text);
  EXPECT_TRUE(script.has_value()) << (script ? "" : script.error().message);
  return script.value_or(endpoint::Script{});
}

class ChatVerb : public Cli {
 protected:
  std::vector<std::string> call(const Endpoint& endpoint, const std::string& api = "anthropic") {
    return {"chat", "--api", api, "--model", "m", "--base-url", endpoint.base_url()};
  }
};

TEST_F(ChatVerb, answers_in_lines_and_succeeds_only_with_a_whole_answer) {
  environment()["INTERLOCK_KEY"] = "sk-test";
  const Endpoint endpoint(script_of(R"({"keys": ["sk-test"], "rules": [
      {"prompt": "good", "steps": [{"text": "Good morning."}]},
      {"prompt": "long", "steps": [{"text": "It goes on and", "finish": "length"}]}]})"));
  const Ended good = interlock(call(endpoint), "good\n");
  EXPECT_EQ(good.exit, 0) << good.err;
  EXPECT_THAT(good.out,
              EndsWith("{\"type\":\"final\",\"text\":\"Good morning.\",\"finish\":\"stop\"}\n"));
  EXPECT_THAT(good.err, IsEmpty());
  const Ended cut = interlock(call(endpoint), "long\n");
  EXPECT_EQ(cut.exit, 1);
  EXPECT_THAT(cut.out, EndsWith("\"finish\":\"cut_off\"}\n"));
}

TEST_F(ChatVerb, takes_the_key_from_the_variable_people_keep_it_in) {
  environment()["GEMINI_API_KEY"] = "sk-mine";
  const Endpoint endpoint(script_of(R"({"keys": ["sk-mine"]})"));
  EXPECT_EQ(interlock(call(endpoint, "gemini"), "hello").exit, 0);
  const Ended other = interlock(call(endpoint, "openai"), "hello");
  EXPECT_EQ(other.exit, 1) << "it is not OpenAI's key";
  EXPECT_THAT(other.out, HasSubstr(R"({"type":"failed","kind":"authentication")"));
  environment()["INTERLOCK_KEY"] = "sk-wrong";
  const Ended wrong = interlock(call(endpoint, "gemini"), "hello");
  EXPECT_EQ(wrong.exit, 1) << "INTERLOCK_KEY goes before";
  EXPECT_THAT(wrong.out, Not(HasSubstr("sk-wrong")));
}

TEST_F(ChatVerb, refuses_a_command_line_that_cannot_work) {
  const Endpoint endpoint{endpoint::Script{}};
  const Ended empty = interlock(call(endpoint), "");
  EXPECT_EQ(empty.exit, 2);
  EXPECT_THAT(empty.out, IsEmpty());
  EXPECT_THAT(empty.err, HasSubstr("there is no prompt on standard input"));
  auto schema = call(endpoint);
  schema.insert(schema.end(), {"--schema", "nowhere.json"});
  EXPECT_THAT(interlock(schema, "hello").err,
              HasSubstr("the schema `nowhere.json` cannot be read"));
  EXPECT_TRUE(endpoint.entries().empty()) << "nothing was sent";
}

TEST_F(ChatVerb, ends_cleanly_by_a_signal_while_the_model_is_silent) {
  const Endpoint endpoint(script_of(R"({"otherwise": {"hang": true}})"));
  const NamedPipe pipe(folder() + "/bell");
  write("prompt", "hello");
  std::thread person([&] {
    EXPECT_TRUE(endpoint.wait_until([](const auto& entries) { return !entries.empty(); }));
    pipe.ring();
  });
  const Ended ended = shell("\"$INTERLOCK\" chat --api openai-responses --model m --base-url " +
                            endpoint.base_url() + " <prompt & read line <" + pipe.path() +
                            "; kill -TERM $!; wait $!; echo exit $?");
  person.join();
  EXPECT_THAT(ended.out, AllOf(HasSubstr(R"("kind":"aborted")"), EndsWith("exit 1\n")));
}

TEST_F(ChatVerb, counts_in_a_run_to_the_token_in_every_api) {
  const Endpoint endpoint(script_of(R"({"otherwise": {"structured": {"n": 7}}})"));
  write("n.json",
        R"({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]})");
  environment()["TEST_KEY"] = "sk-test";
  std::string agents, tasks;
  const std::string apis[] = {"anthropic", "openai", "openai-responses", "gemini"};
  for (const std::string& api : apis) {
    agents += "  " + api + ": {kind: chat, api: " + api +
              ", model: m, key: TEST_KEY, base_url: \"" + endpoint.base_url() + "\"}\n";
    tasks += "  - {id: of-" + api + ", agent: " + api + ", prompt: \"[[task:" + api +
             "]] A number?\", reads: [], output: {schema: n.json}}\n";
  }
  write_plan("agents:\n" + agents + "tasks:\n" + tasks);
  const Ended ended = interlock({"run", "plan.yaml"});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  const auto shown = json_of({"show", "last"});
  const auto books = endpoint.books();
  for (std::size_t i = 0; i < std::size(apis); ++i) {
    EXPECT_EQ(interlock({"output", "last", "of-" + apis[i]}).out, "{\"n\":7}");
    for (const char* part : {"input", "output", "cache_read", "cache_write"}) {
      EXPECT_EQ(at(shown, "/tasks/" + std::to_string(i) + "/tokens/" + part),
                at(books, "/tasks/" + apis[i] + "/usage/" + part))
          << apis[i] << " " << part;
    }
  }
}

}  // namespace

}  // namespace interlock::e2e
