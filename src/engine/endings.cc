#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "engine/cache_key.h"
#include "engine/engine.h"
#include "engine/retry.h"
#include "engine/shortage.h"

// What came of attempts: judged, journaled, and either done, tried again or failed.
namespace interlock::engine {

void Engine::on_exited(const Exited& exited) {
  const auto found = live_.find(exited.name.task);
  if (found == live_.end() || found->second.name() != exited.name)
    return;  // Of an attempt that is over.
  Attempt& live = found->second;
  ports_.workspace.close_attempt(exited.name);
  if (live.name().phase == 0) return on_work_over(live, exited);
  if (snapshots_.contains(live.name())) close_snapshot(live.name());

  Judgement judgement = judge_exit(task(live.task()), exited, live.stopped_for());
  if (live.name().phase == 2) return on_merged_checked(std::move(live), judgement);
  if (judgement.outcome == Outcome::exited_nonzero || judgement.outcome == Outcome::crashed) {
    judgement.outcome = Outcome::verify_failed;
    judgement.detail = fmt::format("its check failed: {}", judgement.detail);
    judgement.complaint = "The check of your work failed.";
  }
  live.work.exited.strays += exited.strays;
  live.work.exited.unproven.insert(live.work.exited.unproven.end(), exited.unproven.begin(),
                                   exited.unproven.end());
  conclude(std::move(live), judgement);
}

/// It was not to be begun, and costs no retry.
void Engine::defer(Attempt live, std::string why) {
  if (live.name().phase != 0) return on_refused(std::move(live), {Error::Kind::io, "put off", {}});
  live_.erase(live.task());
  std::vector<TaskId> all = live.share.others;
  all.push_back(live.task());
  for (const TaskId id : all) {
    AttemptEnded event;
    event.task = id;
    event.attempt = record(id).attempts.back().number;
    event.outcome = Outcome::interrupted;
    event.detail = why;
    batch_.record(std::move(event));
    requeue(id);
  }
}

/// Whether the start is tried again later, the attempt being as good as waiting for a slot: where
/// descriptors, processes or memory are short, others have them, and will give them back.
bool Engine::defer_start(Attempt& live, const Error& error) {
  if (!is_shortage(error) || live.stopped_for()) return false;
  const bool others_run = std::ranges::any_of(live_, [&](const auto& one) {
    return !one.second.again_at() && one.first != live.name().task;
  });
  if (!others_run && live.starts_tried() >= kShortStartsMax) return false;
  close_route(live);
  const std::string seed = fmt::format("{} {}", seed_of(live.task()), live.starts_tried());
  constexpr Duration kLongest = std::chrono::seconds(4);
  live.defer(now() + std::min(pause_of(live.starts_tried(), seed), kLongest), error.message);
  return true;
}

void Engine::start_deferred(bool something_ended) {
  std::vector<TaskId> stopped;
  for (auto& [id, live] : live_) {
    if (!live.again_at()) continue;
    if (live.stopped_for()) {
      stopped.push_back(id);
    } else if (something_ended || *live.again_at() <= now()) {
      live.start_again(now());
      acts_.push_back({Act::Kind::spawn, live.name(), {}});
    }
  }
  for (const TaskId id : stopped) {
    Attempt live = std::move(live_.at(id));
    on_refused(std::move(live), {Error::Kind::refused, live.short_of(), {}});
  }
}

/// It could not even be started, or was stopped before.
void Engine::on_refused(Attempt live, const Error& error) {
  close_route(live);
  Judgement judgement{Outcome::not_started, error.message, {}};
  if (live.stopped_for()) judgement = judge_exit(task(live.task()), {}, live.stopped_for());
  if (live.stopped_for() == Outcome::conflicted) judgement.detail = live.stop_detail();
  if (live.name().phase == 2) return on_merged_checked(std::move(live), judgement);
  if (!live.share.others.empty()) {
    live_.erase(live.task());
    return break_up(std::move(live), judgement, {});
  }
  conclude(std::move(live), judgement);
}

void Engine::on_work_over(Attempt& live, const Exited& exited) {
  const plan::Task& one = task(live.task());
  if (!live.share.others.empty()) {
    Attempt whole = std::move(live);
    live_.erase(whole.task());
    return on_batch_over(std::move(whole), exited);
  }
  live.work.exited = exited;
  close_route(live);
  Judgement judgement = judge_exit(one, exited, live.stopped_for());
  if (live.stopped_for() == Outcome::conflicted) judgement.detail = live.stop_detail();
  if (live.agent.reader) judgement = judge_agent(live, exited, std::move(judgement));
  judgement = take_changes(live, std::move(judgement));
  std::string printed = ports_.processes.take_output(exited.name);
  if (one.output.form != plan::OutputSpec::Form::exit_status) {
    if (one.output.file.empty()) {
      live.work.output = live.agent.adapter
                             ? take_answer(live, one.output.form == plan::OutputSpec::Form::json)
                             : std::move(printed);
      live.work.has_output = !live.agent.adapter || live.agent.transcript.final;
    } else if (auto content = output_file_of(live)) {
      live.work.output = std::move(*content);
      live.work.has_output = true;
    } else if (judgement.outcome == Outcome::succeeded &&
               content.error().kind != Error::Kind::missing) {
      judgement = {Outcome::output_missing, content.error().message, content.error().message};
    }
  }
  if (judgement.outcome == Outcome::succeeded) {
    const auto output =
        live.work.has_output ? std::optional<std::string_view>(live.work.output) : std::nullopt;
    judgement = judge_output(one, output, exited.output_cut,
                             record(live.task()).corrections_used > 0, ports_.validator);
  }
  if (judgement.instead) {
    live.work.output = std::move(*judgement.instead);
    live.work.remarks.emplace_back("its JSON was taken out of a Markdown fence");
  }
  if (judgement.outcome != Outcome::succeeded || one.verify.empty())
    return conclude(std::move(live), judgement);
  live.check_work();
  acts_.push_back({Act::Kind::spawn, live.name(), {}});
}

namespace {

/// What the provider said last, where an attempt ended without saying so itself: "timed out" alone
/// does not tell a slow model from one that refused every call.
std::string last_refusal(const AttemptRecord& attempt) {
  const bool refused = attempt.last_call.failure.has_value();
  if (!refused && attempt.call_waits_on.empty()) return {};
  std::string text = "; its last model call was not answered";
  const std::string& why = attempt.last_call.detail.empty() || !refused ? attempt.call_waits_on
                                                                        : attempt.last_call.detail;
  if (!why.empty()) text += ": " + why;
  if (attempt.calls_again > 0) {
    text += fmt::format(" (sent again {} time{})", attempt.calls_again,
                        attempt.calls_again == 1 ? "" : "s");
  }
  return text;
}

}  // namespace

void Engine::conclude(Attempt live, Judgement judgement) {
  const TaskId id = live.task();
  live_.erase(id);
  if (judgement.outcome == Outcome::timed_out || judgement.outcome == Outcome::went_silent) {
    const AttemptRecord& attempt = record(id).attempts.back();
    judgement.detail += last_refusal(attempt);
    // Its time went by because it was told to wait: nothing of that is the task's fault.
    if (attempt.last_call.failure == agents::Failure::rate_limited)
      judgement.outcome = Outcome::rate_limited;
  }
  AttemptEnded event;
  event.task = id;
  event.attempt = live.name().attempt;
  event.outcome = judgement.outcome;
  event.exit_code = live.work.exited.exit_code;
  event.signal = live.work.exited.signal;
  event.detail = with_unproven(judgement.detail, live.work.exited.unproven);
  event.strays = live.work.exited.strays;
  event.unproven = std::move(live.work.exited.unproven);
  event.elapsed = now() - live.started() + live.share.worked.value_or(Duration{});
  if (live.work.has_output) {
    event.output = digest_of(live.work.output);
    batch_.keep(Blob{*event.output, std::move(live.work.output)});
  }
  note_changes(live, event);
  if (live.share.used) {
    event.usage = *live.share.used;
    event.usage_from = live.share.used_from;
  } else {
    note_usage(live, event);
  }
  batch_.record(std::move(event));
  check_limits();
  if (live.share.batch) {
    if (judgement.outcome == Outcome::succeeded) {
      succeed(live);
    } else {
      after_failed_part(id, judgement);
    }
    return check_next_part(*live.share.batch);
  }
  // Anew, without a session; only where one was asked for, whatever words the failure comes in.
  if (live.agent.session_is_gone && live.agent.resumed) return requeue(id);
  if (judgement.outcome == Outcome::succeeded) return succeed(live);
  after_failure(id, judgement);
}

void Engine::succeed(const Attempt& live) {
  const TaskId id = live.task();
  if (task(id).gate_after) {
    batch_.record(GateReached{id, GateKind::after});
  } else {
    settle_work(id);
  }
}

/// Its work is accepted: done at once, or as soon as its changes are committed.
void Engine::settle_work(TaskId id) {
  if (commits().waits(id)) return wait_for_turn(id);
  set_done(id);
}

void Engine::set_done(TaskId id, std::optional<Digest> known, Evidence evidence) {
  const plan::Task& one = task(id);
  const TaskRecord& before = record(id);
  const AttemptRecord& attempt = before.attempts.back();
  const Result<Digest> wrote =
      known ? Result<Digest>(*known) : ports_.workspace.fingerprint(one.footprint.writes);
  if (!wrote && is_shortage(wrote.error())) {
    broken_ = wrote.error();  // The work is good; taken up again it counts.
    return;
  }
  if (!wrote && is_interruption(wrote.error())) {
    await_signal();
    return requeue(id);
  }
  if (!wrote) {
    return fail_for_good(id, Outcome::output_missing,
                         fmt::format("what it wrote cannot be read: {}", wrote.error().message));
  }
  if (!one.footprint.unknown || evidence.trace || evidence.against) {
    StoredResult result{setup_.run,     before.key, before.cache_key_parts,
                        attempt.output, *wrote,     evidence.trace};
    if (evidence.against) {
      // Equal parts of the cache key do not prove an equal result: it is kept only to say so.
      result.cache_key_parts.push_back(std::move(*evidence.against));
      result.key = key_of(result.cache_key_parts);
    }
    batch_.keep(one.id, std::move(result));
  }
  batch_.record(TaskDone{id, attempt.number, attempt.output, *wrote, {}});
  make_merges_with(id);
}

void Engine::after_failure(TaskId id, const Judgement& judgement) {
  if (judgement.outcome == Outcome::cancelled && is_letting_go()) return requeue(id);
  if (judgement.outcome == Outcome::cancelled)
    return batch_.record(TaskCancelled{id, judgement.detail});
  if (judgement.outcome == Outcome::conflicted) {
    Conflict conflict;
    conflict.detail = judgement.detail;
    return do_again(id, conflict);
  }
  if (judgement.outcome == Outcome::quota_spent ||
      (judgement.outcome == Outcome::over_budget && record(id).attempts.back().parked)) {
    reach_limit(judgement.detail);
    return requeue(id);
  }
  const auto& all = commits().waiting();
  if (const auto waiting = all.find(id); waiting != all.end()) {
    // Others have changed already what it failed on.
    const Conflict conflict = conflict_of(waiting->second);
    if (!conflict.empty()) return refuse(waiting->second, conflict);
  }
  const auto next = next_try(task(id), record(id), judgement.outcome, seed_of(id));
  if (!next && commits().waits(id)) return wait_for_turn(id);
  if (!next) return fail_for_good(id, judgement.outcome, judgement.detail);
  drop_changes(id);
  batch_.record(
      RetryPlanned{id, next->because, now() + next->after, next->charged, judgement.complaint});
}

std::string Engine::seed_of(TaskId id) const {
  return label_of(setup_.around, task(id), record(id).attempts.back().number);
}

void Engine::requeue(TaskId id) {
  batch_.record(
      RetryPlanned{id, AttemptStarted::Trigger::again, now(), false, record(id).correction});
}

void Engine::fail_for_good(TaskId id, Outcome outcome, const std::string& detail) {
  batch_.record(TaskFailed{id, outcome, detail});
  if (!scheduler().failure_limit_reached() || !run().stopping.empty()) return;
  batch_.record(
      RunStopping{fmt::format("`{}` failed, and `limits.on_failure` says to stop", task(id).id),
                  RunStopping::Cause::failures});
}

void Engine::stop(Attempt& live, Outcome why, const std::string& detail) {
  live.stop(why, detail);
  if (live.state() == Attempt::State::judged) return;  // Nothing of it runs.
  // Its check is not begun: it ends as one that was stopped before.
  if (live.state() == Attempt::State::queued) {
    live.begin_check(live.started());
    return acts_.push_back({Act::Kind::spawn, live.name(), {}});
  }
  const bool at_once = interrupts_ > 1;
  acts_.push_back({Act::Kind::stop, live.name(), at_once ? Duration{} : task(live.task()).grace});
}

void Engine::skip_unreachable() {
  for (const auto& [id, because] : scheduler().take_unreachable())
    batch_.record(TaskSkipped{id, because});
}

}  // namespace interlock::engine
