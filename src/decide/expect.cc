#include <fmt/format.h>

#include <array>
#include <cmath>

#include "decide/decision.h"
#include "decide/learn.h"

namespace interlock::decide {
namespace {

/// Whether a model does the work: then there are tokens to count, and a tax to pay.
bool asks_a_model(const plan::Task& task, const plan::Agent& agent) {
  return agent.kind != plan::AgentKind::command || !task.prompt.empty() ||
         task.estimate.tokens.value_or(0) > 0;
}

const History::Measurements* find(const std::map<std::string, History::Measurements>& measurements,
                                  const std::string& key) {
  const auto at = measurements.find(key);
  return at == measurements.end() ? nullptr : &at->second;
}

/// The first of the plan's own word, what the task took before, what those of its `foreach` took,
/// and what its agent takes.
class Sources {
 public:
  Sources(const plan::Task& task, const plan::Agent& agent, const History& history)
      : measurements_{
            find(history.by_task, task.id + "\n" + agent.name + "\n" + task.model),
            find(history.by_shape, shape_of(task) + "\n" + agent.name + "\n" + task.model),
            find(history.by_agent, agent.name + "\n" + task.model)} {}

  template <typename T, typename Get>
  bool fill(const std::optional<T>& from_plan, Get get, std::optional<T>& value, From& from,
            Expected::Of* of = nullptr, Expected::Of furthest = Expected::Of::agent) const {
    value = from_plan;
    from = From::plan;
    if (value) return true;
    from = From::history;
    for (std::size_t i = 0; i <= static_cast<std::size_t>(furthest) && !value; ++i) {
      if (measurements_[i] != nullptr) value = get(*measurements_[i]);
      if (value && of != nullptr) *of = static_cast<Expected::Of>(i);
    }
    if (!value) from = From::prior;
    return value.has_value();
  }

  /// That of the agent's times holds many tasks apart: it says something only of a time that is
  /// from there.
  double spread(From time_from) const {
    const bool by_others = time_from == From::history;
    for (std::size_t i = 0; i < (by_others ? measurements_.size() : 1); ++i) {
      if (measurements_[i] != nullptr && measurements_[i]->spread) return *measurements_[i]->spread;
    }
    return kPriorSpread;
  }

  MachineUse machine(Expected::Of furthest) const {
    for (std::size_t i = 0; i <= static_cast<std::size_t>(furthest); ++i) {
      if (measurements_[i] != nullptr && measurements_[i]->machine.attempts > 0)
        return measurements_[i]->machine;
    }
    return {};
  }

  std::optional<double> conflict_odds() const {
    for (const History::Measurements* measurements : measurements_) {
      if (measurements != nullptr && measurements->p_conflict) return measurements->p_conflict;
    }
    return std::nullopt;
  }

  const History::Measurements& operator[](Expected::Of of) const {
    return *measurements_[static_cast<std::size_t>(of)];
  }

 private:
  std::array<const History::Measurements*, 3> measurements_;  ///< As `Expected::Of` counts them.
};

/// What a task that nothing like it was seen of takes, as its agent's tasks grow with their
/// prompts.
std::optional<std::int64_t> at_size(const std::map<std::string, history::Growth>& growths,
                                    const std::string& agent, const plan::Task& task) {
  const auto found = growths.find(agent);
  if (found == growths.end() || task.prompt.empty()) return std::nullopt;
  return std::llround(found->second.at(static_cast<double>(task.prompt.size())));
}

Expected expect_one(const plan::Task& task, const plan::Agent& agent, const History& history) {
  using Measurements = History::Measurements;
  const Sources sources(task, agent, history);
  const bool model = asks_a_model(task, agent);
  Expected it;

  std::optional<Duration> time;
  const auto time_measured = [](const Measurements& measurements) {
    return measurements.count > 0 ? std::optional(measurements.time) : std::nullopt;
  };
  sources.fill(task.estimate.time, time_measured, time, it.time_from, &it.of);
  if (it.time_from == From::history) it.samples = sources[it.of].count;
  const std::string agent_key = agent.name + "\n" + task.model;
  if (it.time_from == From::history && it.of == Expected::Of::agent) {
    if (const auto sized = at_size(history.times_by_size, agent_key, task)) {
      time = Duration(*sized);
      it.by_size = true;
    }
  }
  it.time = time.value_or(model ? kPriorAgentTime : kPriorCommandTime);

  // What a model will take is not guessed; a plain command takes nothing.
  Expected::Of tokens_of = Expected::Of::task;
  const bool known = sources.fill(
      task.estimate.tokens, [](const Measurements& measurements) { return measurements.tokens; },
      it.tokens, it.tokens_from, &tokens_of);
  if (it.tokens_from == From::history && tokens_of == Expected::Of::agent) {
    if (const auto sized = at_size(history.tokens_by_size, agent_key, task)) it.tokens = *sized;
  }
  if (!known && !model) it.tokens = 0;
  const bool priced = sources.fill(
      task.estimate.usd, [](const Measurements& measurements) { return measurements.cost; },
      it.cost, it.cost_from);
  if (!priced && !model) it.cost = 0;

  const auto tax = [](const Measurements& measurements) {
    const bool measured = measurements.spawn_tokens && measurements.return_tokens;
    return measured ? std::optional(*measurements.spawn_tokens + *measurements.return_tokens)
                    : std::nullopt;
  };
  const bool taxed =
      sources.fill(std::optional<Tokens>(), tax, it.overhead_tokens, it.overhead_from);
  it.p_conflict = task.estimate.conflicts ? task.estimate.conflicts : sources.conflict_odds();
  if (it.p_conflict) it.p_conflict_from = task.estimate.conflicts ? From::plan : From::history;
  it.spread = sources.spread(it.time_from);
  // One command that fails says nothing of another, and neither does one that does not.
  sources.fill(
      task.estimate.failures,
      [](const Measurements& measurements) { return measurements.failures; }, it.p_failure,
      it.failure_from, nullptr, model ? Expected::Of::agent : Expected::Of::shape);
  From unused{};
  sources.fill(
      std::optional<Tokens>(),
      [](const Measurements& measurements) { return measurements.output_tokens; }, it.output_tokens,
      unused);
  sources.fill(
      std::optional<Joining>(), [](const Measurements& measurements) { return measurements.join; },
      it.join, unused);
  sources.fill(
      std::optional<Duration>(),
      [](const Measurements& measurements) { return measurements.startup; }, it.startup, unused);
  // Any command may be run by the agent of commands.
  it.machine = sources.machine(model ? Expected::Of::agent : Expected::Of::shape);
  if (!taxed) it.overhead_tokens = model ? kPriorSpawnTokens + kPriorReturnTokens : 0;
  return it;
}

/// Of a task with tries: they do its work, and it takes up what one of them did. That it has to be
/// done once more, as none was good, is not counted.
Expected taken_over(Expected it) {
  it.time = {};
  it.tokens = it.output_tokens = it.overhead_tokens = 0;
  it.cost = 0;
  it.p_failure.reset();
  it.startup.reset();
  return it;
}

}  // namespace

std::string_view name_of(From from) {
  switch (from) {
    case From::plan: return "plan";
    case From::history: return "history";
    case From::prior: return "prior";
  }
  return "";
}

std::string_view name_of(Expected::Of of) {
  switch (of) {
    case Expected::Of::task: return "task";
    case Expected::Of::shape: return "foreach";
    case Expected::Of::agent: return "agent";
  }
  return "";
}

std::string say_source(const Expected& expected) {
  if (expected.time_from != From::history) return std::string(name_of(expected.time_from));
  const char* whose = expected.of == Expected::Of::task    ? ""
                      : expected.of == Expected::Of::shape ? " of its `foreach`"
                                                           : " of its agent";
  return fmt::format("history of {}{}{}", expected.samples, whose,
                     expected.by_size ? ", by its prompt's length" : "");
}

std::string_view name_of(Pattern pattern) {
  switch (pattern) {
    case Pattern::sequential: return "sequential";
    case Pattern::parallel: return "parallel";
    case Pattern::queue: return "queue";
  }
  return "";
}

std::vector<Expected> expect(const plan::Plan& plan, const History& history) {
  std::vector<Expected> expected;
  expected.reserve(plan.tasks.size());
  for (const plan::Task& task : plan.tasks) {
    expected.push_back(expect_one(task, plan.agents[task.agent.index()], history));
    if (!task.tries.empty()) expected.back() = taken_over(std::move(expected.back()));
  }
  return expected;
}

}  // namespace interlock::decide
