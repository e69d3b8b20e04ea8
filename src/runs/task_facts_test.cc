#include "runs/task_facts.h"

#include <gtest/gtest.h>

namespace interlock::runs {
namespace {

/// Two tasks, of which the second waits for the first and runs alone.
Planned two_tasks() {
  Planned planned;
  planned.plan.tasks.resize(2);
  planned.plan.tasks[0].id = "a";
  planned.plan.tasks[1].id = "b";
  planned.plan.tasks[1].gate_before = true;
  planned.plan.tasks[1].footprint.unknown = true;
  planned.interlocking.edges = {{TaskId(0), TaskId(1), footprint::Why::needs, "output"},
                                {TaskId(0), TaskId(1), footprint::Why::read_write, "docs/**"}};
  planned.interlocking.first = {0, 0, 2};
  planned.decision.speculation.waits = planned.interlocking;
  planned.expected.resize(2);
  planned.expected[1].time = std::chrono::seconds(45);
  planned.decision.verdicts.resize(2);
  planned.decision.verdicts[1].exclusive = true;
  planned.decision.verdicts[1].why = "its output is prose";
  planned.decision.verdicts[1].hint = "give it a schema";
  return planned;
}

TEST(TaskFacts, WhatIsKeptOfATaskIsReadAsItWas) {
  const Planned planned = two_tasks();
  const auto facts = facts_of(planned, 1);
  ASSERT_EQ(facts.size(), 1U);
  EXPECT_EQ(facts[0].id, "b");
  EXPECT_EQ(facts[0].facts, R"({"after":[[0,0,"output"],[0,2,"docs/**"]],"takes":45000000,)"
                            R"("alone":["its output is prose","give it a schema"],"unknown":true,)"
                            R"("gate_before":true})");
  KnownOfTask known = known_of_task(facts[0].facts).value();
  ASSERT_EQ(known.after.size(), 2U);
  EXPECT_EQ(known.after[1].on, "docs/**");
  EXPECT_EQ(known.after[1].why, footprint::Why::read_write);
  EXPECT_EQ(known.waits, known.after);
  EXPECT_EQ(known.expected, std::chrono::seconds(45));
  EXPECT_EQ(known.exclusive_hint, "give it a schema");
  EXPECT_TRUE(known.is_unknown && known.gate_before && !known.gate_after);
}

TEST(TaskFacts, WhatASnapshotCatchesIsNotWaitedFor) {
  Planned planned = two_tasks();
  planned.decision.speculation.waits.edges.pop_back();
  planned.decision.speculation.waits.first = {0, 0, 1};
  const KnownOfTask known = known_of_task(facts_of(planned)[1].facts).value();
  EXPECT_EQ(known.after.size(), 2U);
  EXPECT_EQ(known.waits.size(), 1U);
}

TEST(TaskFacts, ARunWhoseTasksDependOnMoreIsNotLookedAtInPart) {
  Planned planned = two_tasks();
  EXPECT_FALSE(known_of_run(facts_of_run(planned)).value().is_plain) << "one runs alone";
  planned.decision.verdicts[1].exclusive = false;
  EXPECT_TRUE(known_of_run(facts_of_run(planned)).value().is_plain);
  planned.decision.policy.gate_every = 5;
  EXPECT_FALSE(known_of_run(facts_of_run(planned)).value().is_plain);
  planned.plan.tasks[1].tries = {TaskId(0)};
  EXPECT_EQ(facts_of_run(planned), "");
}

TEST(TaskFacts, WhatIsNotOfThisFormIsRefused) {
  for (const char* text :
       {"", "[]", R"({"after":7})", R"({"after":[[1]]})", R"({"after":[[0,99]]})"})
    EXPECT_EQ(known_of_task(text).error().kind, Error::Kind::io) << text;
  EXPECT_EQ(known_of_run("7").error().kind, Error::Kind::io);
}

}  // namespace
}  // namespace interlock::runs
