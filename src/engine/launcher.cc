#include "engine/launcher.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/prepare.h"
#include "engine/retry.h"
#include "engine/shortage.h"

namespace interlock::engine {

void Launcher::act() {
  // Before anything starts: an attempt that is started finds what was committed in the workspace.
  checkpoints_.make();
  for (const LiveAttempts::Act& one : live_.take_acts()) {
    using Kind = LiveAttempts::Act::Kind;
    if (one.kind == Kind::discard) {
      turn_.ports.snapshots.discard(one.name);
      continue;
    }
    // It may have ended in the turn that asked for this.
    Attempt* const live = live_.find(one.name);
    if (live == nullptr) continue;
    if (one.kind == Kind::stop) {
      turn_.ports.processes.stop(one.name, one.grace);
    } else if (live->stopped_for()) {
      // No process is made only to be killed; its end is an event all the same.
      refused_.emplace_back(one.name, Error{Error::Kind::refused, "it was stopped first", {}});
    } else if (checkpoints_.is_in_the_way()) {
      // It would begin upon a workspace that somebody has changed.
      held_back_.push_back(one.name);
    } else {
      launch(*live);
    }
  }
}

void Launcher::launch(Attempt& live) {
  const AttemptName name = live.name();
  // Before it is opened: an open that breaks off may have left something.
  if (turn_.has_snapshot(name.task)) snapshots_.add(name);
  auto prepared = prepare(turn_.plan, name.task, name.phase, turn_.run(), turn_.setup.around,
                          live.started() + live_.timeout_of(live), turn_.ports);
  if (prepared) {
    live.agent.has_route = prepared->has_route;
    live.agent.through_gateway = prepared->meters;
    live.agent.resumed = prepared->resumes;
    if (name.phase == 0) agents_.open_reader(live);
  }
  const auto spawned = prepared ? turn_.ports.processes.spawn(prepared->spec)
                                : Result<void>(std::unexpected(prepared.error()));
  if (!spawned) refused_.emplace_back(name, spawned.error());
}

Result<void> Launcher::take_failures() {
  for (const AttemptName& name : std::exchange(held_back_, {})) {
    Attempt* const live = live_.find(name.task);
    if (live == nullptr) continue;
    auto done = endings_.put_back(
        std::move(*live),
        "it was not begun, because changes could not be brought into the workspace");
    if (!done) return done;
  }
  for (const auto& [name, error] : std::exchange(refused_, {})) {
    // Also of one that is tried again: it is opened anew then.
    if (snapshots_.contains(name)) snapshots_.close(name);
    Attempt* const live = live_.find(name.task);
    if (live == nullptr || defer(*live, error)) continue;
    const bool gave_way = is_interruption(error) && !live->stopped_for();
    // A check is not put back: the work it judges has been done.
    if (gave_way && name.phase != 0) live->stop(Outcome::interrupted);
    auto done = gave_way && name.phase == 0
                    ? endings_.put_back(std::move(*live), "it was not begun, because a signal came")
                    : endings_.on_not_started(std::move(*live), error);
    if (!done) return done;
  }
  return {};
}

/// Whether the start is tried again later, the attempt being as good as waiting for a slot: where
/// descriptors, processes or memory are short, others have them, and will give them back.
bool Launcher::defer(Attempt& live, const Error& error) {
  if (!is_shortage(error) || live.stopped_for()) return false;
  const bool others_run = std::ranges::any_of(live_, [&](const auto& one) {
    return !one.second.again_at() && one.first != live.name().task;
  });
  // Nobody here will give anything back, so waiting on would be waiting for ever.
  if (!others_run && live.starts_tried() >= kShortStartsMax) return false;
  // A route is bound to one start: its secret was in that process's environment.
  calls_.close_route(live);
  const std::string seed = fmt::format("{} {}", turn_.seed_of(live.task()), live.starts_tried());
  constexpr Duration kLongest = std::chrono::seconds(4);
  live.defer(turn_.now() + std::min(pause_of(live.starts_tried(), seed), kLongest), error.message);
  return true;
}

Result<void> Launcher::start_deferred(bool something_ended) {
  std::vector<TaskId> stopped;
  for (auto& [id, live] : live_) {
    if (!live.again_at()) continue;
    if (live.stopped_for()) {
      stopped.push_back(id);
    } else if (something_ended || *live.again_at() <= turn_.now()) {
      // What ended may have held what it was short of.
      live.start_again(turn_.now());
      live_.spawn(live.name());
    }
  }
  // Apart from the loop above, which this takes elements out of.
  for (const TaskId id : stopped) {
    Attempt& live = *live_.find(id);
    const Error error{Error::Kind::refused, live.short_of(), {}};
    if (auto done = endings_.on_not_started(std::move(live), error); !done) return done;
  }
  return {};
}

}  // namespace interlock::engine
