#include <fmt/format.h>
#include <gmock/gmock.h>

#include <SQLiteCpp/SQLiteCpp.h>
#include <sched.h>
#include <unistd.h>

#include <csignal>

#include "e2e/cli_harness.h"
#include "endpoint/endpoint.h"

// What runs leave behind for the next plan, and `interlock history`.
namespace interlock::e2e {

namespace {

using endpoint::Endpoint;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kTwo = R"(
name: two
tasks:
  - {id: ok, run: "true", reads: [], writes: [a]}
  - {id: bad, run: "exit 3", reads: [], writes: [b], retries: 2, backoff: 10ms}
)";

class History : public Cli {};

TEST_F(History, a_run_leaves_what_each_attempt_took_and_the_next_plan_says_so) {
  write_plan(kTwo);
  EXPECT_EQ(interlock({"run", "plan.yaml"}).exit, 1);
  const auto rows = json_of({"history"});
  EXPECT_EQ(at(rows, "/rows/0/task"), "bad");
  EXPECT_EQ(at(rows, "/rows/0/tried"), "3");
  EXPECT_EQ(at(rows, "/rows/0/times"), "0") << "no attempt of it succeeded";
  EXPECT_EQ(at(rows, "/rows/0/time_s"), "null");
  EXPECT_EQ(at(rows, "/rows/1/task"), "ok");
  EXPECT_EQ(at(rows, "/rows/1/times"), "1");
  const auto plan = json_of({"plan", "plan.yaml"});
  EXPECT_EQ(at(plan, "/tasks/0/estimate/time_from"), "history");
  EXPECT_EQ(at(plan, "/tasks/0/estimate/time_of"), "task");
  EXPECT_EQ(at(plan, "/tasks/1/estimate/time_of"), "agent");
  EXPECT_EQ(at(plan, "/tasks/1/estimate/failures_from"), "history");
  EXPECT_NEAR(std::stod(at(plan, "/tasks/1/estimate/failures")), 0.6, 0.01);
  EXPECT_THAT(interlock({"plan", "plan.yaml", "--full"}).out,
              AllOf(HasSubstr("(history of 1)"), HasSubstr("(history of 1 of its agent)"),
                    HasSubstr("of attempts fail (history)")));
  EXPECT_THAT(interlock({"plan", "plan.yaml"}).out,
              HasSubstr("Times: 2 from history of 1 attempt"));
  EXPECT_THAT(interlock({"history"}).out, AllOf(HasSubstr(workspace()), HasSubstr("ok")));
  EXPECT_THAT(interlock({"history", "--by", "agent"}).out, HasSubstr("sh"));
}

TEST_F(History, outlives_pruned_runs_and_is_forgotten_when_it_is_asked_for) {
  write_plan(kTwo);
  interlock({"run", "plan.yaml"});
  EXPECT_EQ(interlock({"prune", "last"}).exit, 0);
  EXPECT_EQ(at(json_of({"history"}), "/rows/1/task"), "ok");
  const Ended vague = interlock({"history", "prune"});
  EXPECT_EQ(vague.exit, 2);
  EXPECT_THAT(vague.err, HasSubstr("nothing says which measurements to forget"));
  EXPECT_EQ(interlock({"history", "prune", "--older", "soon"}).exit, 2);
  EXPECT_THAT(interlock({"history", "prune", "--older", "30d"}).err,
              HasSubstr("forgot 0 measurements"));
  EXPECT_THAT(interlock({"history", "prune", "--of-plan", "other"}).err,
              HasSubstr("forgot 0 measurements"));
  EXPECT_THAT(interlock({"history", "prune", "--agent", "sh"}).err,
              HasSubstr("forgot 4 measurements"));
  EXPECT_THAT(interlock({"history"}).err, HasSubstr("nothing was measured yet"));
}

TEST_F(History, is_exported_and_imported_line_by_line_all_or_nothing) {
  write_plan(kTwo);
  interlock({"run", "plan.yaml"});
  const std::string lines = interlock({"history", "export"}).out;
  EXPECT_THAT(lines,
              AllOf(HasSubstr(R"("task":"bad")"), HasSubstr(R"("outcome":"exited-nonzero")")));
  write("lines", lines);
  interlock({"history", "prune", "--all"});
  EXPECT_THAT(interlock({"history", "import", "lines"}).err, HasSubstr("imported 4 measurements"));
  EXPECT_EQ(interlock({"history", "export"}).out, lines) << "what went out came back";

  write("bad", R"({"at": "2026-11-01T12:00:00Z", "agent": "claude", "elapsed_s": 60}

not a line
{"at": "yesterday", "agent": "claude"}
{"at": "2026-11-01T12:00:00Z", "agent": "claude", "elapsed": 60}
{"at": "2026-11-01T12:00:00Z", "agent": "claude", "elapsed_s": -1}
)");
  const Ended refused = interlock({"history", "import", "bad"});
  EXPECT_EQ(refused.exit, 2);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("nothing of it was taken"), HasSubstr("line 3: "),
                                 HasSubstr("line 4: `at` is not a moment"),
                                 HasSubstr("line 5: unknown key `elapsed`"),
                                 HasSubstr("line 6: `elapsed_s` is not a number of seconds"),
                                 Not(HasSubstr("line 1:"))));
  EXPECT_EQ(interlock({"history", "export"}).out, lines) << "not even the good line";
  EXPECT_EQ(interlock({"history", "import", "nowhere"}).exit, 2);
  EXPECT_EQ(interlock({"history", "import"}).exit, 2);
}

TEST_F(History, imported_measurements_price_a_plan_joining_too) {
  std::string lines;
  for (int i = 0; i < 6; ++i) {
    lines += fmt::format(
        R"({{"at": "2026-11-0{}T12:00:00Z", "workspace": "{}", "task": "t{}", "agent": "claude", "elapsed_s": 40, "join_s": 5}})"
        "\n",
        i + 1, workspace(), i % 3);
  }
  EXPECT_EQ(interlock({"history", "import", "-"}, lines).exit, 0);
  environment()["ANTHROPIC_API_KEY"] = "sk-test";
  write_plan(R"(
agents: {claude: {kind: claude-code}}
tasks:
  - {id: t0, agent: claude, prompt: Think., reads: [], writes: [], isolation: direct}
  - {id: t1, agent: claude, prompt: Think., reads: [], writes: [], isolation: direct}
  - {id: t2, agent: claude, prompt: Think., reads: [], writes: [], isolation: direct}
)");
  const auto plan = json_of({"plan", "plan.yaml"});
  EXPECT_EQ(std::stod(at(plan, "/tasks/0/estimate/time_s")), 40);
  EXPECT_EQ(at(plan, "/tasks/0/estimate/samples"), "2");
  EXPECT_EQ(at(plan, "/decision/pattern"), "parallel") << "joining takes five seconds, not minutes";
}

TEST_F(History, imported_calls_teach_how_they_slow_each_other) {
  // Waves of one to eight equal calls at once, on a server that slows beyond three.
  std::string lines;
  for (int wave = 0; wave < 24; ++wave) {
    const int at_once = wave % 8 + 1;
    const int took = 10 * (1 + std::max(0, at_once - 3));
    for (int i = 0; i < at_once; ++i) {
      lines += fmt::format(
          R"({{"kind":"call","began":"2026-11-01T{0:02}:00:00.000000Z","ended":"2026-11-01T{0:02}:{1:02}:{2:02}.00000{3}Z","account":"acme","model":"m","output_tokens":200}})"
          "\n",
          wave, took / 60, took % 60, i);
    }
  }
  EXPECT_EQ(interlock({"history", "import", "-"}, lines).exit, 0);
  EXPECT_EQ(interlock({"history", "export"}).out, lines);
  const auto known = json_of({"history"});
  EXPECT_EQ(at(known, "/slowing/0/account"), "acme");
  EXPECT_EQ(at(known, "/slowing/0/beyond"), "3");
  EXPECT_NEAR(std::stod(at(known, "/slowing/0/by")), 1, 0.1);
  const Ended wrong = interlock(
      {"history", "import", "-"},
      R"({"kind":"call","began":"2026-11-01T00:00:00Z","ended":"2026-11-01T00:00:00Z","account":"acme"})");
  EXPECT_EQ(wrong.exit, 2);
  EXPECT_THAT(wrong.err, HasSubstr("line 1: it `ended` before it `began`"));
}

TEST_F(History, gives_timeouts_where_the_plan_says_none) {
  std::string lines;
  for (int i = 0; i < 6; ++i) {
    lines += fmt::format(
        R"({{"at": "2026-11-0{}T12:00:00Z", "workspace": "{}", "task": "slow", "agent": "sh", "elapsed_s": 1200}})"
        "\n",
        i + 1, workspace());
  }
  EXPECT_EQ(interlock({"history", "import", "-"}, lines).exit, 0);
  write_plan("tasks: [{id: slow, run: \"true\", reads: [], writes: []}]\n");
  EXPECT_THAT(interlock({"plan", "plan.yaml", "--full"}).out, HasSubstr("`slow` times out after "));
  write_plan("tasks: [{id: slow, run: \"true\", reads: [], writes: [], timeout: 5m}]\n");
  EXPECT_THAT(interlock({"plan", "plan.yaml", "--full"}).out, Not(HasSubstr("times out after")));
}

TEST_F(History, knows_how_long_people_took_at_gates) {
  write_plan("tasks: [{id: risky, run: \"true\", reads: [], writes: [], gate: before}]\n");
  const std::string before = interlock({"plan", "plan.yaml"}).out;
  EXPECT_THAT(before, HasSubstr("how long people take to answer"));
  EXPECT_EQ(interlock({"run", "plan.yaml"}).exit, 3) << "it waits at the gate";
  EXPECT_EQ(interlock({"approve"}).exit, 0);
  EXPECT_EQ(interlock({"resume"}).exit, 0);
  EXPECT_EQ(at(json_of({"history"}), "/answers"), "1");
  EXPECT_THAT(interlock({"plan", "plan.yaml", "--full"}).out,
              AllOf(HasSubstr("a person is expected to answer within"), HasSubstr("(1 answer)"),
                    Not(HasSubstr("how long people take to answer"))));
}

/// Lines of `history import`: eight attempts of each of eight tasks `t0`, ..., with what else they
/// say.
std::string eight_tasks(const std::string& workspace, const std::string& more) {
  std::string lines;
  for (int i = 0; i < 64; ++i) {
    lines += fmt::format(
        R"({{"at": "2026-11-0{}T12:00:{:02}Z", "workspace": "{}", "task": "t{}", "agent": "sh", "elapsed_s": 100, {}}})"
        "\n",
        i / 8 + 1, i % 8, workspace, i % 8, more);
  }
  return lines;
}

constexpr const char* kEight = R"(
limits: {parallel: 8}
tasks:
  - {id: t0, run: "true", reads: [], writes: [a]}
  - {id: t1, run: "true", reads: [], writes: [b]}
  - {id: t2, run: "true", reads: [], writes: [c]}
  - {id: t3, run: "true", reads: [], writes: [d]}
  - {id: t4, run: "true", reads: [], writes: [e]}
  - {id: t5, run: "true", reads: [], writes: [f]}
  - {id: t6, run: "true", reads: [], writes: [g]}
  - {id: t7, run: "true", reads: [], writes: [h]}
)";

TEST_F(History, what_a_command_took_of_memory_is_named_by_the_next_plan) {
  // More than a dispatcher built with sanitizers has: less cannot be told from it.
  write_plan(
      "tasks: [{id: large, run: \"head -c 900000000 /dev/zero | tail | wc -c\", reads: [], "
      "writes: []}]\n");
  ASSERT_EQ(interlock({"run", "plan.yaml"}).exit, 0);
  const auto rows = json_of({"history"});
  const double bytes = std::stod(at(rows, "/rows/0/memory_bytes"));
  EXPECT_GT(bytes, 700e6);
  EXPECT_LT(bytes, 4e9);
  EXPECT_GT(std::stod(at(rows, "/rows/0/cores")), 0);
  EXPECT_EQ(at(json_of({"plan", "plan.yaml"}), "/tasks/0/estimate/memory_bytes"),
            at(rows, "/rows/0/memory_bytes"));
  EXPECT_THAT(interlock({"plan", "plan.yaml", "--full"}).out, HasSubstr(" MiB (history)"));
  EXPECT_THAT(interlock({"history"}).out, AllOf(HasSubstr("memory"), HasSubstr(" MiB")));
}

TEST_F(History, of_tasks_that_need_half_of_the_memory_each_one_runs_at_once) {
  const auto half =
      std::int64_t{::sysconf(_SC_PHYS_PAGES)} / 2 * std::int64_t{::sysconf(_SC_PAGESIZE)};
  const std::string lines =
      eight_tasks(workspace(), fmt::format(R"("memory_peak_bytes": {})", half));
  EXPECT_EQ(interlock({"history", "import", "-"}, lines).exit, 0);
  write_plan(kEight);
  const Ended page = interlock({"plan", "plan.yaml"});
  EXPECT_THAT(page.out, HasSubstr("Memory is there for 1 at once: the largest takes "));
  EXPECT_EQ(at(json_of({"plan", "plan.yaml"}), "/decision/n"), "1");
  EXPECT_EQ(at(json_of({"plan", "plan.yaml", "--parallel", "2"}), "/decision/n"), "2");
  EXPECT_THAT(interlock({"plan", "plan.yaml", "--parallel", "2"}).out,
              HasSubstr("2 at once may need more memory than there is"));
}

TEST_F(History, tasks_that_keep_half_of_the_processors_busy_each_get_two_slots) {
  // Those that this process may use are those that the plan is made for.
  cpu_set_t allowed;
  ASSERT_EQ(::sched_getaffinity(0, sizeof allowed, &allowed), 0);
  const std::string lines =
      eight_tasks(workspace(), fmt::format(R"("cpu_s": {})", 50.0 * CPU_COUNT(&allowed)));
  EXPECT_EQ(interlock({"history", "import", "-"}, lines).exit, 0);
  EXPECT_THAT(interlock({"history", "export"}).out, HasSubstr(R"("cpu_s":)"));
  write_plan(kEight);
  const auto plan = json_of({"plan", "plan.yaml"});
  EXPECT_EQ(at(plan, "/decision/pattern"), "queue");
  EXPECT_GE(std::stoi(at(plan, "/decision/n")), 2);
  EXPECT_LE(std::stoi(at(plan, "/decision/n")), 3);
  EXPECT_THAT(at(plan, "/decision/reasons"), HasSubstr("would only share them"));
}

TEST_F(History, learns_from_gates_what_joining_takes_and_prices_plans_by_it) {
  write_plan(R"(
tasks:
  - {id: a, run: "echo one", reads: [], writes: [], output: text}
  - {id: b, run: "echo two", reads: [], writes: [], output: text}
  - {id: c, run: "true", reads: [], writes: [c], needs: [a, b], gate: before}
)");
  EXPECT_THAT(interlock({"plan", "plan.yaml"}).out, HasSubstr("(3 m 00 s each,"));
  EXPECT_EQ(interlock({"run", "plan.yaml"}).exit, 3) << "it waits at the gate";
  EXPECT_THAT(interlock({"history", "export"}).out, Not(HasSubstr("join_s")));
  EXPECT_EQ(interlock({"approve"}).exit, 0);
  EXPECT_EQ(interlock({"resume"}).exit, 0);
  const auto rows = json_of({"history"});
  EXPECT_EQ(at(rows, "/rows/0/task"), "a");
  EXPECT_EQ(at(rows, "/rows/0/join_runs"), "1");
  EXPECT_EQ(at(rows, "/rows/0/join_s"), at(rows, "/rows/1/join_s")) << "half of it each";
  EXPECT_GT(std::stod(at(rows, "/rows/0/join_s")), 0);
  EXPECT_EQ(at(rows, "/rows/2/join_runs"), "0");
  // The same two in a plan without a gate.
  write_plan(R"(
tasks:
  - {id: a, run: "echo one", reads: [], writes: [], output: text}
  - {id: b, run: "echo two", reads: [], writes: [], output: text}
)");
  const auto plan = json_of({"plan", "plan.yaml"});
  EXPECT_EQ(at(plan, "/tasks/0/joining/from"), "history");
  EXPECT_EQ(at(plan, "/tasks/0/joining/each_s"), at(rows, "/rows/0/join_s"));
  EXPECT_THAT(interlock({"plan", "plan.yaml"}).out, HasSubstr(" each, from 1 run)"));
  interlock({"history", "prune", "--all"});
  EXPECT_THAT(interlock({"plan", "plan.yaml"}).out, HasSubstr("(3 m 00 s each,"));
}

TEST_F(History, a_damaged_measurement_is_left_out_and_said) {
  write_plan(kTwo);
  interlock({"run", "plan.yaml"});
  SQLite::Database(state() + "/interlock.db", SQLite::OPEN_READWRITE)
      .exec("UPDATE samples SET body = '{\"at\": 5}' WHERE task = 'ok'");
  const Ended shown = interlock({"history"});
  EXPECT_EQ(shown.exit, 0);
  EXPECT_THAT(shown.err, HasSubstr("1 sample cannot be read and is left out"));
  EXPECT_EQ(at(json_of({"history"}), "/damaged"), "1");
  EXPECT_EQ(interlock({"plan", "plan.yaml"}).exit, 0);
  EXPECT_EQ(interlock({"run", "plan.yaml", "--fresh"}).exit, 1) << "it ran, and one task failed";
}

TEST_F(History, of_runs_that_an_earlier_version_kept_comes_from_their_events) {
  write_plan(kTwo);
  interlock({"run", "plan.yaml"});
  const std::string lines = interlock({"history", "export"}).out;
  SQLite::Database(state() + "/interlock.db", SQLite::OPEN_READWRITE)
      .exec("DELETE FROM samples; DELETE FROM sampled");
  EXPECT_EQ(interlock({"history", "export"}).out, lines);
  interlock({"history", "prune", "--all"});
  EXPECT_EQ(interlock({"history", "export"}).out, "") << "what was forgotten stays forgotten";
}

TEST_F(History, survives_a_dispatcher_that_is_killed_and_two_that_write_at_once) {
  const NamedPipe pipe(folder() + "/bell");
  write_plan(fmt::format(R"(
tasks:
  - {{id: first, run: "true", reads: [], writes: [a]}}
  - {{id: second, run: "echo here; read line <{}", reads: [], writes: [b], needs: [first]}}
)",
                         pipe.path()));
  Running run = start({"run", "plan.yaml", "--face", "lines"});
  run.until_it_says("started     second");
  write(
      "other/plan.yaml",
      "interlock: 1\nworkspace: .\ntasks: [{id: third, run: \"true\", reads: [], writes: [c]}]\n");
  EXPECT_EQ(interlock({"run", "other/plan.yaml"}).exit, 0);
  run.send(SIGKILL);
  run.wait();
  const auto rows = json_of({"history"});
  EXPECT_EQ(at(rows, "/rows/0/task"), "first");
  EXPECT_EQ(at(rows, "/rows/1/task"), "third");
  Running resumed = start({"resume", at(json_of({"runs"}), "/runs/1/run"), "--face", "lines"});
  resumed.until_it_says("started     second");
  pipe.ring();
  EXPECT_EQ(resumed.wait().exit, 0);
  const std::string lines = interlock({"history", "export", "--task", "second"}).out;
  EXPECT_THAT(
      lines, AllOf(HasSubstr(R"("outcome":"interrupted")"), HasSubstr(R"("outcome":"succeeded")")));
}

TEST_F(History, a_server_that_slows_beyond_three_is_known_after_runs_of_different_widths) {
  auto script = endpoint::read_script(R"({"slowing": {"beyond": 3, "by": 1}, "rules": [
      {"prompt": "short", "steps": [{"text": "one two three four five six seven", "wait": 0.12}]},
      {"prompt": "long", "steps": [{"text": "one two three four five six seven eight nine ten eleven twelve thirteen fourteen", "wait": 0.24}]}]})");
  ASSERT_TRUE(script) << script.error().message;
  const Endpoint endpoint(std::move(*script));
  environment()["THE_KEY"] = "sk-test";
  std::string content = fmt::format(R"(
agents: {{m: {{kind: chat, api: openai, base_url: "{}/v1", model: gpt-5-mini, key: THE_KEY}}}}
limits: {{parallel: 8, min_saving: 1s}}
tasks:
)",
                                    endpoint.base_url());
  for (int i = 0; i < 16; ++i) {
    content += fmt::format(
        "  - {{id: t{0}, agent: m, prompt: \"[[task:t{0}]] {1}\", reads: [], writes: [\"f{0}\"], "
        "isolation: direct}}\n",
        i, i % 3 == 0 ? "long" : "short");
  }
  write_plan(content);
  const auto before = json_of({"plan", "plan.yaml"});
  EXPECT_EQ(at(before, "/decision/n"), "8");
  EXPECT_THAT(at(before, "/decision/not_counted"), HasSubstr("never measured"));
  for (const char* width : {"2", "4", "6", "8"}) {
    const Ended ended =
        interlock({"run", "plan.yaml", "--fresh", "--pattern", "queue", "--parallel", width});
    ASSERT_EQ(ended.exit, 0) << ended.err;
  }
  const auto known = json_of({"history"});
  EXPECT_EQ(at(known, "/slowing/0/measured"), "true") << interlock({"history"}).out;
  EXPECT_EQ(at(known, "/slowing/0/beyond"), "3");
  EXPECT_EQ(at(known, "/slowing/0/samples"), "64");
  const auto after = json_of({"plan", "plan.yaml"});
  EXPECT_EQ(at(after, "/decision/pattern"), "queue");
  EXPECT_EQ(at(after, "/decision/n"), "3");
  EXPECT_THAT(at(after, "/decision/reasons"), HasSubstr("(learned from 64 calls)"));
  EXPECT_THAT(interlock({"plan", "plan.yaml"}).out, HasSubstr("learned from 64"));

  // The plan's own word goes before.
  std::string said = content;
  said.replace(said.find("key: THE_KEY"), 12, "key: THE_KEY, slowing: {beyond: 8, by: 0.1}");
  write_plan(said);
  EXPECT_EQ(at(json_of({"plan", "plan.yaml"}), "/decision/n"), "8");
}

TEST_F(History, a_run_is_seen_again_with_the_times_it_really_took) {
  write_plan(R"(
name: wide
limits: {min_saving: 1ms}
tasks:
  - {id: a, run: [sleep, "0.3"], reads: [], writes: [a], estimate: {time: 10s}}
  - {id: b, run: [sleep, "0.3"], reads: [], writes: [b], estimate: {time: 10s}}
  - {id: c, run: [sleep, "0.3"], reads: [], writes: [c], estimate: {time: 10s}}
)");
  const Ended slow = interlock({"run", "plan.yaml", "--pattern", "sequential"});
  EXPECT_EQ(slow.exit, 0);
  EXPECT_THAT(slow.err, AllOf(HasSubstr("in hindsight"), HasSubstr("parallel would have taken")));
  const Ended fast = interlock({"run", "plan.yaml", "--fresh"});
  EXPECT_THAT(fast.err, AllOf(HasSubstr("replayed one by one"),
                              HasSubstr("nothing would have been faster than parallel")));
  const auto regrets = json_of({"history", "--regret"});
  EXPECT_EQ(at(regrets, "/regrets/0/decided"), "parallel");
  EXPECT_EQ(std::stod(at(regrets, "/regrets/0/regret")), 0);
  EXPECT_EQ(at(regrets, "/regrets/1/decided"), "sequential");
  EXPECT_EQ(at(regrets, "/regrets/1/best"), "parallel");
  EXPECT_GT(std::stod(at(regrets, "/regrets/1/regret")), 1);
  EXPECT_THAT(interlock({"history", "--regret"}).out, HasSubstr("2 runs: "));
  EXPECT_THAT(at(json_of({"show"}), "/totals/hindsight"), HasSubstr("nothing would have been"));
}

TEST_F(History, one_by_one_waits_for_a_quota_too) {
  write_plan(R"(
resources: {api: {kind: quota, requests: 120/min, burst: 500ms}}
limits: {min_saving: 1ms}
tasks:
  - {id: a, run: "true", reads: [], writes: [a], uses: [api]}
  - {id: b, run: "true", reads: [], writes: [b], uses: [api]}
  - {id: c, run: "true", reads: [], writes: [c], uses: [api]}
)");
  const Ended ended = interlock({"run", "plan.yaml", "--pattern", "parallel"});
  ASSERT_EQ(ended.exit, 0) << ended.err;
  const auto shown = json_of({"show"});
  EXPECT_GE(std::stod(at(shown, "/totals/one_by_one_s")), 0.9);
  EXPECT_LT(std::stod(at(shown, "/totals/sequential_s")), 0.9) << "the sum of task times";
}

class Calibrate : public Cli {
 protected:
  Calibrate() { environment()["THE_KEY"] = "sk-test"; }
};

TEST_F(Calibrate, measures_an_agent_before_its_model_and_prices_plans_by_it) {
  auto script = endpoint::read_script(R"({"otherwise": {"text": "ready"}})");
  ASSERT_TRUE(script);
  const Endpoint endpoint(std::move(*script));
  write_plan(fmt::format(R"(
agents:
  m: {{kind: chat, api: anthropic, base_url: "{}", model: claude-sonnet-4-5, key: THE_KEY}}
tasks:
  - {{id: work, agent: m, prompt: "Think.", reads: [], writes: [], isolation: direct}}
)",
                         endpoint.base_url()));
  const Ended asked = interlock({"calibrate", "m", "--plan", "plan.yaml"});
  EXPECT_EQ(asked.exit, 3) << "nobody is there to agree";
  EXPECT_THAT(asked.err, AllOf(HasSubstr("6 attempts of at most 5 model calls each"),
                               HasSubstr("$0.50"), HasSubstr("--yes")));
  EXPECT_TRUE(endpoint.entries().empty()) << "nothing was spent";
  const auto found = json_of({"calibrate", "m", "--plan", "plan.yaml", "--calls", "5", "--yes"});
  EXPECT_EQ(endpoint.entries().size(), 5u);
  EXPECT_EQ(at(found, "/at_once"), "3");
  EXPECT_EQ(at(found, "/refused"), "0");
  EXPECT_GT(std::stod(at(found, "/startup_s")), 0);
  EXPECT_GT(std::stod(at(found, "/return_tokens")), 0);
  EXPECT_GT(std::stod(at(found, "/cost_usd")), 0);
  EXPECT_THAT(interlock({"runs"}).err, HasSubstr("no runs yet")) << "it leaves no run behind";
  EXPECT_THAT(interlock({"history", "export"}).out, HasSubstr(R"("origin":"calibration")"));
  const auto plan = json_of({"plan", "plan.yaml"});
  EXPECT_EQ(at(plan, "/tasks/0/estimate/overhead_from"), "history");
  EXPECT_EQ(at(plan, "/tasks/0/estimate/time_from"), "prior") << "a tiny task is not a task's time";
  EXPECT_FALSE(exists("../state/interlock/calibrate-1"));
}

TEST_F(Calibrate, measures_a_client_that_passes_no_gateway_and_says_what_it_does_not_see) {
  write("client", "#!/bin/sh\ncat >/dev/null; echo ready\n");
  // Relative paths of commands are those of the workspace, and a calibration has one of its own.
  write_plan(
      "agents: {mine: {kind: command, run: [sh, \"" + workspace() +
      "/client\"]}}\ntasks: [{id: work, agent: mine, prompt: Think, reads: [], writes: []}]\n");
  const Ended ended =
      interlock({"calibrate", "mine", "--plan", "plan.yaml", "--calls", "3", "--yes"});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_THAT(ended.out, AllOf(HasSubstr("a tiny task"), HasSubstr("before the prompt  not seen"),
                               HasSubstr("1 at once")));
}

TEST_F(Calibrate, refuses_what_it_cannot_measure) {
  EXPECT_THAT(interlock({"calibrate", "nobody", "--yes"}).err,
              AllOf(HasSubstr("there is no agent `nobody`"), HasSubstr("claude-code")));
  write_plan(
      "agents: {m: {kind: chat, api: anthropic, model: x, key: NO_SUCH_KEY}}\n"
      "tasks: [{id: work, agent: m, prompt: Think, reads: [], writes: []}]\n");
  EXPECT_THAT(interlock({"calibrate", "n", "--plan", "plan.yaml", "--yes"}).err,
              AllOf(HasSubstr("has no agent `n`"), HasSubstr("`m`")));
  const Ended no_key = interlock({"calibrate", "m", "--plan", "plan.yaml", "--yes"});
  EXPECT_NE(no_key.exit, 0);
  EXPECT_THAT(no_key.err, HasSubstr("NO_SUCH_KEY"));
  EXPECT_EQ(interlock({"calibrate", "sh", "--plan", "plan.yaml", "--yes"}).exit, 2);
  EXPECT_EQ(interlock({"calibrate", "m", "--plan", "plan.yaml", "--usd", "lots"}).exit, 2);
  EXPECT_EQ(interlock({"calibrate", "m", "--plan", "plan.yaml", "--calls", "2"}).exit, 2);
}

}  // namespace

}  // namespace interlock::e2e
