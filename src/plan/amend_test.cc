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

TEST(Amend, lists_that_keep_what_they_had_are_added_to_as_they_are_written) {
  const auto text = with_footprints(
      R"(tasks:
  - id: a
    reads: # why
      - old   # because

      # the last
      - "x y"
    writes: ['o', p,]  # keep me
  - id: b
    reads: in
    writes:
)",
      {{{2, 5}, {"old", "x y", "n"}, {"o", "p", "q"}}, {{9, 5}, {"in", "out"}, {"w"}}});
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_EQ(*text, R"(tasks:
  - id: a
    reads: # why
      - old   # because

      # the last
      - "x y"
      - "n"
    writes: ['o', p, "q",]  # keep me
  - id: b
    reads: ["in", "out"]
    writes: ["w"]
)");
}

TEST(Amend, tasks_in_braces_are_changed_where_they_stand) {
  const auto text =
      with_footprints(R"(tasks:
  - {id: a, run: "echo }"}   # one
  - {id: b,     # two
     reads: [x], run: [sh, -c, "a, b"],
    }
  - {id: c, run: it's, writes: old}
)",
                      {{{2, 5}, {"r"}, {}}, {{3, 5}, {"x", "y"}, {"w"}}, {{6, 5}, {}, {"new"}}});
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_EQ(*text, R"(tasks:
  - {id: a, run: "echo }", reads: ["r"], writes: []}   # one
  - {id: b,     # two
     reads: [x, "y"], run: [sh, -c, "a, b"], writes: ["w"],
    }
  - {id: c, run: it's, writes: ["new"], reads: []}
)");
}

TEST(Amend, a_plan_in_json_stays_json) {
  const auto text =
      with_footprints(R"({"tasks": [{"id": "a", "run": "x"}]})", {{{1, 12}, {"r"}, {"w"}}});
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_EQ(*text, R"({"tasks": [{"id": "a", "run": "x", "reads": ["r"], "writes": ["w"]}]})");
}

TEST(Amend, line_ends_and_the_byte_order_mark_stay) {
  const auto text = with_footprints("\xef\xbb\xbftasks:\r\n- id: a\r\n  reads:\r\n  - x\r\n",
                                    {{{2, 3}, {"x", "y"}, {}}});
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_EQ(*text,
            "\xef\xbb\xbftasks:\r\n- id: a\r\n  reads:\r\n  - x\r\n  - \"y\"\r\n  writes: []\r\n");
}

TEST(Amend, names_arrive_whatever_they_hold) {
  const auto text = with_footprints("tasks: [{id: a}]", {{{1, 9}, {"a \"b\" \\ \n\t c", "ü"}, {}}});
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_EQ(*text, "tasks: [{id: a, reads: [\"a \\\"b\\\" \\\\ \\n\\t c\", \"ü\"], writes: []}]");
  EXPECT_FALSE(with_footprints("tasks: [{id: a}]", {{{1, 9}, {"\xff"}, {}}}));
}

TEST(Amend, what_another_task_shares_is_left_to_the_person) {
  const auto text = with_footprints("tasks:\n- {id: a, reads: &r [x]}\n- {id: b, reads: *r}\n",
                                    {{{2, 3}, {"x", "y"}, {}}});
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().message,
            "the task in line 2 is written in a way that cannot be changed safely");
  EXPECT_EQ(text.error().hint, R"(change it by hand: reads: ["x", "y"], writes: [])");
  const auto other = with_footprints("tasks:\n- {id: a, reads: &r [x]}\n- {id: b, reads: *r}\n",
                                     {{{3, 3}, {"x", "y"}, {}}});
  ASSERT_TRUE(other) << other.error().message;
  EXPECT_EQ(*other,
            "tasks:\n- {id: a, reads: &r [x]}\n- {id: b, reads: [\"x\", \"y\"], writes: []}\n");
}

}  // namespace
}  // namespace interlock::plan
