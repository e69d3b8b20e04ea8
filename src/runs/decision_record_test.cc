#include "runs/decision_record.h"

#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

namespace interlock::runs {
namespace {

using namespace std::chrono_literals;

TEST(DecisionRecord, comes_back_as_it_was_kept) {
  DecisionRecord record;
  record.pattern = "queue(3)";
  record.ways.push_back({"sequential", 40s, 41s, 60s, 0s, 1200, 420'000, 1, false});
  record.ways.push_back({"queue", 15500ms, {}, {}, 3s, {}, {}, 3, true});
  record.tests.push_back({"independent", true, "nothing in common"});
  record.reasons = {"one", "two"};
  record.changes = {"three"};
  record.warnings = {"four"};
  record.not_counted = {"five"};
  EXPECT_EQ(decision_from_text(json::serialize(to_json(record))), record);
}

TEST(DecisionRecord, is_what_a_run_goes_on_with_unless_a_person_asked_for_something_else) {
  DecisionRecord record;
  record.ways.push_back({"sequential", 40s, {}, {}, {}, {}, {}, 1, false});
  record.ways.push_back({"queue", 15s, {}, {}, {}, {}, {}, 3, true});
  const std::string kept = json::serialize(to_json(record));
  PlanRequest planning;
  want_as_decided(planning, kept);
  EXPECT_EQ(planning.pattern, decide::Pattern::queue);
  EXPECT_EQ(planning.parallel, 3U);
  PlanRequest asked;
  asked.pattern = decide::Pattern::sequential;
  want_as_decided(asked, kept);
  EXPECT_EQ(asked.pattern, decide::Pattern::sequential);
  EXPECT_EQ(asked.parallel, std::nullopt);
  PlanRequest standing;
  standing.stands = true;
  want_as_decided(standing, kept);
  want_as_decided(standing, "of an earlier version");
  EXPECT_EQ(standing.pattern, std::nullopt);
}

TEST(DecisionRecord, of_earlier_versions_and_of_damaged_journals_is_not_known) {
  EXPECT_EQ(decision_from_text(R"({"pattern":"parallel"})"), std::nullopt);
  EXPECT_EQ(decision_from_text(""), std::nullopt);
  EXPECT_EQ(decision_from_text("[1"), std::nullopt);
  const auto odd = decision_from_text(
      R"({"ways":[7,{"elapsed_s":"long","tokens":1e300,"n":null}],"tests":[{}],"reasons":[1,"x"]})");
  ASSERT_TRUE(odd);
  EXPECT_EQ(odd->ways.size(), 2U);
  EXPECT_EQ(odd->ways[1].tokens, std::nullopt);
  EXPECT_EQ(odd->reasons, std::vector<std::string>{"x"});
}

}  // namespace
}  // namespace interlock::runs
