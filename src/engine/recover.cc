#include <fmt/format.h>

#include <algorithm>

#include "engine/engine.h"
#include "engine/retry.h"

// Taking up a run that a dispatcher let go of, or died with.
namespace interlock::engine {

namespace {

/// A task that ran so often while its dispatcher broke off is started again by a person alone.
constexpr int kBreaksMax = 2;

}  // namespace

/// The check of merged files, if one ran: it runs again.
Result<void> Engine::end_merged_check(TaskId id, const AttemptRecord& attempt) {
  if (attempt.merged.empty()) return {};
  const std::string label = label_of(setup_.around, task(id), attempt.number);
  const auto ended = ports_.processes.end_leftovers(label, attempt.process);
  if (!ended)
    return within(ended.error(), fmt::format("while ending what is left of `{}`", task(id).id));
  ports_.workspace.close_attempt({id, attempt.number, 2});
  return {};
}

/// A task that the journal shows running belongs to a dispatcher that is gone (whoever holds the
/// run now made sure of that). Its processes may not be: they are ended and proven gone before
/// anything else may touch what they touch.
Result<void> Engine::end_leftovers() {
  for (std::uint32_t i = 0; i < plan_.tasks.size(); ++i) {
    const TaskId id(i);
    const TaskState state = record(id).state;
    if (state != TaskState::running && state != TaskState::committing) continue;
    const AttemptRecord attempt = record(id).attempts.back();
    if (state == TaskState::committing && attempt.is_batched()) {
      requeue(id);  // What its reads are held against is gone with the dispatcher.
      continue;
    }
    if (state == TaskState::committing) {
      if (auto ended = end_merged_check(id, attempt); !ended) return ended;
      continue;
    }
    if (attempt.ended) continue;
    const std::string label = label_of(setup_.around, task(id), attempt.number);
    auto left = ports_.processes.end_leftovers(label, attempt.process);
    if (!left)
      return within(left.error(), fmt::format("while ending what is left of `{}`", task(id).id));
    AttemptEnded event;
    event.task = id;
    event.attempt = attempt.number;
    event.outcome = Outcome::interrupted;
    event.detail =
        with_unproven(setup_.follows_a_break ? "its dispatcher broke off" : "its dispatcher died",
                      left->unproven);
    event.broke_dispatcher = setup_.follows_a_break;
    event.strays = left->ended;
    event.unproven = std::move(left->unproven);
    note_usage({}, event);
    // A call may have been on its way, and nobody was told what it took.
    const plan::Task tried = task_of_attempt(plan_, run(), id);
    const plan::Agent& agent = plan_.agents[tried.agent.index()];
    if (attempt.batched_with) {
      event.usage = no_usage();  // The calls are those of the one that did its work.
      event.usage_from = record(*attempt.batched_with).attempts.back().usage_from;
    } else if (agents::provider_through_gateway(agent, tried.model)) {
      event.usage = {};
      event.usage_from = "gateway";
    } else if (agents::adapter_for(agent) != nullptr && agent.kind != plan::AgentKind::command) {
      event.usage_from = "client, in part";  // What it had told died with who heard it.
    }
    event.elapsed = std::max(Duration{}, run().last.value_or(attempt.started) - attempt.started);
    batch_.record(std::move(event));
    for (std::uint32_t phase = 0; phase < 2; ++phase)
      ports_.workspace.close_attempt({id, attempt.number, phase});
    if (record(id).broke_dispatcher >= kBreaksMax) {
      fail_for_good(id, Outcome::interrupted,
                    fmt::format("the dispatcher broke off {} times while it ran: it is not started "
                                "again before `interlock retry {} {}`",
                                kBreaksMax, setup_.run, task(id).id));
      continue;
    }
    batch_.record(
        RetryPlanned{id, AttemptStarted::Trigger::again, now(), false, record(id).correction});
  }
  return {};
}

}  // namespace interlock::engine
