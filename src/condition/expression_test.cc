#include "condition/expression.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace interlock::condition {
namespace {

const json::value kOutputs = {{"review", {{"approved", false}, {"score", 7}, {"tags", {"a", "b"}}}},
                              {"text", "fine"},
                              {"none", nullptr}};

std::optional<std::string> known(std::string_view name) {
  if (name == "item") return "it's";
  if (name == "limit") return "7";
  return std::nullopt;
}

/// `true`, `false`, or what is wrong: with the text and a caret where it cannot be read.
std::string said(const std::string& text) {
  Mistake mistake;
  const auto expression = Expression::parse(text, known, mistake);
  if (!expression) {
    return fmt::format("{}\n{}^ {}{}", text, std::string(mistake.begin, ' '), mistake.message,
                       mistake.hint.empty() ? "" : " (" + mistake.hint + ")");
  }
  const auto holds = expression->holds([&](std::size_t reference) -> Result<json::value> {
    const Reference& it = expression->references()[reference];
    if (it.is_outcome) return json::value(it.steps[0].name == "build" ? "failed" : "done");
    return member_at(kOutputs, it.steps, 0);
  });
  if (!holds) return holds.error().message;
  return *holds ? "true" : "false";
}

TEST(Condition, ComparesValuesOfOutputsAndOutcomes) {
  EXPECT_EQ(said("outputs.review.approved == false"), "true");
  EXPECT_EQ(said("outputs.review.score >= 7 and outputs.review.score < 7.5"), "true");
  EXPECT_EQ(said("outputs.review.score == 7.0"), "true");
  EXPECT_EQ(said("outcome.build == 'failed' and outcome.other != 'failed'"), "true");
  EXPECT_EQ(said("'b' in outputs.review.tags and 'c' not in outputs.review.tags"), "true");
  EXPECT_EQ(said("outputs.review.tags[1] == \"b\""), "true");
  EXPECT_EQ(said("outputs.review.tags == ['a', 'b']"), "true");
  EXPECT_EQ(said("'in' in outputs.text"), "true");
  EXPECT_EQ(said("{outputs.review['score']} in [1, {limit}]"), "true");
  EXPECT_EQ(said("{item} == 'it''s'"), "true");
}

TEST(Condition, BindsNotBeforeAndBeforeOr) {
  EXPECT_EQ(said("true or false and false"), "true");
  EXPECT_EQ(said("(true or false) and false"), "false");
  EXPECT_EQ(said("not true or true"), "true");
  EXPECT_EQ(said("not (true or true)"), "false");
}

TEST(Condition, TakesWhatIsNotThereForNull) {
  EXPECT_EQ(said("outputs.review.missing == null"), "true");
  EXPECT_EQ(said("outputs.review.tags[5] == null"), "true");
  EXPECT_EQ(said("outputs.none != null"), "false");
}

TEST(Condition, AsksForNoMoreThanItTakes) {
  EXPECT_EQ(said("false and outputs.text < 3"), "false");
  EXPECT_EQ(said("true or outputs.text"), "true");
}

TEST(Condition, SaysWhichValueDoesNotFit) {
  EXPECT_EQ(said("outputs.text < 3"),
            "`3` is 3 and `outputs.text` is \"fine\": only two numbers or two texts have an order");
  EXPECT_EQ(said("outputs.review.missing > 3"),
            "`outputs.review.missing` is null and `3` is 3: only two numbers or two texts have an "
            "order");
  EXPECT_EQ(said("outputs.text"), "`outputs.text` is \"fine\", neither true nor false");
  EXPECT_EQ(said("1 in outputs.review.score"),
            "`outputs.review.score` is 7: `in` looks into a list, or for a text in a text");
}

TEST(Condition, PointsAtWhatItCannotRead) {
  EXPECT_EQ(said(""), "\n^ the condition is empty");
  EXPECT_EQ(said("outputs.a = 1"), "outputs.a = 1\n          ^ `=` compares nothing (write `==`)");
  EXPECT_EQ(said("true && false"), "true && false\n     ^ `&&` is not known here (write `and`)");
  EXPECT_EQ(said("1 < 2 < 3"),
            "1 < 2 < 3\n      ^ one comparison after the other means nothing (join two of them "
            "with `and`)");
  EXPECT_EQ(said("(true"), "(true\n^ this `(` is not closed");
  EXPECT_EQ(said("'yes' or true"),
            "'yes' or true\n^ `'yes'` is neither true nor false (compare it with something)");
  EXPECT_EQ(said("outputs.a =="),
            "outputs.a ==\n           ^ the condition ends where a value "
            "should come");
  EXPECT_EQ(said("{nobody} == 1").substr(14),
            "^ `{nobody}` is known to nobody here (`{item}` is "
            "known in a task with `foreach`, `{key}` by `--set "
            "key=value`)");
  EXPECT_EQ(said("{item} == 'it''s' and review"),
            "{item} == 'it''s' and review\n                      ^ `review` is no value here "
            "(values are numbers, 'texts', true, false, null, `outputs.ID` and `outcome.ID`)");
}

TEST(Condition, IsBoundedInDepthAndLength) {
  EXPECT_TRUE(
      said(std::string(100, '(') + "true" + std::string(100, ')')).contains("more than 64"));
  std::string many;
  for (int i = 0; i < 100; ++i) many += "not ";
  EXPECT_TRUE(said(many + "true").contains("more than 64"));
  EXPECT_TRUE(said(std::string(5000, ' ') + "true").contains("longer than 4096 bytes"));
}

TEST(Condition, ReadsBackWhatPlaceholdersGave) {
  Mistake mistake;
  const auto expression = Expression::parse("{item} != 'x' or outputs.a.b[0]", known, mistake);
  ASSERT_TRUE(expression);
  EXPECT_EQ(expression->text(), "'it\\'s' != 'x' or outputs.a.b[0]");
  ASSERT_EQ(expression->references().size(), 1u);
  EXPECT_EQ(expression->references()[0].steps.size(), 3u);
}

}  // namespace
}  // namespace interlock::condition
