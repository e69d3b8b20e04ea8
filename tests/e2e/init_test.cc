#include <gmock/gmock.h>

#include "e2e/cli_harness.h"

// `interlock init`: every plan it writes has a decision worth looking at, and runs to its end as it
// is.
namespace interlock::e2e {

namespace {

using ::testing::HasSubstr;

class Init : public Cli {
 protected:
  /// Writes the plan for `use`, and gives what `interlock plan` decides.
  boost::json::value planned(const std::string& use) {
    const Ended written = interlock({"init", use, "."});
    EXPECT_EQ(written.exit, 0) << written.err;
    EXPECT_THAT(written.out, HasSubstr("interlock.yaml\n"));
    EXPECT_EQ(written.err, "next: interlock plan interlock.yaml\n");
    return json_of({"plan", "interlock.yaml"});
  }
  int run() {
    const Ended ended = interlock({"run", "interlock.yaml"});
    said_ = ended.err;
    return ended.exit;
  }
  std::string output(const std::string& name) { return interlock({"output", "last", name}).out; }
  std::string said_;
};

TEST_F(Init, research_reads_every_source_at_once_and_writes_a_report) {
  EXPECT_EQ(at(planned("research"), "/decision/pattern"), "parallel");
  EXPECT_EQ(run(), 0) << said_;
  EXPECT_THAT(output("report"), HasSubstr("There is one writer at a time."));
  EXPECT_THAT(output("report"), HasSubstr("11 claims in all."));
  EXPECT_THAT(output("findings"), HasSubstr("sources/redis.md"));
}

TEST_F(Init, review_lets_roles_read_side_by_side_and_a_coordinator_judge) {
  EXPECT_EQ(at(planned("review"), "/decision/pattern"), "parallel");
  EXPECT_EQ(run(), 0) << said_;
  EXPECT_THAT(output("verdict"), HasSubstr("- security: a shell reads what a user typed"));
  EXPECT_THAT(output("verdict"), HasSubstr("\nchange\n"));
  EXPECT_THAT(output("remarks"), HasSubstr("a bare except hides every mistake"));
}

TEST_F(Init, content_goes_as_a_queue_and_pauses_for_a_look) {
  const auto plan = planned("content");
  EXPECT_EQ(at(plan, "/decision/pattern"), "queue");
  EXPECT_EQ(at(plan, "/decision/n"), "2");
  EXPECT_EQ(run(), 3) << "a review after three texts";
  EXPECT_EQ(interlock({"approve", "last"}).exit, 0);
  const Ended resumed = interlock({"resume"});
  EXPECT_EQ(resumed.exit, 0) << resumed.err;
  EXPECT_THAT(output("index"), HasSubstr("Backups that restore"));
  EXPECT_THAT(read("texts/oncall.md"), HasSubstr("# The first week on call"));
}

TEST_F(Init, tests_keep_users_of_the_database_apart_and_nothing_else) {
  const auto plan = planned("tests");
  EXPECT_EQ(at(plan, "/decision/pattern"), "parallel");
  std::string locks;
  for (const auto& edge : plan.at("interlocking").as_array()) {
    if (at(edge, "/why") == "lock") locks += at(edge, "/before") + " " + at(edge, "/after") + "\n";
  }
  EXPECT_EQ(locks, "integration-read integration-write\n");
  EXPECT_EQ(run(), 0) << said_;
  EXPECT_THAT(output("results"), HasSubstr("| write | 2      | 0      |\n"));

  write("src/sums.sh", "sum() { echo 7; }\n");
  EXPECT_EQ(run(), 1) << "a suite that fails";
  EXPECT_THAT(interlock({"log", "last", "unit-sums"}).out, HasSubstr("expected `6`, got `7`"));
}

TEST_F(Init, migrations_are_applied_one_by_one_each_after_a_yes) {
  planned("migrations");
  EXPECT_EQ(run(), 3) << said_;
  for (const char* task : {"apply-001-people", "apply-002-mail", "apply-003-no-letters"}) {
    EXPECT_EQ(interlock({"approve", "last", task}).exit, 0) << task;
    interlock({"resume"});
  }
  EXPECT_EQ(at(json_of({"show", "last"}), "/state"), "finished");
  EXPECT_EQ(read("database/people"), "id\nname\nmail\n");
  EXPECT_FALSE(exists("database/letters"));
  EXPECT_THAT(output("checks"), HasSubstr("migrations/003-no-letters.sql"));
}

TEST_F(Init, edits_overlap_only_where_they_touch_different_folders) {
  const auto plan = planned("edits");
  std::string edges;
  for (const auto& edge : plan.at("interlocking").as_array()) {
    edges += at(edge, "/before") + " " + at(edge, "/why") + " " + at(edge, "/after") + "\n";
  }
  EXPECT_EQ(edges, "strict-auth write-read describe\nstrict-api write-read describe\n");
  EXPECT_EQ(run(), 0) << said_;
  EXPECT_THAT(read("src/auth/login.sh"), HasSubstr("#!/bin/sh\nset -eu\n"));
  EXPECT_THAT(read("docs/functions.md"), HasSubstr("- `login` in src/auth/login.sh, line 3"));
  EXPECT_THAT(output("changes"), HasSubstr("strict-api"));
}

TEST_F(Init, never_overwrites_and_writes_nothing_when_something_is_in_the_way) {
  write("agent.sh", "mine\n");
  const Ended ended = interlock({"init", "research"});
  EXPECT_EQ(ended.exit, 2);
  EXPECT_THAT(ended.err, HasSubstr("`agent.sh` is there already"));
  EXPECT_EQ(read("agent.sh"), "mine\n");
  EXPECT_FALSE(exists("interlock.yaml"));
  EXPECT_FALSE(exists("prompts"));
}

TEST_F(Init, makes_the_folder_it_is_given) {
  const Ended ended = interlock({"init", "edits", "new/folder here"});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_TRUE(exists("new/folder here/interlock.yaml"));
  EXPECT_EQ(ended.err, "next: interlock plan 'new/folder here/interlock.yaml'\n");
}

}  // namespace

}  // namespace interlock::e2e
