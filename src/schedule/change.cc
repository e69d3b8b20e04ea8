#include "schedule/change.h"

#include <fmt/format.h>

#include <algorithm>

#include "schedule/state.h"

namespace interlock::schedule {

void Scheduler::apply(const Change& change) {
  switch (change.kind) {
    case Change::Kind::begin: return restart(change.at);
    case Change::Kind::resume: return resume(change.at, change.until);
    case Change::Kind::stop: return stop(true);
    case Change::Kind::start:
      // Older journals do not say with whom at once: there it has a slot of its own while it runs.
      return change.with && is_running(*change.with) ? share(change.task, *change.with, change.at)
                                                     : start(change.task, change.at);
    case Change::Kind::release: return release(change.task, {}, change.at);
    case Change::Kind::requeue:
      return requeue(change.task, change.until, change.at, change.in_turn);
    case Change::Kind::undo: return undo(change.task, change.at);
    case Change::Kind::end: return end(change.task, change.end, change.at);
    case Change::Kind::revive: return revive(change.task, change.at);
    case Change::Kind::approve: return approve(change.task, change.at);
    case Change::Kind::approve_review: return approve_review(change.at);
    case Change::Kind::add: return add(change.count, change.at);
    case Change::Kind::pause: return hold(true);
    case Change::Kind::go_on: return hold(false);
    case Change::Kind::retune: return set_parallel(change.count);
    case Change::Kind::move:
      return move(change.task, static_cast<MovePlace>(change.count), change.with, change.at);
  }
}

void Scheduler::resume(Time now, Time longest) {
  State& s = *state_;
  s.stopped = s.review_reported = false;
  // Rates and clocks begin anew: the machine's clock may have been set back since.
  s.pool = ResourcePool(s.problem, s.rank_of, s.by_rank, now);
  s.clock = WaitClock(s.marks.size(), now);
  s.backoffs = {};
  s.ready = {};
  s.at_gate.clear();
  for (std::uint32_t i = 0; i < s.marks.size(); ++i) {
    const TaskId task(i);
    if (!s.not_before.empty()) s.not_before[i] = std::min(s.not_before[i], longest);
    if (s.waits(task)) {
      s.mark(task).at = State::At::blocked;
      continue;
    }
    s.clock.leave(task, now);
    const bool holds = s.mark(task).at == State::At::running && !s.mark(task).shares;
    if (holds) s.pool.hold(task);
  }
  s.recount(now);
}

/// Where a task waits (in which queue, behind what) follows from the rest and from when it was last
/// asked, so that is left out.
std::string Scheduler::text() const {
  static constexpr const char* kEnds[] = {"succeeded", "failed", "skipped", "cancelled",
                                          "unneeded"};
  const State& s = *state_;
  std::string text;
  for (std::uint32_t i = 0; i < s.marks.size(); ++i) {
    const State::Mark& it = s.marks[i];
    text += fmt::format("{} ", i);
    if (it.at == State::At::ended) {
      text += kEnds[static_cast<std::size_t>(it.end)];
    } else if (it.at == State::At::released) {
      text += "released";
    } else if (it.at == State::At::running) {
      text += fmt::format("running in {}{}", it.lane, it.shares ? ", shared" : "");
    } else {
      text += fmt::format("waits for {}, {} of them needs", it.links_left, it.needs_left);
      if (!s.not_before.empty() && s.not_before[i] != Time{})
        text += fmt::format(", until {}", s.not_before[i].time_since_epoch().count());
    }
    text += fmt::format(", {} before it{}{}{}\n", it.before_left, it.approved ? ", approved" : "",
                        it.in_turn ? ", in turn" : "", it.revived ? ", revived" : "");
  }
  text += fmt::format("{} running, {} waiting, {} ended, {} failed, {} finished, {} reviews{}\n",
                      s.running, s.waiting, s.ended, s.failed, s.finished, s.reviews_approved,
                      s.stopped ? ", stopped" : "");
  if (s.is_moved) {
    text += "in the order";
    for (const TaskId task : s.by_rank) text += fmt::format(" {}", task.index());
    text += "\n";
  }
  return text;
}

}  // namespace interlock::schedule
