#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runs/chosen_run.h"
#include "runs/outside.h"
#include "web/run_view.h"
#include "web/usage_history.h"

namespace interlock::web {

/// One run, read out of the journal again and again while somebody looks. Keeps the latest
/// differences, so that a page whose connection broke goes on where it was.
class WatchedRun {
 public:
  static Result<std::unique_ptr<WatchedRun>> open(journal::Store& store, const std::string& id);

  /// Looks whether anything happened.
  Result<void> refresh(journal::Store& store, Time now);
  const runs::ChosenRun& run() const { return *run_; }
  /// How it stands, as it was read last.
  engine::RunStatus status(Time now) const { return outside_->status(*run_, now); }
  /// What it used over time, for `UsageHistory::curves`; events that came since are read first.
  Result<json::object> usage(journal::Store& store, const std::string& state_folder, Time now);
  /// Counts up with every change; a number of another server means nothing here.
  std::uint64_t version() const { return version_; }
  /// The whole view, as one line of JSON.
  std::string whole(Time now) const;
  /// The differences after `version`, a line of JSON each; nothing where they are not kept any
  /// more.
  std::optional<std::vector<std::string>> since(std::uint64_t version) const;

 private:
  WatchedRun() = default;
  Result<void> choose(journal::Store& store, const std::string& id, Time now);
  void take(RunView view);

  std::unique_ptr<runs::ChosenRun> run_;
  std::optional<runs::Outside> outside_;
  UsageHistory usage_;  ///< Read when somebody asks for it.
  RunView view_;
  bool lived_ = false;
  std::uint64_t events_ = 0, version_ = 1;
  std::deque<std::string> differences_;  ///< The last is that which made `version_`.
  std::size_t bytes_ = 0;
};

}  // namespace interlock::web
