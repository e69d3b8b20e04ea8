#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <filesystem>

#include "base/json.h"
#include "e2e/cli_harness.h"

// Whose run a word means, what is said of it, and where that can be read.
namespace interlock::e2e {

namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class Asking : public Cli {
 protected:
  /// A project beside the workspace: its folder, with a plan of this name.
  void make_project(const std::string& name, const std::string& tasks) {
    write("../" + name + "/plan.yaml", "interlock: 1\nname: " + name + "\ntasks: " + tasks + "\n");
  }
  Ended in(const std::string& project, const std::string& arguments) {
    return shell("cd ../" + project + " && $INTERLOCK " + arguments);
  }
  bool has(const std::string& path) const { return std::filesystem::exists(folder() + "/" + path); }
  static std::string error_in(const Ended& ended) {
    const auto value = parse_json(ended.out);
    return value ? at(*value, "/error/message") : "no JSON: " + ended.out;
  }
};

constexpr const char* kGated = "[{id: deploy, run: touch deployed, gate: before}]";

TEST_F(Asking, last_is_the_run_of_the_workspace_one_stands_in) {
  make_project("ga", kGated);
  make_project("gb", kGated);
  ASSERT_EQ(in("ga", "run plan.yaml").exit, 3);
  ASSERT_EQ(in("gb", "run plan.yaml").exit, 3);
  std::filesystem::create_directories(folder() + "/ga/deep/er");

  const Ended approved = in("ga/deep/er", "approve last deploy");
  EXPECT_EQ(approved.exit, 0) << approved.err;
  EXPECT_THAT(approved.err,
              AllOf(HasSubstr("plan `ga`"), HasSubstr("workspace `" + folder() + "/ga`")));
  EXPECT_EQ(in("ga", "resume").exit, 0);
  EXPECT_TRUE(has("ga/deployed"));
  EXPECT_FALSE(has("gb/deployed")) << "nobody approved that one";
  EXPECT_THAT(in("ga", "runs --here").out, Not(HasSubstr("gb")));
}

TEST_F(Asking, where_no_run_belongs_none_is_taken_for_last) {
  make_project("ga", kGated);
  ASSERT_EQ(in("ga", "run plan.yaml").exit, 3);
  std::filesystem::create_directories(folder() + "/gc");
  for (const std::string verb :
       {"approve", "approve last deploy", "reject last", "cancel", "retry", "resume", "show",
        "why last deploy", "log", "output", "prune last"}) {
    const Ended refused = in("gc", verb);
    EXPECT_EQ(refused.exit, 2) << verb << refused.err;
    EXPECT_THAT(refused.err, AllOf(HasSubstr("no run belongs to this folder"), HasSubstr("--any")));
  }
  const Ended approved = in("gc", "approve --any");
  EXPECT_EQ(approved.exit, 0) << approved.err;
  EXPECT_THAT(approved.err, HasSubstr("approved `deploy` of run"));
}

TEST_F(Asking, a_run_also_belongs_to_where_it_was_started_and_where_its_plan_lies) {
  write("../plans/plan.yaml",
        "interlock: 1\nworkspace: ../elsewhere\ntasks: [{id: a, run: 'true'}]\n");
  std::filesystem::create_directories(folder() + "/elsewhere");
  ASSERT_EQ(interlock({"run", "../plans/plan.yaml"}).exit, 0);
  for (const std::string place : {"work", "plans", "elsewhere"})
    EXPECT_EQ(shell("cd ../" + place + " && $INTERLOCK show").exit, 0) << place;
}

TEST_F(Asking, a_run_that_was_refused_leaves_nothing_behind) {
  write_plan("tasks: [{id: a, run: \"read line <../go\"}]\n");
  NamedPipe go(folder() + "/go");
  Running first = start({"run", "plan.yaml", "--face", "lines"});
  first.until_it_says("started     a");
  EXPECT_EQ(interlock({"run", "plan.yaml"}).exit, 3);
  const auto runs = json_of({"runs"});
  EXPECT_EQ(runs.at("runs").as_array().size(), 1u);
  EXPECT_EQ(at(runs, "/runs/0/state"), "running");
  EXPECT_EQ(at(json_of({"show", "last"}), "/state"), "running");
  go.ring();
  EXPECT_EQ(first.wait().exit, 0);
}

TEST_F(Asking, the_only_gate_that_waits_is_the_one_meant) {
  write_plan(
      "tasks:\n"
      "  - {id: a, run: touch a, gate: before}\n"
      "  - {id: b, run: touch b, gate: before}\n");
  ASSERT_EQ(interlock({"run", "plan.yaml", "--pattern", "parallel"}).exit, 3);
  const Ended either = interlock({"approve"});
  const bool both_wait = either.exit == 3;
  if (both_wait) {
    EXPECT_THAT(either.err, HasSubstr("name one: `a` and `b`"));
    EXPECT_EQ(interlock({"approve", "a"}).exit, 0) << "a task of the last run";
  }
  interlock({"resume"});
  EXPECT_TRUE(exists("a"));
  const Ended other = interlock({"reject"});
  EXPECT_EQ(other.exit, 0) << other.err;
  EXPECT_EQ(interlock({"resume"}).exit, 1);
  EXPECT_EQ(states(), "a: done\nb: failed\n");
  EXPECT_EQ(interlock({"approve"}).exit, 3);
}

TEST_F(Asking, what_cannot_be_written_to_standard_output_is_told) {
  write_plan("tasks: [{id: a, run: seq 1000, reads: [], output: text}]\n");
  ASSERT_EQ(interlock({"run", "plan.yaml"}).exit, 0);
  for (const std::string verb : {"output last a", "show last", "show last --json", "log", "why a",
                                 "runs", "plan plan.yaml", "run plan.yaml", "--help", "show --help",
                                 "--version", "completion bash", "show none --json", "doctor"}) {
    const Ended full = shell("$INTERLOCK " + verb + " >/dev/full");
    EXPECT_EQ(full.exit, 4) << verb;
    EXPECT_THAT(full.err, HasSubstr("cannot write to standard output: No space left")) << verb;
    EXPECT_EQ(shell("$INTERLOCK " + verb + " >&-").exit, 4) << verb << ", closed";
    // Who closes a pipe has read enough.
    EXPECT_EQ(
        shell("{ $INTERLOCK " + verb + "; echo $? >../exit; } | true; read x <../exit; exit $x")
            .exit,
        shell("$INTERLOCK " + verb).exit)
        << verb;
  }
}

TEST_F(Asking, json_is_asked_of_every_verb_and_errors_are_json_too) {
  write_plan(
      "tasks:\n  - {id: a, run: \"[ -e good ]\", reads: [good]}\n"
      "  - {id: g, run: 'true', gate: before}\n");
  EXPECT_EQ(error_in(interlock({"show", "last", "--json"})).substr(0, 19), "there is no journal");
  EXPECT_EQ(error_in(interlock({"show", "--jsn", "--json"})).substr(0, 8), "The foll");
  EXPECT_EQ(error_in(interlock({"shw", "--json"})), "there is no command `shw`");
  EXPECT_EQ(interlock({"run", "plan.yaml"}).exit, 3);
  EXPECT_EQ(at(json_of({"approve"}), "/tasks/0"), "g");
  EXPECT_EQ(at(json_of({"resume"}), "/state"), "failed");
  EXPECT_EQ(at(json_of({"resume"}), "/state"), "failed") << "there is nothing left to do";
  write("good", "");
  EXPECT_EQ(at(json_of({"retry"}), "/state"), "finished");
  EXPECT_EQ(error_in(interlock({"retry", "--json"})).substr(0, 4), "run ");
  EXPECT_EQ(error_in(interlock({"plan", "none.yaml", "--json"})),
            "cannot read plan `none.yaml`: there is no such file");
  EXPECT_EQ(at(json_of({"completion", "bash"}), "/shell"), "bash");
  EXPECT_EQ(at(json_of({"output", "last"}), "/version"), "1");
  EXPECT_EQ(at(json_of({"prune", "last"}), "/kept"), "[]");
  EXPECT_EQ(at(json_of({"init", "research", "fresh"}), "/version"), "1");
}

TEST_F(Asking, a_state_folder_that_cannot_be_read_is_not_the_same_as_no_runs) {
  write("../file", "");
  environment()["XDG_STATE_HOME"] = folder() + "/file";
  const Ended ended = interlock({"runs"});
  EXPECT_EQ(ended.exit, 4);
  EXPECT_THAT(ended.err, HasSubstr("cannot read the journal"));
}

TEST_F(Asking, shells_are_offered_runs_tasks_and_values) {
  write_plan("tasks: [{id: alpha, run: 'true'}, {id: beta, run: 'true'}]\n");
  ASSERT_EQ(interlock({"run", "plan.yaml"}).exit, 0);
  const auto offered = [&](const std::string& words) {
    return shell(
               "PATH=$(dirname $INTERLOCK):$PATH bash -c 'source <(interlock completion bash); "
               "COMP_WORDS=(interlock " +
               words +
               "); COMP_CWORD=$((${#COMP_WORDS[@]}-1)); "
               "_interlock; echo ${COMPREPLY[*]}'")
        .out;
  };
  EXPECT_EQ(offered("why last \"\""), "alpha beta\n");
  EXPECT_EQ(offered("why last a"), "alpha\n");
  EXPECT_EQ(offered("run --pattern \"\""), "sequential parallel queue\n");
  EXPECT_THAT(offered("show \"\""), AllOf(HasSubstr("last"), HasSubstr("r-2")));
  EXPECT_EQ(offered("show --sugg"), "--suggest\n");
}

TEST_F(Asking, nothing_that_an_agent_wrote_steers_a_terminal) {
  write_plan(
      "name: \"evil\\e]0;title\\a\"\n"
      "tasks: [{id: a, run: \"printf '\\\\033[2J\\\\033]0;x\\\\007gone\\\\r\\\\n'\", output: "
      "text}]\n");
  ASSERT_EQ(interlock({"run", "plan.yaml"}).exit, 0);
  const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  ASSERT_GE(terminal, 0);
  ASSERT_EQ(::grantpt(terminal), 0);
  ASSERT_EQ(::unlockpt(terminal), 0);
  const std::string name = ::ptsname(terminal);
  for (const std::string verb : {"output last a", "log last", "runs", "show last", "why a"}) {
    ASSERT_EQ(
        shell("TERM=xterm $INTERLOCK " + verb + " --color never >" + name + "; echo END >" + name)
            .exit,
        0);
    std::string shown;
    std::array<char, 4096> piece;
    while (shown.find("END") == std::string::npos) {
      const ssize_t got = ::read(terminal, piece.data(), piece.size());
      if (got <= 0) break;
      shown.append(piece.data(), static_cast<std::size_t>(got));
    }
    EXPECT_EQ(shown.find('\x1b'), std::string::npos) << verb << ": " << shown;
    EXPECT_EQ(shown.find('\a'), std::string::npos) << verb;
  }
  ::close(terminal);
  EXPECT_THAT(interlock({"output", "last", "a"}).out, HasSubstr("\x1b[2J"))
      << "a file gets the bytes";
}

}  // namespace

}  // namespace interlock::e2e
