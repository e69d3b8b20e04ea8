#include "engine/attempt_endings.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "base/text.h"
#include "engine/attempt_usage.h"
#include "engine/retry.h"
#include "engine/try_events.h"

namespace interlock::engine {

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

Result<void> AttemptEndings::on_finished(Finished finished) {
  const Exited& exited = finished.exited;
  Attempt* const found = live_.find(exited.name);
  if (found == nullptr) return {};
  Attempt& live = *found;
  if (live.name().phase == 0) return on_work_over(live, std::move(finished));
  // Of a check: what it changed is thrown away.
  if (snapshots_.contains(live.name())) snapshots_.close(live.name());

  Judgement judgement = judge_exit(turn_.task(live.task()), exited, live.stopped_for());
  if (live.name().phase == 2) return committer_.on_merged_checked(std::move(live), judgement);
  if (live.name().phase == kDriverPhase)
    return committer_.on_driver_over(std::move(live), std::move(judgement),
                                     std::move(finished.merged));
  if (judgement.outcome == Outcome::exited_nonzero || judgement.outcome == Outcome::crashed) {
    judgement.outcome = Outcome::verify_failed;
    judgement.detail = fmt::format("its check failed: {}", judgement.detail);
    judgement.complaint = "The check of your work failed.";
  }
  // One attempt, one event: what its check left behind is told with it.
  live.work.exited.strays += exited.strays;
  live.work.exited.unproven.insert(live.work.exited.unproven.end(), exited.unproven.begin(),
                                   exited.unproven.end());
  live.work.checked = turn_.now();
  return conclude_hashed(live, std::move(judgement));
}

Result<void> AttemptEndings::requeue_unstarted(Attempt live, const std::string& why) {
  // A driver is asked again, as long as its file waits to be joined.
  if (live.name().phase == kDriverPhase) {
    live_.erase(live.task());
    return {};
  }
  // What it checks is kept, and must not be done again: it ends as a check that was not started.
  if (live.name().phase != 0)
    return on_not_started(std::move(live), {Error::Kind::io, "put off", {}});
  live_.erase(live.task());
  std::vector<TaskId> all = live.share.others;
  // Who shares its attempt has not begun either.
  all.push_back(live.task());
  for (const TaskId id : all) {
    AttemptEnded event;
    event.task = id;
    event.attempt = turn_.record_of(id).attempts.back().number;
    event.outcome = Outcome::interrupted;
    event.detail = why;
    turn_.record(std::move(event));
    tasks_.requeue(id);
  }
  return {};
}

Result<void> AttemptEndings::on_not_started(Attempt live, const Error& error) {
  Judgement judgement{Outcome::not_started, error.message, {}};
  if (live.stopped_for()) judgement = judge_exit(turn_.task(live.task()), {}, live.stopped_for());
  if (live.stopped_for() == Outcome::conflicted) judgement.detail = live.stop_detail();
  if (live.name().phase == 2) return committer_.on_merged_checked(std::move(live), judgement);
  if (live.name().phase == kDriverPhase)
    return committer_.on_driver_over(std::move(live), std::move(judgement), {});
  if (!live.share.others.empty()) {
    // Its place is taken by its own part.
    live_.erase(live.task());
    return break_up(std::move(live), judgement, {});
  }
  return conclude(std::move(live), judgement);
}

Result<void> AttemptEndings::on_work_over(Attempt& live, Finished finished) {
  Judgement judgement = judge_work(live, finished);
  if (!collector_.begin(live, judgement)) return finish_work(live, std::move(judgement));
  // That takes a while, and others go on meanwhile: it keeps its slot until then.
  live.collect(std::move(judgement));
  turn_.ports.executor.collect(live.name());
  return {};
}

Result<void> AttemptEndings::on_collected(Collected collected) {
  Attempt* const live = live_.find(collected.name);
  if (live == nullptr || live->state() != Attempt::State::collecting) return {};
  Judgement judgement =
      collector_.take(*live, std::move(collected.harvest), live->take_collected());
  // While they were taken a person said that nothing of it is wanted.
  if (judgement.outcome == Outcome::succeeded && live->stopped_for())
    judgement = judge_exit(turn_.task(live->task()), {}, live->stopped_for());
  return finish_work(*live, std::move(judgement));
}

Result<void> AttemptEndings::finish_work(Attempt& live, Judgement judgement) {
  if (!live.share.others.empty()) {
    Attempt whole = std::move(live);
    live_.erase(whole.task());
    return on_batch_over(std::move(whole), std::move(judgement));
  }
  // Only now, as its output may be a file among what it changed.
  judgement = take_output(live, std::move(judgement));
  if (judgement.outcome != Outcome::succeeded || turn_.task(live.task()).verify.empty())
    return conclude_hashed(live, std::move(judgement));
  // The task is done only when its check says so: the attempt goes on.
  live.check_work();
  live_.spawn(live.name());
  // A signal came while its changes were taken: its check is not begun either.
  if (turn_.interrupts > 0) live_.stop(live, Outcome::cancelled);
  return {};
}

/// All but what it gave back and changed: how it ended, what its client and the gateway say, what
/// it was seen to do.
Judgement AttemptEndings::judge_work(Attempt& live, Finished& finished) {
  live.work.printed = std::move(finished.output);
  live.work.over = turn_.now();
  // First, as what the gateway still tells may be why it ended; and while it lives: calls that are
  // reported only now are booked on it.
  calls_.take_last(std::move(finished.calls));
  for (const std::string& host : finished.refused_hosts)
    live.work.remarks.push_back(fmt::format("kept from connecting to `{}`", printable(host)));
  for (const std::string& host : finished.visited_hosts)
    live.work.remarks.push_back(fmt::format("connected to {}", printable(host)));
  const Exited& exited = finished.exited;
  Judgement judgement = judge_exit(turn_.task(live.task()), exited, live.stopped_for());
  if (judgement.outcome == Outcome::timed_out && !live.share.others.empty())
    judgement.detail = fmt::format("timed out after {}", show_duration(live_.timeout_of(live)));
  if (live.stopped_for() == Outcome::conflicted) judgement.detail = live.stop_detail();
  // A client's exit status alone says little: its stream and its last call say more.
  if (live.agent.reader) judgement = agents_.judge(live, exited, std::move(judgement));
  live.work.exited = exited;
  return collector_.judge_observed(live, finished.observed, std::move(judgement));
}

/// Its output, wherever it left it, held against what the task promises of it.
Judgement AttemptEndings::take_output(Attempt& live, Judgement judgement) {
  using Form = plan::OutputSpec::Form;
  const plan::Task& one = turn_.task(live.task());
  if (one.output.form != Form::exit_status) {
    if (one.output.file.empty()) {
      live.work.output = live.agent.adapter
                             ? agents_.take_answer(live, one.output.form == Form::json)
                             : std::move(live.work.printed);
      // An agent that came to no final answer gave none, whatever it said on the way.
      live.work.has_output = !live.agent.adapter || live.agent.transcript.final;
    } else if (auto content = collector_.output_file_of(live)) {
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
    judgement =
        judge_output(one, output, live.work.exited.output_cut,
                     turn_.record_of(live.task()).corrections_used > 0, turn_.ports.validator);
    // A judge may keep to its schema and name a try that it was not shown.
    if (judgement.outcome == Outcome::succeeded && one.judge_of) {
      auto picked = judge_pick(turn_.plan, turn_.run(), live.task(),
                               judgement.instead.value_or(live.work.output));
      if (picked.outcome != Outcome::succeeded) judgement = std::move(picked);
    }
  }
  if (judgement.instead) {
    live.work.output = std::move(*judgement.instead);
    live.work.remarks.emplace_back("its JSON was taken out of a Markdown fence");
  }
  return judgement;
}

/// What it wrote in the workspace itself is part of its result, and reading that may take longer
/// than it worked. It keeps its slot meanwhile, so that nobody writes there.
Result<void> AttemptEndings::conclude_hashed(Attempt& live, Judgement judgement) {
  const plan::Task& one = turn_.task(live.task());
  // After a gate a person may have changed it: then it is hashed when that one approves it.
  const bool is_done_now = judgement.outcome == Outcome::succeeded && !one.gate_after &&
                           !live.share.batch && !one.try_of;
  const bool is_read_back = !turn_.has_snapshot(live.task()) && !one.footprint.writes.empty() &&
                            tasks_.files().is_beside();
  if (!is_done_now || !is_read_back) return conclude(std::move(live), judgement);
  live.collect(std::move(judgement));
  tasks_.files().hash_writes(live.task());
  return {};
}

Result<void> AttemptEndings::on_hashed() {
  for (const TaskId id : tasks_.files().written()) {
    Attempt* const live = live_.find(id);
    check(live != nullptr, "an attempt lives until what it wrote is hashed");
    // Whoever wanted it stopped meanwhile came too late: it was over, and good.
    const Judgement judgement = live->take_collected();
    if (auto done = conclude(std::move(*live), judgement); !done) return done;
    // Whether its end had a use for that or not, it is of this attempt alone.
    static_cast<void>(tasks_.files().take_written(id));
  }
  return {};
}

/// From here on it lives no more. The event comes first, as what follows is decided by the state it
/// makes.
Result<void> AttemptEndings::conclude(Attempt live, Judgement judgement) {
  const TaskId id = live.task();
  live_.erase(id);
  if (judgement.outcome == Outcome::timed_out || judgement.outcome == Outcome::went_silent) {
    const AttemptRecord& attempt = turn_.record_of(id).attempts.back();
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
  event.cpu_time = live.work.exited.cpu_time;
  event.memory_peak_bytes = live.work.exited.memory_peak_bytes;
  // That its changes had to be taken, or hashed, is none of its time.
  const Time now = turn_.now();
  const Time over = (live.name().phase == 0 ? live.work.over : live.work.checked).value_or(now);
  event.elapsed = over - live.started() + live.share.worked.value_or(Duration{});
  if (live.work.has_output) {
    event.output = digest_of(live.work.output);
    turn_.batch.keep(Blob{*event.output, std::move(live.work.output)});
  }
  // Texts go into the journal with the event that names them.
  collector_.note(live, event);
  if (live.share.used) {
    event.usage = *live.share.used;
    event.usage_from = live.share.used_from;
  } else {
    note_usage(turn_.plan, turn_.run(), live, event);
  }
  turn_.record(std::move(event));
  // What it used counts before anything that follows is decided.
  calls_.check_limits();
  const bool succeeded = judgement.outcome == Outcome::succeeded;
  if (live.share.batch) {
    if (!succeeded) {
      after_failed_part(id, judgement);
    } else if (auto done = succeed(id); !done) {
      return done;
    }
    return check_next_part(*live.share.batch);
  }
  // Anew, without a session; only where one was asked for, whatever words the failure comes in.
  if (live.agent.session_is_gone && live.agent.resumed) {
    tasks_.requeue(id);
    return {};
  }
  return succeeded ? succeed(id) : after_failure(id, judgement);
}

Result<void> AttemptEndings::succeed(TaskId id) {
  if (!turn_.task(id).gate_after) return tasks_.settle_work(id);
  turn_.record(GateReached{id, GateKind::after});
  return {};
}

/// Whether a person, a signal or a limit ended it, and not the task itself; what follows is
/// recorded then. `parked`: the attempt that asked its model was, at the run's limit.
bool AttemptEndings::ended_from_outside(TaskId id, const Judgement& judgement, bool parked) {
  const bool is_cancelled = judgement.outcome == Outcome::cancelled;
  const bool is_at_limit = judgement.outcome == Outcome::quota_spent ||
                           (judgement.outcome == Outcome::over_budget && parked);
  if (!is_cancelled && !is_at_limit) return false;
  // Another try was good first: nobody cancelled anything.
  const auto& try_of = turn_.task(id).try_of;
  if (is_cancelled && !turn_.ends_by_signal() && try_of && is_picked(turn_.run(), *try_of)) {
    turn_.record(bad_try(turn_.run(), id, why_not_wanted(turn_.plan, turn_.run(), *try_of)));
    return true;
  }
  if (is_cancelled && !turn_.ends_by_signal()) {
    turn_.record(TaskCancelled{id, judgement.detail});
    return true;
  }
  // It goes on when the limit is raised, and has lost nothing by that.
  if (is_at_limit) calls_.reach_limit(judgement.detail);
  tasks_.requeue(id);
  return true;
}

Result<void> AttemptEndings::after_failure(TaskId id, const Judgement& judgement) {
  if (ended_from_outside(id, judgement, turn_.record_of(id).attempts.back().parked)) return {};
  if (judgement.outcome == Outcome::conflicted) {
    Conflict conflict;
    conflict.detail = judgement.detail;
    committer_.do_again(id, conflict);
    return {};
  }
  const auto& all = turn_.commits().waiting();
  if (const auto waiting = all.find(id); waiting != all.end()) {
    // Others have changed already what it failed on.
    // It may have failed of what is not so any more: that would cost a retry for nothing.
    const Conflict conflict = committer_.conflict_of(waiting->second);
    if (!conflict.empty()) return committer_.refuse(waiting->second, conflict);
  }
  const TaskRecord& record = turn_.record_of(id);
  const auto next = next_try(turn_.task(id), record, judgement.outcome, turn_.seed_of(id));
  if (next) {
    // It is done anew: what it left in its snapshot is of no use.
    committer_.drop_changes(id);
    turn_.record(RetryPlanned{id, next->because, turn_.now() + next->after, next->charged,
                              judgement.complaint});
  } else if (turn_.commits().waits(id)) {
    // Believed when what it read still holds at its turn.
    tasks_.wait_for_turn(id);
  } else {
    tasks_.fail_for_good(id, judgement.outcome, judgement.detail);
  }
  return {};
}

}  // namespace interlock::engine
