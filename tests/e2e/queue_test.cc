#include <gmock/gmock.h>
#include <signal.h>

#include "e2e/cli_harness.h"

// A queue that stands: tasks come from any terminal while it goes on.
namespace interlock::e2e {

namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class Queue : public Cli {
 protected:
  ~Queue() override {
    if (!stands_) return;
    interlock({"cancel", "default"});
    interlock({"queue", "stop"});
    interlock({"wait", "default"});
  }
  std::string start_queue(std::vector<std::string> more = {}) {
    std::vector<std::string> words{"queue", "start", "--isolation", "direct"};
    words.insert(words.end(), more.begin(), more.end());
    const Ended started = interlock(words);
    EXPECT_EQ(started.exit, 0) << started.err;
    stands_ = true;
    return started.out.substr(0, started.out.find('\n'));
  }
  /// Closes it and waits for its end.
  void stop_queue(int exit = 0) {
    EXPECT_EQ(interlock({"queue", "stop"}).exit, 0);
    EXPECT_EQ(interlock({"wait", "default"}).exit, exit);
    stands_ = false;
  }
  Ended add(std::vector<std::string> words) {
    words.insert(words.begin(), "add");
    return interlock(words);
  }

 private:
  bool stands_ = false;
};

TEST_F(Queue, runs_what_is_added_and_is_not_over_before_it_is_stopped) {
  const std::string run = start_queue();
  const Ended first = add({"-w", "a", "--", "sh", "-c", "echo one >a"});
  EXPECT_EQ(first.exit, 0) << first.err;
  EXPECT_EQ(first.out, "t1\n");
  EXPECT_EQ(interlock({"wait", "default", "t1"}).exit, 0);
  EXPECT_EQ(read("a"), "one\n");
  EXPECT_THAT(interlock({"queue"}).out, HasSubstr("stands"));
  EXPECT_EQ(add({"--id", "named", "-w", "b", "--", "echo two >b"}).out, "named\n");
  stop_queue();
  EXPECT_EQ(read("b"), "two\n");
  EXPECT_EQ(at(json_of({"show", run}), "/state"), "finished");
  EXPECT_EQ(states(run), "t1: done\nnamed: done\n");
  const Ended late = add({"--", "true"});
  EXPECT_EQ(late.exit, 2);
  EXPECT_THAT(late.err, HasSubstr("interlock queue start"));
}

TEST_F(Queue, says_for_whom_a_task_waits_and_starts_what_meets_nobody) {
  NamedPipe here(folder() + "/here"), go(folder() + "/go");
  start_queue();
  EXPECT_EQ(add({"-w", "a", "--", "echo here >../here; read line <../go"}).out, "t1\n");
  EXPECT_EQ(here.next(), "here");
  const Ended meets = add({"-r", "a", "--", "true"});
  EXPECT_THAT(meets.err, HasSubstr("waits: conflict with `t1`: write-read on `a`"));
  EXPECT_EQ(add({"-w", "b", "--", "true"}).out, "t3\n");
  EXPECT_EQ(interlock({"wait", "default", "t3"}).exit, 0);
  const Ended unknown = add({"--", "true"});
  EXPECT_THAT(unknown.err, HasSubstr("nobody declared"));
  EXPECT_THAT(interlock({"queue"}).out, HasSubstr("t2"));
  go.ring();
  stop_queue();
}

TEST_F(Queue, is_joined_by_the_tasks_of_a_plan_all_of_them_or_none) {
  const std::string run = start_queue();
  write_plan(
      "tasks:\n"
      "  - {id: a, run: \"echo 1 >a\", reads: [], writes: [a], timeout: 1m, retries: 1}\n"
      "  - {id: b, run: [cp, a, b], reads: [a], writes: [b], needs: [a]}\n");
  const Ended joined = interlock({"add", "--plan", "plan.yaml"});
  EXPECT_EQ(joined.exit, 0) << joined.err;
  EXPECT_EQ(joined.out, "a\nb\n");
  EXPECT_THAT(joined.err, HasSubstr("2 tasks added to run " + run));
  EXPECT_EQ(interlock({"wait", "default", "b"}).exit, 0);
  EXPECT_EQ(read("b"), "1\n");
  const Ended again = interlock({"add", "--plan", "plan.yaml"});
  EXPECT_EQ(again.exit, 2);
  EXPECT_THAT(again.err, HasSubstr("has a task `a` already"));
  write_plan("tasks: [{id: c, run: x}, {id: b, run: y}]\n");
  EXPECT_EQ(interlock({"add", "--plan", "plan.yaml"}).exit, 2);
  write_plan("merge: {all: {from: c}}\ntasks: [{id: c, run: x, output: text}]\n");
  EXPECT_THAT(interlock({"add", "--plan", "plan.yaml"}).err, HasSubstr("the plan has `merge`"));
  write_plan(
      "agents: {mine: {kind: command, run: [cat]}}\n"
      "tasks: [{id: c, agent: mine, prompt: x, reads: [], writes: []}]\n");
  EXPECT_THAT(interlock({"add", "--plan", "plan.yaml"}).err,
              HasSubstr("it has no such agent `mine`"));
  EXPECT_EQ(states(run), "a: done\nb: done\n") << "nothing else was added";
  stop_queue();
}

TEST_F(Queue, adds_the_same_key_once_and_refuses_another_task_under_it) {
  start_queue();
  EXPECT_EQ(add({"--id", "key", "-w", "n", "--", "echo x >>n"}).exit, 0);
  const Ended again = add({"--id", "key", "-w", "n", "--", "echo x >>n"});
  EXPECT_EQ(again.exit, 0);
  EXPECT_EQ(again.out, "key\n");
  EXPECT_THAT(again.err, HasSubstr("was in"));
  const Ended other = add({"--id", "key", "-w", "n", "--", "echo y >>n"});
  EXPECT_EQ(other.exit, 3);
  EXPECT_THAT(other.err, HasSubstr("which is another"));
  const Ended wrong = add({"--needs", "kay", "--", "true"});
  EXPECT_EQ(wrong.exit, 2);
  EXPECT_THAT(wrong.err, HasSubstr("did you mean `key`?"));
  stop_queue();
  EXPECT_EQ(read("n"), "x\n");
}

TEST_F(Queue, runs_every_task_once_that_several_processes_add_at_once) {
  start_queue();
  constexpr int kProcesses = 4, kEach = 5;
  std::string line;
  for (int process = 0; process < kProcesses; ++process) {
    line += "{ ";
    for (int task = 0; task < kEach; ++task)
      line += "\"$INTERLOCK\" add --id k" + std::to_string(task) + " -w k" + std::to_string(task) +
              " -- 'echo once >>k" + std::to_string(task) + "' >/dev/null || echo failed; ";
    line += "} & ";
  }
  const Ended all = shell(line + "wait");
  EXPECT_THAT(all.out, Not(HasSubstr("failed"))) << all.err;
  stop_queue();
  for (int task = 0; task < kEach; ++task)
    EXPECT_EQ(read("k" + std::to_string(task)), "once\n") << task;
}

TEST_F(Queue, loses_nothing_when_its_dispatcher_is_killed) {
  NamedPipe here(folder() + "/here");
  const std::string run = start_queue();
  ASSERT_EQ(add({"-w", "a", "--", "echo done >>a"}).exit, 0);
  ASSERT_EQ(interlock({"wait", "default", "t1"}).exit, 0);
  ASSERT_EQ(
      add({"-w", "b", "--", "echo here >../here; test -e again || sleep 1000; echo b >>b"}).exit,
      0);
  EXPECT_EQ(here.next(), "here");
  const std::string holder = at(json_of({"queue"}), "/dispatcher/pid");
  ASSERT_THAT(holder, Not(IsEmpty()));
  ASSERT_EQ(::kill(std::stoi(holder), SIGKILL), 0);
  EXPECT_EQ(shell("while kill -0 " + holder + " 2>/dev/null; do sleep 0.02; done").exit, 0);
  const Ended kept = add({"--id", "kept", "-w", "c", "--", "echo kept >>c"});
  EXPECT_EQ(kept.exit, 0) << kept.err;
  EXPECT_THAT(kept.err, HasSubstr("interlock queue start"));
  write("again", "");
  EXPECT_EQ(start_queue(), run);
  EXPECT_EQ(here.next(), "here");
  stop_queue();
  EXPECT_EQ(states(run), "t1: done\nt2: done\nkept: done\n");
  EXPECT_EQ(read("a") + read("b") + read("c"), "done\nb\nkept\n");
}

TEST_F(Queue, shows_who_follows_it_what_tasks_print_and_do_that_came_later) {
  start_queue();
  Running log = start({"log", "default", "--follow"});
  Running events = start({"events", "default", "--follow"});
  events.until_it_says("run_began");
  ASSERT_EQ(add({"-w", "a", "--", "echo spoken >&2; echo spoken"}).exit, 0);
  log.until_it_says("t1 | spoken");
  events.until_it_says("tasks_added");
  events.until_it_says("task_done");
  stop_queue();
  EXPECT_EQ(log.wait().exit, 0);
  EXPECT_EQ(events.wait().exit, 0);
}

TEST_F(Queue, can_be_paused_and_retuned) {
  start_queue();
  EXPECT_EQ(interlock({"queue", "pause"}).exit, 0);
  const Ended paused = add({"-w", "a", "--", "echo a >a"});
  EXPECT_THAT(paused.err, HasSubstr("paused"));
  EXPECT_THAT(interlock({"queue"}).out, HasSubstr("paused"));
  EXPECT_EQ(interlock({"set", "default", "parallel=7"}).exit, 0);
  EXPECT_FALSE(exists("a"));
  EXPECT_EQ(interlock({"queue", "resume"}).exit, 0);
  EXPECT_EQ(interlock({"wait", "default", "t1"}).exit, 0);
  EXPECT_THAT(interlock({"queue"}).out, HasSubstr("at most 7 at once"));
  EXPECT_EQ(interlock({"set", "default", "colour=red"}).exit, 2);
  EXPECT_EQ(interlock({"set", "parallel=0"}).exit, 2);
  stop_queue();
}

TEST_F(Queue, takes_tasks_for_a_run_of_a_plan_while_it_goes_on) {
  NamedPipe here(folder() + "/here"), go(folder() + "/go");
  write_plan("tasks: [{id: held, run: 'echo here >../here; read line <../go', writes: [x]}]\n");
  Running run = start({"run", "plan.yaml"});
  EXPECT_EQ(here.next(), "here");
  EXPECT_EQ(add({"--run", "last", "--id", "more", "-w", "y", "--", "echo y >y"}).exit, 0);
  go.ring();
  EXPECT_EQ(run.wait().exit, 0);
  EXPECT_EQ(states(), "held: done\nmore: done\n");
  EXPECT_EQ(add({"--run", "last", "--", "true"}).exit, 3) << "it is over";
}

class Each : public Cli {};

TEST_F(Each, runs_a_command_for_each_file_without_a_plan) {
  write("in/a.txt", "1\n");
  write("in/b c.txt", "1\n2\n");
  const Ended ended = interlock(
      {"each", "in/*.txt", "-w", "out/{item.stem}", "--", "wc -l <{item} >out/{item.stem}"});
  EXPECT_EQ(ended.exit, 1) << "there is no folder";
  write("out/.keep", "");
  EXPECT_EQ(interlock({"each", "in/*.txt", "-w", "out/{item.stem}", "--",
                       "wc -l <{item} >out/{item.stem}"})
                .exit,
            0);
  EXPECT_EQ(read("out/a"), "1\n");
  EXPECT_EQ(read("out/b c"), "2\n");
  const Ended none = interlock({"each", "no/*.txt", "--", "true"});
  EXPECT_EQ(none.exit, 2);
  EXPECT_THAT(none.err, HasSubstr("matches no file"));
  EXPECT_EQ(interlock({"each", "in/*.txt"}).exit, 2);
}

}  // namespace

}  // namespace interlock::e2e
