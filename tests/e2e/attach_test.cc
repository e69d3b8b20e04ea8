#include <gmock/gmock.h>
#include <signal.h>

#include "e2e/cli_harness.h"

// `attach`: looking at a run that another terminal, or nobody's, dispatches.
namespace interlock::e2e {

namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class Attach : public Cli {
 protected:
  /// A detached run that goes on until it is let go, and fails where `outcome` does.
  std::string detached_run(const std::string& outcome) {
    write_plan("tasks: [{id: slow, run: \"echo here >../here; read line <../go; " + outcome +
               "\", reads: [], writes: []}]\n");
    const Ended started = interlock({"run", "plan.yaml", "--detach"});
    EXPECT_EQ(started.exit, 0) << started.err;
    EXPECT_EQ(here_.next(), "here");
    return started.out.substr(0, started.out.find('\n'));
  }

  NamedPipe here_{folder() + "/here"}, go_{folder() + "/go"};
};

TEST_F(Attach, follows_a_detached_run_to_its_end_and_ends_as_it_does) {
  const std::string run = detached_run("true");
  Running watching = start({"attach"});
  watching.until_it_says("running     slow");
  go_.ring();
  const Ended ended = watching.wait();
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_THAT(ended.err, AllOf(HasSubstr("done        slow"), HasSubstr("1 of 1 task done")));
  EXPECT_EQ(interlock({"attach", run}).exit, 0) << "also when it is over";
}

TEST_F(Attach, leaves_the_run_alone_when_it_is_interrupted) {
  const std::string run = detached_run("exit 3");
  Running watching = start({"attach", run});
  watching.until_it_says("running     slow");
  watching.send(SIGINT);
  const Ended left = watching.wait();
  EXPECT_EQ(left.exit, 130);
  EXPECT_THAT(left.err, HasSubstr("goes on without you"));
  EXPECT_EQ(states(run), "slow: running\n");
  Running again = start({"attach", run});
  again.until_it_says("running     slow");
  go_.ring();
  EXPECT_EQ(again.wait().exit, 1) << "the run failed";
}

TEST_F(Attach, names_the_run_it_cannot_find) {
  EXPECT_EQ(interlock({"attach", "r-nowhere"}).exit, 2);
}

}  // namespace

}  // namespace interlock::e2e
