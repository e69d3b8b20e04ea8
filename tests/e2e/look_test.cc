#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>

#include "e2e/cli_harness.h"

// Looks at one task of a run, and answers at its gates, that read neither its plan nor the events
// of others: they say what the whole run says.
namespace interlock::e2e {

namespace {

using ::testing::HasSubstr;

class Look : public Cli {
 protected:
  void change(const std::string& sql) const {
    SQLite::Database(state() + "/interlock.db", SQLite::OPEN_READWRITE).exec(sql);
  }
  /// From here on every look reads the whole run.
  void forget_facts() const {
    change("UPDATE documents SET name = 'forgotten' WHERE name = 'facts'");
  }
  void remember_facts() const {
    change("UPDATE documents SET name = 'facts' WHERE name = 'forgotten'");
  }
  /// Nobody can read the plan any more.
  void spoil_plan() const { change("UPDATE documents SET text = 'tasks: [' WHERE name = 'plan'"); }

  std::string looks(const std::vector<std::string>& tasks) {
    std::string text;
    for (const std::string& task : tasks) {
      text += interlock({"why", "last", task}).out;
      text += interlock({"why", "last", task, "--json"}).out;
    }
    return text;
  }
  /// What looks say in part, which has to be what they say when all is read.
  std::string expect_same_looks(const std::vector<std::string>& tasks) {
    const std::string in_part = looks(tasks);
    forget_facts();
    EXPECT_EQ(in_part, looks(tasks));
    remember_facts();
    return in_part;
  }
};

TEST_F(Look, a_run_that_waits_at_a_gate_is_told_of_in_part_as_in_whole) {
  write("in", "1\n");
  write_plan(R"(
limits: {parallel: 2}
tasks:
  - {id: good, run: "cat in >out", reads: [in], writes: [out]}
  - {id: bad, run: [false], retries: 1, backoff: 1ms, needs: [good], writes: [b]}
  - {id: skipped, run: [true], needs: [bad], writes: [s]}
  - {id: reader, run: "cat out", reads: [out], writes: [r]}
  - {id: gated, run: [true], gate: before, writes: [g]}
  - {id: behind, run: [true], needs: [gated], writes: [h]}
  - {id: reviewed, run: [true], gate: after, writes: [v]}
)");
  EXPECT_EQ(interlock({"run", "plan.yaml", "--pattern", "queue"}).exit, 3);
  const std::vector<std::string> all{"good",  "bad",    "skipped", "reader",
                                     "gated", "behind", "reviewed"};
  const std::string in_part = expect_same_looks(all);
  spoil_plan();
  EXPECT_EQ(interlock({"why", "last", "good"}).exit, 0);
  EXPECT_EQ(looks(all), in_part) << "the plan is not read";
  EXPECT_THAT(interlock({"approve", "last", "gated"}).err, HasSubstr("approved `gated` of run"));
  EXPECT_THAT(interlock({"reject", "reviewed"}).err, HasSubstr("rejected `reviewed` of run"));
  EXPECT_THAT(interlock({"approve", "last"}).err, HasSubstr("2 tasks of run"));
  EXPECT_THAT(interlock({"approve", "last"}).err, HasSubstr("name one: `gated` and `reviewed`"));
  EXPECT_THAT(interlock({"approve", "last", "good"}).err,
              HasSubstr("is not waiting at a gate: it is done\n hint: waiting for approval: "
                        "`gated` and `reviewed`"));
}

TEST_F(Look, what_is_answered_in_part_takes_effect) {
  write_plan(R"(
tasks:
  - {id: gated, run: [true], gate: before, writes: [g]}
  - {id: behind, run: [true], needs: [gated], writes: [h]}
)");
  EXPECT_EQ(interlock({"run", "plan.yaml"}).exit, 3);
  EXPECT_EQ(interlock({"approve", "gated"}).exit, 0);
  EXPECT_EQ(interlock({"resume"}).exit, 0);
  EXPECT_EQ(states(), "gated: done\nbehind: done\n");
  expect_same_looks({"gated", "behind"});
  const Ended nothing = interlock({"approve", "last"});
  EXPECT_EQ(nothing.exit, 3);
  EXPECT_THAT(nothing.err, HasSubstr("is not waiting at a gate"));
}

TEST_F(Look, a_run_that_goes_on_is_told_of_in_part_as_in_whole) {
  NamedPipe here(folder() + "/here"), go(folder() + "/go");
  for (const char* pattern : {"parallel", "sequential"}) {
    const bool is_parallel = std::string(pattern) == "parallel";
    write_plan(R"(
limits: {parallel: 2}
tasks:
  - {id: first, run: [true], writes: [f]}
  - {id: held, run: "echo here >../here; read line <../go", writes: [x], needs: [first]}
  - {id: aside, run: "echo here >../here; read line <../go", writes: [y]}
  - {id: needs, run: [true], needs: [held, first], writes: [n]}
  - {id: meets, run: [true], writes: [x]}
  - {id: free, run: [true], reads: [f], writes: [z]}
  - {id: gated, run: [true], gate: before, writes: [w]}
)");
    Running run = start({"run", "plan.yaml", "--fresh", "--pattern", pattern});
    EXPECT_EQ(here.next(), "here");
    if (is_parallel) {
      EXPECT_EQ(here.next(), "here");
    }
    expect_same_looks({"first", "needs", "meets", "free", "gated"});
    EXPECT_THAT(interlock({"why", "last", "needs"}).out, HasSubstr("waits: needs `held`"));
    EXPECT_THAT(interlock({"why", "last", "meets"}).out, HasSubstr("`held`"));
    EXPECT_THAT(interlock({"why", "last", "free"}).out,
                HasSubstr(is_parallel ? "all slots are taken" : "in sequence after `aside`"));
    EXPECT_EQ(interlock({"cancel", "last"}).exit, 0);
    run.wait();
  }
}

TEST_F(Look, a_name_that_no_task_has_is_answered_by_the_whole_run) {
  write_plan(R"(
tasks:
  - {id: alpha, run: [echo, a], writes: [], output: text}
  - {id: beta, run: [echo, b], writes: [], output: text}
merge:
  both: {from: [alpha, beta], with: concat}
)");
  EXPECT_EQ(interlock({"run", "plan.yaml"}).exit, 0);
  EXPECT_THAT(interlock({"why", "last", "alpa"}).err, HasSubstr("did you mean `alpha`?"));
  EXPECT_THAT(interlock({"why", "last"}).err, HasSubstr("its tasks: alpha and beta"));
  EXPECT_THAT(interlock({"approve", "both"}).err, HasSubstr("has no task `both`"));
  EXPECT_THAT(interlock({"why", "beta"}).out, HasSubstr("`beta` done"));
}

TEST_F(Look, runs_of_earlier_formats_are_read_whole) {
  write_plan(R"(
tasks:
  - {id: gated, run: [true], gate: before, writes: [g]}
)");
  EXPECT_EQ(interlock({"run", "plan.yaml"}).exit, 3);
  change(
      "DROP INDEX events_of_tasks; ALTER TABLE events DROP COLUMN task; DROP TABLE tasks; DELETE "
      "FROM documents WHERE name LIKE 'facts%'; PRAGMA user_version = 9");
  EXPECT_THAT(interlock({"why", "last", "gated"}).out, HasSubstr("`gated` waits: the run is not"));
  EXPECT_EQ(interlock({"approve", "gated"}).exit, 0);
  EXPECT_EQ(interlock({"resume"}).exit, 0);
  EXPECT_EQ(states(), "gated: done\n");
  EXPECT_THAT(interlock({"why", "gated"}).out, HasSubstr("`gated` done at"));
}

}  // namespace

}  // namespace interlock::e2e
