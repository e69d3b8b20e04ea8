#include "engine/budgets.h"

#include <fmt/format.h>

#include <algorithm>

#include "agents/adapter.h"
#include "engine/view_of.h"

namespace interlock::engine {

namespace {

/// More may have been used than was allowed: calls are charged when they are over.
std::optional<std::int64_t> left_of(const std::optional<std::int64_t>& limit, std::int64_t used) {
  if (!limit) return {};
  return std::max<std::int64_t>(0, *limit - used);
}

}  // namespace

Spent spent_by(const TaskRecord& record) {
  Spent spent;
  for (const AttemptRecord& attempt : record.attempts) {
    // What is known to have been used, while it runs as well: a limit must not wait for its end.
    const Usage& usage = attempt.known;
    for (const auto& part : {usage.input, usage.output, usage.cache_read, usage.cache_write})
      spent.tokens += part.value_or(0);
    spent.usd += usage.cost.value_or(0);
  }
  return spent;
}

Spent spent_by(const RunState& run) {
  Spent spent;
  for (const TaskRecord& task : run.tasks) {
    const Spent one = spent_by(task);
    spent.tokens += one.tokens;
    spent.usd += one.usd;
  }
  return spent;
}

Completeness completeness_of(const plan::Plan& plan, TaskId task, const AttemptRecord& attempt) {
  const plan::Agent& agent = plan.agents[plan[task].agent.index()];
  // A mapped command may be no agent at all: it is one where it told something of models.
  const bool is_client =
      agent.kind != plan::AgentKind::command && agents::adapter_for(agent) != nullptr;
  const bool was_started = attempt.process.has_value() || attempt.ended.has_value();
  Completeness it;
  // One that is running may ask at any moment, so that what it used so far is not all.
  it.asked = attempt.calls + attempt.calls_refused > 0 || !attempt.usage_from.empty() ||
             (is_client && !attempt.ended && was_started);
  if (!it.asked) return it;
  // A client that counts only what it shows of itself leaves something out.
  const bool is_over = attempt.ended.has_value() && attempt.usage_from != "client, in part";
  it.tokens = is_over && total_tokens(attempt.usage).has_value();
  it.cost = is_over && attempt.usage.cost.has_value();
  return it;
}

std::string resume_with_more(const Setup& setup, const plan::Plan& plan, const RunState& run) {
  // What is expected of those that are not over; where that is unknown, as much as before.
  const auto raised = [](std::int64_t limit, std::int64_t wanted) {
    // Round numbers: a person types it.
    constexpr std::int64_t kStep = 1000;
    return (std::max(limit + limit / 5, wanted) + kStep - 1) / kStep * kStep;
  };
  // One task of which nothing is known makes the sum worthless.
  std::optional<Tokens> more = 0;
  for (std::uint32_t i = 0; i < plan.tasks.size() && more; ++i) {
    const TaskRecord& task = run[TaskId(i)];
    if (task.state >= TaskState::done) continue;
    const auto& expected = setup.around.expected_tokens;
    if (expected.empty() || !expected[i]) {
      more.reset();
    } else {
      *more += std::max<Tokens>(0, *expected[i] - spent_by(task).tokens);
    }
  }
  const Spent spent = spent_by(run);
  std::string text = fmt::format("interlock resume {}", setup.run);
  if (setup.limit_tokens) {
    const Tokens wanted = more ? spent.tokens + *more : 2 * *setup.limit_tokens;
    text += fmt::format(" --tokens {}", raised(*setup.limit_tokens, wanted));
  } else if (setup.limit_usd) {
    text += fmt::format(" --usd {:.2f}", static_cast<double>(2 * *setup.limit_usd) / 1e6);
  }
  return text;
}

Budgets::Budgets(const RunState& run) {
  // Once, when the run is taken up; from then on each event recounts its own task.
  for (std::size_t i = 0; i < run.tasks.size(); ++i) recount(run, TaskId(i));
}

void Budgets::apply(const RunState& run, const RecordedEvent& recorded) {
  if (const auto* const call = std::get_if<ModelCalled>(&recorded.event))
    return recount(run, call->task);
  const auto* const ended = std::get_if<AttemptEnded>(&recorded.event);
  // No other event says that something was used.
  if (ended == nullptr) return;
  recount(run, ended->task);
  // Its part was booked to the task whose attempt it shared, and is its own from now on.
  const auto& with = run[ended->task].attempts.back().batched_with;
  if (with) recount(run, *with);
}

void Budgets::recount(const RunState& run, TaskId task) {
  // A plan may have grown since.
  if (by_task_.size() < run.tasks.size()) by_task_.resize(run.tasks.size());
  Spent& one = by_task_[task.index()];
  // The difference, so that an event costs its own task and not all of them.
  const Spent now = engine::spent_by(run[task]);
  spent_.tokens += now.tokens - one.tokens;
  spent_.usd += now.usd - one.usd;
  one = now;
}

std::optional<Tokens> Budgets::tokens_left(const Setup& limits) const {
  return left_of(limits.limit_tokens, spent_.tokens);
}

std::optional<MicroUsd> Budgets::usd_left(const Setup& limits) const {
  return left_of(limits.limit_usd, spent_.usd);
}

/// Passed, not reached: the gateway lets no call go that would pass it, but what others count comes
/// late.
std::optional<std::string> Budgets::passed(const Setup& limits) const {
  if (limits.limit_tokens && spent_.tokens > *limits.limit_tokens) {
    return fmt::format("{} tokens are used, more than the {} of `limits.tokens`",
                       show_count(spent_.tokens), show_count(*limits.limit_tokens));
  }
  // Whichever of the two comes first: the other may be in reserve for ever.
  if (limits.limit_usd && spent_.usd > *limits.limit_usd) {
    return fmt::format("{} are spent, more than the {} of `limits.usd`", show_usd(spent_.usd),
                       show_usd(*limits.limit_usd));
  }
  return {};
}

std::string Budgets::text() const {
  std::string text = fmt::format("{} tokens, {} in all\n", spent_.tokens, show_usd(spent_.usd));
  for (std::size_t i = 0; i < by_task_.size(); ++i) {
    const Spent& one = by_task_[i];
    // Most tasks of a plan of commands use none.
    if (one.tokens != 0 || one.usd != 0)
      text += fmt::format("{} {} tokens, {}\n", i, one.tokens, show_usd(one.usd));
  }
  return text;
}

/// Of two limits the one that calls are charged against first.
std::string limit_text(const Setup& limits) {
  return limits.limit_tokens ? fmt::format("{} tokens", show_count(*limits.limit_tokens))
                             : show_usd(limits.limit_usd.value_or(0));
}

}  // namespace interlock::engine
