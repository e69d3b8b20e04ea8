#include "engine/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <variant>

#include "base/check.h"
#include "changes/stale.h"
#include "engine/recover.h"

namespace interlock::engine {

Engine::Engine(const plan::Plan& plan, const footprint::Interlocking& interlocking, Setup setup,
               Replay before, Ports ports, FileHasher* hasher)
    : turn_(plan, interlocking, std::move(setup), std::move(before), ports),
      live_(turn_),
      snapshots_(turn_),
      checkpoints_(turn_, snapshots_),
      tasks_(turn_, hasher),
      calls_(turn_, live_),
      agents_(turn_, live_),
      collector_(turn_, live_, snapshots_),
      committer_(turn_, live_, snapshots_, collector_, tasks_),
      conditions_(turn_, tasks_),
      starter_(turn_, live_, tasks_, conditions_, collector_, committer_),
      endings_(turn_, live_, snapshots_, tasks_, calls_, agents_, collector_, committer_),
      launcher_(turn_, live_, snapshots_, checkpoints_, tasks_.files(), calls_, agents_, endings_),
      requests_(turn_, live_, tasks_, calls_, committer_, conditions_, endings_),
      completion_(turn_, live_, checkpoints_, tasks_) {}

Result<void> Engine::begin() {
  turn_.batch.open_turn(turn_.ports.clock.now());
  turn_.record(RunBegan{turn_.setup.dispatcher, turn_.setup.self, run().seq > 0});
  if (auto ended = end_leftovers(turn_, tasks_); !ended) return ended;
  if (auto taken = checkpoints_.recover(); !taken) return taken;
  // What was committed before this dispatcher came is no news to any attempt.
  committer_.begin();
  // Before the first attempt can ask a model.
  calls_.set_gateway_budget();
  if (run().calls_held) turn_.ports.gateway.hold(true);
  if (auto taken = requests_.take(); !taken) return taken;
  return close_turn();
}

Result<void> Engine::turn(std::optional<Time> deadline) {
  // Whoever waits for its next event would wait for ever.
  check(!over(), "a run that is over has no turns");
  std::vector<AttemptReport> reports = turn_.ports.inbox.wait(next_wake(deadline));
  // What ends gives back descriptors and memory that others were short of.
  const bool something_ended = std::ranges::any_of(reports, [](const AttemptReport& one) {
    return std::holds_alternative<Finished>(one) || std::holds_alternative<Collected>(one);
  });
  turn_.batch.open_turn(turn_.ports.clock.now());
  // What the last turn's acts came to is older than any report.
  if (auto noted = checkpoints_.note(); !noted) return noted;
  if (auto taken = launcher_.take_failures(); !taken) return taken;
  // Before reports: what an attempt asked came before its end.
  requests_.board().take();
  for (AttemptReport& report : reports) {
    if (auto taken = take(std::move(report)); !taken) return taken;
  }
  tasks_.files().take();
  if (auto concluded = endings_.on_hashed(); !concluded) return concluded;
  calls_.take();
  // After the reports: what ended in time is not stopped for its time.
  live_.watch_clocks();
  if (auto started = launcher_.start_deferred(something_ended); !started) return started;
  return close_turn();
}

/// At once, where something is to be dealt with that no report tells of.
std::optional<Time> Engine::next_wake(std::optional<Time> deadline) {
  const bool signal_waited = std::exchange(turn_.signal_waits, false);
  // They came of the last turn's acts, which nothing reports.
  if (launcher_.has_failures() || checkpoints_.is_unnoted() || signal_waited) return Time{};
  std::optional<Time> wake = scheduler().next_wake(turn_.now());
  for (const std::optional<Time> other : {live_.next_moment(), deadline}) {
    if (other) wake = wake ? std::min(*wake, *other) : other;
  }
  return wake;
}

Result<void> Engine::close_turn() {
  // What is over lets others start or commit, and some of these are over at once.
  // As long as anything was recorded: the events of one step are what the next goes by.
  for (std::uint64_t before = 0; before != run().seq;) {
    before = run().seq;
    tasks_.skip_unreachable();
    starter_.tries().settle();
    if (auto settled = conditions_.settle(); !settled) return settled;
    // Before starts: whoever starts sees what is committed.
    if (auto committed = committer_.commit_what_may(); !committed) return committed;
    if (auto started = starter_.start_what_may(); !started) return started;
  }
  if (auto finished = completion_.finish_if_idle(); !finished) return finished;
  // From here on it is true, and only now is anything done about it.
  if (auto written = turn_.batch.commit(); !written) return written;
  requests_.board().answer();
  launcher_.act();
  return {};
}

/// One report to the part whose matter it is.
Result<void> Engine::take(AttemptReport report) {
  if (auto* const finished = std::get_if<Finished>(&report))
    return endings_.on_finished(std::move(*finished));
  if (auto* const collected = std::get_if<Collected>(&report))
    return endings_.on_collected(std::move(*collected));
  if (auto* const refused = std::get_if<NotStarted>(&report))
    return launcher_.on_not_started(std::move(*refused));
  if (std::holds_alternative<Poked>(report)) return requests_.take();
  if (const auto* spawned = std::get_if<Spawned>(&report)) {
    // Of an attempt that is over, it is nobody's process any more.
    if (live_.find(spawned->name) != nullptr)
      turn_.record(ProcessSpawned{spawned->name.task, spawned->name.attempt, spawned->process});
  } else if (auto* const printed = std::get_if<Printed>(&report)) {
    agents_.on_printed(std::move(*printed));
  } else if (std::holds_alternative<Interrupted>(report)) {
    requests_.interrupt();
  }
  return {};
}

RunStatus Engine::view() const {
  RunStatus view = view_of(turn_.plan, turn_.interlocking, turn_.setup, run(), scheduler(),
                           &turn_.ports.executor, turn_.ports.clock.now());
  // Whose stream is read says more than its last line, which is JSON.
  for (TaskStatus& one : view.tasks) {
    const Attempt* const live = live_.find(one.task);
    if (live != nullptr && live->again_at())
      one.last_line = fmt::format("cannot be started yet: {}", live->short_of());
    if (live != nullptr && live->name().phase == 0 && live->agent.reader)
      one.last_line = live->agent.doing;
    if (const auto* merge = live == nullptr ? nullptr : live->merging.next())
      one.waits_for = fmt::format("its merge driver joins `{}`", changes::shown(merge->asked.path));
  }
  return view;
}

std::vector<Notice> Engine::take_notices() { return turn_.batch.take_notices(); }

}  // namespace interlock::engine
