#include <gtest/gtest.h>

#include "changes/fixture_tree.h"
#include "changes/stale.h"

namespace interlock::changes {
namespace {

using footprint::Footprint;

Footprint touching(const std::vector<std::string>& reads, const std::vector<std::string>& writes) {
  return {footprint::PatternSet::parse(reads).value(), footprint::PatternSet::parse(writes).value(),
          false};
}
Footprint writing(const std::vector<std::string>& writes) { return touching({}, writes); }

ReadSet content(std::vector<std::string> paths) {
  return {ReadsFrom::observed, std::move(paths), {}, {}};
}
ReadSet listing(std::string folder) { return {ReadsFrom::observed, {}, {std::move(folder)}, {}}; }
ReadSet presence(std::string path) { return {ReadsFrom::observed, {}, {}, {std::move(path)}}; }

Changeset made(const std::string& path, State state = file_of("x")) {
  return {{{path, {}, state}}};
}

TEST(Commutes, WithWhomTouchesOtherPaths) {
  EXPECT_TRUE(commutes(content({"src/a.cc"}), made("out/a"), touching({"doc/**"}, {"doc/*.md"})));
  EXPECT_TRUE(commutes(content({"src/a.cc"}), {}, touching({"src/**"}, {})));
}

TEST(Commutes, NeverWithAnUnknownFootprint) {
  Footprint unknown;
  unknown.unknown = true;
  EXPECT_FALSE(commutes(content({}), {}, unknown));
}

TEST(Commutes, NotWithWhomMayWriteWhatItRead) {
  EXPECT_FALSE(commutes(content({"src/a.cc"}), {}, writing({"src/*.cc"})));
  EXPECT_TRUE(commutes(content({"src/a.cc"}), {}, writing({"src/*.cc", "!src/a.cc"})));
  EXPECT_FALSE(commutes(presence("src/a.cc"), {}, writing({"**/a.*"})));
  EXPECT_FALSE(commutes(content({"src/a.cc"}), {}, writing({"s*"}))) << "a folder above it";
}

TEST(Commutes, NotWithWhomMayReadOrWriteWhatItWrote) {
  EXPECT_FALSE(commutes(content({}), made("src/a.cc"), touching({"src/*.cc"}, {})));
  EXPECT_FALSE(commutes(content({}), made("src/a.cc"), writing({"src"})));
  EXPECT_FALSE(commutes(content({}), made("out"), writing({"out/a"}))) << "would stand in its way";
  EXPECT_FALSE(commutes(content({}), made("out", link_to("x")), touching({"out/a"}, {})));
  EXPECT_FALSE(commutes(content({}), made("out", folder_of_mode()), touching({"out/a"}, {})))
      << "who looks for that in vain goes by the folder too";
}

TEST(Commutes, NotWithWhomMayChangeTheNamesItListed) {
  EXPECT_FALSE(commutes(listing("src"), {}, writing({"src/*.cc"})));
  EXPECT_FALSE(commutes(listing("src"), {}, writing({"**/*.cc"})));
  EXPECT_FALSE(commutes(listing("src"), {}, writing({"src"})));
  EXPECT_TRUE(commutes(listing("src"), {}, writing({"doc/**"})));
  EXPECT_TRUE(commutes(listing("src"), {}, writing({"*.md"})));
  EXPECT_FALSE(commutes(listing(""), {}, writing({"*.md"})));
  EXPECT_TRUE(commutes(listing("a[b]"), {}, writing({"ab/x"}))) << "names are no patterns";
  EXPECT_FALSE(commutes(listing("a*"), {}, writing({"a\\*/x"})));
}

TEST(Commutes, MindsFoldersThatMayComeIntoBeing) {
  const auto there = [](const std::string& path) { return path == "src" || path == "src/auth"; };
  const Footprint deep = writing({"src/auth/**"});
  EXPECT_FALSE(commutes(listing(""), {}, deep));
  EXPECT_FALSE(commutes(listing("src"), {}, deep));
  EXPECT_FALSE(commutes(presence("src/auth"), {}, deep));
  EXPECT_TRUE(commutes(listing(""), {}, deep, there));
  EXPECT_TRUE(commutes(listing("src"), {}, deep, there));
  EXPECT_TRUE(commutes(presence("src/auth"), {}, deep, there));
  EXPECT_FALSE(commutes(listing("src/auth"), {}, deep, there));
  EXPECT_FALSE(commutes(listing("src"), {}, writing({"src/new/x"}), there));
  EXPECT_FALSE(commutes(listing("src"), {}, writing({"src/*/x"}), there)) << "may be any name";
}

TEST(Commutes, WhereReadsAreNotKnownOnlyWithWhomWritesNothing) {
  EXPECT_FALSE(commutes({}, {}, writing({"a"})));
  EXPECT_TRUE(commutes({}, {}, touching({"**"}, {})));
  EXPECT_FALSE(commutes({}, made("a"), touching({"**"}, {})));
}

TEST(Commutes, NotWhereAPathIsTooLongToBeDecided) {
  const std::string path(4000, '*');
  EXPECT_FALSE(commutes(presence(path), {}, writing({"a"})));
  EXPECT_TRUE(commutes(presence(path), {}, writing({})));
}

TEST(Outside, IsWhatNoPatternAllows) {
  Changeset own;
  for (const std::string path : {"doc/a.md", "src", "src/a.cc", "src/gen", "src/gen/a.cc"})
    own.changes.push_back({path, file_of("x"), file_of("y")});
  EXPECT_EQ(outside(own, writing({"src/**", "!src/gen/**"})),
            (std::vector<std::string>{"doc/a.md", "src", "src/gen/a.cc"}));
  Footprint unknown;
  unknown.unknown = true;
  EXPECT_TRUE(outside(own, unknown).empty());
  EXPECT_EQ(outside(own, writing({})).size(), own.changes.size());
}

TEST(Outside, AllowsFoldersOnTheWayToComeButNotToGo) {
  Changeset own;
  own.changes.push_back({"a", {}, folder_of_mode()});
  own.changes.push_back({"a/b", {}, folder_of_mode()});
  own.changes.push_back({"c", {}, folder_of_mode()});
  own.changes.push_back({"d", folder_of_mode(), {}});
  EXPECT_EQ(outside(own, writing({"a/b/x", "d/x"})), (std::vector<std::string>{"c", "d"}));
}

/// What a task of the footprint may do to a tree, by brute force over a handful of paths.
class Anything {
 public:
  Anything(const Footprint& footprint, const Tree& start) {
    for (const std::string& path : TreeDice::paths()) {
      if (!footprint.writes.matches(path)) continue;
      for (const State& state : {State{}, file_of("made"), folder_of_mode()}) {
        Tree tree = start;
        if (state.kind == Kind::absent) {
          if (std::ranges::any_of(
                  tree, [&](const auto& one) { return one.first.starts_with(path + "/"); }))
            continue;
          tree.erase(path);
        } else {
          for (auto above = folder_above(path); !above.empty(); above = folder_above(above))
            tree.try_emplace(above, folder_of_mode());
          tree[path] = state;
        }
        if (is_whole(tree)) outcomes_.push_back(difference(start, tree));
      }
    }
  }
  const std::vector<Changeset>& outcomes() const { return outcomes_; }

 private:
  std::vector<Changeset> outcomes_;
};

TEST(Commutes, OnlyWithWhatLeavesNothingStale) {
  const std::vector<std::string> patterns{"a",   "d",     "d/*", "d/**", "*",
                                          "d/e", "d/e/z", "f/x", "**"};
  TreeDice dice(21);
  std::size_t commuting = 0, outcomes = 0;
  for (int round = 0; round < 1500; ++round) {
    const Tree start = dice.tree();
    Tree left = start;
    for (std::size_t acts = dice.below(2); acts > 0; --acts) dice.change(left);
    const Changeset own = difference(start, left);
    ReadSet reads = content({});
    for (auto* list : {&reads.content, &reads.listing, &reads.presence}) {
      if (dice.below(2) == 0) list->push_back(TreeDice::paths()[dice.below(10)]);
    }
    const Footprint other = writing({patterns[dice.below(patterns.size())]});
    const bool knows = dice.below(2) == 0;
    const auto is_folder = [&](const std::string& path) {
      return state_in(start, path).kind == Kind::folder;
    };
    if (!commutes(reads, own, other, knows ? FolderTest(is_folder) : FolderTest())) continue;
    ++commuting;
    const Anything anything(other, start);
    for (const Changeset& done : anything.outcomes()) {
      const Changeset* since[] = {&done};
      ASSERT_TRUE(stale(reads, own, since).empty())
          << "round " << round << to_text(own) << to_text(done);
      ++outcomes;
    }
  }
  EXPECT_GT(commuting, 200U);
  EXPECT_GT(outcomes, 500U);
}

}  // namespace
}  // namespace interlock::changes
