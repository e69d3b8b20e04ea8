#pragma once

#include <memory>
#include <utility>

#include "support/fake_views.h"
#include "views_scene.h"

namespace interlock::contract {

/// The scene in memory.
class FakeScene final : public Scene {
 public:
  engine::Views& views() override { return views_; }
  engine::Workspace& workspace() override { return workspace_; }
  void person_writes(const std::string& path, const std::string& content) override {
    views_.person_edits(path, content);
  }
  void person_erases(const std::string& path) override { views_.person_edits(path, std::nullopt); }
  std::map<std::string, std::string> on_disk() override { return workspace_.files; }

  Outcome run(engine::AttemptName name, const engine::Views::Opened&,
              const std::vector<Step>& steps) override {
    Outcome outcome;
    testing_support::FakePicture& picture = views_.picture(name);
    for (const Step& step : steps) {
      if (auto answer = take(picture, step)) outcome.answers.push_back(std::move(*answer));
    }
    return outcome;
  }
  bool observes_reads() override { return true; }

  /// The fake outlives its dispatchers and keeps nothing for them alone.
  void crash() override {}
  bool crashes_in_fold(std::size_t paths) override {
    struct Killed {};
    views_.before_call = [&](std::string_view call) {
      if (call == "fold path" && paths-- == 0) throw Killed();
    };
    bool was_killed = false;
    try {
      (void)views_.fold();
    } catch (const Killed&) {
      was_killed = true;
    }
    views_.before_call = nullptr;
    EXPECT_TRUE(was_killed) << "the fold had fewer paths";
    return true;
  }

 private:
  static std::optional<std::string> take(testing_support::FakePicture& picture, const Step& step) {
    switch (step.kind) {
      case Step::Kind::read: {
        const std::string* content = picture.read(step.path);
        return content == nullptr ? "-" : *content;
      }
      case Step::Kind::list: {
        std::string names;
        for (const std::string& name : picture.list(step.path))
          names += (names.empty() ? "" : " ") + name;
        return names.empty() && !step.path.empty() && !picture.exists(step.path) ? "-" : names;
      }
      case Step::Kind::look: return picture.exists(step.path) ? "there" : "-";
      case Step::Kind::write: EXPECT_TRUE(picture.write(step.path, step.content)); break;
      case Step::Kind::erase: picture.erase(step.path); break;
    }
    return std::nullopt;
  }

  testing_support::FakeWorkspace workspace_;
  testing_support::FakeViews views_{workspace_};
};

}  // namespace interlock::contract
