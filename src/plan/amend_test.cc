#include "plan/amend.h"

#include <gtest/gtest.h>

namespace interlock::plan {
namespace {

constexpr std::string_view kPlan = R"(interlock: 1
tasks:
  - id: a           # the first
    run: ./a
    reads:
      - "old/**"
      - "older.md"
    # what follows is not its
  - id: b
    run: ./b
    writes: ["x"]
  - run: ./c
    id: c
    reads:
    - at/the/key
    needs: [a]
)";

TEST(Amend, lists_take_the_place_of_what_stood_there_and_all_else_stays) {
  const auto text = with_footprints(
      kPlan, {{{3, 5}, {"new/*.md"}, {}}, {{9, 5}, {"r"}, {"w\"1"}}, {{12, 5}, {"in"}, {"out"}}});
  ASSERT_TRUE(text);
  EXPECT_EQ(*text, R"(interlock: 1
tasks:
  - id: a           # the first
    run: ./a
    reads: ["new/*.md"]
    writes: []
    # what follows is not its
  - id: b
    run: ./b
    writes: ["w\"1"]
    reads: ["r"]
  - run: ./c
    id: c
    reads: ["in"]
    needs: [a]
    writes: ["out"]
)");
}

TEST(Amend, a_last_line_without_an_end_gets_one) {
  const auto text = with_footprints("tasks:\n- id: a\n  run: x", {{{2, 3}, {"r"}, {"w"}}});
  ASSERT_TRUE(text);
  EXPECT_EQ(*text, "tasks:\n- id: a\n  run: x\n  reads: [\"r\"]\n  writes: [\"w\"]\n");
}

TEST(Amend, a_task_in_braces_is_left_to_the_person) {
  const auto text = with_footprints("tasks:\n  - {id: a, run: x}\n", {{{2, 5}, {"r"}, {}}});
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().message, "the task in line 2 is written in braces");
}

}  // namespace
}  // namespace interlock::plan
