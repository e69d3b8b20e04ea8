#include "changes/text_merge.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "changes/fixture_text.h"
#include "support/git_folder.h"

namespace interlock::changes {
namespace {

std::string merged(std::string_view ancestor, std::string_view mine, std::string_view theirs) {
  return merge_three(ancestor, mine, theirs).value_or("(conflict)");
}

TEST(IsText, WhereNoNulIsAmongTheFirstBytes) {
  EXPECT_TRUE(is_text(""));
  EXPECT_TRUE(is_text("caf\xe9\r\n\x1b"));
  EXPECT_FALSE(is_text(std::string("a\0b", 3)));
  EXPECT_FALSE(is_text(std::string(7999, 'a') + std::string(1, '\0')));
  EXPECT_TRUE(is_text(std::string(8000, 'a') + std::string(1, '\0')));
}

TEST(MergeThree, TakesWhatOnlyOneSideChanged) {
  EXPECT_EQ(merged("1\n2\n3\n4\n5\n", "one\n2\n3\n4\n5\n", "1\n2\n3\n4\nfive\n"),
            "one\n2\n3\n4\nfive\n");
  EXPECT_EQ(merged("1\n2\n3\n", "0\n1\n2\n3\n", "1\n2\n"), "0\n1\n2\n");
  EXPECT_EQ(merged("1\n2\n3\n", "1\n2\n3", "0\n1\n2\n3\n"), "0\n1\n2\n3");
}

TEST(MergeThree, TakesOnceWhatBothChangedAlike) {
  EXPECT_EQ(merged("1\n2\n3\n4\n5\n6\n", "1\nx\n3\n4\n5\n6\n", "1\nx\n3\n4\n5\nsix\n"),
            "1\nx\n3\n4\n5\nsix\n");
  EXPECT_EQ(merged("", "a\n", "a\n"), "a\n");
}

TEST(MergeThree, GivesNothingWhereBothChangedTheSameOrAdjoiningLines) {
  EXPECT_EQ(merged("1\n2\n3\n", "1\nx\n3\n", "1\ny\n3\n"), "(conflict)");
  EXPECT_EQ(merged("1\n2\n3\n4\n", "1\nx\n3\n4\n", "1\n2\ny\n4\n"), "(conflict)");
  EXPECT_EQ(merged("1\n", "1\na\n", "1\nb\n"), "(conflict)");
  EXPECT_EQ(merged("1\n2\n3\n", "1\n3\n", "1\ny\n3\n"), "(conflict)");
  EXPECT_EQ(merged("", "a\n", "b\n"), "(conflict)");
}

TEST(MergeThree, GivesNothingForWhatIsNoText) {
  const std::string binary("a\0b", 3);
  EXPECT_FALSE(merge_three(binary, binary, "x"));
  EXPECT_FALSE(merge_three("x", binary, "x"));
}

TEST(MergeThree, GivesNothingWhereAChangeAmongEqualLinesCouldBeElsewhere) {
  // One of the two equal lines went; whether it is the one that the other side wrote above is open.
  EXPECT_EQ(merged("a\na\nb\n", "a\nb\n", "x\na\na\nb\n"), "(conflict)");
}

TEST(MergeThree, WithAnUnchangedSideGivesTheOther) {
  TextDice dice(3);
  for (int i = 0; i < 2000; ++i) {
    const auto lines = dice.lines();
    const std::string ancestor = dice.text(lines), other = dice.text(dice.edited(lines));
    EXPECT_EQ(merged(ancestor, ancestor, other), other);
    EXPECT_EQ(merged(ancestor, other, ancestor), other);
    EXPECT_EQ(merged(ancestor, other, other), other);
  }
}

TEST(MergeThree, DoesNotMindWhichSideIsWhose) {
  TextDice dice(4);
  for (int i = 0; i < 3000; ++i) {
    const auto lines = dice.lines();
    const std::string ancestor = dice.text(lines), mine = dice.text(dice.edited(lines)),
                      theirs = dice.text(dice.edited(lines));
    EXPECT_EQ(merge_three(ancestor, mine, theirs), merge_three(ancestor, theirs, mine));
  }
}

TEST(MergeThree, StaysInBoundsWithTextsThatHaveNothingInCommon) {
  std::string ancestor, mine;
  for (int i = 0; i < 20'000; ++i) {
    ancestor += fmt::format("old {}\n", i);
    mine += fmt::format("new {}\n", i);
  }
  EXPECT_EQ(merged("head\n" + ancestor, "head\n" + mine, "HEAD\n" + ancestor), "(conflict)");
  EXPECT_EQ(merged("head\n-\n" + ancestor, "head\n-\n" + mine, "HEAD\n-\n" + ancestor),
            "HEAD\n-\n" + mine);
}

/// What `git merge-file` makes of each; nothing where it reports a conflict.
std::vector<std::optional<std::string>> merged_by_git(
    const std::vector<std::array<std::string, 3>>& cases) {
  const GitFolder folder;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    for (std::size_t side = 0; side < 3; ++side)
      folder.write(fmt::format("{}.{}", i, side), cases[i][side]);
  }
  folder.run(
      fmt::format("i=0; while [ $i -lt {} ]; do "
                  "git merge-file -p $i.1 $i.0 $i.2 > $i.merged 2> $i.error && touch $i.clean; "
                  "i=$((i + 1)); done",
                  cases.size()));
  std::vector<std::optional<std::string>> results;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const bool is_clean = folder.has(fmt::format("{}.clean", i));
    results.push_back(is_clean ? std::optional(folder.read(fmt::format("{}.merged", i)))
                               : std::nullopt);
  }
  return results;
}

TEST(MergeThree, GivesWhatGitGives) {
  TextDice dice(8);
  std::vector<std::array<std::string, 3>> cases;
  for (int i = 0; i < 1200; ++i) {
    const auto lines = dice.lines();
    cases.push_back(
        {dice.text(lines), dice.text(dice.edited(lines)), dice.text(dice.edited(lines))});
  }
  const auto by_git = merged_by_git(cases);
  std::size_t both = 0, git_alone = 0, we_alone = 0;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const auto& [ancestor, mine, theirs] = cases[i];
    const auto ours = merge_three(ancestor, mine, theirs);
    if (ours && by_git[i]) {
      EXPECT_EQ(*ours, *by_git[i]) << ancestor << "--\n" << mine << "--\n" << theirs;
      ++both;
    }
    git_alone += by_git[i] && !ours;
    we_alone += ours && !by_git[i];
  }
  EXPECT_GT(both, cases.size() / 4);
  EXPECT_LT(git_alone, both / 3) << "we give up where lines repeat, but not much beyond that";
  // Git's own way of telling a change is not always the shortest, and then meets the other side.
  EXPECT_LE(we_alone, cases.size() / 400);
}

}  // namespace
}  // namespace interlock::changes
