#include "report/plan_view.h"

namespace interlock::report {
namespace {

template <typename T>
json::value known(const std::optional<T>& value) {
  return value ? json::value(*value) : json::value(nullptr);
}

json::value dollars(const std::optional<MicroUsd>& cost) {
  return cost ? json::value(static_cast<double>(*cost) / 1e6) : json::value(nullptr);
}

json::value seconds(const std::optional<Duration>& value) {
  return value ? json::value(to_seconds(*value)) : json::value(nullptr);
}

/// Where a number comes from, if there is one.
template <typename T>
json::value from(const std::optional<T>& value, decide::From where) {
  return value ? json::value(decide::name_of(where)) : json::value(nullptr);
}

json::value texts(const std::vector<std::string>& lines) {
  json::array made;
  for (const std::string& line : lines) made.emplace_back(line);
  return made;
}

json::value patterns_json(const footprint::PatternSet& set) {
  json::array made;
  for (const footprint::Glob& glob : set.include) made.emplace_back(glob.text());
  for (const footprint::Glob& glob : set.exclude) made.emplace_back("!" + glob.text());
  return made;
}

json::value joining_json(const decide::Verdict& verdict) {
  if (verdict.join == Duration::zero()) return nullptr;
  return json::object{{"each_s", to_seconds(verdict.join)},
                      {"from", name_of(verdict.join_from)},
                      {"runs", verdict.join_runs}};
}

json::value task_json(const plan::Plan& plan, const plan::Task& task, const decide::Expected& it,
                      const decide::Verdict& verdict) {
  return {{"id", task.id},
          {"agent", plan.agents[task.agent.index()].name},
          {"when", task.when.empty() ? json::value(nullptr) : json::value(task.when)},
          {"footprint",
           {{"reads", patterns_json(task.footprint.reads)},
            {"writes", patterns_json(task.footprint.writes)},
            {"unknown", task.footprint.unknown}}},
          {"estimate",
           {{"time_s", to_seconds(it.time)},
            {"time_from", name_of(it.time_from)},
            {"time_of", it.time_from == decide::From::history ? json::value(name_of(it.of))
                                                              : json::value(nullptr)},
            {"samples", it.samples},
            {"spread", it.spread},
            {"failures", known(it.p_failure)},
            {"failures_from", from(it.p_failure, it.failure_from)},
            {"tokens", known(it.tokens)},
            {"tokens_from", from(it.tokens, it.tokens_from)},
            {"overhead_tokens", known(it.overhead_tokens)},
            {"overhead_from", from(it.overhead_tokens, it.overhead_from)},
            {"cost_usd", dollars(it.cost)},
            {"cost_from", from(it.cost, it.cost_from)},
            {"cores", known(it.machine.cores)},
            {"memory_bytes", known(it.machine.memory_bytes)}}},
          {"joining", joining_json(verdict)},
          {"alone", verdict.exclusive ? json::value(verdict.why) : json::value(nullptr)}};
}

json::value test_json(const decide::Test& test) {
  return {{"holds", test.holds}, {"why", test.why}};
}

json::value saving_json(const decide::Saving& saving) {
  return {{"sequential_s", to_seconds(saving.sequential)},
          {"critical_path_s", to_seconds(saving.critical_path)},
          {"quota_s", to_seconds(saving.quota)},
          {"overhead_s", to_seconds(saving.overhead)},
          {"conflict_s", to_seconds(saving.conflict)},
          {"merge_s", to_seconds(saving.merge)},
          {"saved_s", to_seconds(saving.saved)},
          {"required_s", to_seconds(saving.required)},
          {"mean_sequential_s", seconds(saving.mean_sequential)},
          {"mean_saved_s", seconds(saving.mean_saved)}};
}

json::value decision_json(const decide::Decision& decision) {
  return {{"pattern", name_of(decision.pattern)},
          {"n", decision.n},
          {"tests",
           {{"independent", test_json(decision.independent)},
            {"mergeable", test_json(decision.mergeable)},
            {"worthwhile", test_json(decision.worthwhile)}}},
          {"saving", saving_json(decision.saving)},
          {"reasons", texts(decision.reasons)},
          {"changes", texts(decision.changes)},
          {"warnings", texts(decision.warnings)},
          {"not_counted", texts(decision.left_out)}};
}

json::value forecast_json(const decide::Forecast& forecast) {
  const decide::Range& range = forecast.range;
  const auto drawn = [&](Duration value) {
    return range.draws > 0 ? json::value(to_seconds(value)) : json::value(nullptr);
  };
  return {{"elapsed_s", to_seconds(forecast.elapsed)},
          {"mean_s", drawn(range.mean)},
          {"p50_s", drawn(range.p50)},
          {"p90_s", drawn(range.p90)},
          {"draws", range.draws},
          {"join_s", to_seconds(forecast.join)},
          {"redone", range.draws > 0 ? json::value(range.redone) : json::value(nullptr)},
          {"wasted_tokens", range.draws > 0 ? known(range.wasted_tokens) : json::value(nullptr)},
          {"tokens", known(forecast.tokens)},
          {"overhead_tokens", known(forecast.overhead_tokens)},
          {"cached_tokens", forecast.cached_tokens},
          {"cost_usd", dollars(forecast.cost)},
          {"n", forecast.n}};
}

json::value one_agent_json(const std::optional<decide::OneAgent>& it) {
  if (!it) return nullptr;
  const auto drawn = [&](Duration value) {
    return it->range.draws > 0 ? json::value(to_seconds(value)) : json::value(nullptr);
  };
  return {{"elapsed_s", to_seconds(it->elapsed)},
          {"p50_s", drawn(it->range.p50)},
          {"p90_s", drawn(it->range.p90)},
          {"tokens", known(it->tokens)},
          {"overhead_tokens", known(it->overhead_tokens)},
          {"cached_tokens", known(it->cached_tokens)},
          {"cost_usd", dollars(it->cost)},
          {"fits_context", it->fits}};
}

json::value batching_json(const plan::Plan& plan, const decide::Batching& it) {
  if (it.asked == 0) return nullptr;
  json::array attempts;
  for (const std::vector<TaskId>& batch : it.batches) {
    json::array names;
    for (const TaskId id : batch) names.push_back(json::string(plan[id].id));
    attempts.push_back(std::move(names));
  }
  return {{"attempts", std::move(attempts)},
          {"saved_tokens", it.saved},
          {"saved_startup_s", to_seconds(it.startup)},
          {"risk_tokens", known(it.risk)},
          {"left_out_because", it.refused}};
}

json::value provider_batch_json(const std::optional<decide::ProviderBatch>& it) {
  if (!it) return nullptr;
  return {{"within_s", to_seconds(it->within)},
          {"tokens", known(it->tokens)},
          {"cost_usd", dollars(it->cost)}};
}

}  // namespace

void write_plan_json(const plan::Plan& plan, const footprint::Interlocking& interlocking,
                     const std::vector<decide::Expected>& expected,
                     const decide::Decision& decision, ObjectStream::Out out) {
  ObjectStream stream(std::move(out));
  stream.member("version", 1);
  stream.member("plan", json::value(plan.name));
  stream.list("tasks", plan.tasks.size(), [&](std::size_t i) {
    return task_json(plan, plan.tasks[i], expected[i], decision.verdicts[i]);
  });
  stream.list("interlocking", interlocking.edges.size(), [&](std::size_t i) -> json::value {
    const footprint::Edge& edge = interlocking.edges[i];
    return {{"before", plan[edge.before].id},
            {"after", plan[edge.after].id},
            {"why", name_of(edge.why)},
            {"on", edge.on.empty() ? json::value(nullptr) : json::value(edge.on)}};
  });
  stream.member("decision", decision_json(decision));
  stream.member("forecast",
                json::object{{"sequential", forecast_json(decision.sequential)},
                             {"parallel", forecast_json(decision.parallel)},
                             {"queue", forecast_json(decision.queue)},
                             {"one_agent", one_agent_json(decision.one_agent)},
                             {"provider_batch", provider_batch_json(decision.provider_batch)}});
  stream.member("batches", batching_json(plan, decision.batching));
  const auto& slots = decision.timeline.slots;
  stream.list("schedule", slots.size(), [&](std::size_t i) -> json::value {
    return {{"task", plan[slots[i].task].id},
            {"start_s", to_seconds(slots[i].start)},
            {"end_s", to_seconds(slots[i].end)},
            {"slot", slots[i].lane}};
  });
  stream.member("notes", texts(plan.notes));
  stream.finish();
}

}  // namespace interlock::report
