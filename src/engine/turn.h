#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "engine/event_batch.h"
#include "engine/ports.h"
#include "engine/run_state.h"
#include "engine/setup.h"
#include "footprint/interlocking.h"
#include "plan/plan.h"

namespace interlock::engine {

/// What every part of the dispatcher needs in a turn: the plan, what the run was given, the ports,
/// and the batch in which the turn's events are made. It decides nothing.
///
/// An error that a part returns is that of a port, and ends the turn: nothing of it is written, and
/// `resume` goes on from the turn before. What an attempt or a task did wrong is an event.
class Turn {
 public:
  Turn(const plan::Plan& planned, const footprint::Interlocking& who_waits, Setup given,
       Replay before, Ports outside)
      : plan(planned),
        interlocking(who_waits),
        setup(std::move(given)),
        ports(outside),
        batch(planned, setup, std::move(before), outside.clock.now(), outside.journal) {}
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  void record(Event event) { batch.record(std::move(event)); }
  const RunState& run() const { return batch.run(); }
  const schedule::Scheduler& scheduler() const { return batch.scheduler(); }
  const Commits& commits() const { return batch.commits(); }
  /// Stands still within a turn.
  Time now() const { return batch.now(); }

  const plan::Task& task(TaskId id) const { return plan[id]; }
  const TaskRecord& record_of(TaskId id) const { return run()[id]; }
  /// Of the jitter of its next back-off: another one for each attempt.
  std::string seed_of(TaskId id) const;
  /// Whether its attempts have a private copy of the workspace, whose changes are committed.
  bool has_snapshot(TaskId id) const;
  /// Whether its next attempt can go on in the session of the latest.
  bool can_resume(TaskId id) const;

  /// A signal, not a person's word on its tasks, ends what runs: it is done when the run goes on.
  bool ends_by_signal() const {
    return run().is_stopped_for(RunStopping::Cause::interrupted) &&
           !run().is_stopped_for(RunStopping::Cause::cancelled);
  }
  /// A signal broke something off in this turn. Nothing starts any more; what is to be done, the
  /// report of the signal says in the next one.
  void await_signal() { signal_waits = true; }

  const plan::Plan& plan;
  const footprint::Interlocking& interlocking;
  Setup setup;
  Ports ports;
  EventBatch batch;
  std::uint32_t interrupts = 0;  ///< Signals so far.
  bool signal_waits = false;
};

}  // namespace interlock::engine
