#include <gmock/gmock.h>

#include <csignal>

#include "e2e/cli_harness.h"

// A person who is not looking is called.
namespace interlock::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Notifying : public Cli {
 protected:
  std::vector<std::string> with_notice(std::vector<std::string> words) {
    words.insert(words.end(), {"--notify", "command:cat >" + told_.path()});
    return words;
  }

  NamedPipe told_{folder() + "/told"};
};

TEST_F(Notifying, tells_of_a_failure_and_of_a_gate_and_of_nothing_that_an_agent_said) {
  write_plan(R"(
tasks:
  - {id: bad, run: "echo a-secret; exit 3", reads: [], writes: []}
  - {id: asked, run: "true", reads: [], writes: [], gate: before}
)");
  EXPECT_EQ(interlock(with_notice({"run", "plan.yaml"})).exit, 3);
  const std::string all = told_.next() + told_.next();  // In the order of their happening.
  EXPECT_THAT(all, HasSubstr("`asked` waits for a person: interlock approve"));
  EXPECT_THAT(all, HasSubstr("`bad` failed: interlock why"));
  EXPECT_THAT(all, Not(HasSubstr("a-secret")));
  EXPECT_THAT(all, Not(HasSubstr("\"died\"")));
}

TEST_F(Notifying, tells_that_a_dispatcher_was_killed) {
  write_plan("tasks: [{id: a, run: 'read line <../go', reads: [], writes: []}]\n");
  NamedPipe go(folder() + "/go");
  Running run = start(with_notice({"run", "plan.yaml", "--face", "lines"}));
  run.until_it_says("started     a");
  run.send(SIGKILL);
  run.wait();
  EXPECT_THAT(told_.next(), HasSubstr("is gone: interlock resume r-"));
}

TEST_F(Notifying, lets_a_detached_run_go) {
  write_plan("tasks: [{id: a, run: 'exit 1', reads: [], writes: []}]\n");
  EXPECT_EQ(interlock(with_notice({"run", "plan.yaml", "--detach"})).exit, 0);
  EXPECT_THAT(told_.next(), HasSubstr("`a` failed"));
}

TEST_F(Notifying, says_at_once_what_it_cannot_reach) {
  write_plan("tasks: [{id: a, run: 'true', reads: [], writes: []}]\n");
  const Ended nothing = interlock({"run", "plan.yaml", "--notify", "carrier-pigeon"});
  EXPECT_EQ(nothing.exit, 2);
  EXPECT_THAT(nothing.err, HasSubstr("`carrier-pigeon` is nothing to notify"));
  const Ended far = interlock({"run", "plan.yaml", "--notify", "http://example.com/x"});
  EXPECT_EQ(far.exit, 3);
  EXPECT_THAT(far.err, HasSubstr("http is not encrypted"));
  EXPECT_EQ(interlock({"show", "last"}).exit, 2) << "no run was begun";
}

}  // namespace
}  // namespace interlock::e2e
