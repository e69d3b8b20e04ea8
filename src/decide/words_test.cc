#include "decide/words.h"

#include <gtest/gtest.h>

#include "decide/decision.h"
#include "decide/shown_id.h"
#include "plan/families.h"
#include "plan/read.h"
#include "support/fake_files.h"

namespace interlock::decide {
namespace {

constexpr std::string_view kPlan = R"(interlock: 1
tasks:
  - {id: split, run: seq 3, reads: [], writes: [], output: text}
  - {id: "part-{item}", foreach: "{outputs.split}", at_most: 3, run: work, reads: [in], writes: [all]}
  - {id: join, run: join, reads: [all], writes: []}
)";

plan::Plan read(const std::map<std::uint32_t, std::vector<std::string>>& items = {}) {
  testing_support::FakeFiles files(std::map<std::string, std::string>{});
  plan::ReadOptions options;
  options.file = "plan.yaml";
  options.folder = "/plan";
  options.items = items;
  auto result = plan::read_plan(std::string(kPlan), options, files);
  EXPECT_TRUE(result.problems.empty());
  return result.plan;
}

std::string names(const plan::Plan& plan, const std::vector<std::uint32_t>& tasks,
                  std::size_t most = 3) {
  std::vector<TaskId> ids;
  for (const std::uint32_t task : tasks) ids.emplace_back(task);
  return names_of(plan, ids, most);
}

TEST(WordsOfTheDecision, APlaceOfAForeachHasTheNameThePlanGivesAllOfThem) {
  const plan::Plan plan = read();
  EXPECT_EQ(shown_id(plan, TaskId(1)), "part-{item}");
  EXPECT_EQ(names(plan, {0, 2}), "`split` and `part-{item}`");
  EXPECT_EQ(names(plan, {1, 2, 3}), "all 3 of `part-{item}`");
  EXPECT_EQ(names(plan, {0, 1, 3, 4}), "`split`, 2 of `part-{item}` and `join`");
  EXPECT_EQ(names(plan, {0, 1, 2, 3, 4}, 2), "`split` and 4 more");
}

TEST(WordsOfTheDecision, OnceItsItemIsKnownItHasItsOwn) {
  const plan::Plan plan = read({{0, {"\"1\"", "\"b\""}}});
  EXPECT_EQ(names(plan, {1, 2, 3}), "`part-1`, `part-b` and `part-{item}`");
}

TEST(WordsOfTheDecision, AnEdgeBetweenTwoPlacesSaysThatTheyAreTwo) {
  const plan::Plan plan = read();
  using footprint::Why;
  EXPECT_EQ(say_edge(plan, {TaskId(1), TaskId(2), Why::write_write, "all"}),
            "`part-{item}` and another `part-{item}` both write `all`");
  EXPECT_EQ(say_edge(plan, {TaskId(2), TaskId(4), Why::write_read, "all"}),
            "`join` reads `all`, which `part-{item}` writes");
  EXPECT_EQ(say_edge(plan, {TaskId(0), TaskId(1), Why::needs, "output"}),
            "`part-{item}` needs the output of `split`");
}

TEST(WordsOfTheDecision, NoSentenceOfItNumbersPlaces) {
  const plan::Plan plan = read();
  Decision it = decide(plan, plan::interlocking_of(plan), expect(plan, {}), {});
  std::vector<std::string> all = it.reasons;
  for (const auto* list : {&it.changes, &it.warnings, &it.left_out})
    all.insert(all.end(), list->begin(), list->end());
  for (const auto* test : {&it.independent, &it.mergeable, &it.worthwhile})
    all.push_back(test->why);
  bool is_named = false;
  for (const std::string& text : all) {
    EXPECT_EQ(text.find("part["), std::string::npos) << text;
    is_named |= text.find("part-{item}") != std::string::npos;
  }
  EXPECT_TRUE(is_named);
  EXPECT_EQ(
      it.independent.why,
      "each task waits for the one before it; `part-{item}` and another `part-{item}` both "
      "write `all`; `join` reads `all`, which `part-{item}` writes; `part-{item}` needs `split`")
      << "what holds of several places is said once";
}

}  // namespace
}  // namespace interlock::decide
