#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <time.h>

#include <filesystem>
#include <fstream>

#include "snapshots/fixture.h"
#include "views_scene.h"
#include "workspace/local_workspace.h"

// The suite of `engine::Views` upon real overlays.
namespace interlock::contract {
namespace {

namespace fs = std::filesystem;

/// A step in the words of a shell; answers go to a file, one a line.
std::string shell_for(const Step& step, const std::string& answers) {
  const std::string path = shell_quote(step.path.empty() ? "." : step.path);
  const std::string to = shell_quote(answers);
  switch (step.kind) {
    case Step::Kind::read:
      return fmt::format("{{ test ! -f {0} && echo - || {{ cat {0}; echo; }}; }} >> {1}\n", path,
                         to);
    case Step::Kind::list:
      return fmt::format("{{ test ! -d {0} && echo - || echo $(ls -A {0}); }} >> {1}\n", path, to);
    case Step::Kind::look:
      return fmt::format("{{ test -e {0} && echo there || echo -; }} >> {1}\n", path, to);
    case Step::Kind::write:
      return fmt::format("mkdir -p \"$(dirname {0})\"; printf %s {1} > {0}\n", path,
                         shell_quote(step.content));
    case Step::Kind::erase: return fmt::format("rm -f {}\n", path);
  }
  return {};
}

/// Files are dated by the kernel's coarse clock, of some milliseconds a tick; what a person writes
/// in the tick in which a snapshot is opened counts as written after it, to be on the safe side.
void let_the_tick_pass() {
  const auto tick = [] {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return std::pair(now.tv_sec, now.tv_nsec);
  };
  for (const auto written = tick(); tick() == written;) ::sched_yield();
}

/// The scene on this disk. A child of the test enters the overlay; what it reads is told by the
/// test, which knows: watching is the process port's.
class LocalScene final : public Scene {
 public:
  LocalScene() { crash(); }
  ~LocalScene() override {
    snapshots::remove_tree(state_.root());  // Overlays leave closed folders behind.
  }

  std::string cannot() override {
    return snapshots::host_has_overlays() ? "" : "this host mounts no overlay";
  }
  engine::Snapshots& snapshots() override { return *snapshots_; }
  engine::Workspace& workspace() override { return *workspace_; }
  void person_writes(const std::string& path, const std::string& content) override {
    tree_.write(path, content);
    let_the_tick_pass();
  }
  void person_erases(const std::string& path) override { fs::remove(tree_.at(path)); }
  std::map<std::string, std::string> on_disk() override {
    std::map<std::string, std::string> files;
    for (const std::string& path : workspace::Stack(tree_.root(), {}).below("")) {
      if (fs::is_regular_file(tree_.at(path)))
        files[path] = workspace::read_file(tree_.at(path), 1 << 20).value();
    }
    return files;
  }

  Outcome run(engine::AttemptName, const engine::Snapshots::Opened& opened,
              const std::vector<Step>& steps) override {
    Outcome outcome;
    outcome.observed.complete = true;
    const std::string answers = state_.at("answers");
    fs::remove(answers);
    std::string script = "umask 022\n";
    for (const Step& step : steps) {
      const bool looks = step.kind == Step::Kind::look || step.kind == Step::Kind::erase;
      (looks ? outcome.observed.looked_at : outcome.observed.opened)
          .insert(step.path.empty() ? tree_.root() : tree_.at(step.path));
      if (step.kind == Step::Kind::write || step.kind == Step::Kind::erase)
        outcome.observed.written.insert(tree_.at(step.path));
      script += shell_for(step, answers);
    }
    EXPECT_EQ(snapshots::run_in(*opened.sandbox.snapshot, script), 0) << script;
    std::ifstream in(answers);
    for (std::string line; std::getline(in, line);) outcome.answers.push_back(line);
    return outcome;
  }
  bool observes_reads() override { return true; }

  void crash() override {
    const auto die_at_last = [this] {
      if (steps_left_ && (*steps_left_)-- == 0) ::_exit(9);
    };
    snapshots_ = std::make_unique<snapshots::LocalSnapshots>(
        tree_.root(), state_.root(), "r-1",
        snapshots::LocalSnapshots::Options{.task_ids = {}, .before_step = die_at_last});
    workspace_ = std::make_unique<workspace::LocalWorkspace>(tree_.root(), state_.root(), "r-1");
    workspace_->show(snapshots_.get());
  }
  bool crashes_in_checkpoint(std::size_t paths) override {
    const bool came_through = snapshots::in_child([&] {
      steps_left_ = 1 + 3 * paths;  // A file takes some steps.
      EXPECT_TRUE(snapshots_->checkpoint());
    });
    EXPECT_FALSE(came_through) << "the fold had fewer steps";
    crash();
    return true;
  }

 private:
  workspace::TempTree tree_, state_;
  std::optional<std::size_t> steps_left_;
  std::unique_ptr<snapshots::LocalSnapshots> snapshots_;
  std::unique_ptr<workspace::LocalWorkspace> workspace_;
};

}  // namespace

INSTANTIATE_TEST_SUITE_P(Local, ViewsContract,
                         testing::Values(SceneMaker{"local",
                                                    [] { return std::make_unique<LocalScene>(); }}),
                         scene_name);

}  // namespace interlock::contract
