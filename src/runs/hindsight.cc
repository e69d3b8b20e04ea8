#include "runs/hindsight.h"

#include <algorithm>

#include "base/text.h"
#include "decide/hindsight.h"

namespace interlock::runs {
namespace {

using engine::Outcome;
using engine::RunEnded;
using engine::TaskState;

/// What of an attempt would have been the same in another order.
bool is_own(Outcome outcome) {
  return outcome != Outcome::interrupted && outcome != Outcome::cancelled &&
         outcome != Outcome::conflicted;
}

decide::Lived lived_of(const engine::TaskRecord& record) {
  decide::Lived lived;
  if (!record.from_run.empty()) return lived;
  const auto& attempts = record.attempts;
  std::size_t last = attempts.size();
  for (std::size_t i = 0; i < attempts.size(); ++i) {
    if (attempts[i].ended && attempts[i].outcome && is_own(*attempts[i].outcome)) last = i;
  }
  for (std::size_t i = 0; i < attempts.size(); ++i) {
    const engine::AttemptRecord& it = attempts[i];
    if (!it.ended || !it.outcome || !is_own(*it.outcome)) continue;
    // Work that others' changes outdated is theirs to have caused.
    if (i != last && *it.outcome == Outcome::succeeded) continue;
    decide::Lived::Attempt attempt;
    attempt.ended = *it.ended;
    attempt.began = *it.ended - it.elapsed;
    attempt.waited = it.waited_quota + it.waited_lead;
    attempt.counts = i == last;
    if (i + 1 < attempts.size()) attempt.pause = attempts[i + 1].waited.backoff;
    lived.attempts.push_back(attempt);
  }
  if (last == attempts.size()) return lived;
  const engine::AttemptRecord& it = attempts[last];
  lived.tokens = total_tokens(it.usage);
  lived.output_tokens = it.usage.output;
  lived.cost = it.usage.cost;
  lived.requests = it.calls;
  return lived;
}

std::string not_counted(const plan::Plan& plan, const engine::RunState& state,
                        const std::vector<decide::Lived>& lived,
                        const decide::Hindsight& hindsight) {
  std::vector<std::string> what;
  bool met = false, broken_off = false, skipped = false, asks = false;
  for (std::size_t i = 0; i < state.tasks.size(); ++i) {
    const engine::TaskRecord& record = state.tasks[i];
    met |= record.conflicts > 0;
    skipped |= record.state == TaskState::skipped || record.state == TaskState::cancelled;
    broken_off |= std::ranges::any_of(record.attempts, [](const auto& it) {
      return it.outcome == Outcome::interrupted || it.outcome == Outcome::cancelled;
    });
    asks |= !lived[i].attempts.empty() &&
            plan.agents[plan.tasks[i].agent.index()].kind != plan::AgentKind::command;
  }
  if (met) what.emplace_back("what would have met in another order");
  if (broken_off) what.emplace_back("attempts that were broken off");
  if (skipped) what.emplace_back("tasks that did not run");
  if (asks && hindsight.slowed_unknown)
    what.emplace_back("how calls at the same time slowed each other");
  return join_words(what, what.size());
}

}  // namespace

std::optional<history::Regret> look_back(const ChosenRun& run, const engine::RunState& state,
                                         const engine::RunStatus& view) {
  const bool over = state.ended == RunEnded::How::finished || state.ended == RunEnded::How::failed;
  if (!over) return std::nullopt;
  // Of tasks that came one by one nobody could have decided before.
  if (run.request.stands || run.planned.added > 0) return std::nullopt;
  std::vector<decide::Lived> lived;
  for (const engine::TaskRecord& record : state.tasks) lived.push_back(lived_of(record));
  if (std::ranges::all_of(lived, [](const auto& it) { return it.attempts.empty(); }))
    return std::nullopt;
  const decide::Decision& decision = run.planned.decision;
  const decide::Hindsight it = decide::look_back(run.plan(), run.planned.waits(), decision, lived);
  history::Regret regret;
  regret.at = state.last.value_or(Time{});
  regret.workspace = run.plan().workspace;
  regret.plan = run.plan().name;
  regret.run = run.id();
  regret.pattern = it.ways[it.decided].name;
  regret.best = it.ways[it.best].name;
  regret.took = it.ways[it.decided].elapsed;
  regret.best_took = it.ways[it.best].elapsed;
  regret.one_by_one = it.ways.front().elapsed;
  regret.real = view.elapsed - view.stood;
  regret.not_counted = not_counted(run.plan(), state, lived, it);
  return regret;
}

void show_hindsight(const history::Regret& regret, engine::RunStatus& view) {
  view.one_by_one = regret.one_by_one;
  view.hindsight = decide::say_regret(regret);
}

void show_kept_hindsight(const ChosenRun& run, journal::Store& store, engine::RunStatus& view) {
  if (!run.state.ended) return;
  const auto kept = store.regrets(run.plan().workspace);
  if (kept) {
    for (const history::Regret& it : *kept) {
      if (it.run == run.id() && it.at == run.state.last) return show_hindsight(it, view);
    }
  }
  // How it was decided is not known any more; one by one is the same in any case.
  if (const auto looked = look_back(run, run.state, view)) view.one_by_one = looked->one_by_one;
}

}  // namespace interlock::runs
