#include "engine/launcher.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/attempt_spec.h"
#include "engine/retry.h"
#include "engine/shortage.h"

namespace interlock::engine {

void Launcher::act() {
  // Before anything starts: an attempt that is started finds what was committed in the workspace.
  // Whoever hashes files has to find them where they were when it began.
  if (!files_.is_in_flight()) checkpoints_.make();
  for (const LiveAttempts::Act& one : live_.take_acts()) {
    using Kind = LiveAttempts::Act::Kind;
    if (one.kind == Kind::discard) {
      turn_.ports.executor.release(one.name);
      continue;
    }
    // It may have ended in the turn that asked for this.
    Attempt* const live = live_.find(one.name);
    if (live == nullptr) continue;
    if (one.kind == Kind::stop) {
      turn_.ports.executor.stop(one.name, one.grace);
    } else if (live->stopped_for()) {
      // No process is made only to be killed; its end is an event all the same.
      stopped_first_.push_back(one.name);
    } else if (checkpoints_.is_in_the_way()) {
      // It would begin upon a workspace that somebody has changed.
      held_back_.push_back(one.name);
    } else {
      launch(*live);
    }
  }
  files_.post();
}

void Launcher::launch(Attempt& live) {
  const AttemptName name = live.name();
  // Before it is opened: an open that breaks off may have left something.
  if (turn_.has_snapshot(name.task)) snapshots_.add(name);
  AttemptSpec spec = spec_of(turn_.plan, turn_.run(), name.task, name.phase,
                             live.started() + live_.timeout_of(live));
  if (const auto* merge = live.merging.next()) spec.merge = merge->asked;
  // Whoever does it sees neither plan nor run: all that it needs of them is in here.
  add_host(spec, turn_.plan, turn_.setup.around);
  // A check speaks to nobody, and leaves what its work was as it is.
  if (name.phase == 0) {
    live.agent.through_gateway = spec.asks_models();
    live.agent.resumed = spec.resumes;
    agents_.open_reader(live);
  }
  turn_.ports.executor.start(std::move(spec));
}

Result<void> Launcher::take_failures() {
  for (const AttemptName& name : std::exchange(held_back_, {})) {
    Attempt* const live = live_.find(name.task);
    if (live == nullptr) continue;
    auto done = endings_.requeue_unstarted(
        std::move(*live),
        "it was not begun, because changes could not be brought into the workspace");
    if (!done) return done;
  }
  for (const AttemptName& name : std::exchange(stopped_first_, {})) {
    const Error error{Error::Kind::refused, "it was stopped first", {}};
    if (auto done = on_not_started({name, error, true}); !done) return done;
  }
  return {};
}

Result<void> Launcher::on_not_started(NotStarted refused) {
  const AttemptName name = refused.name;
  const Error& error = refused.error;
  // Also of one that is tried again: it is opened anew then.
  if (snapshots_.contains(name)) snapshots_.close(name);
  Attempt* const live = live_.find(name.task);
  if (live == nullptr) return {};
  if (!refused.was_ready && name.phase == 0) live->agent = {};  // Nobody was ever about to speak.
  if (defer(*live, refused)) return {};
  calls_.take_last(std::move(refused.calls));
  const bool gave_way = is_interruption(error) && !live->stopped_for();
  // A check is not put back: the work it judges has been done.
  if (gave_way && name.phase != 0) live->stop(Outcome::interrupted);
  if (gave_way && name.phase == 0)
    return endings_.requeue_unstarted(std::move(*live), "it was not begun, because a signal came");
  return endings_.on_not_started(std::move(*live), error);
}

/// Whether the start is tried again later, the attempt being as good as waiting for a slot: where
/// descriptors, processes or memory are short, others have them, and will give them back.
bool Launcher::defer(Attempt& live, NotStarted& refused) {
  const Error& error = refused.error;
  if (!is_shortage(error) || live.stopped_for()) return false;
  const bool others_run = std::ranges::any_of(live_, [&](const auto& one) {
    return !one.second.again_at() && one.first != live.name().task;
  });
  // Nobody here will give anything back, so waiting on would be waiting for ever.
  if (!others_run && live.starts_tried() >= kShortStartsMax) return false;
  calls_.take_last(std::move(refused.calls));
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
