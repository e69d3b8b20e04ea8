#include "merge/merge.h"

#include <gtest/gtest.h>

#include <random>

namespace interlock::merge {
namespace {

using With = plan::Merge::With;

plan::Merge merge_with(With with) {
  plan::Merge merge;
  merge.with = with;
  return merge;
}

std::string shown(const plan::Merge& merge, const std::vector<Part>& parts) {
  const auto joined = join(merge, parts);
  if (joined) return *joined;
  return "error: " + joined.error().message +
         (joined.error().hint.empty() ? "" : " (" + joined.error().hint + ")");
}

TEST(Concat, PutsTextsOneAfterTheOtherEachOnItsOwnLine) {
  EXPECT_EQ(
      shown(merge_with(With::concat), {{"a", "one"}, {"b", ""}, {"c", "two\n"}, {"d", "three"}}),
      "one\ntwo\nthree");
  EXPECT_EQ(shown(merge_with(With::concat), {{"a", "1"}, {"b", "2"}}), "1\n2")
      << "a number is text";
  EXPECT_EQ(shown(merge_with(With::concat), {}), "");
}

TEST(Concat, MakesOneArrayOfArraysInCanonicalForm) {
  EXPECT_EQ(shown(merge_with(With::concat),
                  {{"a", R"([{"b": 1, "a": 2.0}])"}, {"b", " [] "}, {"c", "[3]"}}),
            R"([{"a":2,"b":1},3])");
}

TEST(Concat, DoesNotGuessWhatAnObjectAmongArraysMeans) {
  EXPECT_EQ(
      shown(merge_with(With::concat), {{"a", "[1]"}, {"b", "{}"}}),
      "error: output of `b` is an object where others are arrays (let all of them give arrays)");
}

TEST(Objects, AreUnitedByTheirTopLevelKeys) {
  EXPECT_EQ(shown(merge_with(With::object), {{"a", R"({"z":1})"}, {"b", R"({"a":[2],"z":1.0})"}}),
            R"({"a":[2],"z":1})");
}

TEST(Objects, TwoTasksWithDifferentValuesForAKeyAreNamed) {
  EXPECT_EQ(
      shown(merge_with(With::object), {{"a", R"({"risk":"low"})"}, {"b", R"({"risk":"high"})"}}),
      "error: `a` and `b` give different values for key `risk` (let only one of them give it, or "
      "join with an agent)");
}

TEST(Objects, RefuseWhatIsNone) {
  EXPECT_EQ(shown(merge_with(With::object), {{"a", "[]"}}),
            "error: output of `a` is an array, not an object");
  EXPECT_NE(shown(merge_with(With::object), {{"a", "Here it is:"}}).find("error: output of `a`: "),
            std::string::npos);
}

TEST(Union, KeepsEachRowOnce) {
  EXPECT_EQ(shown(merge_with(With::union_),
                  {{"a", R"([{"id":1,"t":"x"},7])"}, {"b", R"([{"t":"x","id":1},{"id":2}])"}}),
            R"([{"id":1,"t":"x"},7,{"id":2}])");
}

TEST(Union, ByAKeyNamesTasksThatDisagree) {
  plan::Merge merge = merge_with(With::union_);
  merge.key = "id";
  EXPECT_EQ(
      shown(merge, {{"a", R"([{"id":1,"t":"x"}])"}, {"b", R"([{"id":1,"t":"x"},{"id":"1"}])"}}),
      R"([{"id":1,"t":"x"},{"id":"1"}])");
  EXPECT_EQ(shown(merge, {{"a", R"([{"id":1,"t":"x"}])"}, {"b", R"([{"id":1,"t":"y"}])"}}),
            "error: `a` and `b` give different rows for `id` 1 (let only one of them give it, or "
            "join with an agent)");
  EXPECT_EQ(shown(merge, {{"a", R"([{"id":1},{"t":1}])"}}),
            "error: row 2 of `a` has no member `id`");
}

TEST(Table, HasTheNamedColumnsInTheirOrder) {
  plan::Merge merge = merge_with(With::table);
  const std::vector<Part> parts{{"a", R"([{"file":"a.cc","risk":"buffer | length","line":7}])"},
                                {"b", R"([{"file":"日本.cc","note":null,"line":[1,2]}])"}};
  EXPECT_EQ(shown(merge, parts),
            "| file    | risk             | line  | note |\n"
            "| ------- | ---------------- | ----- | ---- |\n"
            "| a.cc    | buffer \\| length | 7     |      |\n"
            "| 日本.cc |                  | [1,2] |      |\n");
  merge.columns = {"line", "file"};
  EXPECT_EQ(shown(merge, parts),
            "| line  | file    |\n"
            "| ----- | ------- |\n"
            "| 7     | a.cc    |\n"
            "| [1,2] | 日本.cc |\n");
  EXPECT_EQ(shown(merge, {{"a", "[1]"}}), "error: a row of the table is a number, not an object");
}

TEST(Table, OfNothingIsTheHeadOrNothing) {
  plan::Merge merge = merge_with(With::table);
  EXPECT_EQ(shown(merge, {{"a", "[]"}}), "");
  merge.columns = {"file"};
  EXPECT_EQ(shown(merge, {{"a", "[]"}}), "| file |\n| ---- |\n");
}

TEST(Lines, AreKeptOnceWhereTheyCameFirst) {
  EXPECT_EQ(shown(merge_with(With::lines), {{"a", "b\n\na\r\n"}, {"b", "a\nc\nb"}}), "b\na\nc\n");
}

TEST(Sections, BringWhatBelongsTogetherUnderItsHeading) {
  plan::Merge merge = merge_with(With::sections);
  merge.headings = {"Risks", "Next steps", "Thanks"};
  EXPECT_EQ(
      shown(
          merge,
          {{"a", "Intro a.\n\n## Next steps\n- test\n\n## Risks ##\n- old TLS\n### Detail\ndeep\n"},
           {"b", "# Risks\n\n```sh\n# no heading\n```\n\n## Thanks\n\n"}}),
      "Intro a.\n\n"
      "## Risks\n\n- old TLS\n### Detail\ndeep\n\n```sh\n# no heading\n```\n\n"
      "## Next steps\n\n- test\n");
}

TEST(Sections, WithoutNamedHeadingsComeAsTheyAreMet) {
  EXPECT_EQ(shown(merge_with(With::sections), {{"a", "# B\none"}, {"b", "## A\ntwo\n# B\nthree"}}),
            "# B\n\none\n\nthree\n\n## A\n\ntwo\n");
}

TEST(Sections, AnUnknownHeadingIsNamedWithTheNearest) {
  plan::Merge merge = merge_with(With::sections);
  merge.headings = {"Risks", "Next steps"};
  EXPECT_EQ(shown(merge, {{"a", "## Risk\nx"}}),
            "error: output of `a` has an unknown heading `Risk` (did you mean `Risks`?)");
  EXPECT_EQ(
      shown(merge, {{"a", "## Summary\nx"}}),
      "error: output of `a` has an unknown heading `Summary` (known are `Risks` and `Next steps`)");
}

/// Outputs of the kind that a way of joining takes, small enough that they often meet.
std::string random_output(With with, std::mt19937& random) {
  const auto pick = [&](int below) {
    return static_cast<int>(random() % static_cast<unsigned>(below));
  };
  std::string text;
  const int count = pick(4);
  for (int i = 0; i < count; ++i) {
    const std::string comma = i == 0 ? "" : ",";
    switch (with) {
      case With::object:
        text += comma + "\"k" + std::to_string(i * 5 + pick(3)) + "\":" + std::to_string(pick(2));
        break;
      case With::lines: text += "line " + std::to_string(pick(5)) + "\n"; break;
      case With::sections:
        text += (pick(2) ? "## H" + std::to_string(pick(3)) + "\n" : "") + "text " +
                std::to_string(pick(9)) + "\n\n";
        break;
      default: text += comma + "{\"id\":" + std::to_string(pick(4)) + "}"; break;
    }
  }
  if (with == With::object) return "{" + text + "}";
  return with == With::lines || with == With::sections ? text : "[" + text + "]";
}

TEST(Join, OfAJoinedOutputIsThatOutput) {
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    for (const With with :
         {With::concat, With::object, With::union_, With::lines, With::sections}) {
      std::vector<Part> parts;
      for (int i = 0; i < 3; ++i)
        parts.push_back({"t" + std::to_string(i), random_output(with, random)});
      const auto once = join(merge_with(with), parts);
      if (!once) continue;  // Two tasks disagreed.
      const std::vector<Part> again{{"joined", *once}};
      ASSERT_EQ(join(merge_with(with), again).value(), *once) << "round " << round;
    }
  }
}

TEST(Join, CarriesNothingThatNoPartSaid) {
  std::mt19937 random(2);
  for (int round = 0; round < 500; ++round) {
    const std::vector<Part> parts{{"a", random_output(With::lines, random)},
                                  {"b", random_output(With::lines, random)}};
    const std::string joined = join(merge_with(With::lines), parts).value();
    for (std::size_t at = 0; at < joined.size(); at = joined.find('\n', at) + 1) {
      const std::string line = joined.substr(at, joined.find('\n', at) - at + 1);
      ASSERT_NE((parts[0].content + parts[1].content).find(line), std::string::npos);
    }
  }
}

TEST(DigestOfRun, TellsEveryPartOfTheResultApart) {
  const Digest x = digest_of("x"), y = digest_of("y");
  const std::vector<TaskResult> tasks{{"a", "done", x, y}, {"b", "failed", {}, {}}};
  const std::vector<MergeResult> merges{{"all", x}};
  const Digest digest = digest_of_run(tasks, merges);
  EXPECT_EQ(digest_of_run(tasks, merges), digest);
  std::vector<std::vector<TaskResult>> others{{{"a", "done", y, y}, tasks[1]},
                                              {{"a", "done", x, x}, tasks[1]},
                                              {tasks[1], tasks[0]},
                                              {tasks[0]}};
  others.push_back({{"a", "failed", x, y}, tasks[1]});
  for (const auto& other : others) EXPECT_NE(digest_of_run(other, merges), digest);
  const std::vector<MergeResult> renamed{{"some", x}};
  EXPECT_NE(digest_of_run(tasks, renamed), digest);
}

}  // namespace
}  // namespace interlock::merge
