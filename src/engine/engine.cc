#include "engine/engine.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "changes/stale.h"
#include "engine/cache_key.h"
#include "engine/shortage.h"
#include "engine/trace.h"

namespace interlock::engine {

Engine::Engine(const plan::Plan& plan, const footprint::Interlocking& interlocking, Setup setup,
               Replay before, Ports ports)
    : plan_(plan),
      interlocking_(interlocking),
      setup_(std::move(setup)),
      ports_(ports),
      batch_(plan, setup_, std::move(before), ports.clock.now(), ports.journal),
      merges_of_(plan.tasks.size()) {
  for (std::size_t i = 0; i < setup_.batches.size(); ++i) {
    for (const TaskId id : setup_.batches[i]) batch_of_.emplace(id, i);
  }
  for (std::uint32_t merge = 0; merge < plan.merges.size(); ++merge) {
    const plan::Merge& one = plan.merges[merge];
    if (one.coordinator) {
      merges_of_[one.coordinator->index()].push_back(merge);
    } else {
      for (const TaskId from : one.from) merges_of_[from.index()].push_back(merge);
    }
  }
}

Result<void> Engine::begin() {
  batch_.open_turn(ports_.clock.now());
  batch_.record(RunBegan{setup_.dispatcher, setup_.self, run().seq > 0});
  if (auto ended = end_leftovers(); !ended) return ended;
  if (auto taken = recover_snapshots(); !taken) return taken;
  set_gateway_budget();
  if (run().calls_held) ports_.gateway.hold(true);
  take_requests();
  return close_turn();
}

Result<void> Engine::turn(std::optional<Time> deadline) {
  check(!over(), "a run that is over has no turns");
  std::optional<Time> wake = next_wake();
  if (deadline) wake = wake ? std::min(*wake, *deadline) : deadline;
  const bool signal_waited = std::exchange(signal_waits_, false);
  if (!refused_.empty() || checkpointed_ || !deferred_.empty() || signal_waited) wake = Time{};
  std::vector<Report> reports = ports_.processes.wait(wake);
  const bool something_ended = std::ranges::any_of(
      reports, [](const Report& one) { return std::holds_alternative<Exited>(one); });
  batch_.open_turn(ports_.clock.now());
  // A port that failed in any of these ends the turn there: what comes after it would be made of
  // what is not so. Nothing of the turn is written, and the journal goes on from the one before.
  note_checkpoint();
  if (!broken_) take_unbegun();
  for (Report& report : reports) {
    if (!broken_) take(std::move(report));
  }
  if (broken_) return std::unexpected(*broken_);
  take_calls();
  watch_clocks();
  start_deferred(something_ended);
  return close_turn();
}

/// What the last turn's acts came to, where they came to nothing.
void Engine::take_unbegun() {
  for (const AttemptName& name : std::exchange(deferred_, {})) {
    if (const auto live = live_.find(name.task); live != live_.end())
      defer(std::move(live->second),
            "it was not begun, because changes could not be brought into the workspace");
  }
  for (const auto& [name, error] : std::exchange(refused_, {})) {
    if (broken_) return;
    if (snapshots_.contains(name)) close_snapshot(name);
    const auto live = live_.find(name.task);
    if (live == live_.end() || defer_start(live->second, error)) continue;
    if (is_interruption(error) && !live->second.stopped_for()) {
      if (name.phase == 0) {
        defer(std::move(live->second), "it was not begun, because a signal came");
        continue;
      }
      live->second.stop(Outcome::interrupted);
    }
    on_refused(std::move(live->second), error);
  }
}

Result<void> Engine::close_turn() {
  // What is over lets others start or commit, and some of these are over at once.
  for (std::uint64_t before = 0; before != run().seq && !broken_;) {
    before = run().seq;
    skip_unreachable();
    commit_what_may();
    if (!broken_) choose_starts();
  }
  // With a port that failed the turn is not to be finished: memory is not as it should be.
  if (!broken_) finish_if_idle();
  if (broken_) return std::unexpected(*broken_);
  if (auto done = batch_.commit(); !done) return done;
  act();
  return {};
}

void Engine::take(Report report) {
  if (const auto* spawned = std::get_if<Spawned>(&report)) {
    const auto live = live_.find(spawned->name.task);
    if (live == live_.end() || live->second.name() != spawned->name)
      return;  // Of an attempt that is over.
    batch_.record(ProcessSpawned{spawned->name.task, spawned->name.attempt, spawned->process});
  } else if (auto* const printed = std::get_if<Printed>(&report)) {
    on_printed(std::move(*printed));
  } else if (const auto* exited = std::get_if<Exited>(&report)) {
    on_exited(*exited);
  } else if (std::holds_alternative<Interrupted>(report)) {
    interrupt();
  } else {
    take_requests();
  }
}

void Engine::choose_starts() {
  if (run().commits.size() - run().checkpointed >= kUncheckpointedMax) return;
  // One by one: a task whose result is taken from an earlier run ends at once and may let others
  // start, and one that starts may take others with it.
  while (!signal_waits_ && !broken_) {
    const auto next = scheduler().next_start(now());
    if (!next) break;
    start(*next);
    skip_unreachable();
  }
  for (const TaskId id : scheduler().take_gates()) {
    if (!record(id).gate_before_reached) batch_.record(GateReached{id, GateKind::before});
  }
  if (scheduler().take_review_due() && !run().review_open)
    batch_.record(GateReached{std::nullopt, GateKind::review});
}

void Engine::start(TaskId id) {
  auto cache_key_parts = cache_key_parts_of(plan_, id, run(), ports_.workspace);
  if (!cache_key_parts && is_interruption(cache_key_parts.error())) return await_signal();
  if (!cache_key_parts) {
    const std::string why =
        fmt::format("what it depends on cannot be read: {}", cache_key_parts.error().message);
    return fail_for_good(id, Outcome::not_started, why);
  }
  const Digest key = key_of(*cache_key_parts);
  std::string difference;
  if (reuse(id, *cache_key_parts, key, difference)) return;

  AttemptStarted event =
      started_event(id, std::move(*cache_key_parts), key, difference, scheduler().next_lane());
  Attempt live({id, event.attempt, 0}, now());
  const bool is_first = event.attempt == 1;
  batch_.record(std::move(event));
  if (is_first && batch_of_.contains(id)) share_attempt(live, mates_of(id));
  acts_.push_back({Act::Kind::spawn, live.name(), {}});
  live_.insert_or_assign(id, std::move(live));
}

AttemptStarted Engine::started_event(TaskId id, std::vector<CacheKeyPart> cache_key_parts,
                                     const Digest& key, const std::string& difference,
                                     std::uint32_t lane) {
  const TaskRecord& before = record(id);
  const schedule::Waited waited = scheduler().waited(id, now());
  AttemptStarted event{
      id,
      static_cast<std::uint32_t>(before.attempts.size() + 1),
      before.next,
      lane,
      key,
      std::move(cache_key_parts),
      {},
      {waited.needs, waited.conflict, waited.quota, waited.slot, waited.gate, waited.backoff},
      task(id).isolation,
      static_cast<std::uint32_t>(run().commits.size()),
      !setup_.speculative.empty() && setup_.speculative[id.index()]};
  if (const auto kept = ports_.journal.latest_result(task(id).id); kept && *kept) {
    event.changed = first_difference((*kept)->cache_key_parts, event.cache_key_parts);
    if (event.changed.empty()) event.changed = difference;
    // All equal and not reused: another has written what it wrote, or the result was not asked for.
    if (event.changed.empty() && setup_.reuse && event.attempt == 1)
      event.changed = "what it wrote changed";
    if (!event.changed.empty()) event.changed += fmt::format(" since {}", (*kept)->run);
  }
  return event;
}

/// A signal broke something off in this turn. Nothing starts any more; what is to be done, the
/// report of the signal says in the next one.
void Engine::await_signal() { signal_waits_ = true; }

/// Why it was not, where more than its parts of the cache key decided that, goes to `difference`.
bool Engine::reuse(TaskId id, const std::vector<CacheKeyPart>& cache_key_parts, const Digest& key,
                   std::string& difference) {
  const plan::Task& one = task(id);
  // What an unknown footprint reads can be compared only where it was seen; and a person who asked
  // again wants it done again.
  const bool is_unknown = one.footprint.unknown;
  if (!setup_.reuse || (is_unknown && !has_snapshot(id)) || !record(id).attempts.empty())
    return false;
  const auto found = ports_.journal.find_result(one.id, key);
  if (!found || !*found || (is_unknown && !(*found)->trace)) return false;
  if ((*found)->trace) {
    const auto text = ports_.journal.blob(*(*found)->trace);
    const auto trace = text ? trace_from_text(*text) : std::unexpected(text.error());
    const auto differs = trace ? difference_from(*trace) : std::unexpected(trace.error());
    if (!differs && is_interruption(differs.error())) return await_signal(), true;
    if (!differs) return false;
    difference = *differs;
    if (!difference.empty() || may_be_changed_before(id, *trace)) return false;
  }
  // Where it does not wait for those it may meet, what they are going to change is not there yet.
  if (!setup_.speculative.empty() && setup_.speculative[id.index()] && may_be_changed_before(id))
    return false;
  if (!is_unknown) {
    const auto wrote = ports_.workspace.fingerprint(one.footprint.writes);
    if (!wrote && is_interruption(wrote.error())) return await_signal(), true;
    if (!wrote || *wrote != (*found)->wrote) return false;
  }
  batch_.record(TaskDone{id, 0, (*found)->output, (*found)->wrote, (*found)->run});
  batch_.keep(one.id, {setup_.run, key, cache_key_parts, (*found)->output, (*found)->wrote,
                       (*found)->trace});
  make_merges_with(id);
  return true;
}

Result<std::string> Engine::difference_from(const Trace& trace) {
  const auto found = ports_.workspace.states(trace.reads);
  if (!found) return std::unexpected(found.error());
  if (const std::string first = first_difference(*found, trace.found); !first.empty())
    return first + ", which it had read, changed";
  const auto left = ports_.workspace.states(states_of(trace.left));
  if (!left) return std::unexpected(left.error());
  if (const std::string first = first_difference(*left, trace.left_states); !first.empty())
    return first + ", which it had made, changed";
  return std::string();
}

/// Whether an earlier task that is not over may still change what the result rests on.
bool Engine::may_be_changed_before(TaskId id, const Trace& trace) const {
  changes::Changeset own;
  for (const std::string& path : trace.left)
    own.changes.push_back({path, {}, {changes::Kind::file, 0, 0, {}}});
  for (std::uint32_t i = 0; i < id.index(); ++i) {
    const bool is_over = record(TaskId(i)).state >= TaskState::done;
    if (!is_over && !changes::commutes(trace.reads, own, task(TaskId(i)).footprint)) return true;
  }
  return false;
}

/// Likewise, by what is declared.
bool Engine::may_be_changed_before(TaskId id) const {
  const footprint::Claim own{.footprint = &task(id).footprint};
  for (std::uint32_t i = 0; i < id.index(); ++i) {
    const footprint::Claim other{.footprint = &task(TaskId(i)).footprint};
    if (record(TaskId(i)).state < TaskState::done && footprint::conflicts(other, own)) return true;
  }
  return false;
}

void Engine::act() {
  checkpoint();
  for (const Act& one : std::exchange(acts_, {})) {
    if (one.kind == Act::Kind::discard) {
      ports_.snapshots.discard(one.name);
      continue;
    }
    const auto live = live_.find(one.name.task);
    if (live == live_.end() || live->second.name() != one.name) continue;
    if (one.kind == Act::Kind::stop) {
      ports_.processes.stop(one.name, one.grace);
      continue;
    }
    if (live->second.stopped_for()) {
      refused_.emplace_back(one.name, Error{Error::Kind::refused, "it was stopped first", {}});
      continue;
    }
    if (checkpoint_is_in_the_way()) {
      deferred_.push_back(one.name);
      continue;
    }
    if (has_snapshot(one.name.task)) snapshots_.insert(one.name);
    auto prepared = prepare(plan_, one.name.task, one.name.phase, run(), setup_.around,
                            live->second.started() + timeout_of(live->second), ports_);
    if (prepared) {
      live->second.agent.has_route = live->second.agent.through_gateway = prepared->has_route;
      live->second.agent.resumed = prepared->resumes;
      if (one.name.phase == 0) open_reader(live->second);
    }
    const auto spawned = prepared ? ports_.processes.spawn(prepared->spec)
                                  : Result<void>(std::unexpected(prepared.error()));
    if (!spawned) refused_.emplace_back(one.name, spawned.error());
  }
}

void Engine::finish_if_idle() {
  if (over() || !live_.empty() || signal_waits_) return;
  using How = RunEnded::How;
  const bool in_the_way = !run().checkpoint_refused.empty() && !run().stopping.empty();
  // Brought in first; who asks twice, and what takes long, is not waited for.
  if (run().checkpointed < run().commits.size() && !in_the_way && !left_for_resume()) return;
  if (in_the_way) return finish(How::failed);
  using Cause = RunStopping::Cause;
  if (run().is_stopped_for(Cause::cancelled)) return finish(How::cancelled);
  if (run().is_stopped_for(Cause::interrupted)) return finish(How::interrupted);
  if (run().is_stopped_for(Cause::limit) && !scheduler().all_ended())
    return finish(How::limit_reached);
  if (scheduler().all_ended()) {
    if (stands()) return;
    const bool all_done =
        std::all_of(run().tasks.begin(), run().tasks.end(),
                    [](const TaskRecord& one) { return one.state == TaskState::done; });
    name_missing_merges();
    const bool all_merged =
        std::all_of(run().merges.begin(), run().merges.end(),
                    [](const MergeRecord& one) { return one.output.has_value(); });
    return finish(all_done && all_merged ? How::finished : How::failed);
  }
  if (scheduler().failure_limit_reached() && run().stopping.empty()) {
    // Taken up again, and still more has failed than the plan allows: a person has to ask for it
    // again first.
    batch_.record(
        RunStopping{"too much failed, and `limits.on_failure` says to stop", Cause::failures});
  }
  if (!run().stopping.empty()) return finish(How::failed);
  if (scheduler().next_wake(now()) || run().held || stands()) return;
  const bool at_gate = run().review_open || std::any_of(run().tasks.begin(), run().tasks.end(),
                                                        [](const TaskRecord& one) {
                                                          return one.gate_since.has_value();
                                                        });
  if (!at_gate) {
    broken_ = Error{Error::Kind::internal, stuck(), "please report this, with the run's journal"};
    return;
  }
  if (!setup_.wait_at_gates) finish(How::paused_at_gate);
}

/// Never to be seen; should it be, then with all that is needed to find out why.
std::string Engine::stuck() const {
  std::string text = "tasks wait, nothing runs and nothing is due:";
  for (std::uint32_t i = 0; i < plan_.tasks.size(); ++i) {
    if (record(TaskId(i)).state != TaskState::waiting || !scheduler().waits(TaskId(i))) continue;
    text += fmt::format(
        " `{}` ({});", plan_.tasks[i].id,
        say(plan_, interlocking_, scheduler().reason_of(TaskId(i), now()), TaskId(i), now()));
  }
  return text;
}

RunStatus Engine::view() const {
  RunStatus view = view_of(plan_, interlocking_, setup_, run(), scheduler(), &ports_.processes,
                           ports_.clock.now());
  // Whose stream is read says more than its last line, which is JSON.
  for (TaskStatus& one : view.tasks) {
    const auto live = live_.find(one.task);
    if (live != live_.end() && live->second.again_at())
      one.last_line = fmt::format("cannot be started yet: {}", live->second.short_of());
    if (live != live_.end() && live->second.name().phase == 0 && live->second.agent.reader)
      one.last_line = live->second.agent.doing;
  }
  return view;
}

std::vector<Notice> Engine::take_notices() { return batch_.take_notices(); }

}  // namespace interlock::engine
