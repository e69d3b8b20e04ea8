#include <gmock/gmock.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <string>
#include <thread>

#include "e2e/isolation_harness.h"

// Files that several tasks change at once, and the plan's commands that join them.
namespace interlock::e2e {

namespace {

using ::testing::HasSubstr;

class MergeDriver : public Isolated {
 protected:
  void SetUp() override { need("view"); }

  /// What stands in the list comes out sorted, whoever entered it.
  static constexpr const char* kSorts = "sort -u -o %A %A %B";

  /// Two tasks that enter themselves in `list` when the test lets them, and what joins it.
  void write_listing_plan(const std::string& driver, const std::string& of_b = {},
                          const std::string& top = {}) {
    write("list", "first\n");
    write_plan(top + "merge: {driver: [" + driver +
               "]}\n"
               "defaults: {isolation: view}\n"
               "tasks:\n"
               "  - {id: a, run: 'read line <../go; echo from a >>list', reads: [list], "
               "writes: [list], estimate: {time: 60s}}\n"
               "  - {id: b, run: 'read line <../go; echo from b >>list', reads: [list], "
               "writes: [list], estimate: {time: 60s}" +
               of_b + "}\n");
  }
  static std::string driver(const std::string& run) { return "{files: list, run: '" + run + "'}"; }

  /// Runs the plan as it is decided, and lets both go when both have begun.
  Ended run_both() {
    NamedPipe go(folder() + "/go");
    Running run = start({"run", "plan.yaml", "--face", "lines"});
    run.until_it_says("started     a");
    run.until_it_says("started     b");
    go.ring(20);  // Who is done again waits for the test as well.
    return run.wait();
  }
  /// Until the driver that joins what `b` did has printed something.
  bool driver_has_begun() const {
    using namespace std::chrono_literals;
    const auto patience = std::chrono::steady_clock::now() + 60s;
    while (std::chrono::steady_clock::now() < patience) {
      std::error_code error;
      for (const auto& run : std::filesystem::directory_iterator(state() + "/runs", error)) {
        if (std::filesystem::exists(run.path() / "logs" / "1.1.3.log")) return true;
      }
      std::this_thread::yield();
    }
    return false;
  }
  std::string why_b() { return interlock({"why", "last", "b"}).out; }
};

TEST_F(MergeDriver, what_two_tasks_enter_in_one_list_at_once_both_stands_there) {
  write_listing_plan(driver(kSorts));
  const Ended planned = interlock({"plan", "plan.yaml", "--full"});
  EXPECT_THAT(planned.out,
              HasSubstr("2 conflicts are not waited for: the plan's merge drivers join "
                        "the files that `a` and `b` share"));
  EXPECT_THAT(planned.out, HasSubstr("some of 2 tasks may overlap; merge drivers join the files "
                                     "that `a` and `b` share"));
  const Ended ended = run_both();
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(read("list"), "first\nfrom a\nfrom b\n");
  EXPECT_EQ(states(), "a: done\nb: done\n");
  EXPECT_THAT(why_b(),
              HasSubstr("`list` was merged with others' changes by `sort -u -o %A %A %B`"));
  EXPECT_EQ(at(json_of({"show", "last"}), "/tasks/1/attempts"), "1");
  expect_nothing_left();
}

TEST_F(MergeDriver, it_is_told_what_both_had_what_is_there_and_what_the_task_made_of_it) {
  write("sub/my list's.txt", "base\n");
  write("enter", "read line <../go\necho from $1 >\"sub/my list's.txt\"\n");
  write_plan(R"(
merge:
  driver:
    - {files: "**/*.txt", run: "echo path is %P; cat %O %A %B >all && mv all %A"}
defaults: {isolation: view}
tasks:
  - {id: a, run: sh enter a, reads: [enter], writes: ["sub/my list's.txt"], estimate: {time: 60s}}
  - {id: b, run: sh enter b, reads: [enter], writes: ["sub/my list's.txt"], estimate: {time: 60s}}
)");
  const Ended ended = run_both();
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(read("sub/my list's.txt"), "base\nfrom a\nfrom b\n");
  EXPECT_THAT(interlock({"log", "last", "b"}).out, HasSubstr("path is sub/my list's.txt"));
  EXPECT_FALSE(exists("all")) << "what else it does is thrown away";
  expect_nothing_left();
}

TEST_F(MergeDriver, it_joins_a_catalogue_that_both_tasks_made) {
  if (shell("command -v python3 >/dev/null").exit != 0) GTEST_SKIP() << "there is no python3";
  write("join.py",
        "import json, sys\n"
        "both = [json.load(open(path)) for path in sys.argv[1:3]]\n"
        "json.dump({**both[0], **both[1]}, open(sys.argv[1], 'w'), sort_keys=True)\n");
  write_plan(R"(
merge: {driver: [{files: "**/*.json", run: [python3, join.py, "%A", "%B"]}]}
defaults: {isolation: view}
tasks:
  - {id: a, run: "read line <../go; echo '{\"a\": 1}' >new.json", reads: [], writes: [new.json], estimate: {time: 60s}}
  - {id: b, run: "read line <../go; echo '{\"b\": 2}' >new.json", reads: [], writes: [new.json], estimate: {time: 60s}}
)");
  const Ended ended = run_both();
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(read("new.json"), R"({"a": 1, "b": 2})");
  EXPECT_EQ(at(json_of({"show", "last"}), "/tasks/1/attempts"), "1");
}

/// What comes to nothing costs the later task another attempt, and never an entry.
TEST_F(MergeDriver, where_it_joins_nothing_the_task_is_done_again) {
  struct Case {
    const char* run;
    const char* why;
  };
  const Case cases[] = {
      {"exit 3; : %A", "exit status 3"},
      {"kill -9 $$; : %A", "ended by SIGKILL"},
      {"cat %B >/dev/null; : %A", "it left the file as it was"},
      {"true >%A", "it left an empty file"},
      {"rm %A", "it left no file"},
      {"rm %A; ln -s /etc/passwd %A", "it left no file"},
      {"rm %A; mkfifo %A", "is not a regular file"},
      {"/no/such/program %A", "exit status 127"},
  };
  for (const Case& one : cases) {
    write_listing_plan(driver(one.run));
    const Ended ended = run_both();
    EXPECT_EQ(ended.exit, 0) << one.run << ended.err;
    EXPECT_EQ(read("list"), "first\nfrom a\nfrom b\n") << one.run;
    const std::string why = why_b();
    EXPECT_THAT(why, HasSubstr("the merge driver of `list` could not join the two: ")) << one.run;
    EXPECT_THAT(why, HasSubstr(one.why)) << one.run;
    EXPECT_EQ(states(), "a: done\nb: done\n");
    expect_nothing_left();
  }
}

TEST_F(MergeDriver, one_that_is_no_program_or_does_not_end_joins_nothing_either) {
  write_listing_plan("{files: list, run: [/no/such/program, '%A']}");
  EXPECT_EQ(run_both().exit, 0);
  EXPECT_EQ(read("list"), "first\nfrom a\nfrom b\n");
  EXPECT_THAT(why_b(), HasSubstr("cannot execute `/no/such/program`"));

  write_listing_plan("{files: list, run: 'echo half of it >%A; sleep 1000', timeout: 200ms}");
  EXPECT_EQ(run_both().exit, 0);
  EXPECT_EQ(read("list"), "first\nfrom a\nfrom b\n");
  EXPECT_THAT(why_b(), HasSubstr("timed out after 0.2 s"));
  expect_nothing_left();
}

TEST_F(MergeDriver, a_dispatcher_that_is_killed_while_one_runs_loses_nothing) {
  write_listing_plan(driver("echo asked; read line <../joins; sort -u -o %A %A %B"));
  NamedPipe go(folder() + "/go"), joins(folder() + "/joins");
  {
    Running run = start({"run", "plan.yaml", "--face", "lines"});
    run.until_it_says("started     b");
    go.ring(2);
    ASSERT_TRUE(driver_has_begun());
    run.send(SIGKILL);
    run.wait();
  }
  joins.ring(20);
  const Ended ended = interlock({"resume"});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(read("list"), "first\nfrom a\nfrom b\n");
  EXPECT_EQ(at(json_of({"show", "last"}), "/tasks/1/attempts"), "1") << "its work was done";
  EXPECT_EQ(states(), "a: done\nb: done\n");
  expect_nothing_left();
}

TEST_F(MergeDriver, all_files_of_a_conflict_are_joined_each_in_its_way) {
  write("list", "first\n");
  write("other.list", "first\n");
  write("notes", "1\n2\n3\n4\n5\n6\n7\n8\n");
  write_plan(R"(
merge: {driver: [{files: [list, "*.list"], run: "echo joins %P; sort -u -o %A %A %B"}]}
defaults: {isolation: view}
tasks:
  - {id: a, merge: text, run: "read line <../go; echo a >>list; echo a >>other.list; sed -i 's/^1$/one/' notes"}
  - {id: b, merge: text, run: "read line <../go; echo b >>list; echo b >>other.list; sed -i 's/^8$/eight/' notes"}
)");
  NamedPipe go(folder() + "/go");
  Running run = start({"run", "plan.yaml", "--pattern", "parallel", "--face", "lines"});
  run.until_it_says("started     a");
  run.until_it_says("started     b");
  go.ring(20);
  const Ended ended = run.wait();
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(read("list"), "a\nb\nfirst\n");
  EXPECT_EQ(read("other.list"), "a\nb\nfirst\n");
  EXPECT_EQ(read("notes"), "one\n2\n3\n4\n5\n6\n7\neight\n");
  EXPECT_EQ(at(json_of({"show", "last"}), "/tasks/1/attempts"), "1");
  const std::string log = interlock({"log", "last", "b"}).out;
  EXPECT_THAT(log, HasSubstr("joins list"));
  EXPECT_THAT(log, HasSubstr("joins other.list"));
  expect_nothing_left();
}

TEST_F(MergeDriver, who_only_reads_the_list_waits_for_who_enters_something) {
  write("list", "first\n");
  write_plan(R"(
merge: {driver: [{files: list, run: "sort -u -o %A %A %B"}]}
defaults: {isolation: view}
tasks:
  - {id: a, run: "echo from a >>list", reads: [list], writes: [list], estimate: {time: 60s}}
  - {id: b, run: "echo from b >>list", reads: [list], writes: [list], estimate: {time: 60s}}
  - {id: c, run: "cat list >copy", reads: [list], writes: [copy], estimate: {time: 60s}}
)");
  const Ended ended = interlock({"run", "plan.yaml"});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(read("copy"), "first\nfrom a\nfrom b\n");
  EXPECT_EQ(at(json_of({"show", "last"}), "/tasks/2/attempts"), "1");
}

TEST_F(MergeDriver, what_is_joined_is_checked_before_it_counts) {
  write_listing_plan(driver("sort -u -o %A %A %B; echo spoilt >>%A"),
                     ", verify: '! grep spoilt list'");
  const Ended ended = run_both();
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(read("list"), "first\nfrom a\nfrom b\n");
  EXPECT_THAT(why_b(), HasSubstr("its check failed on the merged files"));
  expect_nothing_left();
}

TEST_F(MergeDriver, it_has_the_walls_of_the_task_and_none_of_its_keys) {
  environment()["OPENAI_API_KEY"] = "sk-made-up";
  write_listing_plan(driver("sort -u -o %A %A %B; echo key is ${OPENAI_API_KEY:-none}; "
                            "echo x >../out || echo held; echo y >beside"),
                     {}, "agents: {sh: {kind: command, pass_env: [OPENAI_API_KEY]}}\n");
  const Ended ended = run_both();
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_EQ(read("list"), "first\nfrom a\nfrom b\n");
  const std::string log = interlock({"log", "last", "b"}).out;
  EXPECT_THAT(log, HasSubstr("key is none"));
  EXPECT_THAT(log, HasSubstr("held"));
  EXPECT_FALSE(exists("../out"));
  EXPECT_FALSE(exists("beside"));
}

TEST_F(MergeDriver, a_bad_one_is_told_of_in_one_message) {
  struct Case {
    const char* driver;
    const char* message;
  };
  const Case cases[] = {
      {"{run: 'x %A'}", "the merge driver has no `files`"},
      {"{files: x}", "the merge driver has no `run`"},
      {"{files: x, run: 'x %B'}", "the merge driver names no `%A`"},
      {"{files: '!x', run: 'x %A'}", "`files` of a merge driver excludes nothing"},
      {"{files: '../x', run: 'x %A'}", "../x"},
      {"{files: x, run: 'x %A', timeout: 0s}", "no merge driver is done at once"},
      {"{files: x, run: 'x `cat %A`'}", "`%A` stands in backquotes"},
      {"{files: x, run: 'x %A {outputs.a}'}", "`{outputs.a}` means nothing to a merge driver"},
      {"{files: x, runs: 'x %A'}", "unknown key `runs`"},
      {"sort", "expected a merge driver as a map"},
  };
  for (const Case& one : cases) {
    write_plan(std::string("merge: {driver: [") + one.driver +
               "]}\ntasks: [{id: a, run: 'true', output: text}]\n");
    const Ended ended = interlock({"plan", "plan.yaml"});
    EXPECT_EQ(ended.exit, 2) << one.driver;
    EXPECT_THAT(ended.err, HasSubstr(one.message)) << one.driver;
  }
}

}  // namespace

}  // namespace interlock::e2e
