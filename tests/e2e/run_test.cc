#include <gmock/gmock.h>

#include "e2e/cli_harness.h"

// `interlock run`: what overlaps, what does not, and what tasks are given.
namespace interlock::e2e {

namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class RunCommand : public Cli {
 protected:
  Ended run(std::vector<std::string> more = {}) {
    std::vector<std::string> arguments{"run", "plan.yaml"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return interlock(arguments);
  }
};

// Each of the two goes on only when the other has begun: one after the other they would never end.
TEST_F(RunCommand, runs_independent_tasks_at_the_same_time) {
  NamedPipe to_first(folder() + "/first"), to_second(folder() + "/second");
  write_plan(R"(
tasks:
  - {id: first, run: "echo >../second; read line <../first", reads: [a], estimate: {time: 30s}}
  - {id: second, run: "echo >../first; read line <../second", reads: [a], estimate: {time: 30s}}
)");
  const Ended ended = run();
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(states(), "first: done\nsecond: done\n");
}

TEST_F(RunCommand, never_lets_tasks_overlap_that_write_the_same_file) {
  write_plan(R"(
limits: {parallel: 8}
tasks:
  - &task {id: a, run: "mkdir busy && echo a >>order && rmdir busy", writes: [order, busy], estimate: {time: 30s}}
  - {id: b, run: "mkdir busy && echo b >>order && rmdir busy", writes: [order, busy], estimate: {time: 30s}}
  - {id: c, run: "mkdir busy && echo c >>order && rmdir busy", writes: [order, busy], estimate: {time: 30s}}
  - {id: aside, run: [true], writes: [elsewhere], estimate: {time: 30s}}
)");
  const Ended ended = run({"--pattern", "parallel"});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(read("order"), "a\nb\nc\n") << "in plan order";
}

TEST_F(RunCommand, goes_one_by_one_in_plan_order_where_nothing_is_declared) {
  write_plan(R"(
tasks:
  - {id: c, run: "echo c >>order"}
  - {id: a, run: "echo a >>order"}
  - {id: b, run: "echo b >>order"}
)");
  const Ended ended = run();
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(read("order"), "c\na\nb\n");
}

TEST_F(RunCommand, holds_locks_and_capacities) {
  write_plan(R"(
limits: {parallel: 8}
resources: {database: {kind: lock}, gpu: {kind: slots, capacity: 2}}
tasks:
  - {id: one, run: "mkdir lock && rmdir lock", reads: [x], uses: [database], estimate: {time: 30s}}
  - {id: two, run: "mkdir lock && rmdir lock", reads: [x], uses: [database], estimate: {time: 30s}}
  - {id: three, run: "mkdir both && rmdir both", reads: [x], uses: {gpu: 2}, estimate: {time: 30s}}
  - {id: four, run: "mkdir both && rmdir both", reads: [x], uses: {gpu: 2}, estimate: {time: 30s}}
)");
  const Ended ended = run({"--pattern", "parallel"});
  EXPECT_EQ(ended.exit, 0) << ended.err;
}

TEST_F(RunCommand, hands_outputs_to_those_that_mention_them_as_text_and_as_a_file) {
  write_plan(R"(
tasks:
  - {id: find, run: "echo '{\"risk\": \"it'\\''s $HOME\"}'", reads: [x], output: json}
  - {id: tell, run: "echo {outputs.find}; cat {output_files.find}", writes: [y], output: text}
)");
  const Ended ended = run();
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(interlock({"output", "last", "tell"}).out,
            "{\"risk\": \"it's $HOME\"}\n{\"risk\": \"it's $HOME\"}\n");
}

TEST_F(RunCommand, gives_the_prompt_as_the_agent_wants_it) {
  write_plan(R"(
agents:
  by-input: {kind: command, run: [cat], prompt: stdin}
  by-argument: {kind: command, run: [printf, "%s"], prompt: argument}
  by-file: {kind: command, run: [cat], prompt: file}
tasks:
  - {id: one, agent: by-input, prompt: "say `ls` one", reads: [x]}
  - {id: two, agent: by-argument, prompt: "say $(ls) two", reads: [x]}
  - {id: three, agent: by-file, prompt: "say 'three'", reads: [x]}
)");
  const Ended ended = run();
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(interlock({"output", "last", "one"}).out, "say `ls` one");
  EXPECT_EQ(interlock({"output", "last", "two"}).out, "say $(ls) two");
  EXPECT_EQ(interlock({"output", "last", "three"}).out, "say 'three'");
}

TEST_F(RunCommand, tells_tasks_who_they_are_and_keeps_the_callers_secrets_from_them) {
  environment()["API_SECRET"] = "hunter2";
  environment()["SHARED"] = "seen";
  write_plan(R"(
agents: {shell: {kind: command, run: [env], pass_env: [SHARED]}}
tasks:
  - {id: look, agent: shell, env: {OWN: mine}, output: text, timeout: 90s}
)");
  ASSERT_EQ(run().exit, 0);
  const std::string seen = interlock({"output", "last", "look"}).out;
  EXPECT_THAT(seen, Not(HasSubstr("hunter2")));
  EXPECT_THAT(seen, HasSubstr("SHARED=seen\n"));
  EXPECT_THAT(seen, HasSubstr("OWN=mine\n"));
  EXPECT_THAT(seen, HasSubstr("INTERLOCK_TASK=look\n"));
  EXPECT_THAT(seen, HasSubstr("INTERLOCK_TIMEOUT_S=90\n"));
  EXPECT_THAT(seen, HasSubstr("INTERLOCK_DEADLINE="));
}

TEST_F(RunCommand, takes_outputs_from_files_too) {
  write_plan(R"(
tasks:
  - {id: write, run: "echo noise; echo '[1, 2]' >result.json", output: {schema: {type: array}, from: result.json}}
)");
  const Ended ended = run();
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(interlock({"output", "last", "write"}).out, "[1, 2]\n");
}

TEST_F(RunCommand, runs_the_check_of_a_task_and_believes_it) {
  write_plan(R"(
limits: {on_failure: continue}
tasks:
  - {id: good, run: "echo x >made", writes: [made], verify: [test, -s, made]}
  - {id: bad, run: [true], writes: [other], verify: [test, -s, other]}
)");
  const Ended ended = run();
  EXPECT_EQ(ended.exit, 1) << ended.err;
  EXPECT_EQ(states(), "good: done\nbad: failed\n");
  EXPECT_EQ(at(json_of({"show", "last"}), "/tasks/1/outcome"), "verify-failed");
}

TEST_F(RunCommand, unfolds_a_foreach_over_the_files_that_are_there) {
  write("in/a b.txt", "A");
  write("in/c$(touch pwned).txt", "C");
  write_plan(R"(
tasks:
  - {id: "copy-{item.stem}", foreach: "in/*.txt", run: "cp {item} out-{index}", reads: ["{item}"], writes: ["out-{index}"]}
)");
  const Ended ended = run();
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(read("out-1"), "A");
  EXPECT_EQ(read("out-2"), "C");
  EXPECT_FALSE(exists("pwned")) << "a file's name is data";
}

TEST_F(RunCommand, prints_the_runs_id_on_standard_output_and_talks_on_standard_error) {
  write_plan("tasks: [{id: one, run: [echo, hello]}]\n");
  const Ended ended = run();
  EXPECT_EQ(ended.exit, 0);
  const std::string id = ended.out.substr(0, ended.out.find('\n'));
  EXPECT_EQ(ended.out, id + "\n");
  EXPECT_EQ(at(json_of({"show", id}), "/run"), id);
  EXPECT_THAT(ended.err, HasSubstr("one"));
  EXPECT_THAT(ended.err, Not(HasSubstr("\x1b")));
}

TEST_F(RunCommand, is_quiet_when_asked) {
  write_plan("tasks: [{id: one, run: [true]}]\n");
  const Ended ended = run({"--quiet"});
  EXPECT_EQ(ended.exit, 0);
  EXPECT_THAT(ended.err, Not(HasSubstr("done in")));
}

TEST_F(RunCommand, refuses_a_plan_whose_agent_has_no_key_before_anything_starts) {
  write_plan(R"(
agents: {claude: {kind: claude-code}}
tasks:
  - {id: first, run: [touch, started]}
  - {id: second, agent: claude, prompt: Say hello.}
)");
  const Ended ended = run();
  EXPECT_EQ(ended.exit, 2);
  EXPECT_THAT(ended.err, HasSubstr("agent `claude` has no key"));
  EXPECT_THAT(ended.err, HasSubstr("ANTHROPIC_API_KEY"));
  EXPECT_FALSE(exists("started"));
  EXPECT_THAT(interlock({"runs"}).out, Not(HasSubstr("died"))) << "no run was made of it";
}

TEST_F(RunCommand, gives_the_same_digest_whatever_order_tasks_end_in) {
  NamedPipe go(folder() + "/go");
  const std::string tasks = R"(
limits: {parallel: 2}
tasks:
  - {id: slow, run: "FIRST; echo '{\"n\": 1}'", reads: [x], output: {schema: {type: object}}, estimate: {time: 30s}}
  - {id: fast, run: "SECOND; echo '{\"n\": 2}'", reads: [x], output: {schema: {type: object}}, estimate: {time: 30s}}
merge: {all: {from: "*", with: list}}
)";
  const auto digest_with = [&](const std::string& first, const std::string& second) {
    std::string plan = tasks;
    plan.replace(plan.find("FIRST"), 5, first);
    plan.replace(plan.find("SECOND"), 6, second);
    write_plan(plan);
    const Ended ended = run({"--fresh"});
    EXPECT_EQ(ended.exit, 0) << ended.err;
    return digest();
  };
  const std::string one = digest_with("read line <../go", "echo >../go");
  EXPECT_NE(one, "");
  EXPECT_EQ(one, digest_with("echo >../go", "read line <../go"));
}

}  // namespace

}  // namespace interlock::e2e
