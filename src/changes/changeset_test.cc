#include "changes/changeset.h"

#include <gtest/gtest.h>

#include "changes/fixture_tree.h"
#include "changes/path_text.h"

namespace interlock::changes {
namespace {

const std::string kZeros(64, '0');

Changeset one(const std::string& path, State before, State after) {
  return {{{path, before, after}}};
}

std::string state_text(const std::string& kind, int mode, int size, const std::string& digest) {
  return R"({"digest":")" + digest + R"(","kind":")" + kind + R"(","mode":)" +
         std::to_string(mode) + R"(,"size":)" + std::to_string(size) + "}";
}
std::string change_text(const std::string& path, const std::string& before,
                        const std::string& after) {
  return R"({"after":)" + after + R"(,"before":)" + before + R"(,"path":)" + path + "}";
}
std::string text_of(const std::string& changes) { return R"({"changes":[)" + changes + "]}"; }

std::string complaint(const std::string& text) {
  const auto read = changeset_from_text(text);
  return read ? "(accepted)" : read.error().message;
}

TEST(ChangesetText, SaysEachChangeWithItsStates) {
  Changeset changeset;
  changeset.changes.push_back({"gone", folder_of_mode(0700), {}});
  changeset.changes.push_back({"src/a.cc", file_of("x"), file_of("yy", 0755)});
  const std::string expected =
      text_of(change_text(R"("gone")", state_text("folder", 0700, 0, kZeros), "null") + "," +
              change_text(R"("src/a.cc")", state_text("file", 0644, 1, digest_of("x").hex()),
                          state_text("file", 0755, 2, digest_of("yy").hex())));
  EXPECT_EQ(to_text(changeset), expected);
  EXPECT_EQ(changeset_from_text(expected).value(), changeset);
  EXPECT_EQ(to_text({}), R"({"changes":[]})");
}

TEST(ChangesetText, TellsPathsThatAreNotUtf8InBase64) {
  const Changeset changeset = one("caf\xe9/\n", {}, link_to("x"));
  const std::string text = to_text(changeset);
  EXPECT_NE(text.find(R"("path_base64":"Y2Fm6S8K")"), std::string::npos) << text;
  EXPECT_EQ(changeset_from_text(text).value(), changeset);
}

TEST(ChangesetText, OfRandomChangesIsReadAgainAsItWas) {
  TreeDice dice(5);
  for (int i = 0; i < 300; ++i) {
    const Changeset changeset = difference(dice.tree(), dice.tree());
    EXPECT_EQ(changeset_from_text(to_text(changeset)).value(), changeset);
  }
}

TEST(ChangesetText, IsRefusedWithThePlaceWhereItIsWrong) {
  const std::string file = state_text("file", 0644, 1, digest_of("x").hex());
  const auto change = [&](const std::string& after) {
    return text_of(change_text(R"("a")", "null", after));
  };
  const std::string tried = "cannot read the changeset: ";
  EXPECT_EQ(complaint("[]"), tried + "it is not an object");
  EXPECT_EQ(complaint("{}"), tried + "the key `changes` is missing");
  EXPECT_EQ(complaint(R"({"changes":[],"x":1})"), tried + "the key `x` is not known");
  EXPECT_EQ(complaint(R"({"changes":{}})"), tried + "`changes` is not a list");
  EXPECT_EQ(complaint(text_of("3")), tried + "change 1: it is not an object");
  EXPECT_EQ(complaint(change("null")), tried + "change 1: before and after are the same");
  EXPECT_EQ(complaint(change("7")), tried + "change 1: `after`: it is neither an object nor null");
  EXPECT_EQ(complaint(change(state_text("absent", 0, 0, kZeros))),
            tried + "change 1: `after`: `kind` is not `file`, `folder`, `link` or `other`");
  EXPECT_EQ(complaint(change(state_text("file", 4096, 0, kZeros))),
            tried + "change 1: `after`: `mode` is not between 0 and 4095");
  EXPECT_EQ(complaint(change(state_text("file", 1, -1, kZeros))),
            tried + "change 1: `after`: `size` is not a number of bytes");
  EXPECT_EQ(complaint(change(state_text("file", 1, 1, "AB"))),
            tried + "change 1: `after`: `digest` is not 64 hexadecimal digits");
  EXPECT_EQ(complaint(change(state_text("folder", 1, 1, kZeros))),
            tried + "change 1: `after`: a folder has neither size nor digest");
  EXPECT_EQ(complaint(change(state_text("link", 1, 1, kZeros))),
            tried + "change 1: `after`: a link has no mode");
  EXPECT_EQ(complaint(text_of(change_text("3", "null", file))),
            tried + "change 1: the path is not a string");
  for (const std::string path : {"", "/a", "a/", "a//b", "a/../b", "."}) {
    EXPECT_EQ(complaint(text_of(change_text("\"" + path + "\"", "null", file))),
              tried + "change 1: `" + path + "` is not a path in a workspace");
  }
  EXPECT_EQ(complaint(text_of(change_text(R"("lib/.git/HEAD")", "null", file))),
            tried + "change 1: `lib/.git/HEAD` is in a `.git`, which is never recorded");
  const std::string a = change_text(R"("a")", "null", file);
  EXPECT_EQ(complaint(text_of(a + "," + a)),
            tried + "change 2: its path is not after the one before it");
  EXPECT_EQ(complaint(text_of(R"({"path_base64":"YQ==","before":null,"after":)" + file + "}")),
            tried + "change 1: `path_base64` is for paths that are not UTF-8");
}

TEST(ChangesetText, CutAnywhereIsRefused) {
  const std::string text = to_text(one("a/\xff", file_of("1"), link_to("b")));
  for (std::size_t length = 0; length < text.size(); ++length)
    EXPECT_FALSE(changeset_from_text(std::string_view(text).substr(0, length)));
}

TEST(Base64, IsThatOfTheStandard) {
  // RFC 4648, section 10.
  const std::vector<std::pair<std::string, std::string>> cases{{"", ""},
                                                               {"f", "Zg=="},
                                                               {"fo", "Zm8="},
                                                               {"foo", "Zm9v"},
                                                               {"foob", "Zm9vYg=="},
                                                               {"fooba", "Zm9vYmE="},
                                                               {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : cases) {
    EXPECT_EQ(base64_of(bytes), text);
    EXPECT_EQ(base64_bytes(text).value(), bytes);
  }
  for (const std::string wrong :
       {"Z", "Zg", "Zg=", "Z===", "====", "Zh==", "Zm9=", "Zg==Zg==", "Zm9v\n", "Zm-v", "Zm=v"}) {
    EXPECT_FALSE(base64_bytes(wrong)) << wrong;
  }
}

TEST(Changeset, FindsAPathAmongItsNeighbours) {
  TreeDice dice(9);
  const Changeset changeset = difference({}, dice.tree());
  for (const std::string& path : TreeDice::paths()) {
    const auto same = std::ranges::find(changeset.changes, path, &Change::path);
    EXPECT_EQ(changeset.find(path), same == changeset.changes.end() ? nullptr : &*same);
  }
}

std::string renames_text(const Changeset& changeset) {
  std::string text;
  for (const Rename& rename : renames_in(changeset)) text += rename.from + ">" + rename.to + " ";
  return text;
}

TEST(Renames, AreFilesThatWentAndCameWithTheSameBytes) {
  EXPECT_EQ(renames_text(difference({{"a", file_of("x")}}, {{"b", file_of("x", 0755)}})), "a>b ");
  EXPECT_EQ(renames_text(difference({{"a", file_of("x")}}, {{"b", file_of("y")}})), "");
  EXPECT_EQ(
      renames_text(difference({{"a", file_of("x")}}, {{"a", file_of("x")}, {"b", file_of("x")}})),
      "")
      << "a copy is not a rename";
  EXPECT_EQ(renames_text(difference({{"a", file_of("")}}, {{"b", file_of("")}})), "")
      << "empty files are all alike";
  EXPECT_EQ(renames_text(difference({{"a", link_to("x")}}, {{"b", link_to("x")}})), "");
}

TEST(Renames, PairEachPathOnceAndEqualNamesFirst) {
  const Tree before{{"p/one", file_of("x")}, {"p/two", file_of("x")}};
  const Tree after{{"q/new", file_of("x")}, {"q/two", file_of("x")}, {"q/zzz", file_of("x")}};
  EXPECT_EQ(renames_text(difference(before, after)), "p/one>q/new p/two>q/two ");
}

}  // namespace
}  // namespace interlock::changes
