#pragma once

#include <memory>
#include <utility>

#include "support/fake_snapshots.h"
#include "views_scene.h"

namespace interlock::contract {

/// The scene in memory.
class FakeScene final : public Scene {
 public:
  engine::Snapshots& snapshots() override { return snapshots_; }
  engine::Workspace& workspace() override { return workspace_; }
  void person_writes(const std::string& path, const std::string& content) override {
    snapshots_.person_edits(path, content);
  }
  void person_erases(const std::string& path) override {
    snapshots_.person_edits(path, std::nullopt);
  }
  std::map<std::string, std::string> on_disk() override { return workspace_.files; }

  Outcome run(engine::AttemptName name, const engine::Snapshots::Opened&,
              const std::vector<Step>& steps) override {
    Outcome outcome;
    testing_support::FakeSnapshot& snapshot = snapshots_.snapshot(name);
    for (const Step& step : steps) {
      if (auto answer = take(snapshot, step)) outcome.answers.push_back(std::move(*answer));
    }
    return outcome;
  }
  bool observes_reads() override { return true; }

  /// The fake outlives its dispatchers and keeps nothing for them alone.
  void crash() override {}
  bool crashes_in_checkpoint(std::size_t paths) override {
    struct Killed {};
    snapshots_.before_call = [&](std::string_view call) {
      if (call == "fold path" && paths-- == 0) throw Killed();
    };
    bool was_killed = false;
    try {
      (void)snapshots_.checkpoint();
    } catch (const Killed&) {
      was_killed = true;
    }
    snapshots_.before_call = nullptr;
    EXPECT_TRUE(was_killed) << "the fold had fewer paths";
    return true;
  }

 private:
  static std::optional<std::string> take(testing_support::FakeSnapshot& snapshot,
                                         const Step& step) {
    switch (step.kind) {
      case Step::Kind::read: {
        const std::string* content = snapshot.read(step.path);
        return content == nullptr ? "-" : *content;
      }
      case Step::Kind::list: {
        std::string names;
        for (const std::string& name : snapshot.list(step.path))
          names += (names.empty() ? "" : " ") + name;
        return names.empty() && !step.path.empty() && !snapshot.exists(step.path) ? "-" : names;
      }
      case Step::Kind::look: return snapshot.exists(step.path) ? "there" : "-";
      case Step::Kind::write: EXPECT_TRUE(snapshot.write(step.path, step.content)); break;
      case Step::Kind::erase: snapshot.erase(step.path); break;
    }
    return std::nullopt;
  }

  testing_support::FakeWorkspace workspace_;
  testing_support::FakeSnapshots snapshots_{workspace_};
};

}  // namespace interlock::contract
