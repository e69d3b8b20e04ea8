#include <gmock/gmock.h>

#include <csignal>
#include <string>

#include "e2e/cli_harness.h"
#include "e2e/pty.h"

// The panel on a terminal of its own: its keys, and that the terminal is a shell's again after
// every end.
namespace interlock::e2e {

namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Keys : public Cli {
 protected:
  Keys() { environment()["NO_COLOR"] = "1"; }
  Pty on_terminal(const std::vector<std::string>& arguments, unsigned short columns = 80) {
    std::vector<std::string> whole{INTERLOCK_BINARY};
    whole.insert(whole.end(), arguments.begin(), arguments.end());
    return Pty(whole, workspace(), environment(), columns);
  }
  /// `line` in a shell whose terminal it is, as in a script.
  Pty shell_on_terminal(const std::string& line) {
    return Pty({"/bin/sh", "-c", line}, workspace(), environment());
  }
  /// A task that waits for the test, and one behind it.
  void write_two(const NamedPipe& bell) {
    write_plan("tasks:\n  - {id: first, run: 'echo \"so far\"; read line <" + bell.path() +
               "'}\n  - {id: second, run: [touch, second], needs: [first]}\n");
  }
  std::string state_of_run() { return at(json_of({"show", "last"}), "/state"); }
  void until_state(const std::string& state) {
    for (int tries = 0; tries < 600 && state_of_run() != state; ++tries) shell("sleep 0.1");
    EXPECT_EQ(state_of_run(), state);
  }
};

TEST_F(Keys, approve_a_gate_and_the_run_goes_on) {
  write_plan("tasks: [{id: migrate, run: [touch, migrated], gate: before}]\n");
  Pty run = on_terminal({"run", "plan.yaml"}, 60);
  run.until_it_shows("approve");
  EXPECT_FALSE(run.is_usual()) << "keys come one by one";
  run.press("a");
  run.until_it_shows("approve `migrate`?");
  EXPECT_FALSE(exists("migrated")) << "nothing is approved by one key";
  run.press("y");
  EXPECT_EQ(run.wait(), 0) << run.shown();
  EXPECT_TRUE(exists("migrated"));
}

TEST_F(Keys, reject_at_a_gate) {
  write_plan("tasks: [{id: migrate, run: [touch, migrated], gate: before}]\n");
  Pty run = on_terminal({"run", "plan.yaml"});
  run.until_it_shows("approve");
  run.press("ar");
  EXPECT_EQ(run.wait(), 1) << run.shown();
  EXPECT_FALSE(exists("migrated"));
}

TEST_F(Keys, pause_and_go_on) {
  const NamedPipe bell(workspace() + "/bell");
  write_two(bell);
  Pty run = on_terminal({"run", "plan.yaml"});
  run.until_it_shows("pause");
  run.press("p");
  run.until_it_shows("go on");
  bell.ring();
  run.until_it_shows("the run is paused");
  EXPECT_FALSE(exists("second"));
  run.press("p");
  EXPECT_EQ(run.wait(), 0) << run.shown();
  EXPECT_TRUE(exists("second"));
}

TEST_F(Keys, leave_and_the_run_goes_on_by_itself) {
  const NamedPipe bell(workspace() + "/bell");
  write_two(bell);
  Pty run = shell_on_terminal("\"$INTERLOCK\" run plan.yaml; echo left with $?; read line");
  run.until_it_shows("leave it running");
  run.press("q");
  run.until_it_shows("it goes on by itself");
  run.until_it_shows("left with 0");
  EXPECT_TRUE(run.is_usual());
  EXPECT_EQ(state_of_run(), "running");
  run.hang_up();
  bell.ring();
  EXPECT_EQ(interlock({"wait", "last"}).exit, 0);
  until_state("finished");
  EXPECT_THAT(shell("cat " + state() + "/runs/*/dispatcher.log").out, HasSubstr("second"));
}

TEST_F(Keys, see_what_a_task_wrote_and_none_of_its_control_sequences) {
  const NamedPipe bell(workspace() + "/bell");
  write_plan("tasks:\n  - {id: first, run: 'printf \"se\\033[2Jen\\\\n\"; read line <" +
             bell.path() + "'}\n");
  Pty run = on_terminal({"run", "plan.yaml"});
  run.until_it_shows("log");
  run.press("l");
  run.until_it_shows("log of");
  run.until_it_shows("seen");
  EXPECT_THAT(run.shown(), Not(HasSubstr("\x1b[2J")));
  bell.ring();
  EXPECT_EQ(run.wait(), 0);
}

TEST_F(Keys, arrows_and_other_sequences_are_no_keys) {
  const NamedPipe bell(workspace() + "/bell");
  write_two(bell);
  Pty run = on_terminal({"run", "plan.yaml"});
  run.until_it_shows("pause");
  run.press("\x1b[A\x1bOp\x1b[1;5qxyz");
  run.press("l");
  run.until_it_shows("log of");
  EXPECT_EQ(at(json_of({"show", "last"}), "/state"), "running");
  EXPECT_THAT(run.shown(), Not(HasSubstr("go on")));
  bell.ring();
  EXPECT_EQ(run.wait(), 0);
}

TEST_F(Keys, ctrl_c_interrupts_and_gives_the_terminal_back) {
  const NamedPipe bell(workspace() + "/bell");
  write_two(bell);
  Pty run =
      shell_on_terminal("trap : INT; \"$INTERLOCK\" run plan.yaml; echo ended with $?; read line");
  run.until_it_shows("pause");
  run.press("\x03");
  run.until_it_shows("ended with 130");
  EXPECT_TRUE(run.is_usual());
  EXPECT_EQ(state_of_run(), "interrupted");
}

/// `$!` is the process that keeps the terminal; its only child dispatches.
constexpr const char* kBehind =
    "exec 3<&0; \"$INTERLOCK\" run plan.yaml <&3 & echo $! >pid; wait $!; echo ended with $?; "
    "read line <&3";

TEST_F(Keys, a_dispatcher_that_is_killed_leaves_the_terminal_as_it_was) {
  const NamedPipe bell(workspace() + "/bell");
  write_two(bell);
  Pty run = shell_on_terminal(kBehind);
  run.until_it_shows("pause");
  shell("kill -9 $(cat /proc/$(cat pid)/task/*/children)");
  run.until_it_shows("ended with 137");
  EXPECT_TRUE(run.is_usual());
}

TEST_F(Keys, where_the_keeper_is_killed_the_run_is_interrupted_and_the_terminal_given_back) {
  const NamedPipe bell(workspace() + "/bell");
  write_two(bell);
  Pty run = shell_on_terminal(kBehind);
  run.until_it_shows("pause");
  shell("kill -9 $(cat pid)");
  run.until_it_shows("ended with 137");
  until_state("interrupted");
  run.until_usual();
}

TEST_F(Keys, sigterm_interrupts_as_ever) {
  const NamedPipe bell(workspace() + "/bell");
  write_two(bell);
  Pty run = shell_on_terminal(kBehind);
  run.until_it_shows("pause");
  shell("kill -TERM $(cat pid)");
  run.until_it_shows("ended with 130");
  EXPECT_TRUE(run.is_usual());
  EXPECT_EQ(state_of_run(), "interrupted");
}

TEST_F(Keys, a_terminal_that_goes_away_interrupts_the_run) {
  const NamedPipe bell(workspace() + "/bell");
  write_two(bell);
  Pty run = on_terminal({"run", "plan.yaml"});
  run.until_it_shows("pause");
  run.hang_up();
  until_state("interrupted");
}

TEST_F(Keys, lines_and_plans_from_standard_input_leave_the_terminal_alone) {
  write_plan("tasks: [{id: migrate, run: [touch, migrated], gate: before}]\n");
  Pty run = on_terminal({"run", "plan.yaml", "--face", "lines"});
  EXPECT_EQ(run.wait(), 3) << "nobody is taken to sit there";
  Pty typed = on_terminal({"run", "-"});
  typed.press("{interlock: 1, tasks: [{id: a, run: [touch, typed]}]}\n\x04");
  EXPECT_EQ(typed.wait(), 0) << typed.shown();
  EXPECT_TRUE(exists("typed"));
}

TEST_F(Keys, from_another_terminal_the_same_run_is_seen_and_asked) {
  const NamedPipe bell(workspace() + "/bell");
  write_two(bell);
  Running run = start({"run", "plan.yaml", "--face", "lines"});
  run.until_it_says("started");
  Pty one = shell_on_terminal("\"$INTERLOCK\" show -f; echo left with $?; read line");
  Pty two = on_terminal({"show", "-f"});
  one.until_it_shows("pause");
  two.until_it_shows("pause");
  one.press("p");
  one.until_it_shows("go on");
  two.until_it_shows("go on");
  two.press("p");
  one.until_it_shows("pause");
  one.press("q");
  one.until_it_shows("left with 0");
  EXPECT_TRUE(one.is_usual());
  bell.ring();
  EXPECT_EQ(two.wait(), 0) << two.shown();
  EXPECT_THAT(two.shown(), HasSubstr("2 of 2 tasks done")) << "the summary stays";
  EXPECT_EQ(run.wait().exit, 0);
}

TEST_F(Keys, of_a_run_that_is_over_following_shows_how_it_ended) {
  write_plan("tasks: [{id: one, run: [true]}]\n");
  ASSERT_EQ(interlock({"run", "plan.yaml"}).exit, 0);
  Pty shown = on_terminal({"show", "-f"});
  EXPECT_EQ(shown.wait(), 0);
  EXPECT_THAT(shown.shown(), HasSubstr("finished"));
  const Ended piped = interlock({"show", "-f"});
  EXPECT_EQ(piped.exit, 2);
  EXPECT_THAT(piped.err, HasSubstr("no terminal to draw on"));
}

TEST_F(Keys, the_tab_shows_progress_only_where_it_is_known_to) {
  write_plan("tasks: [{id: one, run: [true]}]\n");
  environment()["TERM_PROGRAM"] = "WezTerm";
  Pty known = on_terminal({"run", "plan.yaml", "--fresh"});
  EXPECT_EQ(known.wait(), 0);
  EXPECT_THAT(known.shown(), HasSubstr("\x1b]9;4;1;"));
  EXPECT_LT(known.shown().rfind("\x1b]9;4;1;"), known.shown().rfind("\x1b]9;4;0;0"));
  environment()["TERM_PROGRAM"] = "other";
  Pty other = on_terminal({"run", "plan.yaml", "--fresh"});
  EXPECT_EQ(other.wait(), 0);
  EXPECT_THAT(other.shown(), Not(HasSubstr("\x1b]9;4")));
}

}  // namespace

}  // namespace interlock::e2e
