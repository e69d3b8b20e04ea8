#pragma once

#include <optional>

#include "schedule/scheduler.h"

namespace interlock::schedule {

/// What one thing that happened means to the scheduler. The changes of a run are all that is kept
/// of its events to make its scheduler anew: small, and in order.
struct Change {
  enum class Kind : unsigned char {
    begin,    ///< The run begins.
    resume,   ///< Another dispatcher goes on with it; no back-off stands beyond `until`.
    stop,     ///< No more starts.
    start,    ///< In an attempt of its own, or `with` another.
    release,  ///< Its attempt is over.
    requeue,  ///< It is tried again, not before `until`.
    undo,     ///< What came of it is lost.
    end,      ///< For good, as `end` says.
    revive,   ///< A person asked for it again.
    approve,
    approve_review,
    add,     ///< The next `count` of the jobs that were announced.
    pause,   ///< By a person: nothing starts.
    go_on,   ///< After that.
    retune,  ///< At most `count` at once.
    move,    ///< To the front, to the end, before or behind `with`: `count` is a `MovePlace`.
  };

  Kind kind = Kind::begin;
  TaskId task{0};
  Time at{};
  std::optional<TaskId> with{};
  Time until{};
  End end = End::succeeded;
  std::uint32_t count = 0;
  bool in_turn = false;  ///< Requeued: all before it in plan order go first.
};

}  // namespace interlock::schedule
