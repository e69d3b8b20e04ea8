#pragma once

#include <functional>
#include <optional>
#include <string>

#include "journal/store.h"
#include "runs/chosen_run.h"

namespace interlock::engine {
class Engine;
}

namespace interlock::runs {

/// Sees a run while it is dispatched, on the dispatcher's thread.
class RunObserver {
 public:
  virtual ~RunObserver() = default;
  /// When it wants to be called again at the latest; nothing: when something has happened.
  virtual std::optional<Time> next_frame() const = 0;
  /// After each turn.
  virtual void update(engine::Engine& engine, Time now) = 0;
  /// Once, when the run is over; its hindsight is in `view`.
  virtual void finish(const engine::RunStatus& view) = 0;
};

/// Takes the run and dispatches it until it is over, in the foreground. Refused when another
/// dispatcher has the run or its workspace. `begun` is called once when it is held and durable; an
/// error of it ends the run as an interruption.
Result<engine::RunEnded::How> dispatch(journal::Store& store, const std::string& state_folder,
                                       ChosenRun& run, RunObserver& observer,
                                       const std::function<Result<void>()>& begun = {});

/// `user@host`, for those who are told who holds a run.
std::string dispatcher_name();

}  // namespace interlock::runs
