#include "runs/task_facts.h"

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "base/json.h"

namespace interlock::runs {
namespace {

constexpr int kLastWhy = static_cast<int>(footprint::Why::outcome);

json::array to_json(std::span<const footprint::Edge> edges) {
  json::array list;
  for (const footprint::Edge& edge : edges) {
    json::array one{std::int64_t{edge.before.index()}, static_cast<std::int64_t>(edge.why)};
    if (!edge.on.empty()) one.emplace_back(edge.on);
    list.push_back(std::move(one));
  }
  return list;
}

std::unexpected<Error> damaged() {
  return fail(Error::Kind::io, "the journal is damaged: what it keeps of a task cannot be read");
}

Result<std::vector<footprint::Edge>> edges_from(const json::value& value) {
  std::vector<footprint::Edge> edges;
  if (!value.is_array()) return damaged();
  for (const json::value& it : value.get_array()) {
    const json::array* const one = it.if_array();
    if (one == nullptr || one->size() < 2 || !(*one)[0].is_int64() || !(*one)[1].is_int64())
      return damaged();
    const std::int64_t why = (*one)[1].get_int64();
    if (why < 0 || why > kLastWhy) return damaged();
    footprint::Edge edge;
    edge.before = TaskId(static_cast<std::uint32_t>((*one)[0].get_int64()));
    edge.why = static_cast<footprint::Why>(why);
    if (one->size() > 2 && (*one)[2].is_string()) edge.on = std::string((*one)[2].get_string());
    edges.push_back(std::move(edge));
  }
  return edges;
}

std::string words_of(const Planned& planned, TaskId id) {
  json::object facts;
  const auto after = planned.interlocking.into(id);
  const auto waits = planned.waits().into(id);
  if (!after.empty()) facts["after"] = to_json(after);
  // Nearly always they are the same.
  if (!std::ranges::equal(after, waits)) facts["waits"] = to_json(waits);
  facts["takes"] = std::int64_t{planned.expected[id.index()].time.count()};
  const decide::Verdict& verdict = planned.decision.verdicts[id.index()];
  if (verdict.exclusive) facts["alone"] = json::array{verdict.why, verdict.hint};
  const plan::Task& task = planned.plan[id];
  if (task.footprint.unknown) facts["unknown"] = true;
  if (task.gate_before) facts["gate_before"] = true;
  if (task.gate_after) facts["gate_after"] = true;
  if (!task.uses.empty()) facts["uses"] = true;
  return json::serialize(facts);
}

bool flag(const json::object& object, std::string_view name) {
  const json::value* const value = object.if_contains(name);
  return value != nullptr && value->is_bool() && value->get_bool();
}

std::int64_t number(const json::object& object, std::string_view name) {
  const json::value* const value = object.if_contains(name);
  return value != nullptr && value->is_int64() ? value->get_int64() : 0;
}

std::vector<std::string> texts(const json::object& object, std::string_view name) {
  std::vector<std::string> list;
  const json::value* const value = object.if_contains(name);
  if (value == nullptr || !value->is_array()) return list;
  for (const json::value& one : value->get_array()) {
    if (one.is_string()) list.emplace_back(one.get_string());
  }
  return list;
}

}  // namespace

std::vector<journal::TaskFacts> facts_of(const Planned& planned, std::size_t first) {
  std::vector<journal::TaskFacts> facts;
  for (std::size_t i = first; i < planned.plan.tasks.size(); ++i)
    facts.push_back({planned.plan.tasks[i].id, words_of(planned, TaskId(i))});
  return facts;
}

std::string facts_of_run(const Planned& planned) {
  const plan::Plan& plan = planned.plan;
  const decide::Decision& decision = planned.decision;
  const bool has_tries =
      std::ranges::any_of(plan.tasks, [](const plan::Task& task) { return !task.tries.empty(); });
  if (!plan.families.empty() || !plan.loops.empty() || !plan.drivers.empty() || has_tries ||
      !decision.batching.batches.empty())
    return {};
  json::array merges;
  for (const plan::Merge& merge : plan.merges) merges.emplace_back(merge.name);
  const schedule::Policy& policy = decision.policy;
  // Of tasks that are added it is not known whether one runs alone.
  const bool is_plain = planned.added == 0 && !policy.gate_every &&
                        policy.on_failure.kind == schedule::FailurePolicy::Kind::go_on &&
                        std::ranges::none_of(decision.verdicts, &decide::Verdict::exclusive);
  return json::serialize(json::object{{"merges", std::move(merges)},
                                      {"parallel", std::int64_t{policy.parallel}},
                                      {"plan_order", policy.plan_order},
                                      {"plain", is_plain}});
}

Result<KnownOfTask> known_of_task(std::string_view facts) {
  const auto value = parse_json(facts);
  if (!value || !value->is_object()) return damaged();
  const json::object& object = value->get_object();
  KnownOfTask known;
  if (const json::value* const edges = object.if_contains("after")) {
    auto after = edges_from(*edges);
    if (!after) return std::unexpected(after.error());
    known.after = std::move(*after);
  }
  known.waits = known.after;
  if (const json::value* const edges = object.if_contains("waits")) {
    auto waits = edges_from(*edges);
    if (!waits) return std::unexpected(waits.error());
    known.waits = std::move(*waits);
  }
  known.expected = Duration(number(object, "takes"));
  const std::vector<std::string> alone = texts(object, "alone");
  known.exclusive = alone.size() == 2;
  if (known.exclusive) known.exclusive_because = alone[0], known.exclusive_hint = alone[1];
  known.is_unknown = flag(object, "unknown");
  known.gate_before = flag(object, "gate_before");
  known.gate_after = flag(object, "gate_after");
  known.uses_resources = flag(object, "uses");
  return known;
}

Result<KnownOfRun> known_of_run(std::string_view facts) {
  const auto value = parse_json(facts);
  if (!value || !value->is_object()) return damaged();
  const json::object& object = value->get_object();
  KnownOfRun known;
  known.merges = texts(object, "merges");
  known.parallel =
      static_cast<std::uint32_t>(std::max<std::int64_t>(1, number(object, "parallel")));
  known.plan_order = flag(object, "plan_order");
  known.is_plain = flag(object, "plain");
  return known;
}

}  // namespace interlock::runs
