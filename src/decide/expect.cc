#include <fmt/format.h>

#include <array>

#include "decide/decision.h"
#include "decide/learn.h"

namespace interlock::decide {
namespace {

/// Whether a model does the work: then there are tokens to count, and a tax to pay.
bool asks_a_model(const plan::Task& task, const plan::Agent& agent) {
  return agent.kind != plan::AgentKind::command || !task.prompt.empty() ||
         task.estimate.tokens.value_or(0) > 0;
}

const History::Seen* find(const std::map<std::string, History::Seen>& seen,
                          const std::string& key) {
  const auto at = seen.find(key);
  return at == seen.end() ? nullptr : &at->second;
}

/// The first of the plan's own word, what the task took before, what those of its `foreach` took,
/// and what its agent takes.
class Sources {
 public:
  Sources(const plan::Task& task, const plan::Agent& agent, const History& history)
      : seen_{find(history.by_task, task.id + "\n" + agent.name + "\n" + task.model),
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
      if (seen_[i] != nullptr) value = get(*seen_[i]);
      if (value && of != nullptr) *of = static_cast<Expected::Of>(i);
    }
    if (!value) from = From::prior;
    return value.has_value();
  }

  /// That of the agent's times holds many tasks apart: it says something only of a time that is
  /// from there.
  double spread(From time_from) const {
    const bool by_others = time_from == From::history;
    for (std::size_t i = 0; i < (by_others ? seen_.size() : 1); ++i) {
      if (seen_[i] != nullptr && seen_[i]->spread) return *seen_[i]->spread;
    }
    return kPriorSpread;
  }

  std::optional<double> conflict_share() const {
    for (const History::Seen* seen : seen_) {
      if (seen != nullptr && seen->pictures > 0)
        return static_cast<double>(seen->conflicts) / seen->pictures;
    }
    return std::nullopt;
  }

  const History::Seen& operator[](Expected::Of of) const {
    return *seen_[static_cast<std::size_t>(of)];
  }

 private:
  std::array<const History::Seen*, 3> seen_;  ///< As `Expected::Of` counts them.
};

Expected expect_one(const plan::Task& task, const plan::Agent& agent, const History& history) {
  using Seen = History::Seen;
  const Sources sources(task, agent, history);
  const bool model = asks_a_model(task, agent);
  Expected it;

  std::optional<Duration> time;
  const auto time_seen = [](const Seen& seen) {
    return seen.count > 0 ? std::optional(seen.time) : std::nullopt;
  };
  sources.fill(task.estimate.time, time_seen, time, it.time_from, &it.of);
  if (it.time_from == From::history) it.samples = sources[it.of].count;
  it.time = time.value_or(model ? kPriorAgentTime : kPriorCommandTime);

  // What a model will take is not guessed; a plain command takes nothing.
  const bool known = sources.fill(
      task.estimate.tokens, [](const Seen& seen) { return seen.tokens; }, it.tokens,
      it.tokens_from);
  if (!known && !model) it.tokens = 0;
  const bool priced = sources.fill(
      task.estimate.usd, [](const Seen& seen) { return seen.cost; }, it.cost, it.cost_from);
  if (!priced && !model) it.cost = 0;

  const auto tax = [](const Seen& seen) {
    const bool measured = seen.spawn_tokens && seen.return_tokens;
    return measured ? std::optional(*seen.spawn_tokens + *seen.return_tokens) : std::nullopt;
  };
  const bool taxed =
      sources.fill(std::optional<Tokens>(), tax, it.overhead_tokens, it.overhead_from);
  it.p_conflict = task.estimate.conflicts ? task.estimate.conflicts : sources.conflict_share();
  if (it.p_conflict) it.p_conflict_from = task.estimate.conflicts ? From::plan : From::history;
  it.spread = sources.spread(it.time_from);
  // One command that fails says nothing of another, and neither does one that does not.
  sources.fill(
      task.estimate.failures, [](const Seen& seen) { return seen.failures; }, it.p_failure,
      it.failure_from, nullptr, model ? Expected::Of::agent : Expected::Of::shape);
  From unused{};
  sources.fill(
      std::optional<Tokens>(), [](const Seen& seen) { return seen.output_tokens; },
      it.output_tokens, unused);
  sources.fill(
      std::optional<Duration>(), [](const Seen& seen) { return seen.join; }, it.join, unused);
  sources.fill(
      std::optional<Duration>(), [](const Seen& seen) { return seen.startup; }, it.startup, unused);
  if (!taxed) it.overhead_tokens = model ? kPriorSpawnTokens + kPriorReturnTokens : 0;
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
  return fmt::format("history of {}{}", expected.samples, whose);
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
  }
  return expected;
}

}  // namespace interlock::decide
