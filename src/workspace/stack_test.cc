#include "workspace/stack.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "workspace/fixture_tree.h"
#include "workspace/local_workspace.h"

namespace interlock::workspace {
namespace {

namespace fs = std::filesystem;
using changes::Kind;

/// A workspace with two layers upon it, and beside it the same files in one plain folder.
class StackTest : public testing::Test, public Layers {
 protected:
  void SetUp() override {
    for (const TempTree* tree : {&root_, &plain_}) {
      tree->write("a", "1").write("gone/x", "1").write("kept/f", "1").write("kept/g", "1");
      tree->write("was_folder/in", "1").write("real/one", "1").write(".git/HEAD", "h");
      fs::create_symlink("a", tree->at("to_changed"));
      fs::create_symlink("real", tree->at("to_folder"));
      fs::create_symlink("kept", tree->at("turned"));
      fs::create_symlink("gone/x", tree->at("to_gone"));
    }
    add(first_, "a", Kind::file, "2");
    add(first_, "gone", Kind::absent);
    add(first_, "gone/x", Kind::absent);
    add(first_, "new", Kind::folder);
    add(first_, "new/n", Kind::file, "n");
    add(first_, "real/one", Kind::file, "2");
    add(first_, "turned", Kind::folder);
    add(first_, "turned/own", Kind::file, "o");
    add(second_, "a", Kind::file, "3");
    add(second_, "link_in_layer", Kind::link, "kept/f");
    add(second_, "new/n", Kind::absent);
    add(second_, "real/two", Kind::file, "2");
    add(second_, "was_folder", Kind::link, "kept");
    add(second_, "was_folder/in", Kind::absent);
  }

  struct Made {
    TempTree after;
    changes::Changeset changes;
  };

  void add(Made& layer, const std::string& path, Kind kind, const std::string& bytes = {}) {
    changes::Change change{path, {}, {}};
    change.after.kind = kind;
    layer.changes.changes.push_back(change);
    for (const std::string& place : {layer.after.at(path), plain_.at(path)}) {
      const bool in_plain = place == plain_.at(path);
      if (in_plain && kind != Kind::folder) fs::remove_all(place);
      if (in_plain && fs::is_symlink(place)) fs::remove(place);
      if (kind == Kind::file) (in_plain ? plain_ : layer.after).write(path, bytes);
      if (kind == Kind::folder) fs::create_directories(place);
      if (kind == Kind::link) fs::create_symlink(bytes, place);
    }
  }

  std::vector<Layer> unfolded() const override {
    return {{first_.after.root(), &first_.changes}, {second_.after.root(), &second_.changes}};
  }

  std::string prints(LocalWorkspace& workspace, const std::vector<std::string>& texts) {
    const auto all = workspace.fingerprints(patterns(texts));
    if (!all) return all.error().message;
    std::string text;
    for (const auto& one : *all) text += fmt::format("{} {}\n", one.name, one.digest.brief());
    return text;
  }

  TempTree root_, plain_, state_;
  Made first_, second_;
};

TEST_F(StackTest, FingerprintsAreThoseOfOnePlainFolder) {
  LocalWorkspace layered(root_.root(), state_.root(), "r-1");
  LocalWorkspace plain(plain_.root(), state_.root(), "r-2");
  for (const std::vector<std::string>& texts : {std::vector<std::string>{"**"},
                                                {"a", "gone", "gone/x"},
                                                {"to_folder/*"},
                                                {"turned/**"},
                                                {"was_folder"},
                                                {"was_folder/*"},
                                                {"to_changed", "to_gone"},
                                                {"new/**", "!new/n"}}) {
    layered.show(nullptr);
    const std::string before = prints(layered, texts);
    layered.show(this);
    EXPECT_EQ(prints(layered, texts), prints(plain, texts)) << texts.front();
    if (texts.front() == "**") {
      EXPECT_NE(before, prints(plain, texts));
    }
  }
}

TEST_F(StackTest, FilesAreReadAsTheNewestLayerHasThem) {
  LocalWorkspace layered(root_.root(), state_.root(), "r-1");
  layered.show(this);
  const auto read = [&](const std::string& path) {
    const auto text = layered.read(path, 10);
    return text ? *text : text.error().kind == Error::Kind::missing ? "missing" : "error";
  };
  EXPECT_EQ(read("a"), "3");
  EXPECT_EQ(read("to_changed"), "3");
  EXPECT_EQ(read("to_folder/two"), "2");
  EXPECT_EQ(read("was_folder/f"), "1");
  EXPECT_EQ(read("gone/x"), "missing");
  EXPECT_EQ(read("to_gone"), "missing");
  EXPECT_EQ(read("new/n"), "missing");
  EXPECT_EQ(read("kept/g"), "1");
}

TEST_F(StackTest, ListsEachFolderOnce) {
  const Stack stack(root_.root(), unfolded());
  bool holds_git = false;
  const std::vector<std::string> all = stack.below("", &holds_git);
  EXPECT_TRUE(holds_git);
  EXPECT_EQ(all,
            (std::vector<std::string>{"a", "kept", "kept/f", "kept/g", "link_in_layer", "new",
                                      "real", "real/one", "real/two", "to_changed", "to_folder",
                                      "to_gone", "turned", "turned/own", "was_folder"}));
  EXPECT_TRUE(stack.names("was_folder").empty());
}

TEST_F(StackTest, LinksLeadAsTheyWouldForAProgram) {
  const Stack stack(root_.root(), unfolded());
  EXPECT_EQ(stack.follow("to_folder/two").path, "real/two");
  EXPECT_EQ(stack.follow("was_folder/g").path, "kept/g");
  EXPECT_EQ(stack.follow("was_folder/g").links, std::vector<std::string>{"was_folder"});
  EXPECT_EQ(stack.follow("a/../kept").path, "kept");
  EXPECT_FALSE(stack.follow("kept/../../x").path);
  const std::string back = "kept/../../" + fs::path(root_.root()).filename().string() + "/a";
  EXPECT_EQ(stack.follow(back).path, "a");
  EXPECT_EQ(stack.follow("kept/../../x").outside, root_.root() + "/../x");
}

}  // namespace
}  // namespace interlock::workspace
