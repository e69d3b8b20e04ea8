#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "engine/worker_ports.h"

// What the suite of `engine::Views` needs of a world, besides the views: somebody who works in a
// snapshot, somebody who edits the workspace, and a look at what is really there.
namespace interlock::contract {

/// One thing that a simulated agent does. Paths are relative to the workspace.
struct Step {
  enum class Kind : unsigned char {
    read,   ///< Opens a file and reads it.
    list,   ///< Lists a folder; `""` is the workspace.
    look,   ///< Asks whether something is there (stat), without opening it.
    write,  ///< Writes a file whole, with mode 0644, making folders of mode 0755 on the way.
    erase,  ///< Deletes a file; where none is, nothing happens.
  };
  Kind kind = Kind::read;
  std::string path;
  std::string content = {};
};
inline Step reads(std::string path) { return {Step::Kind::read, std::move(path)}; }
inline Step lists(std::string path) { return {Step::Kind::list, std::move(path)}; }
inline Step looks(std::string path) { return {Step::Kind::look, std::move(path)}; }
inline Step writes(std::string path, std::string content) {
  return {Step::Kind::write, std::move(path), std::move(content)};
}
inline Step erases(std::string path) { return {Step::Kind::erase, std::move(path)}; }

class Scene {
 public:
  virtual ~Scene() = default;

  /// Why this host cannot show the scene; the tests are skipped then. Empty: it can.
  virtual std::string cannot() { return ""; }

  virtual engine::Snapshots& snapshots() = 0;
  /// The workspace port beside the views: its calls see the committed state.
  virtual engine::Workspace& workspace() = 0;

  /// Somebody who is no attempt writes into the workspace itself, or deletes there. Before the
  /// first `open` this lays out the scene; afterwards it is the person whom `foreign` and `fold`
  /// look for.
  virtual void person_writes(const std::string& path, const std::string& content) = 0;
  virtual void person_erases(const std::string& path) = 0;
  /// Every regular file of the workspace itself, without anything laid over it.
  virtual std::map<std::string, std::string> on_disk() = 0;

  struct Outcome {
    /// One for each step that asks: a file's bytes, names joined by spaces and sorted, `there`; and
    /// `-` for what is not there.
    std::vector<std::string> answers;
    engine::Observed observed;  ///< What the process host told of it, for `harvest`.
  };
  /// An attempt's only process does the steps, in this order, in what `open` answered, and ends;
  /// its tree is gone on return. Once for each opened snapshot. A step that fails fails the test.
  virtual Outcome run(engine::AttemptName name, const engine::Snapshots::Opened& opened,
                      const std::vector<Step>& steps) = 0;
  /// Whether harvests tell reads as the kernel saw them, here and now.
  virtual bool observes_reads() = 0;

  /// The dispatcher is killed and another one comes up: all that was in its memory is lost, all
  /// that was on the disk is there. `views` is the new one's, before its `take_up`.
  virtual void crash() = 0;
  /// A `fold` in which the dispatcher is killed before it changes one more path than `paths`, and
  /// another one comes up. False: cannot be done here.
  virtual bool crashes_in_checkpoint(std::size_t paths) = 0;
};

/// A scene's name, for test names, and how to make one; each test has its own.
struct SceneMaker {
  std::string name;
  std::function<std::unique_ptr<Scene>()> make;
};
inline std::ostream& operator<<(std::ostream& out, const SceneMaker& maker) {
  return out << maker.name;
}

/// The suite's tests are in views_contract_test.cc. Whoever has a Scene instantiates it:
/// `INSTANTIATE_TEST_SUITE_P(Name, ViewsContract, testing::Values(SceneMaker{...}), scene_name)`.
class ViewsContract : public testing::TestWithParam<SceneMaker> {
 protected:
  void SetUp() override {
    scene_ = GetParam().make();
    if (const std::string why = scene_->cannot(); !why.empty()) GTEST_SKIP() << why;
  }

  engine::Snapshots& snapshots() { return scene_->snapshots(); }
  engine::Snapshots::Opened open(engine::AttemptName name,
                                 plan::Isolation isolation = plan::Isolation::view) {
    engine::Snapshots::SnapshotSpec spec;
    spec.name = name;
    spec.isolation = isolation;
    spec.footprint = &unknown_;
    auto opened = snapshots().open(spec);
    EXPECT_TRUE(opened.has_value()) << opened.error().message;
    return std::move(*opened);
  }
  engine::Snapshots::Harvest harvest(engine::AttemptName name, const engine::Observed& observed) {
    auto harvest = snapshots().harvest(name, observed, unknown_);
    EXPECT_TRUE(harvest.has_value()) << harvest.error().message;
    return std::move(*harvest);
  }
  /// Opens, runs and harvests.
  engine::Snapshots::Harvest work(engine::AttemptName name, const std::vector<Step>& steps) {
    const auto opened = open(name);
    return harvest(name, scene_->run(name, opened, steps).observed);
  }
  /// What a snapshot opened now shows, as `run` answers; it is thrown away.
  std::vector<std::string> seen_by(engine::AttemptName name, const std::vector<Step>& steps) {
    const auto opened = open(name);
    auto outcome = scene_->run(name, opened, steps);
    snapshots().discard(name);
    return outcome.answers;
  }
  void commit(engine::AttemptName name, const changes::Changeset& changes) {
    const auto committed = snapshots().commit({name, &changes}, "run/task");
    ASSERT_TRUE(committed.has_value()) << committed.error().message;
  }
  void recover(const std::vector<engine::Snapshots::Kept>& committed,
               const std::vector<engine::Snapshots::Kept>& waiting) {
    const auto taken = snapshots().recover(committed, waiting);
    ASSERT_TRUE(taken.has_value()) << taken.error().message;
    EXPECT_EQ(taken->size(), 0u) << "all is there";
  }
  /// Of an attempt that read these by content.
  std::vector<std::string> foreign(engine::AttemptName name, std::vector<std::string> content) {
    changes::ReadSet reads;
    reads.from = changes::ReadsFrom::observed;
    reads.content = std::move(content);
    return snapshots().foreign(name, reads, {});
  }
  /// Folds, and says which paths stood in the way.
  std::vector<std::string> checkpoint() {
    auto checkpointed = snapshots().checkpoint();
    EXPECT_TRUE(checkpointed.has_value()) << checkpointed.error().message;
    return *checkpointed;
  }
  std::string content(engine::AttemptName name, const std::string& path,
                      engine::Snapshots::Side side = engine::Snapshots::Side::after) {
    return snapshots().content(name, path, side, 1000).value_or("-");
  }

  std::unique_ptr<Scene> scene_;
  footprint::Footprint unknown_{{}, {}, true};
};

inline std::string scene_name(const testing::TestParamInfo<SceneMaker>& info) {
  return info.param.name;
}

}  // namespace interlock::contract
