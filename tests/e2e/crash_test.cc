#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <thread>

#include "e2e/cli_harness.h"

// Nothing that happens to the dispatcher loses finished work, repeats it, or shows running what is
// not.
namespace interlock::e2e {

namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// `first` ends, `second` waits for the test in the middle of its work, `third` follows.
constexpr const char* kThree = R"(
tasks:
  - {id: first, run: "echo first >>log; echo 1 >one", writes: [one]}
  - {id: second, run: "echo second >>log; echo here >../here; read line <../go; echo 2 >two", reads: [one], writes: [two]}
  - {id: third, run: "echo third >>log; cat one two", reads: [one, two], output: text}
)";

class Crash : public Cli {
 protected:
  Crash() : here_(folder() + "/here"), go_(folder() + "/go") { write_plan(kThree); }

  /// A run in the middle of its second task.
  Running in_the_middle() {
    Running run = start({"run", "plan.yaml"});
    EXPECT_EQ(here_.next(), "here");
    return run;
  }
  /// Goes on with the last run, whose second task begins again. What is left of its first attempt
  /// may still wait for the bell, so that is rung only when the new one is there.
  Ended resume(const std::vector<std::string>& options = {}) {
    std::vector<std::string> words{"resume"};
    words.insert(words.end(), options.begin(), options.end());
    Running run = start(words);
    EXPECT_EQ(here_.next(), "here");
    go_.ring();
    return run.wait();
  }
  /// The digest of a run of the same plan that nothing happens to.
  std::string undisturbed_digest() {
    std::filesystem::create_directories(folder() + "/copy");
    write_plan(kThree, "../copy/plan.yaml");
    go_.ring();
    const Ended ended = interlock({"run", "../copy/plan.yaml"});
    EXPECT_EQ(ended.exit, 0) << ended.err;
    EXPECT_EQ(here_.next(), "here");
    return digest();
  }

  NamedPipe here_, go_;
};

TEST_F(Crash,
       a_run_killed_in_the_middle_resumes_to_the_same_digest_without_repeating_what_was_done) {
  {
    Running run = in_the_middle();
    run.send(SIGKILL);
    EXPECT_EQ(run.wait().exit, 128 + SIGKILL);
  }
  EXPECT_EQ(at(json_of({"runs"}), "/runs/0/state"), "died");
  EXPECT_THAT(states(), Not(HasSubstr("running")));

  const Ended resumed = resume();
  EXPECT_EQ(resumed.exit, 0) << resumed.err;
  EXPECT_EQ(read("log"), "first\nsecond\nsecond\nthird\n") << "only what had not ended began again";
  EXPECT_EQ(states(), "first: done\nsecond: done\nthird: done\n");
  EXPECT_THAT(left_running(), IsEmpty());
  const std::string after_crash = digest();
  EXPECT_NE(after_crash, "");
  EXPECT_EQ(after_crash, undisturbed_digest());
}

TEST_F(Crash, what_a_dead_dispatcher_left_running_is_ended_before_its_work_is_done_again) {
  write_plan(R"(
tasks:
  - {id: stubborn, run: "setsid sh -c 'echo here >../here; exec sleep 1000' & read line <../go", writes: [x]}
)");
  {
    Running run = in_the_middle();
    run.send(SIGKILL);
    run.wait();
  }
  Running resumed = start({"resume"});
  EXPECT_EQ(here_.next(), "here");
  // The new one speaks just before it becomes `sleep`: it may take some looks until it is seen as
  // that.
  const auto sleepers = [this] {
    const auto running = left_running();
    return std::count(running.begin(), running.end(), "sleep 1000 ");
  };
  auto seen = sleepers();
  for (int looks = 0; seen == 0 && looks < 5000; ++looks) seen = sleepers();
  EXPECT_EQ(seen, 1) << "the one before is gone";
  go_.ring();
  const Ended ended = resumed.wait();
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_THAT(left_running(), IsEmpty());
}

TEST_F(Crash, ctrl_c_ends_what_runs_and_resume_goes_on) {
  Running run = in_the_middle();
  run.send(SIGINT);
  const Ended interrupted = run.wait();
  EXPECT_EQ(interrupted.exit, 130) << interrupted.err;
  EXPECT_THAT(left_running(), IsEmpty());
  EXPECT_EQ(at(json_of({"show", "last"}), "/state"), "interrupted");

  const Ended resumed = resume();
  EXPECT_EQ(resumed.exit, 0) << resumed.err;
  EXPECT_EQ(read("log"), "first\nsecond\nsecond\nthird\n");
}

TEST_F(Crash, ctrl_c_is_heard_while_a_large_tree_is_looked_at) {
  ASSERT_EQ(shell("mkdir d && cd d && seq 20000 | xargs touch").exit, 0);
  write_plan(R"(
tasks:
  - {id: looks, run: "echo 1 >one", reads: ["d/**"], writes: [one]}
  - {id: owns, run: "echo 2 >d/two", reads: [], writes: [d, "d/**"]}
)");
  Running run = start({"run", "plan.yaml", "--face", "lines"});
  // Its mark is there before its first turn, in which the tree is looked at. To ask a command for
  // the run may take longer than that.
  const auto is_dispatched = [this] {
    std::error_code error;
    std::filesystem::directory_iterator runs(folder() + "/state/interlock/runs", error);
    return !error && std::ranges::any_of(runs, [](const auto& one) {
      return std::filesystem::exists(one.path() / "broke_off");
    });
  };
  for (int looks = 0; looks < 60'000 && !is_dispatched(); ++looks)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  run.send(SIGINT);
  const Ended interrupted = run.wait();
  EXPECT_EQ(interrupted.exit, 130) << interrupted.err;
  EXPECT_EQ(at(json_of({"show", "last"}), "/state"), "interrupted");
  const Ended resumed = interlock({"resume"});
  EXPECT_EQ(resumed.exit, 0) << resumed.err;
  EXPECT_EQ(states(), "looks: done\nowns: done\n");
}

TEST_F(Crash, two_dispatchers_on_one_workspace_are_refused_with_the_holders_name) {
  Running run = in_the_middle();
  const std::string id = at(json_of({"show", "last"}), "/run");
  const Ended second = interlock({"run", "plan.yaml"});
  EXPECT_EQ(second.exit, 3);
  EXPECT_THAT(second.err, HasSubstr(id));
  EXPECT_THAT(second.err, HasSubstr(std::to_string(run.pid())));
  const Ended third = interlock({"resume", id});
  EXPECT_EQ(third.exit, 3);
  EXPECT_THAT(third.err, HasSubstr(std::to_string(run.pid())));
  go_.ring();
  EXPECT_EQ(run.wait().exit, 0);
}

TEST_F(Crash, resume_of_a_finished_run_does_nothing_and_says_so) {
  write_plan("tasks: [{id: one, run: 'echo x >>log'}]\n");
  ASSERT_EQ(interlock({"run", "plan.yaml"}).exit, 0);
  const Ended resumed = interlock({"resume"});
  EXPECT_EQ(resumed.exit, 0);
  EXPECT_THAT(resumed.err, HasSubstr("finished"));
  EXPECT_EQ(read("log"), "x\n");
}

TEST_F(Crash, a_plan_edited_after_the_run_began_changes_nothing_unasked) {
  Running run = in_the_middle();
  run.send(SIGKILL);
  run.wait();
  write_plan("tasks: [{id: other, run: [true]}]\n");
  const Ended asked = interlock({"resume"});
  EXPECT_EQ(asked.exit, 3);
  EXPECT_THAT(asked.err, HasSubstr("was edited since"));
  const Ended resumed = resume({"--plan", "old"});
  EXPECT_EQ(resumed.exit, 0) << resumed.err;
  EXPECT_EQ(states(), "first: done\nsecond: done\nthird: done\n");
}

TEST_F(Crash, a_full_disk_stops_the_run_with_a_word_and_it_goes_on_when_there_is_room) {
  const std::string disk = folder() + "/disk";
  std::filesystem::create_directories(disk);
  if (shell("mount -t tmpfs -o size=512k tmpfs " + disk + " 2>/dev/null").exit != 0)
    GTEST_SKIP() << "a small disk can be mounted by root only";
  write_plan(R"(
tasks:
  - {id: small, run: "echo small >>log", writes: [log]}
  - {id: big, run: "head -c 400000 /dev/urandom | od -v", reads: [log], output: text}
)");
  const Ended ended = interlock({"run", "plan.yaml", "--state", disk + "/state"});
  EXPECT_EQ(ended.exit, 4) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("error:"));
  EXPECT_EQ(shell("mount -o remount,size=64m " + disk).exit, 0);
  const Ended resumed = interlock({"resume", "--state", disk + "/state"});
  EXPECT_EQ(resumed.exit, 0) << resumed.err;
  EXPECT_EQ(read("log"), "small\n") << "what was done before is not done again";
  EXPECT_EQ(shell("umount " + disk).exit, 0);
}

}  // namespace

}  // namespace interlock::e2e
