#include "changes/stale.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "changes/fixture_tree.h"

namespace interlock::changes {
namespace {

std::string text_of(const std::vector<Stale>& all) {
  std::string text;
  for (const Stale& one : all)
    text += fmt::format("{}:{}:{} ", one.path, name_of(one.what), one.by);
  return text;
}

std::string stale_text(const ReadSet& reads, const Changeset& own,
                       const std::vector<Changeset>& since) {
  std::vector<const Changeset*> pointers;
  for (const Changeset& one : since) pointers.push_back(&one);
  return text_of(stale(reads, own, pointers));
}

ReadSet observed(std::vector<std::string> content, std::vector<std::string> listing = {},
                 std::vector<std::string> presence = {}) {
  return {ReadsFrom::observed, std::move(content), std::move(listing), std::move(presence)};
}

/// Trees one after the other, as what each changed.
std::vector<Changeset> history(const std::vector<Tree>& trees) {
  std::vector<Changeset> changes;
  for (std::size_t i = 1; i < trees.size(); ++i)
    changes.push_back(difference(trees[i - 1], trees[i]));
  return changes;
}

const State kOne = file_of("one"), kTwo = file_of("two"), kThree = file_of("three");
const State kFolder = folder_of_mode();

TEST(Stale, IsWhatWasReadAndChangedSince) {
  const auto since = history({{{"a", kOne}, {"b", kOne}}, {{"a", kTwo}, {"b", kOne}}});
  EXPECT_EQ(stale_text(observed({"a"}), {}, since), "a:content:0 ");
  EXPECT_EQ(stale_text(observed({"b"}), {}, since), "");
  EXPECT_EQ(stale_text(observed({"a"}), {}, {}), "");
}

TEST(Stale, IsNotWhatWasChangedAndChangedBack) {
  const auto since = history({{{"a", kOne}}, {{"a", kTwo}}, {{"b", kOne}}, {{"a", kOne}}});
  EXPECT_EQ(stale_text(observed({"a", "b"}, {""}, {"a"}), {}, since), "");
}

TEST(Stale, NamesTheLastThatChangedThePath) {
  const auto since =
      history({{{"a", kOne}}, {{"a", kTwo}}, {{"a", kThree}}, {{"a", kThree}, {"b", kOne}}});
  EXPECT_EQ(stale_text(observed({"a"}), {}, since), "a:content:1 ");
}

TEST(Stale, IsToldToPeopleAsAPathOrAsWhatAListingLostOrGot) {
  const auto places = [](const ReadSet& reads, const std::vector<Tree>& trees) {
    std::string text;
    const auto since = history(trees);
    std::vector<const Changeset*> pointers;
    for (const Changeset& one : since) pointers.push_back(&one);
    for (const Stale& one : stale(reads, {}, pointers)) text += place_of(one) + "; ";
    return text;
  };
  EXPECT_EQ(places(observed({"a"}, {""}), {{{"a", kOne}}, {{"a", kTwo}, {"b", kOne}, {"c", kOne}}}),
            "the listing of `.` (`b` came); `a`; ");
  EXPECT_EQ(places(observed({}, {"d"}), {{{"d", kFolder}, {"d/x", kOne}}, {{"d", kFolder}}}),
            "the listing of `d` (`d/x` went); ");
  EXPECT_EQ(places(observed({}, {"e"}), {{}, {{"e", kFolder}}}), "the listing of `e`; ");
  EXPECT_EQ(place_of({.path = "", .what = Stale::What::written}), "`.`");
  EXPECT_EQ(place_of({.path = "a\nb", .what = Stale::What::content}), "`a␊b`");
}

TEST(Stale, PresenceMindsKindAndModeButNotContent) {
  const Tree before{{"a", kOne}};
  EXPECT_EQ(stale_text(observed({}, {}, {"a"}), {}, history({before, {{"a", kTwo}}})), "");
  EXPECT_EQ(
      stale_text(observed({}, {}, {"a"}), {}, history({before, {{"a", file_of("one", 0600)}}})),
      "a:presence:0 ");
  EXPECT_EQ(stale_text(observed({}, {}, {"b"}), {}, history({before, {{"a", kOne}, {"b", kOne}}})),
            "b:presence:0 ");
}

TEST(Stale, PresenceMindsAFolderThatWasMadeWhereNoneWas) {
  const auto since = history({{}, {{"new", kFolder}}});
  EXPECT_EQ(stale_text(observed({}, {}, {"new", "new/f"}), {}, since), "new:presence:0 ");
}

TEST(Stale, ListingMindsNamesButNotWhatTheyHold) {
  const Tree before{{"d", kFolder}, {"d/x", kOne}};
  const ReadSet reads = observed({}, {"d"});
  EXPECT_EQ(stale_text(reads, {}, history({before, {{"d", kFolder}, {"d/x", kTwo}}})), "");
  EXPECT_EQ(stale_text(reads, {}, history({before, {{"d", kFolder}}})), "d:listing:0 ");
  EXPECT_EQ(stale_text(reads, {}, history({before, {}})), "d:listing:0 ");
  EXPECT_EQ(stale_text(observed({}, {"e"}), {}, history({{}, {{"e", kFolder}}})), "e:listing:0 ");
  EXPECT_EQ(stale_text(observed({}, {""}), {}, history({{}, {{"e", kFolder}, {"e/f", kOne}}})),
            ":listing:0 ");
}

TEST(Stale, SaysTheGravestOfAPathOnly) {
  const auto since = history({{{"a", kOne}}, {}});
  const Changeset own = difference({{"a", kOne}}, {{"a", kTwo}});
  EXPECT_EQ(stale_text(observed({"a"}, {"a"}, {"a"}), own, since), "a:written:0 ");
  EXPECT_EQ(stale_text(observed({}, {"a"}, {"a"}), {}, since), "a:listing:0 ");
}

TEST(Stale, IsNotWrittenWhereBothMadeTheSameChange) {
  const auto since = history({{{"a", kOne}}, {{"a", kTwo}}});
  EXPECT_EQ(stale_text(observed({}), since[0], since), "");
  EXPECT_EQ(stale_text(observed({"a"}), since[0], since), "a:content:0 ");
}

TEST(Stale, IsAFileMadeInAFolderThatHasGone) {
  const Tree before{{"d", kFolder}};
  const Changeset own = difference(before, {{"d", kFolder}, {"d/x", kOne}});
  EXPECT_EQ(stale_text(observed({}), own, history({before, {}})), "d:written:0 ");
  EXPECT_EQ(stale_text(observed({}), own, history({before, {{"d", kTwo}}})), "d:written:0 ");
}

TEST(Stale, IsAFolderDeletedInWhichAFileWasMade) {
  const Tree before{{"d", kFolder}, {"d/x", kOne}};
  const Changeset own = difference(before, {});
  EXPECT_EQ(stale_text(observed({}), own,
                       history({before, {{"d", kFolder}, {"d/x", kOne}, {"d/y", kOne}}})),
            "d/y:written:0 ");
  EXPECT_EQ(stale_text(observed({}), own, history({before, {{"d", kFolder}}})), "")
      << "what both deleted is gone";
}

TEST(Stale, IsAReadThroughALinkThatHasMoved) {
  const auto since = history({{{"d", link_to("p")}}, {{"d", link_to("q")}}});
  EXPECT_EQ(stale_text(observed({"d/x"}), {}, since), "d/x:content:0 ");
  EXPECT_EQ(stale_text(observed({}, {}, {"d/x"}), {}, since), "d/x:presence:0 ");
}

TEST(Stale, IsAllThatWasChangedWhereReadsAreNotKnown) {
  const auto since = history({{}, {{"a", kOne}}, {{"a", kOne}, {"d", kFolder}, {"d/x", kOne}}});
  EXPECT_EQ(stale_text({}, {}, since), "a:content:0 d:content:1 d/x:content:1 ");
}

/// The definition, path by path, on the trees themselves.
class Reference {
 public:
  Reference(Tree found, Tree left, Tree committed)
      : found_(std::move(found)), left_(std::move(left)), committed_(std::move(committed)) {}

  std::optional<Stale::What> of(const ReadSet& reads, const std::string& path) const {
    if (is_written(path)) return Stale::What::written;
    const auto among = [&](const std::vector<std::string>& list) {
      return std::ranges::find(list, path) != list.end();
    };
    if (reads.from == ReadsFrom::everything)
      return differs(path) ? std::optional(Stale::What::content) : std::nullopt;
    if (among(reads.content) && (differs(path) || leads_elsewhere(path)))
      return Stale::What::content;
    if (among(reads.listing) &&
        (names(found_, path) != names(committed_, path) ||
         kind(found_, path) != kind(committed_, path) || leads_elsewhere(path)))
      return Stale::What::listing;
    if (among(reads.presence) &&
        (kind(found_, path) != kind(committed_, path) ||
         mode(found_, path) != mode(committed_, path) || leads_elsewhere(path)))
      return Stale::What::presence;
    return std::nullopt;
  }

  /// Whether the attempt's changes, made upon the committed state, give a tree that is one, and in
  /// it all that either has changed.
  bool can_be_committed(const Changeset& own) const {
    const bool meets = std::ranges::any_of(own.changes, [&](const Change& change) {
      const State now = state_in(committed_, change.path);
      return now != change.before && now != change.after;
    });
    return !meets && is_whole(applied(committed_, own));
  }

 private:
  static Kind kind(const Tree& tree, const std::string& path) {
    return path.empty() ? Kind::folder : state_in(tree, path).kind;
  }
  static std::uint32_t mode(const Tree& tree, const std::string& path) {
    return state_in(tree, path).mode;
  }
  static std::vector<std::string> names(const Tree& tree, const std::string& folder) {
    std::vector<std::string> names;
    for (const auto& [path, state] : tree) {
      if (folder_above(path) == folder) names.push_back(path);
    }
    return names;
  }
  bool differs(const std::string& path) const {
    return state_in(found_, path) != state_in(committed_, path);
  }
  bool changed_here(const std::string& path) const {
    return state_in(found_, path) != state_in(left_, path);
  }
  bool leads_elsewhere(const std::string& path) const {
    for (std::string above = folder_above(path); !above.empty(); above = folder_above(above)) {
      const bool is_link =
          kind(found_, above) == Kind::link || kind(committed_, above) == Kind::link;
      if (is_link && differs(above)) return true;
    }
    return false;
  }
  bool is_written(const std::string& path) const {
    if (!differs(path)) return false;
    const State now = state_in(committed_, path);
    if (changed_here(path) && state_in(left_, path) != now) return true;
    // No folder any more, and the attempt left something of its own below it.
    for (const auto& [own, state] : left_) {
      if (own.starts_with(path + "/") && changed_here(own) && now.kind != Kind::folder) return true;
    }
    // It is there, and the attempt made what is above it something else than a folder.
    if (now.kind == Kind::absent) return false;
    for (std::string above = folder_above(path); !above.empty(); above = folder_above(above)) {
      if (changed_here(above) && kind(left_, above) != Kind::folder) return true;
    }
    return false;
  }

  Tree found_, left_, committed_;
};

/// Some of the paths; and the workspace itself, where that makes sense.
std::vector<std::string> some_paths(TreeDice& dice, bool with_root) {
  std::vector<std::string> paths;
  if (with_root && dice.below(3) == 0) paths.emplace_back();
  for (const std::string& path : TreeDice::paths()) {
    if (dice.below(3) == 0) paths.push_back(path);
  }
  std::ranges::sort(paths);
  return paths;
}

TEST(Stale, AgreesWithTheDefinitionOnRandomTrees) {
  TreeDice dice(11);
  std::size_t clean = 0, written = 0;
  for (int round = 0; round < 4000; ++round) {
    std::vector<Tree> trees{dice.tree()};
    for (std::size_t count = dice.below(4); count > 0; --count) {
      trees.push_back(trees.back());
      for (std::size_t acts = dice.below(3); acts > 0; --acts) dice.change(trees.back());
    }
    Tree left = trees.front();
    for (std::size_t acts = dice.below(4); acts > 0; --acts) dice.change(left);
    const Changeset own = difference(trees.front(), left);
    ReadSet reads =
        observed(some_paths(dice, false), some_paths(dice, true), some_paths(dice, true));
    if (dice.below(8) == 0) reads = {};

    const std::vector<Changeset> since = history(trees);
    std::vector<const Changeset*> pointers;
    for (const Changeset& one : since) pointers.push_back(&one);
    const Reference reference(trees.front(), left, trees.back());
    std::string expected, found;
    std::vector<std::string> all{""};
    all.insert(all.end(), TreeDice::paths().begin(), TreeDice::paths().end());
    std::ranges::sort(all);
    for (const std::string& path : all) {
      if (const auto what = reference.of(reads, path))
        expected += fmt::format("{}:{} ", path, name_of(*what));
    }
    const std::vector<Stale> answer = stale(reads, own, pointers);
    for (const Stale& one : answer) found += fmt::format("{}:{} ", one.path, name_of(one.what));
    ASSERT_EQ(found, expected) << "round " << round;

    const bool is_written = std::ranges::any_of(
        answer, [](const Stale& one) { return one.what == Stale::What::written; });
    ASSERT_EQ(!is_written, reference.can_be_committed(own)) << "round " << round;
    ++(is_written ? written : clean);
  }
  EXPECT_GT(clean, 500U);
  EXPECT_GT(written, 500U);
}

}  // namespace
}  // namespace interlock::changes
