#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "e2e/cli_harness.h"
#include "endpoint/endpoint.h"

// Runs whose agents ask models, through the gateway, before a model endpoint with books of its own.
namespace interlock::e2e {

namespace {

using endpoint::Endpoint;
using endpoint::Entry;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;

endpoint::Script script_of(const std::string& text) {
  auto script = endpoint::read_script(text);
  EXPECT_TRUE(script.has_value()) << (script ? "" : script.error().message);
  return script.value_or(endpoint::Script{});
}

class Models : public Cli {
 protected:
  /// Agents of all four APIs at the endpoint, then `content`.
  void plan_at(const Endpoint& endpoint, const std::string& content) {
    write_plan(fmt::format(R"(
agents:
  anthropic: {{kind: chat, api: anthropic, base_url: "{0}", model: claude-sonnet-4-5, key: THE_KEY}}
  openai:    {{kind: chat, api: openai, base_url: "{0}/v1", model: gpt-5-mini, key: THE_KEY}}
  responses: {{kind: chat, api: openai-responses, base_url: "{0}", model: gpt-5, key: THE_KEY}}
  gemini:    {{kind: chat, api: gemini, base_url: "{0}", model: gemini-2.5-flash, key: THE_KEY}}
{1})",
                           endpoint.base_url(), content));
  }

  Models() { environment()["THE_KEY"] = "sk-very-secret"; }

  /// Tokens of a task as `show` has them.
  std::int64_t tokens(const std::string& task) {
    const auto shown = json_of({"show", "last"});
    for (const auto& one : shown.at("tasks").as_array()) {
      if (one.at("id").as_string() != task) continue;
      std::int64_t sum = 0;
      for (const auto& [name, count] : one.at("tokens").as_object()) sum += count.as_int64();
      return sum;
    }
    ADD_FAILURE() << "no task " << task;
    return -1;
  }

  std::vector<std::string> files_named(const std::string& name) const {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder()))
      if (entry.path().filename() == name) found.push_back(entry.path().string());
    return found;
  }
  static std::string read_file(const std::string& path) {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  /// Whether any file below the folder holds the text.
  std::vector<std::string> files_with(const std::string& text) const {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder())) {
      if (!entry.is_regular_file()) continue;
      std::ifstream stream(entry.path(), std::ios::binary);
      const std::string bytes(std::istreambuf_iterator<char>(stream), {});
      if (bytes.find(text) != std::string::npos) found.push_back(entry.path().string());
    }
    return found;
  }
};

std::vector<int> statuses(const Endpoint& endpoint) {
  std::vector<int> list;
  for (const Entry& entry : endpoint.entries()) list.push_back(entry.status);
  return list;
}

std::int64_t booked(const Endpoint& endpoint, const std::string& task) {
  std::int64_t sum = 0;
  for (const Entry& entry : endpoint.entries()) {
    if (entry.task != task || !entry.usage) continue;
    const auto& used = *entry.usage;
    sum += used.input + used.output + used.cache_read + used.cache_write;
  }
  return sum;
}

TEST_F(Models, a_call_that_waits_in_the_gateway_is_told_while_it_waits) {
  const Endpoint endpoint(script_of(R"({"otherwise": {"status": 429, "retry_after": 60}})"));
  plan_at(endpoint, R"(
tasks:
  - {id: a, agent: anthropic, prompt: "one?", reads: [], writes: [], retries: 0, timeout: 5m}
)");
  Running run = start({"run", "plan.yaml", "--face", "lines"});
  run.until_it_says("started     a");
  std::string why;
  // The fact comes when the provider has answered: asked until then, and then it is there.
  for (int i = 0; i < 300 && why.find("its model call waits") == std::string::npos; ++i)
    why = interlock({"why", "a"}).out;
  EXPECT_THAT(why, AllOf(HasSubstr("the provider said 429"), HasSubstr("tried in ")));
  EXPECT_THAT(interlock({"show"}).out, HasSubstr("its model call waits: the provider said 429"));
  EXPECT_EQ(interlock({"cancel"}).exit, 0);
  EXPECT_EQ(run.wait().exit, 1);
}

TEST_F(Models, who_runs_out_of_time_is_told_what_the_provider_said_last) {
  const Endpoint endpoint(script_of(R"({"otherwise": {"status": 529}})"));
  plan_at(endpoint, R"(
tasks:
  - {id: a, agent: anthropic, prompt: "one?", reads: [], writes: [], retries: 0, timeout: 6s}
)");
  const Ended ended = interlock({"run", "plan.yaml"});
  EXPECT_EQ(ended.exit, 1);
  const std::string detail = at(json_of({"show"}), "/tasks/0/detail");
  EXPECT_THAT(detail, AllOf(HasSubstr("Overloaded"), HasSubstr("retries")));
}

TEST_F(Models, a_failed_agent_says_its_last_words_and_not_its_json) {
  const Endpoint endpoint(
      script_of(R"({"otherwise": {"status": 400, "code": "invalid_request_error"}})"));
  plan_at(endpoint, R"(
tasks:
  - {id: a, agent: anthropic, prompt: "one?", reads: [], writes: [], retries: 0}
)");
  const Ended ended = interlock({"run", "plan.yaml", "--face", "lines"});
  EXPECT_EQ(ended.exit, 1);
  EXPECT_THAT(ended.err, HasSubstr("| [failed: "));
  EXPECT_THAT(ended.err, Not(HasSubstr("{\"")));
  EXPECT_THAT(interlock({"log", "last"}).out, AllOf(HasSubstr("[failed: "), Not(HasSubstr("{\""))));
  EXPECT_THAT(interlock({"log", "last", "--raw"}).out, HasSubstr("{\""));
}

TEST_F(Models, are_asked_in_four_apis_and_every_token_is_in_both_books) {
  const Endpoint endpoint(
      script_of(R"({"keys": ["sk-very-secret"], "otherwise": {"text": "It is so."}})"));
  plan_at(endpoint, R"(
defaults: {retries: 0}
tasks:
  - {id: a, agent: anthropic, prompt: "[[task:a]] one?", reads: [], writes: [], output: text}
  - {id: o, agent: openai, prompt: "[[task:o]] two?", reads: [], writes: [], output: text}
  - {id: r, agent: responses, prompt: "[[task:r]] three?", reads: [], writes: [], output: text}
  - {id: g, agent: gemini, prompt: "[[task:g]] four?", reads: [], writes: [], output: text}
)");
  const Ended ended = interlock({"run", "plan.yaml"});
  ASSERT_EQ(ended.exit, 0) << ended.err;
  for (const std::string task : {"a", "o", "r", "g"}) {
    EXPECT_EQ(interlock({"output", "last", task}).out, "It is so.") << task;
    EXPECT_GT(tokens(task), 0) << task;
    EXPECT_EQ(tokens(task), booked(endpoint, task)) << task;
  }
  EXPECT_THAT(files_with("sk-very-secret"), ::testing::IsEmpty()) << "the key is kept nowhere";
  EXPECT_EQ(endpoint.entries().size(), 4u);
}

TEST_F(Models, a_claim_that_is_cut_off_declined_or_broken_is_told_apart) {
  const Endpoint endpoint(script_of(R"({"rules": [
      {"prompt": "long", "steps": [{"text": "It goes on and", "finish": "length"}]},
      {"prompt": "cut", "steps": [{"text": "half of it", "cut_after": 2}]},
      {"prompt": "wrong key", "steps": [{"status": 401}]},
      {"prompt": "broken", "steps": [{"text": "{\"ok\": tru"}]}]})"));
  plan_at(endpoint, R"(
defaults: {retries: 0, agent: openai}
limits: {on_failure: continue}
tasks:
  - {id: long, prompt: long, reads: [], writes: [], output: text}
  - {id: cut, prompt: cut, reads: [], writes: [], output: text}
  - {id: key, prompt: wrong key, reads: [], writes: [], output: text}
  - {id: json, prompt: broken, reads: [], writes: [], output: {schema: {type: object}}}
)");
  EXPECT_EQ(interlock({"run", "plan.yaml"}).exit, 1);
  const auto shown = json_of({"show", "last"});
  EXPECT_EQ(at(shown, "/tasks/0/outcome"), "cut-off");
  EXPECT_EQ(at(shown, "/tasks/1/outcome"), "cut-off");
  EXPECT_EQ(at(shown, "/tasks/2/outcome"), "auth-failed");
  EXPECT_EQ(at(shown, "/tasks/3/outcome"), "output-invalid");
  EXPECT_EQ(at(shown, "/tasks/3/attempts"), "2")
      << "it was asked once more, and told what was wrong";
}

TEST_F(Models, never_see_what_the_gateway_can_wait_out) {
  const Endpoint endpoint(script_of(R"({"rules": [
      {"prompt": "busy", "steps": [{"status": 429, "retry_after": 0, "times": 2}, {"text": "Now."}]},
      {"prompt": "overloaded", "steps": [{"status": 529}, {"text": "Now."}]}]})"));
  plan_at(endpoint, R"(
defaults: {retries: 0, agent: anthropic}
tasks:
  - {id: busy, prompt: busy, reads: [], writes: [], output: text}
  - {id: overloaded, prompt: overloaded, reads: [], writes: [], output: text}
)");
  const Ended ended = interlock({"run", "plan.yaml"});
  ASSERT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(at(json_of({"show", "last"}), "/totals/calls_sent_again"), "3");
  EXPECT_THAT(interlock({"why", "last", "busy"}).out, HasSubstr("1 model call, 2 sent again"));
}

TEST_F(Models, stop_at_the_call_that_would_pass_the_budget_and_go_on_with_a_larger_one) {
  const Endpoint endpoint(script_of(R"({"otherwise": {"text": "Yes.",
      "usage": {"input": 6000, "output": 1000}}})"));
  plan_at(endpoint, R"(
defaults: {retries: 0, agent: openai}
limits: {tokens: 30k}
tasks:
  - {id: a, prompt: one, reads: [], writes: [], output: text, estimate: {tokens: 100}}
  - {id: b, prompt: two, reads: [], writes: [], output: text, estimate: {tokens: 100}}
  - {id: c, prompt: three, reads: [], writes: [], output: text, estimate: {tokens: 100}}
  - {id: d, prompt: four, reads: [], writes: [], output: text, estimate: {tokens: 100}}
  - {id: e, prompt: five, reads: [], writes: [], output: text, estimate: {tokens: 100}}
)");
  const Ended ended = interlock({"run", "plan.yaml"});
  EXPECT_EQ(ended.exit, 3) << ended.err;
  EXPECT_LE(std::stoll(at(json_of({"show", "last"}), "/totals/tokens")), 30000);
  EXPECT_EQ(at(json_of({"show", "last"}), "/state"), "stopped at a limit");
  EXPECT_THAT(ended.err, HasSubstr("parked at the run's limit of 30"));
  EXPECT_THAT(ended.err, HasSubstr("go on with: interlock resume"));
  EXPECT_THAT(ended.err, HasSubstr(" --tokens 3"));
  const std::size_t calls = endpoint.entries().size();
  EXPECT_EQ(interlock({"resume", "last", "--tokens", "60k"}).exit, 0);
  EXPECT_EQ(endpoint.entries().size(), 5u)
      << "what was paid for (" << calls << ") is not asked again";
}

TEST_F(Models, a_task_stops_at_its_own_budget_and_the_others_go_on) {
  const Endpoint endpoint(
      script_of(R"({"otherwise": {"text": "no JSON", "usage": {"input": 900, "output": 100}}})"));
  plan_at(endpoint, R"(
defaults: {retries: 5, agent: openai, backoff: 1ms}
tasks:
  - {id: dear, prompt: one, reads: [], writes: [], output: {schema: {type: object}}, budget: {tokens: 2500}}
  - {id: cheap, prompt: two, reads: [], writes: [], output: text}
)");
  EXPECT_EQ(interlock({"run", "plan.yaml"}).exit, 1);
  EXPECT_EQ(states(), "dear: failed\ncheap: done\n");
  EXPECT_EQ(at(json_of({"show", "last"}), "/tasks/0/outcome"), "over-budget");
  EXPECT_LE(tokens("dear"), 2500);
}

TEST_F(Models, share_a_quota_without_one_refusal) {
  const Endpoint endpoint(
      script_of(R"({"quota": {"requests": {"capacity": 4, "per": 0.4}, "tells_a_minute": true},
      "otherwise": {"text": "Yes."}})"));
  plan_at(endpoint, R"(
resources: {api: {kind: quota, requests: 10/s, burst: 300ms}}
defaults: {retries: 0, agent: anthropic}
limits: {parallel: 8}
tasks:
  - {id: "t-{item.stem}", foreach: "in/*", prompt: "about {item}", reads: ["{item}"], writes: [], uses: [api], output: text}
)");
  std::string list;
  for (int i = 0; i < 16; ++i) write(fmt::format("in/{}", i), "x");
  const Ended ended = interlock({"run", "plan.yaml"});
  ASSERT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(endpoint.entries().size(), 16u);
  EXPECT_THAT(statuses(endpoint), Each(200));
}

/// Short tasks, for a provider that lets no window of a second have more than six requests.
std::string short_tasks(int count, const std::string& quota) {
  std::string text = fmt::format(R"(
resources: {{api: {{kind: quota, {}, burst: 1s, account: team}}}}
defaults: {{retries: 0, agent: anthropic}}
limits: {{parallel: 12}}
tasks:
)",
                                 quota);
  for (int i = 0; i < count; ++i)
    text += fmt::format(
        "  - {{id: t{}, prompt: hi, reads: [], writes: [], uses: [api], output: text}}\n", i);
  return text;
}

constexpr const char* kWindows =
    R"({"quota": {"requests": {"capacity": 6, "per": 1}, "counts_windows": true, "tells_headers": false},
    "otherwise": {"text": "Yes."}})";

TEST_F(Models, never_have_more_in_a_window_than_the_plan_says_where_it_says_so) {
  // Two at once and two a second: a machine that stumbles does not show in a window. A bucket would
  // let four through at once and four a second, which is too much for the first.
  const Endpoint endpoint(script_of(kWindows));
  plan_at(endpoint, short_tasks(12, "requests: 4/s, window: sliding"));
  const Ended ended = interlock({"run", "plan.yaml", "--pattern", "parallel"});
  ASSERT_EQ(ended.exit, 0) << ended.err;
  EXPECT_THAT(statuses(endpoint), Each(200));
  EXPECT_EQ(endpoint.entries().size(), 12u);
}

TEST_F(Models, learn_that_a_provider_counts_windows_and_say_it_once) {
  const Endpoint endpoint(script_of(kWindows));
  // No more than it takes: seven of them have to come within a second, on a busy machine too.
  plan_at(endpoint, short_tasks(8, "requests: 6/s"));
  const Ended ended = interlock({"run", "plan.yaml", "--pattern", "parallel"});
  ASSERT_EQ(ended.exit, 0) << ended.err;
  EXPECT_THAT(statuses(endpoint), Contains(429)) << "the bucket had room, and the window had none";
  std::size_t said = 0;
  const auto shown = json_of({"show", "last"});
  for (const auto& task : shown.at("tasks").as_array()) {
    for (const auto& remark : task.at("history").at(0).at("remarks").as_array())
      said += remark.as_string().find("it counts windows") != std::string::npos ? 1 : 0;
  }
  EXPECT_EQ(said, 1u);
  EXPECT_THAT(interlock({"plan", "plan.yaml", "--full"}).out,
              HasSubstr("the provider of `api` counts windows of 1 s, as a refusal showed"));
}

TEST_F(Models, what_was_used_of_an_account_is_in_the_forecast) {
  const Endpoint endpoint(script_of(R"({"otherwise": {"text": "An answer."}})"));
  std::string content = R"(
resources: {api: {kind: quota, requests: 6/min, burst: 60s, account: team}}
limits: {parallel: 6, min_saving: 0s}
defaults: {agent: anthropic, join: 0s}
tasks:
)";
  for (int i = 0; i < 6; ++i)
    content += fmt::format(
        "  - {{id: t{}, prompt: hello, reads: [], writes: [], uses: [api], estimate: {{time: "
        "2s}}}}\n",
        i);
  plan_at(endpoint, content);
  const auto forecast_of = [&] {
    const auto page = json_of({"plan", "plan.yaml"});
    return page.at("forecast").at("parallel").at("elapsed_s").to_number<double>();
  };
  EXPECT_EQ(forecast_of(), 2) << "nobody had used it";
  EXPECT_TRUE(files_named("team.quota").empty()) << "to plan makes no account";
  const Ended run = interlock({"run", "plan.yaml"});
  ASSERT_EQ(run.exit, 0) << run.err;
  const auto before = files_named("team.quota");
  ASSERT_EQ(before.size(), 1U);
  const std::string account = read_file(before.front());
  // Six at once used up a minute's; the rest of it is not there again for most of that minute.
  EXPECT_GT(forecast_of(), 15) << "the account is nearly empty";
  EXPECT_LT(forecast_of(), 63);
  EXPECT_EQ(read_file(before.front()), account) << "to plan changes no account";
  EXPECT_THAT(interlock({"plan", "plan.yaml", "--full"}).out,
              HasSubstr("the account of `api` was used before: it is full again in "));
}

TEST_F(Models, a_limit_that_the_provider_told_is_in_the_next_forecast) {
  const Endpoint endpoint(script_of(
      R"({"otherwise": {"text": "An answer."}, "quota": {"requests": {"capacity": 6, "per": 60}}})"));
  plan_at(endpoint, R"(
resources: {api: {kind: quota, requests: 600/min, account: team}}
limits: {parallel: 6, min_saving: 0s}
defaults: {agent: anthropic, join: 0s}
tasks:
  - {id: a, prompt: hello, reads: [], writes: [], uses: [api], estimate: {time: 2s}}
  - {id: b, prompt: hello, reads: [], writes: [], uses: [api], estimate: {time: 2s}}
)");
  const auto forecast_of = [&] {
    const auto page = json_of({"plan", "plan.yaml"});
    return page.at("forecast").at("parallel").at("elapsed_s").to_number<double>();
  };
  EXPECT_EQ(forecast_of(), 2) << "nobody was told anything yet";
  const Ended run = interlock({"run", "plan.yaml"});
  ASSERT_EQ(run.exit, 0) << run.err;
  EXPECT_GT(forecast_of(), 10) << "six a minute, and two of them are used";
  EXPECT_THAT(
      interlock({"plan", "plan.yaml", "--full"}).out,
      HasSubstr("the provider of `api` told a limit of 360 requests in 1 h 00 m: it holds"));
}

TEST_F(Models, a_recorded_run_is_replayed_without_a_model_and_says_what_differs) {
  auto endpoint = std::make_unique<Endpoint>(script_of(R"({"otherwise": {"text": "Recorded."}})"));
  const std::string tasks = R"(
defaults: {{retries: 0, agent: anthropic}}
tasks:
  - {{id: a, prompt: "{}", reads: [], writes: [], output: text}}
)";
  plan_at(*endpoint, fmt::format(fmt::runtime(tasks), "What is it?"));
  ASSERT_EQ(interlock({"run", "plan.yaml", "--record"}).exit, 0);
  const std::string id = at(json_of({"show", "last"}), "/run");
  const std::string first = digest();
  const std::string address = endpoint->base_url();
  endpoint.reset();
  environment().erase("THE_KEY");
  const Ended again = interlock({"run", "plan.yaml", "--fresh", "--replay", id});
  ASSERT_EQ(again.exit, 0) << again.err;
  EXPECT_EQ(digest(), first);
  EXPECT_EQ(at(json_of({"show", "last"}), "/totals/calls_replayed"), "1");
  EXPECT_EQ(at(json_of({"show", "last"}), "/totals/tokens"), "0") << "it cost nothing, for certain";
  std::string plan = read("plan.yaml");
  plan.replace(plan.find("What is it?"), 11, "What is that?");
  write("plan.yaml", plan);
  EXPECT_EQ(interlock({"run", "plan.yaml", "--fresh", "--replay", id}).exit, 1);
  EXPECT_THAT(interlock({"why", "last", "a"}).out, HasSubstr("messages"));
  EXPECT_EQ(interlock({"run", "plan.yaml", "--replay", "last"}).exit, 2)
      << "that one recorded nothing";
}

TEST_F(Models, a_provider_that_cannot_be_reached_is_no_fault_of_the_request) {
  auto endpoint = std::make_unique<Endpoint>(endpoint::Script{});
  plan_at(*endpoint,
          "tasks: [{id: a, agent: openai, prompt: hello, reads: [], writes: [], output: text, "
          "timeout: 20s, retries: 0}]\n");
  endpoint.reset();
  EXPECT_EQ(interlock({"run", "plan.yaml"}).exit, 1);
  EXPECT_EQ(at(json_of({"show", "last"}), "/tasks/0/outcome"), "api-failed");
  EXPECT_THAT(interlock({"why", "last", "a"}).out, HasSubstr("connect"));
}

TEST_F(Models, a_missing_key_is_said_before_anything_runs) {
  const Endpoint endpoint{endpoint::Script{}};
  environment().erase("THE_KEY");
  plan_at(endpoint,
          "tasks: [{id: a, agent: openai, prompt: hello, reads: [], writes: [], output: text}]\n");
  const Ended ended = interlock({"run", "plan.yaml"});
  EXPECT_EQ(ended.exit, 2);
  EXPECT_THAT(ended.err, HasSubstr("agent `openai` has no key"));
  EXPECT_THAT(ended.err, HasSubstr("THE_KEY"));
}

TEST_F(Models, a_key_may_come_from_a_command) {
  const Endpoint endpoint(script_of(R"({"keys": ["sk-from-a-vault"]})"));
  write_plan(fmt::format(R"(
agents: {{api: {{kind: chat, api: anthropic, base_url: "{}", model: m, key: {{command: [sh, vault]}}}}}}
tasks: [{{id: a, prompt: hello, reads: [], writes: [], output: text}}]
)",
                         endpoint.base_url()));
  write("vault", "echo sk-from-a-vault\n");
  ASSERT_EQ(interlock({"run", "plan.yaml"}).exit, 0);
  EXPECT_THAT(files_with("sk-from-a-vault"), ::testing::ElementsAre(workspace() + "/vault"));
}

TEST_F(Models, a_model_that_falls_silent_is_given_up_and_asked_again) {
  const Endpoint endpoint(script_of(
      R"({"rules": [{"prompt": "quiet", "steps": [{"hang": true}, {"text": "Here."}]}]})"));
  plan_at(endpoint, R"(
tasks: [{id: a, agent: anthropic, prompt: quiet, reads: [], writes: [], output: text, idle_timeout: 1s, retries: 1, backoff: 1ms}]
)");
  ASSERT_EQ(interlock({"run", "plan.yaml"}).exit, 0);
  const auto shown = json_of({"show", "last"});
  EXPECT_EQ(at(shown, "/tasks/0/history/0/outcome"), "went-silent");
  EXPECT_EQ(at(shown, "/tasks/0/history/1/outcome"), "succeeded");
  EXPECT_EQ(left_running(), std::vector<std::string>{});
}

TEST_F(Models, a_spent_quota_stops_the_run_at_once_and_says_so) {
  const Endpoint endpoint(script_of(R"({"otherwise": {"status": 429, "code": "insufficient_quota",
      "message": "You exceeded your current quota"}})"));
  plan_at(endpoint, R"(
resources: {api: {kind: quota, requests: 1000/s}}
defaults: {agent: openai, retries: 3}
tasks:
  - {id: a, prompt: one, reads: [], writes: [], output: text, uses: [api]}
  - {id: b, prompt: two, reads: [], writes: [], output: text, uses: [api]}
)");
  const Ended ended = interlock({"run", "plan.yaml"});
  EXPECT_EQ(ended.exit, 3) << ended.err;
  EXPECT_EQ(endpoint.entries().size(), 1u) << "nobody else is sent against that wall";
  EXPECT_EQ(interlock({"resume"}).exit, 3);
  EXPECT_EQ(endpoint.entries().size(), 2u) << "who goes on may have paid: it is tried once";
  EXPECT_THAT(ended.err, HasSubstr("quota"));
}

/// The value of `export NAME=VALUE`.
std::string exported(const std::string& text, const std::string& name) {
  const std::size_t at = text.find("export " + name + "=");
  if (at == std::string::npos) return {};
  const std::size_t begin = at + 8 + name.size();
  return text.substr(begin, text.find('\n', begin) - begin);
}

TEST_F(Models, that_said_to_wait_until_the_time_was_up_limited_the_attempt) {
  const Endpoint endpoint(script_of(R"({"otherwise": {"status": 429, "retry_after": 1}})"));
  write_plan("agents: {c: {kind: chat, api: anthropic, model: m, key: THE_KEY, base_url: \"" +
             endpoint.base_url() +
             "\"}}\ntasks:\n  - {id: a, agent: c, prompt: hi, timeout: 8s, retries: 0}\n");
  Running run = start({"run", "plan.yaml"});
  run.until_it_says("again");
  run.send(SIGINT);
  run.wait();
  const auto shown = json_of({"show", "last"});
  EXPECT_EQ(at(shown, "/tasks/0/history/0/outcome"), "rate-limited");
  EXPECT_EQ(at(shown, "/tasks/0/state"), "waiting") << "it cost no retry";
}

TEST_F(Models, are_not_asked_the_same_for_ever_through_the_gateway_on_its_own) {
  const Endpoint endpoint(script_of(R"({"otherwise": {"text": "Yes."}})"));
  write_plan(
      "limits: {repeats: 2, calls: 4}\nagents: {c: {kind: chat, api: anthropic, model: m, key: "
      "THE_KEY, "
      "base_url: \"" +
      endpoint.base_url() + "\"}}\ntasks:\n  - {id: a, agent: c, prompt: hi}\n");
  Running gateway = start({"gateway", "--plan", "plan.yaml", "--agent", "c"});
  gateway.until_it_says("GEMINI_API_KEY=");
  const std::string told = gateway.said();
  environment()["INTERLOCK_KEY"] = exported(told, "ANTHROPIC_API_KEY");
  const auto ask = [&](const std::string& what) {
    return interlock({"chat", "--api", "anthropic", "--model", "m", "--base-url",
                      exported(told, "ANTHROPIC_BASE_URL")},
                     what);
  };
  EXPECT_EQ(ask("the same").exit, 0);
  EXPECT_EQ(ask("the same").exit, 0);
  const Ended again = ask("the same");
  EXPECT_EQ(again.exit, 1);
  EXPECT_THAT(again.out + again.err, HasSubstr("answered 2 times"));
  EXPECT_EQ(ask("another").exit, 0);
  EXPECT_EQ(ask("a third").exit, 0);
  EXPECT_THAT(ask("a fourth").out, HasSubstr("limits.calls"));
  gateway.send(SIGINT);
  EXPECT_EQ(gateway.wait().exit, 0);
  EXPECT_EQ(endpoint.entries().size(), 4u);
}

TEST_F(Models, that_need_a_key_show_it_to_no_command_but_the_clients) {
  const Endpoint endpoint(script_of(R"({"otherwise": {"text": "Yes."}})"));
  environment()["OPENAI_API_KEY"] = "sk-usual";
  environment()["OTHERS_TOKEN"] = "sk-others";
  write_plan(
      "agents:\n  one: {kind: chat, api: anthropic, model: m, base_url: \"" + endpoint.base_url() +
      "\", pass_env: [OTHERS_TOKEN], key: {command: [sh, -c, \"env >../asked; echo sk-one\"]}}\n"
      "  two: {kind: chat, api: anthropic, model: m, base_url: \"" +
      endpoint.base_url() +
      "\", key: THE_KEY}\n"
      "tasks:\n  - {id: a, agent: one, prompt: hi, verify: \"env >../checked\", writes: [], reads: "
      "[]}\n"
      "  - {id: b, agent: two, prompt: hi}\n");
  const Ended ended = interlock({"run", "plan.yaml", "--isolation", "direct"});
  ASSERT_EQ(ended.exit, 0) << ended.err;
  for (const char* file : {"../asked", "../checked"}) {
    EXPECT_THAT(read(file), HasSubstr("PATH=")) << file;
    for (const char* secret : {"sk-usual", "sk-very-secret", "sk-one"})
      EXPECT_THAT(read(file), Not(HasSubstr(secret))) << file;
  }
  EXPECT_THAT(read("../checked"), Not(HasSubstr("sk-others")));
}

TEST_F(Models, may_be_asked_by_any_program_through_the_gateway_on_its_own) {
  const Endpoint endpoint(
      script_of(R"({"keys": ["sk-very-secret"], "otherwise": {"text": "Yes."}})"));
  Running gateway = start({"gateway", "--api", "anthropic", "--upstream", endpoint.base_url(),
                           "--key", "THE_KEY", "--json"});
  gateway.until_it_says("GEMINI_API_KEY");
  const std::string said = gateway.said();
  const json::value told = parse_json(said.substr(0, said.find('\n'))).value();
  environment()["INTERLOCK_KEY"] = told.at_pointer("/environment/ANTHROPIC_API_KEY").as_string();
  const std::string base(told.at_pointer("/environment/ANTHROPIC_BASE_URL").as_string());
  ASSERT_THAT(base, HasSubstr("http://127.0.0.1:"));
  const Ended asked =
      interlock({"chat", "--api", "anthropic", "--model", "m", "--base-url", base}, "hello");
  EXPECT_EQ(asked.exit, 0) << asked.out;
  gateway.until_it_says("answered");
  const Ended stranger = interlock({"chat", "--api", "anthropic", "--model", "m", "--base-url",
                                    base.substr(0, base.rfind('/')) + "/x"},
                                   "hello");
  EXPECT_EQ(stranger.exit, 1) << "without the secret there is no door";
  gateway.send(SIGINT);
  const Ended ended = gateway.wait();
  EXPECT_EQ(ended.exit, 0);
  EXPECT_THAT(ended.out, HasSubstr("\"answered\":1"));
  EXPECT_THAT(ended.out + ended.err, Not(HasSubstr("sk-very-secret")));
  EXPECT_EQ(endpoint.entries().size(), 1u);
}

TEST_F(Models, a_shell_is_told_the_gateway_as_exports) {
  environment()["THE_KEY"] = "sk-very-secret";
  Running gateway = start({"gateway", "--api", "openai", "--key", "THE_KEY"});
  gateway.until_it_says("GEMINI_API_KEY=");
  EXPECT_THAT(gateway.said(), HasSubstr("export OPENAI_BASE_URL=http://127.0.0.1:"));
  EXPECT_THAT(gateway.said(), Not(HasSubstr("sk-very-secret")));
  gateway.send(SIGINT);
  EXPECT_EQ(gateway.wait().exit, 0);
}

}  // namespace

}  // namespace interlock::e2e
