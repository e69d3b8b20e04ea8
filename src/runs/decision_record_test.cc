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
