#pragma once

#include <functional>
#include <string>
#include <vector>

#include "journal/store.h"
#include "panel/keys.h"
#include "runs/chosen_run.h"

namespace interlock::cli {

/// The last `most` lines an attempt wrote, as they read; nothing of one that was silent. Of a log
/// of any length, and no line of any length.
std::vector<std::string> last_lines(const runs::ChosenRun& run, const engine::RunState& state,
                                    const std::string& log_folder, engine::AttemptName name,
                                    std::size_t most);

/// A person before the panel of a run, with keys: what they ask is posted as any command would.
class Watching {
 public:
  /// `store` may be written, and outlives this. `posted` is called after each request: a dispatcher
  /// that asks something of itself has to be woken.
  Watching(
      journal::Store& store, std::string log_folder, std::function<void()> posted = [] {})
      : store_(store), log_folder_(std::move(log_folder)), posted_(std::move(posted)) {}

  /// Does what was asked for by keys since the last call. True: to leave is wanted.
  bool take_keys(const runs::ChosenRun& run, const engine::RunState& state);
  std::vector<std::string> draw(const runs::ChosenRun& run, const engine::RunState& state,
                                const engine::RunStatus& view, panel::Size size,
                                panel::Style style);

 private:
  panel::KeyTargets targets(const runs::ChosenRun& run, const engine::RunState& state) const;
  void ask(const runs::ChosenRun& run, const panel::KeyRequest& request);

  journal::Store& store_;
  std::string log_folder_;
  std::function<void()> posted_;
  panel::Keys keys_;
};

}  // namespace interlock::cli
