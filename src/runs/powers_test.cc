#include "runs/powers.h"

#include <gmock/gmock.h>

namespace interlock::runs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

plan::Plan two_tasks(plan::AgentKind kind, plan::Isolation isolation) {
  plan::Plan plan;
  plan::Agent agent;
  agent.name = "it";
  agent.kind = kind;
  plan.agents.push_back(agent);
  for (const char* const id : {"a", "b"}) {
    plan::Task task;
    task.id = id;
    task.agent = AgentId(0);
    task.isolation = isolation;
    plan.tasks.push_back(task);
  }
  return plan;
}

TEST(UnsharedPrompts, AreSaidToAnOrdinaryUserWhereFoldersHaveTheirOwnPaths) {
  using plan::AgentKind;
  using plan::Isolation;
  EXPECT_THAT(say_unshared_prompts(two_tasks(AgentKind::codex, Isolation::guard), false),
              ElementsAre(HasSubstr("`a` and `b` (codex): as an ordinary user in `guard`")));
  EXPECT_THAT(say_unshared_prompts(two_tasks(AgentKind::codex, Isolation::guard), true), IsEmpty());
  EXPECT_THAT(say_unshared_prompts(two_tasks(AgentKind::codex, Isolation::view), false), IsEmpty());
  EXPECT_THAT(say_unshared_prompts(two_tasks(AgentKind::chat, Isolation::guard), false), IsEmpty());
  plan::Plan one = two_tasks(AgentKind::pi, Isolation::worktree);
  one.tasks.pop_back();
  EXPECT_THAT(say_unshared_prompts(one, false), IsEmpty()) << "nobody to share with";
}

}  // namespace
}  // namespace interlock::runs
