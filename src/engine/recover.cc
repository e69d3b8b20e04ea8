#include "engine/recover.h"

#include <fmt/format.h>

#include <algorithm>

#include "agents/adapter.h"
#include "engine/attempt_usage.h"
#include "engine/retry.h"

// Taking up a run that a dispatcher let go of, or died with.
namespace interlock::engine {

namespace {

/// A task that ran so often while its dispatcher broke off is started again by a person alone.
constexpr int kBreaksMax = 2;

/// The check of merged files, or a merge driver, if one ran: it runs again.
Result<void> end_merged_check(Turn& turn, TaskId id, const AttemptRecord& attempt) {
  if (attempt.merged.empty() && turn.plan.drivers.empty()) return {};
  const std::string label = label_of(turn.setup.around, turn.task(id), attempt.number);
  // Its work is long over, and in the journal.
  const auto ended =
      turn.ports.executor.end_leftovers({id, attempt.number, 2}, label, attempt.process);
  if (!ended)
    return within(ended.error(),
                  fmt::format("while ending what is left of `{}`", turn.task(id).id));
  return {};
}

}  // namespace

Result<void> end_leftovers(Turn& turn, TaskEndings& tasks) {
  for (std::uint32_t i = 0; i < turn.plan.tasks.size(); ++i) {
    const TaskId id(i);
    const TaskState state = turn.record_of(id).state;
    if (state != TaskState::running && state != TaskState::committing) continue;
    // A copy: events that are recorded below change the state it comes from.
    const AttemptRecord attempt = turn.record_of(id).attempts.back();
    if (state == TaskState::committing && attempt.is_batched()) {
      tasks.requeue(id);  // What its reads are held against is gone with the dispatcher.
      continue;
    }
    if (state == TaskState::committing) {
      if (auto ended = end_merged_check(turn, id, attempt); !ended) return ended;
      continue;
    }
    if (attempt.ended) continue;
    const std::string label = label_of(turn.setup.around, turn.task(id), attempt.number);
    // Before anything is recorded: an attempt of which something may live is not done again.
    auto left = turn.ports.executor.end_leftovers({id, attempt.number, 0}, label, attempt.process);
    if (!left)
      return within(left.error(),
                    fmt::format("while ending what is left of `{}`", turn.task(id).id));
    AttemptEnded event;
    event.task = id;
    event.attempt = attempt.number;
    event.outcome = Outcome::interrupted;
    event.detail = with_unproven(
        turn.setup.follows_a_break ? "its dispatcher broke off" : "its dispatcher died",
        left->unproven);
    event.broke_dispatcher = turn.setup.follows_a_break;
    event.strays = left->ended;
    event.unproven = std::move(left->unproven);
    note_usage(turn.plan, turn.run(), {}, event);
    // A call may have been on its way, and nobody was told what it took.
    const plan::Task tried = task_of_attempt(turn.plan, turn.run(), id);
    const plan::Agent& agent = turn.plan.agents[tried.agent.index()];
    if (attempt.batched_with) {
      event.usage = no_usage();  // The calls are those of the one that did its work.
      event.usage_from = turn.record_of(*attempt.batched_with).attempts.back().usage_from;
    } else if (agents::provider_through_gateway(agent, tried.model)) {
      event.usage = {};
      event.usage_from = "gateway";
    } else if (agents::adapter_for(agent) != nullptr && agent.kind != plan::AgentKind::command) {
      event.usage_from = "client, in part";  // What it had told died with who heard it.
    }
    event.elapsed =
        std::max(Duration{}, turn.run().last.value_or(attempt.started) - attempt.started);
    turn.record(std::move(event));
    if (turn.record_of(id).broke_dispatcher >= kBreaksMax) {
      tasks.fail_for_good(
          id, Outcome::interrupted,
          fmt::format("the dispatcher broke off {} times while it ran: it is not started "
                      "again before `interlock retry {} {}`",
                      kBreaksMax, turn.setup.run, turn.task(id).id));
      continue;
    }
    tasks.requeue(id);
  }
  return {};
}

}  // namespace interlock::engine
