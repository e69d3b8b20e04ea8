#include <gmock/gmock.h>

#include "e2e/cli_harness.h"

// `merge`: outputs joined in plan order, conflicts named.
namespace interlock::e2e {

namespace {

using ::testing::HasSubstr;

class Merging : public Cli {
 protected:
  /// Runs a plan with two tasks that print `a` and `b`, and returns what the merge gave.
  std::string merged(const std::string& a, const std::string& b, const std::string& merge,
                     const std::string& form = "json") {
    write("a.out", a);
    write("b.out", b);
    write_plan(
        "tasks:\n"
        "  - {id: a, run: [cat, a.out], reads: [a.out], output: " +
        form +
        "}\n"
        "  - {id: b, run: [cat, b.out], reads: [b.out], output: " +
        form +
        "}\n"
        "merge: {joined: " +
        merge + "}\n");
    const Ended ended = interlock({"run", "plan.yaml", "--fresh"});
    exit_ = ended.exit;
    said_ = ended.err;
    return interlock({"output", "last", "joined"}).out;
  }
  int exit_ = -1;
  std::string said_;
};

TEST_F(Merging, concat_strings_answers_together_in_plan_order) {
  EXPECT_EQ(merged("[1, 2]", "[3]", "{from: [b, a], with: concat}", "{schema: {type: array}}"),
            "[1,2,3]");
}

TEST_F(Merging, list_makes_one_list_of_one_value_a_task) {
  EXPECT_EQ(merged(R"({"y": 2, "x": 9007199254740993})", "[3]", "{from: [b, a], with: list}"),
            R"([{"x":9007199254740993,"y":2},[3]])");
}

TEST_F(Merging, what_cannot_work_is_refused_before_anything_runs) {
  for (const char* with : {"concat", "lines", "sections"}) {
    write_plan(std::string("tasks: [{id: a, run: touch ran, output: json}]\n"
                           "merge: {m: {from: a, with: ") +
               with + "}}\n");
    for (const char* verb : {"plan", "run"}) {
      const Ended ended = interlock({verb, "plan.yaml"});
      EXPECT_EQ(ended.exit, 2) << with;
      EXPECT_THAT(ended.err, HasSubstr("hint: `with: list` makes one list of all answers")) << with;
    }
  }
  EXPECT_FALSE(exists("ran"));
}

TEST_F(Merging, of_a_foreach_that_matches_nothing_is_empty_and_asks_no_coordinator) {
  const std::vector<std::pair<std::string, std::string>> ways = {
      {"concat, from: 'j-*'", "[]"},
      {"list, from: 'j-*'", "[]"},
      {"union, from: 'j-*'", "[]"},
      {"object, from: 'j-*'", "{}"},
      {"table, from: 'j-*'", ""},
      {"concat, from: 't-*'", ""},
      {"lines, from: 't-*'", ""},
      {"sections, from: 't-*'", ""},
      {"agent, agent: never, prompt: Join., from: 't-*'", ""}};
  for (const auto& [with, expected] : ways) {
    write_plan(R"(
agents: {never: {kind: command, run: "touch asked"}}
tasks:
  - {id: "j-{index}", foreach: "*.json", run: [cat, "{item}"], reads: ["{item}"], output: json}
  - {id: "t-{index}", foreach: "*.none", run: [cat, "{item}"], reads: ["{item}"], output: text}
  - {id: work, run: "echo hard >work", reads: [], writes: [work]}
merge: {all: {with: )" +
               with + "}}\n");
    EXPECT_THAT(interlock({"plan", "plan.yaml"}).out, HasSubstr("merge `all` joins nothing"))
        << with;
    const Ended ended = interlock({"run", "plan.yaml", "--fresh"});
    EXPECT_EQ(ended.exit, 0) << with << ended.err;
    const Ended output = interlock({"output", "last", "all"});
    EXPECT_EQ(output.exit, 0) << with << output.err;
    EXPECT_EQ(output.out, expected) << with;
  }
  EXPECT_FALSE(exists("asked"));
}

TEST_F(Merging, object_puts_members_of_all_into_one) {
  EXPECT_EQ(merged(R"({"x": 1})", R"({"y": 2})", "{from: '*', with: object}"), "{\"x\":1,\"y\":2}");
}

TEST_F(Merging, a_clash_is_an_error_that_names_both_and_never_a_choice) {
  merged(R"({"x": 1})", R"({"x": 2})", "{from: '*', with: object}");
  EXPECT_EQ(exit_, 1);
  for (const char* named : {"`a`", "`b`", "x"}) EXPECT_THAT(said_, HasSubstr(named));
}

TEST_F(Merging, union_takes_each_row_once) {
  EXPECT_EQ(merged(R"([{"id": 1}, {"id": 2}])", R"([{"id": 2}, {"id": 3}])",
                   "{from: '*', with: union, key: id}"),
            "[{\"id\":1},{\"id\":2},{\"id\":3}]");
}

TEST_F(Merging, table_makes_rows_and_columns) {
  const std::string table =
      merged(R"([{"name": "a", "lines": 3}])", R"([{"name": "b", "lines": 12}])",
             "{from: '*', with: table, columns: [name, lines]}");
  EXPECT_THAT(table, HasSubstr("name"));
  EXPECT_THAT(table, HasSubstr("12"));
  EXPECT_LT(table.find("a"), table.find("12"));
}

TEST_F(Merging, lines_takes_each_line_once) {
  EXPECT_EQ(merged("one\ntwo\n", "two\nthree\n", "{from: '*', with: lines}", "text"),
            "one\ntwo\nthree\n");
}

TEST_F(Merging, sections_joins_markdown_under_its_headings) {
  const std::string text =
      merged("## Risks\n\n- one\n\n## Fixes\n\n- mend\n", "## Risks\n\n- two\n",
             "{from: '*', with: sections, headings: [Fixes, Risks]}", "text");
  EXPECT_LT(text.find("Fixes"), text.find("Risks"));
  EXPECT_LT(text.find("- one"), text.find("- two"));
}

TEST_F(Merging, a_coordinator_joins_prose) {
  write_plan(R"(
agents: {joiner: {kind: command, run: [tr, a-z, A-Z], prompt: stdin}}
tasks:
  - {id: a, run: [echo, first words], reads: [x], output: text}
  - {id: b, run: [echo, second words], reads: [x], output: text}
merge: {joined: {from: [a, b], with: agent, agent: joiner, prompt: Join these.}}
)");
  const Ended ended = interlock({"run", "plan.yaml"});
  EXPECT_EQ(ended.exit, 0) << ended.err;
  const std::string text = interlock({"output", "last", "joined"}).out;
  EXPECT_THAT(text, HasSubstr("JOIN THESE."));
  EXPECT_LT(text.find("FIRST WORDS"), text.find("SECOND WORDS"));
}

}  // namespace

}  // namespace interlock::e2e
