#include "runs/decision_record.h"

#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

#include "decide/standing_reason.h"

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

TEST(DecisionRecord, says_how_many_at_once_a_person_asked_for_since) {
  DecisionRecord queue;
  queue.pattern = "queue(2)";
  queue.reasons = {decide::standing_reason(2)};
  DecisionRecord other = queue;
  take_retuned(queue, {.parallel = {}, .tokens = 5, .usd = {}, .by = "ann"}, true);
  EXPECT_EQ(queue, other) << "nobody said how many";
  take_retuned(queue, {.parallel = 5, .tokens = {}, .usd = {}, .by = "ann"}, true);
  EXPECT_EQ(queue.pattern, "queue(5)");
  EXPECT_EQ(queue.reasons,
            std::vector<std::string>{
                "a standing queue: tasks come as they are added, at most 5 run at once, and those "
                "that conflict wait for each other"});
  other.reasons = {"as decided"};
  take_retuned(other, {.parallel = 1, .tokens = {}, .usd = {}, .by = "ann"}, false);
  EXPECT_EQ(other.pattern, "queue(2)");
  EXPECT_EQ(other.reasons, (std::vector<std::string>{
                               "as decided", "since then a person asked for at most 1 at once"}));
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
