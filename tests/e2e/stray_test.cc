#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <array>
#include <boost/json/array.hpp>
#include <csignal>
#include <filesystem>

#include "base/json.h"
#include "e2e/cli_harness.h"

// What outlives an attempt and cannot be proven gone is named, wherever a person looks; and a task
// that takes its dispatcher with it is not started for ever.
namespace interlock::e2e {

namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// An ordinary user without cgroups, who has only /proc to look into.
class Strays : public Cli {
 protected:
  Strays() : here_(folder() + "/here"), go_(folder() + "/go") {
    if (::geteuid() != 0) return;
    user_ = "setpriv --reuid=1001 --regid=1001 --clear-groups env HOME=" + folder() + "/home ";
  }
  void SetUp() override {
    ASSERT_EQ(shell("mkdir -p ../state/interlock").exit, 0);
    if (::geteuid() == 0) {
      ASSERT_EQ(shell("chmod 755 .. && chown -R 1001:1001 ..").exit, 0);
    }
    const Ended able = shell(user_ + "$INTERLOCK doctor");
    if (able.exit >= 126) GTEST_SKIP() << "an ordinary user cannot even run here: " << able.err;
    if (able.out.find("yes  cgroup trees") != std::string::npos)
      GTEST_SKIP() << "this host gives its users cgroups, which prove it";
  }

  Ended as_user(const std::string& words) { return shell(user_ + "$INTERLOCK " + words); }
  /// The dispatcher's own process: what becomes it at last.
  Running start_as_user(const std::string& words) {
    std::array<int, 2> out{}, err{};
    EXPECT_EQ(::pipe2(out.data(), O_CLOEXEC), 0);
    EXPECT_EQ(::pipe2(err.data(), O_CLOEXEC), 0);
    std::string line = "cd " + workspace() + " && exec env -i";
    for (const auto& [name, value] : environment()) line += " '" + name + "=" + value + "'";
    line += " " + user_ + INTERLOCK_BINARY + " " + words;
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::dup2(out[1], STDOUT_FILENO);
      ::dup2(err[1], STDERR_FILENO);
      ::execl("/bin/sh", "sh", "-c", line.c_str(), nullptr);
      ::_exit(127);
    }
    ::close(out[1]);
    ::close(err[1]);
    return {pid, out[0], err[0]};
  }

  /// Expects all faces to name the process, as the last run's task `leaves` left it.
  void expect_named(const std::string& pid, const std::string& summary) {
    const std::string words = fmt::format("process {} (`sleep`) could not be proven gone", pid);
    EXPECT_THAT(summary, HasSubstr(words));
    EXPECT_THAT(as_user("why leaves").out, HasSubstr(words));
    EXPECT_THAT(as_user("show").out, HasSubstr(words));
    const auto shown = boost::json::value(parse_json(as_user("show --json").out).value());
    EXPECT_EQ(at(shown, "/not_proven_gone/0/task"), "leaves");
    EXPECT_EQ(at(shown, "/not_proven_gone/0/process"), fmt::format("process {} (`sleep`)", pid));
    EXPECT_THAT(at(shown, "/tasks/0/history/0/detail"), HasSubstr(words));
    EXPECT_EQ(at(shown, "/tasks/0/history/0/unproven/0"), fmt::format("process {} (`sleep`)", pid));
  }

  std::string user_;
  NamedPipe here_, go_;
};

TEST_F(Strays, who_shed_every_sign_of_a_dead_dispatchers_attempt_is_named) {
  write_plan(R"(
tasks:
  - id: leaves
    run: |
      [ -e was ] && exit 0
      : >was
      (env -i setsid prlimit --rttime=1000000000 sh -c 'echo $$ >../here; exec sleep 1000' </dev/null >/dev/null 2>&1 &)
      read line <../go
    isolation: direct
)");
  ASSERT_EQ(shell("chmod 666 ../here ../go").exit, 0);
  Running run = start_as_user("run plan.yaml --face lines");
  const std::string stray = here_.next();
  ASSERT_NE(stray, "");
  run.send(SIGKILL);
  EXPECT_EQ(run.wait().exit, 128 + SIGKILL);

  const Ended resumed = as_user("resume --face lines");
  EXPECT_EQ(resumed.exit, 0) << resumed.err;
  expect_named(stray, resumed.out + resumed.err);
  ASSERT_EQ(::kill(std::stoi(stray), 0), 0) << "it is there indeed";
  ::kill(std::stoi(stray), SIGKILL);
}

TEST_F(Strays, nobody_is_named_where_nobody_is_left) {
  write_plan(R"(
tasks:
  - {id: leaves, run: "[ -e was ] && exit 0; : >was; echo here >../here; read line <../go", isolation: direct}
)");
  ASSERT_EQ(shell("chmod 666 ../here ../go").exit, 0);
  Running run = start_as_user("run plan.yaml --face lines");
  EXPECT_EQ(here_.next(), "here");
  run.send(SIGKILL);
  run.wait();
  const Ended resumed = as_user("resume --face lines");
  EXPECT_EQ(resumed.exit, 0) << resumed.err;
  const auto shown = parse_json(as_user("show --json").out).value();
  for (const auto& one : shown.at("not_proven_gone").as_array())
    EXPECT_THAT(at(one, "/process"), Not(HasSubstr("(`sh`)"))) << "its shell died with it";
}

TEST_F(Strays, who_belongs_to_another_user_by_now_is_named) {
  if (::geteuid() != 0) GTEST_SKIP() << "it takes root to make a program that changes its user";
  ASSERT_EQ(shell("cp \"$(command -v setpriv)\" ../up && chmod 4755 ../up").exit, 0);
  ASSERT_EQ(shell("chmod 666 ../here").exit, 0);
  write_plan(R"(
tasks:
  - id: leaves
    run: |
      ../up --reuid=0 --regid=0 --clear-groups sh -c 'echo $$ >../here; exec sleep 1000' </dev/null >/dev/null 2>&1 &
      read line <../go
    isolation: direct
)");
  ASSERT_EQ(shell("chmod 666 ../go").exit, 0);
  Running run = start_as_user("run plan.yaml --face lines");
  const std::string stray = here_.next();
  ASSERT_NE(stray, "");
  go_.ring();
  const Ended ended = run.wait();
  EXPECT_EQ(ended.exit, 0) << ended.err;
  expect_named(stray, ended.out + ended.err);
  ::kill(std::stoi(stray), SIGKILL);
}

class Broken : public Cli {
 protected:
  Broken() : here_(folder() + "/here"), go_(folder() + "/go") {
    write_plan(R"(
tasks:
  - {id: first, run: "echo first >>log", writes: [log]}
  - {id: second, run: "echo second >>log; echo here >../here; read line <../go", needs: [first], writes: [log]}
  - {id: third, run: "echo third >>log", needs: [second], writes: [log]}
)");
  }
  void breaks_off(const std::vector<std::string>& arguments, int signal) {
    Running run = start(arguments);
    EXPECT_EQ(here_.next(), "here");
    run.send(signal);
    EXPECT_NE(run.wait().exit, 0);
  }
  /// What is left of an attempt before may still wait for the bell: it is rung for the new one.
  Ended goes_on(const std::vector<std::string>& arguments) {
    Running run = start(arguments);
    EXPECT_EQ(here_.next(), "here");
    go_.ring();
    return run.wait();
  }

  NamedPipe here_, go_;
};

TEST_F(Broken, a_task_that_ran_when_its_dispatcher_broke_off_twice_waits_for_a_person) {
  breaks_off({"run", "plan.yaml"}, SIGABRT);
  breaks_off({"resume"}, SIGSEGV);
  const Ended third = interlock({"resume", "--face", "lines"});
  EXPECT_EQ(third.exit, 1) << third.out << third.err;
  EXPECT_EQ(states(), "first: done\nsecond: failed\nthird: skipped\n");
  EXPECT_EQ(read("log"), "first\nsecond\nsecond\n") << "it was not begun a third time";
  const std::string run = at(json_of({"show", "last"}), "/run");
  EXPECT_THAT(interlock({"why", "second"}).out,
              AllOf(HasSubstr("the dispatcher broke off 2 times while it ran"),
                    HasSubstr("interlock retry " + run + " second")));

  const Ended asked = goes_on({"retry", run, "second", "--face", "lines"});
  EXPECT_EQ(asked.exit, 0) << asked.err;
  EXPECT_EQ(read("log"), "first\nsecond\nsecond\nsecond\nthird\n");
}

TEST_F(Broken, being_killed_from_outside_counts_for_nothing) {
  breaks_off({"run", "plan.yaml"}, SIGKILL);
  breaks_off({"resume"}, SIGKILL);
  breaks_off({"resume"}, SIGABRT);
  const Ended resumed = goes_on({"resume"});
  EXPECT_EQ(resumed.exit, 0) << resumed.err;
}

}  // namespace

}  // namespace interlock::e2e
