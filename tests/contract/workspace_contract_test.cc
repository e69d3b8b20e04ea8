#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>

#include "support/fake_workspace.h"
#include "workspace/fixture_tree.h"
#include "workspace/local_workspace.h"

// What engine::Workspace and engine::AttemptFolders promise, held against the fake and against
// files on this disk.
namespace interlock {
namespace {

namespace fs = std::filesystem;

class World {
 public:
  virtual ~World() = default;
  virtual engine::Workspace& workspace() = 0;
  virtual engine::AttemptFolders& folders() = 0;
  virtual void write(const std::string& path, const std::string& content) = 0;
  virtual void remove(const std::string& path) = 0;
  /// The content of a file that was put into an attempt's folder; nothing when it is not there.
  virtual std::optional<std::string> content_at(const std::string& absolute_path) = 0;
};

class FakeWorld final : public World {
 public:
  engine::Workspace& workspace() override { return workspace_; }
  engine::AttemptFolders& folders() override { return workspace_; }
  void write(const std::string& path, const std::string& content) override {
    workspace_.files[path] = content;
  }
  void remove(const std::string& path) override { workspace_.files.erase(path); }
  std::optional<std::string> content_at(const std::string& path) override {
    const auto found = workspace_.attempt_files.find(path);
    return found == workspace_.attempt_files.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  testing_support::FakeWorkspace workspace_;
};

class RealWorld final : public World {
 public:
  engine::Workspace& workspace() override { return workspace_; }
  engine::AttemptFolders& folders() override { return workspace_; }
  void write(const std::string& path, const std::string& content) override {
    tree_.write(path, content);
  }
  void remove(const std::string& path) override { fs::remove(tree_.at(path)); }
  std::optional<std::string> content_at(const std::string& path) override {
    auto content = workspace::read_file(path, 1000);
    return content ? std::optional(*content) : std::nullopt;
  }

 private:
  workspace::TempTree tree_, state_;
  workspace::LocalWorkspace workspace_{tree_.root(), state_.root(), "r-1"};
};

class WorkspaceContract : public testing::TestWithParam<std::string> {
 protected:
  WorkspaceContract() {
    if (GetParam() == "fake")
      world_ = std::make_unique<FakeWorld>();
    else
      world_ = std::make_unique<RealWorld>();
  }

  engine::Workspace& workspace() { return world_->workspace(); }
  engine::AttemptFolders& folders() { return world_->folders(); }
  Digest print(const std::vector<std::string>& texts) {
    return workspace().fingerprint(workspace::patterns(texts)).value();
  }

  std::unique_ptr<World> world_;
};

TEST_P(WorkspaceContract, FingerprintsFollowWhatMatchesAndNothingElse) {
  world_->write("src/a.cc", "one");
  world_->write("doc/b.md", "two");
  const Digest before = print({"src/**"});
  world_->write("doc/b.md", "changed");
  EXPECT_EQ(print({"src/**"}), before);
  world_->write("src/a.cc", "changed");
  const Digest changed = print({"src/**"});
  EXPECT_NE(changed, before);
  world_->write("src/a.cc", "one");
  EXPECT_EQ(print({"src/**"}), before) << "content counts, not time";
  world_->write("src/b.cc", "one");
  EXPECT_NE(print({"src/**"}), before);
  world_->remove("src/b.cc");
  EXPECT_EQ(print({"src/**"}), before);
}

TEST_P(WorkspaceContract, AnAbsentFileThatIsNamedDiffersFromAnEmptyOne) {
  const Digest absent = print({"notes.md"});
  world_->write("notes.md", "");
  EXPECT_NE(print({"notes.md"}), absent);
}

TEST_P(WorkspaceContract, ListsOneIngredientAPathSortedAndTheNamedOnesThatAreAbsent) {
  world_->write("b.md", "x");
  world_->write("a.md", "x");
  world_->write("a.cc", "x");
  std::string names;
  const auto cache_key_parts =
      workspace().fingerprints(workspace::patterns({"*.md", "none.md", "gone.txt"})).value();
  for (const engine::CacheKeyPart& one : cache_key_parts) names += one.name + " ";
  EXPECT_EQ(names, "a.md b.md gone.txt none.md ");
}

TEST_P(WorkspaceContract, TellsTheStateOfWhatWasRead) {
  world_->write("src/a.cc", "1");
  world_->write("src/deep/b.cc", "2");
  const changes::ReadSet reads{changes::ReadsFrom::observed,
                               {"none.cc", "src/a.cc"},
                               {"", "src"},
                               {"gone", "src/deep", "src/deep/b.cc"}};
  auto differing = [&, before = workspace().states(reads).value()]() mutable {
    const auto now = workspace().states(reads).value();
    std::string names;
    for (std::size_t i = 0; i < now.size(); ++i) {
      EXPECT_EQ(now[i].name, before[i].name);
      if (now[i].digest != before[i].digest) names += now[i].name + " ";
    }
    before = now;
    return names;
  };
  EXPECT_EQ(workspace().states(reads)->size(), 7u);
  EXPECT_EQ(differing(), "");
  world_->write("src/a.cc", "3");
  EXPECT_EQ(differing(), "`src/a.cc` ");
  world_->write("src/deep/b.cc", "4");
  EXPECT_EQ(differing(), "") << "it only looked whether it is there";
  world_->write("src/c.cc", "");
  EXPECT_EQ(differing(), "the listing of `src` ");
  world_->write("none.cc", "");
  EXPECT_EQ(differing(), "`none.cc` the listing of `.` ");
  world_->write("gone/x", "");
  EXPECT_EQ(differing(), "the listing of `.` `gone` ");
}

TEST_P(WorkspaceContract, ReadsAFileButNoMoreThanIsAllowed) {
  world_->write("out/a.json", "[1]");
  EXPECT_EQ(workspace().read("out/a.json", 3).value(), "[1]");
  EXPECT_FALSE(workspace().read("out/a.json", 2));
  EXPECT_EQ(workspace().read("out/none.json", 3).error().kind, Error::Kind::missing);
}

TEST_P(WorkspaceContract, KeepsWhatIsPutUntilTheAttemptIsClosed) {
  const engine::AttemptName one{TaskId(1), 1, 0}, other{TaskId(1), 2, 0};
  const std::string folder = folders().open_attempt(one).value();
  EXPECT_NE(folders().open_attempt(other).value(), folder);
  const std::string path = folders().put(one, "outputs/a", "answer").value();
  EXPECT_EQ(path, folder + "/outputs/a");
  const std::string kept = folders().put(other, "prompt.md", "Read.").value();
  EXPECT_EQ(world_->content_at(path), "answer");
  folders().close_attempt(one);
  folders().close_attempt(one);
  EXPECT_FALSE(world_->content_at(path));
  EXPECT_EQ(world_->content_at(kept), "Read.");
}

TEST_P(WorkspaceContract, TakesWhatIsInAnAttemptsFolderButNoMoreThanIsAllowed) {
  const engine::AttemptName name{TaskId(1), 1, 3};
  ASSERT_TRUE(folders().open_attempt(name));
  ASSERT_TRUE(folders().put(name, "merge/ours", "mine"));
  EXPECT_EQ(folders().take(name, "merge/ours", 4).value(), "mine");
  EXPECT_FALSE(folders().take(name, "merge/ours", 3));
  EXPECT_EQ(folders().take(name, "merge/none", 4).error().kind, Error::Kind::missing);
  folders().close_attempt(name);
  EXPECT_EQ(folders().take(name, "merge/ours", 4).error().kind, Error::Kind::missing);
}

TEST_P(WorkspaceContract, OpensAnAttemptsFolderEmptyAlsoAfterACrash) {
  const engine::AttemptName name{TaskId(1), 1, 0};
  ASSERT_TRUE(folders().open_attempt(name));
  const std::string path = folders().put(name, "prompt.md", "Read.").value();
  ASSERT_TRUE(folders().open_attempt(name));
  EXPECT_FALSE(world_->content_at(path));
}

INSTANTIATE_TEST_SUITE_P(Of, WorkspaceContract, testing::Values("fake", "local"),
                         [](const auto& of) { return of.param; });

}  // namespace
}  // namespace interlock
