#include "engine/run_completion.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "engine/view_of.h"
#include "merge/merge.h"

namespace interlock::engine {

/// Whether it waits for more tasks when all it has are over.
bool RunCompletion::stands() const { return turn_.setup.stands && !turn_.run().additions_closed; }

/// Why it is over though tasks are left, if it is.
std::optional<RunEnded::How> RunCompletion::how_it_was_stopped() const {
  using How = RunEnded::How;
  using Cause = RunStopping::Cause;
  const RunState& run = turn_.run();
  // What a person did stands in the way of what is to be brought in, and nothing will change that.
  if (is_blocked()) return How::failed;
  if (run.is_stopped_for(Cause::cancelled)) return How::cancelled;
  if (run.is_stopped_for(Cause::interrupted)) return How::interrupted;
  if (run.is_stopped_for(Cause::limit) && !turn_.scheduler().all_ended()) return How::limit_reached;
  return std::nullopt;
}

bool RunCompletion::is_blocked() const {
  return !turn_.run().checkpoint_refused.empty() && !turn_.run().stopping.empty();
}

Result<void> RunCompletion::finish_if_idle() {
  const RunState& run = turn_.run();
  if (run.ended || !live_.empty() || turn_.signal_waits) return {};
  // A task that may start now waits for that.
  if (tasks_.files().is_busy()) return {};
  // Brought in first; who asks twice, and what takes long, is not waited for.
  const bool is_brought_in = run.checkpointed == run.commits.size();
  if (!is_brought_in && !is_blocked() && !checkpoints_.is_left_for_resume()) return {};
  if (const auto how = how_it_was_stopped()) {
    finish(*how);
    return {};
  }
  // A queue that is empty waits for more, and is not over.
  if (turn_.scheduler().all_ended()) return stands() ? Result<void>() : finish_all_ended();
  if (turn_.scheduler().failure_limit_reached() && run.stopping.empty()) {
    // Taken up again, and still more has failed than the plan allows: a person has to ask for it
    // again first.
    turn_.record(RunStopping{"too much failed, and `limits.on_failure` says to stop",
                             RunStopping::Cause::failures});
  }
  if (!run.stopping.empty()) {
    finish(RunEnded::How::failed);
    return {};
  }
  if (turn_.scheduler().next_wake(turn_.now()) || run.held || stands()) return {};
  // What is left waits for a person, or it would never go on.
  const bool at_gate = run.review_open || std::ranges::any_of(run.tasks, [](const TaskRecord& one) {
                         return one.gate_since.has_value();
                       });
  if (!at_gate)
    return fail(Error::Kind::internal, stuck(), "please report this, with the run's journal");
  if (!turn_.setup.wait_at_gates) finish(RunEnded::How::paused_at_gate);
  return {};
}

Result<void> RunCompletion::finish_all_ended() {
  const RunState& run = turn_.run();
  const bool all_done =
      std::ranges::all_of(run.tasks, [](const TaskRecord& one) { return one.went_well(); });
  if (auto said = tasks_.merges().fail_missing(); !said) return said;
  const bool all_merged = std::ranges::all_of(
      run.merges, [](const MergeRecord& one) { return one.output.has_value(); });
  finish(all_done && all_merged ? RunEnded::How::finished : RunEnded::How::failed);
  return {};
}

/// Never to be seen; should it be, then with all that is needed to find out why.
std::string RunCompletion::stuck() const {
  std::string text = "tasks wait, nothing runs and nothing is due:";
  for (std::uint32_t i = 0; i < turn_.plan.tasks.size(); ++i) {
    if (turn_.record_of(TaskId(i)).state != TaskState::waiting ||
        !turn_.scheduler().waits(TaskId(i)))
      continue;
    text += fmt::format(
        " `{}` ({});", turn_.plan.tasks[i].id,
        say(turn_.plan, turn_.interlocking, turn_.scheduler().reason_of(TaskId(i), turn_.now()),
            TaskId(i), turn_.now()));
  }
  return text;
}

void RunCompletion::finish(RunEnded::How how) {
  std::string digest;
  // Of one that goes on there is nothing to compare yet.
  if (how == RunEnded::How::finished || how == RunEnded::How::failed) {
    std::vector<merge::TaskResult> tasks;
    for (std::uint32_t i = 0; i < turn_.plan.tasks.size(); ++i) {
      const TaskRecord& one = turn_.run().tasks[i];
      // Who tried, and how often, is no part of what came of it.
      if (turn_.plan.tasks[i].try_of || turn_.plan.tasks[i].judge_of) continue;
      tasks.push_back({turn_.plan.tasks[i].id, std::string(name_of(one.state)),
                       one.output.value_or(Digest{}), one.wrote});
    }
    std::vector<merge::MergeResult> merges;
    for (std::uint32_t i = 0; i < turn_.plan.merges.size(); ++i) {
      merges.push_back(
          {turn_.plan.merges[i].name, turn_.run().merges[i].output.value_or(Digest{})});
    }
    digest = merge::digest_of_run(tasks, merges).hex();
  }
  turn_.record(RunEnded{how, digest});
}

}  // namespace interlock::engine
