#include "web/usage_history.h"

#include <algorithm>
#include <functional>

#include "agents/adapter.h"
#include "base/text.h"
#include "runs/planning.h"
#include "runs/window_history.h"

namespace interlock::web {
namespace {

constexpr std::size_t kStepsMost = 1500;

json::array steps_json(const Steps& steps, Time began) {
  json::array made;
  for (const auto& [at, level] : thinned(steps, kStepsMost)) {
    made.emplace_back(std::max<std::int64_t>(0, (at - began).count() / 1000));
    made.emplace_back(level);
  }
  return made;
}

/// Whether input that a prompt cache had counts, as the gateway takes it.
bool counts_cached(const plan::Plan& plan, const plan::Task& task, const plan::Resource& quota) {
  if (quota.counts_cached) return *quota.counts_cached;
  const auto provider =
      agents::provider_through_gateway(plan.agents[task.agent.index()], task.model);
  return !provider || provider->base_url.find("anthropic") == std::string::npos;
}

/// The parts that are known are at least what was used.
std::int64_t known_tokens(const Usage& usage) {
  return usage.input.value_or(0) + usage.output.value_or(0) + usage.cache_read.value_or(0) +
         usage.cache_write.value_or(0);
}

const plan::Use* use_of(const plan::Task& task, std::size_t resource) {
  const auto found = std::ranges::find(task.uses, resource,
                                       [](const plan::Use& use) { return use.resource.index(); });
  return found == task.uses.end() ? nullptr : &*found;
}

/// What a window's provider told, between the run's beginning and its end: in hundredths of a part.
Steps levels_of(const runs::WindowHistory& window, Time began, Time until) {
  constexpr double kParts = 10'000;
  Steps steps;
  for (const quota::WindowLevel& level : window.levels) {
    if (level.at > until) break;
    const auto parts = static_cast<std::int64_t>(level.used * kParts);
    // What was told last before the run is where it began.
    if (level.at <= began) steps.clear();
    steps.emplace_back(std::max(level.at, began), parts);
  }
  return steps;
}

}  // namespace

Steps used_in_last(const std::vector<UsedAt>& used, Duration per) {
  std::vector<UsedAt> changes;
  changes.reserve(2 * used.size());
  for (const UsedAt& one : used) {
    if (one.amount == 0) continue;
    changes.push_back(one);
    changes.push_back({one.at + per, -one.amount});
  }
  return used_until(std::move(changes));
}

Steps used_until(std::vector<UsedAt> used) {
  std::ranges::sort(used, {}, &UsedAt::at);
  Steps steps;
  std::int64_t level = 0;
  for (const UsedAt& one : used) {
    level += one.amount;
    if (!steps.empty() && steps.back().first == one.at)
      steps.back().second = level;
    else
      steps.emplace_back(one.at, level);
  }
  return steps;
}

Steps thinned(const Steps& steps, std::size_t most) {
  if (steps.size() <= most || most == 0) return steps;
  const std::size_t each = (steps.size() + most - 1) / most;
  Steps made;
  for (std::size_t i = 0; i < steps.size(); i += each) {
    made.push_back(steps[i]);
    for (std::size_t k = i; k < std::min(i + each, steps.size()); ++k)
      made.back().second = std::max(made.back().second, steps[k].second);
  }
  // What is left in the end is as it is.
  if (made.back().second != steps.back().second) made.push_back(steps.back());
  return made;
}

void UsageHistory::take(const engine::RecordedEvent& recorded) {
  last_ = recorded.seq;
  if (const auto* started = std::get_if<engine::AttemptStarted>(&recorded.event)) {
    // One that has no slot of its own shares another's calls.
    if (!started->with) started_.push_back({recorded.at, started->task});
  } else if (const auto* called = std::get_if<engine::ModelCalled>(&recorded.event)) {
    const engine::ModelCall& call = called->call;
    called_.emplace(called->task, called->attempt);
    using engine::CallEnd;
    const bool is_unsent = call.replayed || call.end == CallEnd::over_budget ||
                           call.end == CallEnd::runaway || call.end == CallEnd::not_recorded;
    if (is_unsent) return;
    const Time came = recorded.at - call.elapsed;
    calls_.push_back({std::min(came + call.waited_quota + call.waited_lead, recorded.at),
                      recorded.at, called->task, call.usage});
  } else if (const auto* ended = std::get_if<engine::AttemptEnded>(&recorded.event)) {
    ended_.push_back({recorded.at, ended->task, ended->attempt, ended->usage});
  }
}

/// Of attempts without calls, what their clients told at the end.
std::vector<UsedAt> UsageHistory::tokens() const {
  std::vector<UsedAt> used;
  for (const Call& call : calls_) used.push_back({call.ended, known_tokens(call.usage)});
  for (const Ended& one : ended_) {
    if (!called_.contains({one.task, one.attempt}))
      used.push_back({one.at, known_tokens(one.usage)});
  }
  std::erase_if(used, [](const UsedAt& one) { return one.amount == 0; });
  return used;
}

json::array UsageHistory::quotas(const runs::ChosenRun& run, Time began) const {
  const plan::Plan& plan = run.plan();
  json::array made;
  using Amount = std::function<std::int64_t(const Call&)>;
  using Declared = std::function<std::int64_t(const plan::Use&)>;
  const auto add = [&](std::size_t index, std::string_view what, const std::optional<Rate>& rate,
                       const Amount& amount, const Declared& declared) {
    if (!rate) return;
    std::vector<UsedAt> used;
    for (const Call& call : calls_) {
      if (call.task.index() < plan.tasks.size() && use_of(plan[call.task], index) != nullptr)
        used.push_back({call.admitted, amount(call)});
    }
    // What asks no model draws what its task says, when it begins.
    for (const Attempt& one : started_) {
      if (one.task.index() >= plan.tasks.size()) continue;
      const plan::Use* use = use_of(plan[one.task], index);
      if (use != nullptr && !runs::asks_through_gateway(plan, plan[one.task]))
        used.push_back({one.at, declared(*use)});
    }
    const Steps steps = used_in_last(used, rate->per);
    if (steps.empty()) return;
    made.push_back(json::object{{"name", printable(plan.resources[index].name)},
                                {"what", what},
                                {"amount", rate->amount},
                                {"per_ms", rate->per.count() / 1000},
                                {"steps", steps_json(steps, began)}});
  };
  for (std::size_t i = 0; i < plan.resources.size(); ++i) {
    const plan::Resource& quota = plan.resources[i];
    if (quota.kind != plan::Resource::Kind::quota) continue;
    const auto input_of = [&](const Call& call) {
      const Usage& usage = call.usage;
      const bool cached = counts_cached(plan, plan[call.task], quota);
      return usage.input.value_or(0) + usage.cache_write.value_or(0) +
             (cached ? usage.cache_read.value_or(0) : 0);
    };
    add(
        i, "requests", quota.rates.requests, [](const Call&) { return 1; },
        [](const plan::Use& use) { return use.requests; });
    add(i, "input tokens", quota.rates.input_tokens, input_of,
        [](const plan::Use& use) { return use.input_tokens.value_or(0); });
    add(
        i, "output tokens", quota.rates.output_tokens,
        [](const Call& call) { return call.usage.output.value_or(0); },
        [](const plan::Use& use) { return use.output_tokens.value_or(0); });
    add(
        i, "dollars", quota.rates.usd, [](const Call& call) { return call.usage.cost.value_or(0); },
        [](const plan::Use&) { return 0; });
  }
  return made;
}

json::object UsageHistory::curves(const runs::ChosenRun& run, const std::string& state_folder,
                                  Time now) const {
  const Time began = run.state.began.value_or(run.head.created);
  const Time until = run.dispatched() ? now : run.state.last.value_or(now);
  json::array windows;
  for (const runs::WindowHistory& one : runs::window_histories(run, state_folder, now)) {
    const Steps steps = levels_of(one, began, until);
    if (steps.empty()) continue;
    windows.push_back(json::object{{"agents", json::array(one.agents.begin(), one.agents.end())},
                                   {"name", printable(one.name)},
                                   {"steps", steps_json(steps, began)}});
  }
  return {{"version", 1},
          {"tokens", steps_json(used_until(tokens()), began)},
          {"quotas", quotas(run, began)},
          {"windows", std::move(windows)}};
}

}  // namespace interlock::web
