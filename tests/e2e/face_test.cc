#include <gmock/gmock.h>

#include "e2e/cli_harness.h"

// The command line itself: help, completion, pipes, places that are missing.
namespace interlock::e2e {

namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

class Face : public Cli {
 protected:
  void run_one() {
    write_plan("tasks: [{id: one, run: [seq, '1000'], output: text}]\n");
    const Ended ended = interlock({"run", "plan.yaml"});
    ASSERT_EQ(ended.exit, 0) << ended.err;
  }
};

TEST_F(Face, every_command_has_help_that_names_its_options) {
  const std::string help = interlock({"--help"}).out;
  for (const char* verb : {"plan", "run", "resume", "runs", "show", "why", "log", "output",
                           "approve", "reject", "cancel", "retry", "init", "completion"}) {
    EXPECT_THAT(help, HasSubstr(std::string("\n  ") + verb)) << verb;
    const Ended ended = interlock({verb, "--help"});
    EXPECT_EQ(ended.exit, 0) << verb;
    EXPECT_THAT(ended.out, HasSubstr("--help")) << verb;
    EXPECT_EQ(ended.err, "") << verb;
  }
  EXPECT_THAT(interlock({"--version"}).out, HasSubstr("interlock "));
}

TEST_F(Face, a_wrong_command_line_is_told_in_one_line_and_a_hint) {
  const std::vector<std::vector<std::string>> wrong_ones{{"fly"},
                                                         {"plan"},
                                                         {"plan", "x", "--colour"},
                                                         {"why", "last"},
                                                         {"run", "x", "--parallel", "0"},
                                                         {"run", "x", "--effort", "soon"}};
  for (const auto& wrong : wrong_ones) {
    const Ended ended = interlock(wrong);
    EXPECT_EQ(ended.exit, 2) << ended.err;
    EXPECT_THAT(ended.err, HasSubstr("error: "));
    EXPECT_THAT(ended.err, HasSubstr("hint: "));
    EXPECT_EQ(ended.out, "");
  }
}

TEST_F(Face, no_command_at_all_is_answered_with_help) {
  const Ended ended = interlock({});
  EXPECT_EQ(ended.exit, 2);
  EXPECT_THAT(ended.err, HasSubstr("Usage: interlock"));
}

TEST_F(Face, completion_scripts_parse) {
  for (const char* shell_name : {"bash", "zsh", "fish"}) {
    const Ended script = interlock({"completion", shell_name});
    EXPECT_EQ(script.exit, 0);
    write("completion", script.out);
    const Ended parsed = shell(std::string("command -v ") + shell_name + " >/dev/null || exit 0; " +
                               shell_name + " -n completion");
    EXPECT_EQ(parsed.exit, 0) << parsed.err;
  }
  EXPECT_EQ(shell("bash -c '. ./completion 2>/dev/null; exit 0'").exit, 0);
}

TEST_F(Face, bash_completes_commands_and_options) {
  write("completion", interlock({"completion", "bash"}).out);
  const auto completed = [this](const std::string& words, int at) {
    return shell("bash -c '. ./completion; COMP_WORDS=(" + words +
                 "); COMP_CWORD=" + std::to_string(at) + "; _interlock; echo ${COMPREPLY[@]}'")
        .out;
  };
  EXPECT_THAT(completed("interlock com", 1), HasSubstr("completion"));
  EXPECT_THAT(completed("interlock plan --par", 2), HasSubstr("--parallel"));
  EXPECT_THAT(completed("interlock init mig", 2), HasSubstr("migrations"));
}

TEST_F(Face, no_escape_sequence_goes_into_a_pipe) {
  run_one();
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{"plan", "plan.yaml"},
                                             {"show", "last"},
                                             {"runs"},
                                             {"why", "last", "one"},
                                             {"log", "last"}}) {
    EXPECT_THAT(interlock(command).out, Not(HasSubstr("\x1b"))) << command.front();
  }
}

TEST_F(Face, a_reader_that_goes_away_is_no_error) {
  run_one();
  EXPECT_EQ(shell("\"$INTERLOCK\" log last | head -n 1").out, "one | 1\n");
  EXPECT_EQ(shell("{ \"$INTERLOCK\" output last one; echo $? >&2; } | head -n 1").err, "0\n");
}

TEST_F(Face, without_a_home_the_journal_needs_a_place_and_planning_does_not) {
  write_plan("tasks: [{id: one, run: [true]}]\n");
  environment().erase("HOME");
  environment().erase("XDG_STATE_HOME");
  const Ended run = interlock({"run", "plan.yaml"});
  EXPECT_EQ(run.exit, 2);
  EXPECT_THAT(run.err, HasSubstr("--state DIR"));
  EXPECT_EQ(interlock({"run", "plan.yaml", "--state", folder() + "/elsewhere"}).exit, 0);
  EXPECT_EQ(interlock({"plan", "plan.yaml"}).exit, 0);
  EXPECT_EQ(interlock({"completion", "bash"}).exit, 0);
}

TEST_F(Face, a_state_folder_that_cannot_be_written_is_named) {
  write_plan("tasks: [{id: one, run: [true]}]\n");
  write("file", "");
  const Ended ended = interlock({"run", "plan.yaml", "--state", workspace() + "/file/below"});
  EXPECT_THAT(ended.exit, AnyOf(2, 4));
  EXPECT_THAT(ended.err, HasSubstr("file/below"));
}

TEST_F(Face, before_the_first_run_there_is_nothing_to_show_and_a_word_on_what_to_do) {
  const Ended runs = interlock({"runs"});
  EXPECT_EQ(runs.exit, 0) << runs.err;
  EXPECT_THAT(runs.err, HasSubstr("no runs yet"));
  EXPECT_EQ(interlock({"show"}).exit, 2);
}

TEST_F(Face, lists_runs_the_newest_first) {
  write_plan("name: older\ntasks: [{id: one, run: [true]}]\n");
  ASSERT_EQ(interlock({"run", "plan.yaml"}).exit, 0);
  write_plan("name: newer\ntasks: [{id: one, run: [false]}]\n");
  ASSERT_EQ(interlock({"run", "plan.yaml"}).exit, 1);
  const auto runs = json_of({"runs"});
  EXPECT_EQ(at(runs, "/version"), "1");
  EXPECT_EQ(at(runs, "/runs/0/plan"), "newer");
  EXPECT_EQ(at(runs, "/runs/0/state"), "failed");
  EXPECT_EQ(at(runs, "/runs/1/state"), "finished");
}

}  // namespace

}  // namespace interlock::e2e
