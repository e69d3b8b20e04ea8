#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "cli/commands.h"
#include "sys/descriptor.h"

namespace interlock::cli {

/// A dispatcher's way away from the terminal that started it. It says what goes wrong there until
/// its run has begun; from then on it is on its own, and what it says goes into the run's
/// `dispatcher.log`.
class Detachment {
 public:
  Detachment(std::string state_folder, sys::Descriptor to_parent)
      : state_folder_(std::move(state_folder)), to_parent_(std::move(to_parent)) {}

  /// The run is durable and held. Once.
  Result<void> begin(const runs::ChosenRun& run);
  bool has_begun() const { return has_begun_; }
  /// Set once the dispatcher was asked to end; whoever keeps its terminal looks there.
  void set_ending(std::atomic<bool>* ending) { ending_ = ending; }
  void report_ending() const {
    if (ending_ != nullptr) ending_->store(true);
  }

 private:
  std::string state_folder_;
  sys::Descriptor to_parent_;
  bool has_begun_ = false;
  std::atomic<bool>* ending_ = nullptr;
};

/// What a dispatcher that has left reported, for the person it left: the run's id as a result.
Exit report_departure(const Context& context, const std::string& reported);

/// Has `work` done by a process of a session of its own. Prints the run's id (as JSON: `run`,
/// `workspace`, `log`) as soon as it has begun, and returns; where it never begins, ends as `work`
/// does.
Result<Exit> run_detached(const Context& context,
                          const std::function<Result<Exit>(const Context&)>& work);

}  // namespace interlock::cli
