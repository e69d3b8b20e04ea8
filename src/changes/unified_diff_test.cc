#include <fmt/format.h>
#include <gtest/gtest.h>

#include "changes/fixture_text.h"
#include "changes/line_diff.h"
#include "changes/text_merge.h"
#include "support/git_folder.h"

namespace interlock::changes {
namespace {

std::string numbered(int from, int to) {
  std::string text;
  for (int i = from; i <= to; ++i) text += fmt::format("{}\n", i);
  return text;
}

TEST(UnifiedDiff, ShowsThreeLinesAroundEachChange) {
  std::string after = numbered(1, 30);
  after.replace(after.find("10\n"), 3, "ten\n");
  after.replace(after.find("25\n"), 3, "");
  EXPECT_EQ(unified_diff("src/a", numbered(1, 30), after),
            "--- a/src/a\n+++ b/src/a\n"
            "@@ -7,7 +7,7 @@\n 7\n 8\n 9\n-10\n+ten\n 11\n 12\n 13\n"
            "@@ -22,7 +22,6 @@\n 22\n 23\n 24\n-25\n 26\n 27\n 28\n");
}

TEST(UnifiedDiff, JoinsChangesWhoseContextMeets) {
  std::string near = numbered(1, 12), far = near;
  near.replace(0, 2, "one\n").replace(near.find("8\n"), 2, "eight\n");
  far.replace(0, 2, "one\n").replace(far.find("9\n"), 2, "nine\n");
  const auto sections = [](const std::string& diff) {
    std::size_t count = 0;
    for (std::size_t at = 0; (at = diff.find("@@ -", at)) != std::string::npos; ++at) ++count;
    return count;
  };
  EXPECT_EQ(sections(unified_diff("a", numbered(1, 12), near)), 1U);
  EXPECT_EQ(sections(unified_diff("a", numbered(1, 12), far)), 2U);
}

TEST(UnifiedDiff, SaysWhenAFileCameOrWent) {
  EXPECT_EQ(unified_diff("a", std::nullopt, "x\ny"),
            "--- /dev/null\n+++ b/a\n@@ -0,0 +1,2 @@\n+x\n+y\n\\ No newline at end of file\n");
  EXPECT_EQ(unified_diff("a", "x\n", std::nullopt), "--- a/a\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n");
  EXPECT_EQ(unified_diff("a", std::nullopt, ""), "--- /dev/null\n+++ b/a\n");
}

TEST(UnifiedDiff, IsEmptyWhereNothingDiffers) {
  EXPECT_EQ(unified_diff("a", "x", "x"), "");
  EXPECT_EQ(unified_diff("a", std::nullopt, std::nullopt), "");
}

TEST(UnifiedDiff, OnlySaysThatWhatIsNoTextDiffers) {
  EXPECT_EQ(unified_diff("a", std::string("\0", 1), "x"), "Binary files a/a and b/a differ\n");
}

TEST(UnifiedDiff, QuotesNamesThatWouldNotBeReadAgain) {
  const auto head = [](const std::string& path) {
    const std::string diff = unified_diff(path, "", "x\n");
    return diff.substr(0, diff.find("\n+++"));
  };
  EXPECT_EQ(head("with space"), "--- a/with space\t");
  EXPECT_EQ(head("caf\u00e9"), "--- a/caf\u00e9");
  EXPECT_EQ(head("a\"b\\c\nd"), R"(--- "a/a\"b\\c\012d")");
  EXPECT_EQ(head("\xff"), R"(--- "a/\377")");
}

TEST(UnifiedDiff, ReplacesTheMiddleWholeAboveTheBound) {
  std::string before = "head\n", after = "head\n";
  for (int i = 0; i < 3000; ++i) {
    before += fmt::format("{}\nkept {}\n", i, i);
    after += fmt::format("kept {}\n", i);
  }
  const std::string diff = unified_diff("a", before + "tail\n", after + "tail\n");
  EXPECT_NE(diff.find("@@ -1,6002 +1,3002 @@"), std::string::npos) << diff.substr(0, 100);
  EXPECT_TRUE(diff.ends_with("\n kept 2999\n tail\n"));
}

TEST(UnifiedDiff, AppliedByGitGivesWhatIsThereAfterwards) {
  TextDice dice(6);
  const GitFolder folder;
  std::vector<std::pair<std::string, std::optional<std::string>>> expected;
  std::string patch;
  for (int i = 0; i < 600; ++i) {
    const auto lines = dice.lines();
    std::optional<std::string> before = dice.text(lines), after = dice.text(dice.edited(lines));
    if (dice.below(10) == 0) before = std::nullopt;
    if (dice.below(10) == 0) after = std::nullopt;
    // A file that is there and holds nothing has no lines to tell of: patches cannot say it.
    const auto is_unreported = [](const auto& text) { return !text || text->empty(); };
    if (is_unreported(before) && is_unreported(after)) continue;
    const std::vector<std::string> names{"f", "with space", "qu\"ote", "caf\u00e9 \xff",
                                         "back\\\t"};
    const std::string name = fmt::format("{} {}", names[dice.below(names.size())], i);
    if (before) folder.write(name, *before);
    patch += unified_diff(name, before, after);
    expected.emplace_back(name, after);
  }
  folder.write("patch", patch);
  ASSERT_EQ(folder.run("git apply --whitespace=nowarn patch"), 0);
  for (const auto& [name, after] : expected) {
    EXPECT_EQ(folder.has(name), after.has_value()) << name;
    EXPECT_EQ(folder.read(name), after.value_or("")) << name;
  }
}

/// The fewest lines that must go or come, by trying everything in a table.
std::size_t distance(const std::vector<std::string_view>& a,
                     const std::vector<std::string_view>& b) {
  std::vector<std::vector<std::size_t>> table(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        table[i][j] = i + j;
      } else if (a[i - 1] == b[j - 1]) {
        table[i][j] = table[i - 1][j - 1];
      } else {
        table[i][j] = 1 + std::min(table[i - 1][j], table[i][j - 1]);
      }
    }
  }
  return table[a.size()][b.size()];
}

TEST(DiffLines, IsShortestAndLeadsFromOneTextToTheOther) {
  TextDice dice(2);
  for (int i = 0; i < 3000; ++i) {
    const std::string before = dice.text(dice.lines()), after = dice.text(dice.lines());
    const auto old_lines = lines_of(before), new_lines = lines_of(after);
    for (const Prefer prefer : {Prefer::early, Prefer::late}) {
      std::size_t edits = 0, old_at = 0, new_at = 0;
      for (const Hunk& hunk : diff_lines(old_lines, new_lines, prefer)) {
        for (; old_at < hunk.old_begin; ++old_at, ++new_at)
          ASSERT_EQ(old_lines[old_at], new_lines[new_at]);
        ASSERT_EQ(new_at, hunk.new_begin);
        edits += hunk.old_end - hunk.old_begin + hunk.new_end - hunk.new_begin;
        old_at = hunk.old_end;
        new_at = hunk.new_end;
      }
      ASSERT_EQ(old_lines.size() - old_at, new_lines.size() - new_at);
      ASSERT_EQ(edits, distance(old_lines, new_lines));
    }
  }
}

}  // namespace
}  // namespace interlock::changes
