#include "web/run_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <map>

#include "base/text.h"
#include "report/board.h"
#include "report/ways_json.h"
#include "runs/hindsight.h"
#include "runs/queues.h"
#include "runs/run_models.h"
#include "runs/windows.h"
#include "schedule/problem.h"
#include "web/task_groups.h"

namespace interlock::web {
namespace {

constexpr std::size_t kEdgesMax = 20'000;
constexpr std::size_t kOrderShown = 200;

/// Members that most tasks have in common.
constexpr std::string_view kCommon[] = {"agent",     "model",      "remark", "attempts",
                                        "conflicts", "elapsed_ms", "tokens", "cost",
                                        "critical",  "changed",    "group",  "prompted"};

template <typename T>
json::value or_null(const std::optional<T>& value) {
  return value ? json::value(*value) : json::value(nullptr);
}

json::value usd(const std::optional<MicroUsd>& cost) {
  return cost ? json::value(static_cast<double>(*cost) / 1e6) : json::value(nullptr);
}

json::value ms(const std::optional<Duration>& time) {
  return time ? json::value(time->count() / 1000) : json::value(nullptr);
}

std::int64_t ms(Duration time) { return time.count() / 1000; }

json::array texts(const std::vector<std::string>& list) {
  json::array made;
  for (const std::string& one : list) made.push_back(json::string(printable(one)));
  return made;
}

/// As it was decided, where that was kept.
runs::DecisionRecord decision_of(const runs::ChosenRun& run) {
  if (auto kept = runs::kept_decision(run)) return std::move(*kept);
  runs::DecisionRecord record = runs::record_of(run.planned.decision);
  for (auto& way : record.ways) way.chosen = false;
  return record;
}

/// `kind` (`items` of a `foreach`, `tries` of a task) and `name` of each.
json::array groups_json(const TaskGroups& groups) {
  json::array made;
  for (const TaskGroup& one : groups.groups)
    made.push_back(json::object{{"kind", one.kind == TaskGroup::Kind::tries ? "tries" : "items"},
                                {"name", one.name}});
  return made;
}

/// How many messages its agent was sent, and how many of them an attempt was told.
json::value messages_of(const engine::TaskRecord& record) {
  if (record.messages.empty()) return nullptr;
  const auto delivered =
      std::ranges::count_if(record.messages, [](const auto& one) { return one.attempt > 0; });
  return json::array{record.messages.size(), delivered};
}

json::object fixed_of(const runs::ChosenRun& run, const TaskGroups& groups) {
  json::object fixed;
  const runs::DecisionRecord record = decision_of(run);
  fixed["ways"] = report::ways_json(record);
  json::array reasons, tests, kinds, changes, warnings, not_counted;
  if (!run.head.decision.empty()) {
    reasons = texts(record.reasons);
    changes = texts(record.changes);
    warnings = texts(record.warnings);
    not_counted = texts(record.not_counted);
    for (const auto& test : record.tests)
      tests.push_back(
          json::object{{"name", test.name}, {"holds", test.holds}, {"why", printable(test.why)}});
  }
  fixed["reasons"] = std::move(reasons);
  fixed["tests"] = std::move(tests);
  fixed["changes"] = std::move(changes);
  fixed["warnings"] = std::move(warnings);
  fixed["not_counted"] = std::move(not_counted);
  for (std::size_t i = 0; i <= static_cast<std::size_t>(report::Span::Kind::running); ++i)
    kinds.push_back(json::string(report::name_of(static_cast<report::Span::Kind>(i))));
  fixed["kinds"] = std::move(kinds);
  fixed["groups"] = groups_json(groups);
  fixed["queue"] = run.request.queue;
  fixed["stands"] = run.request.stands;
  fixed["edges"] = run.planned.waits().edges.size();
  return fixed;
}

/// `[kind, from, to, kind, from, to, ...]`: a kind's place in `kinds`; to -1: until now.
json::array spans_of(const report::TaskRow& row, Time began, bool lives) {
  using enum engine::TaskState;
  const bool is_over =
      row.state == done || row.state == failed || row.state == skipped || row.state == cancelled;
  json::array spans;
  for (const report::Span& span : row.spans) {
    const bool goes_on = lives && !is_over && &span == &row.spans.back() &&
                         (span.kind == report::Span::Kind::running || span.attempt == 0);
    spans.emplace_back(static_cast<int>(span.kind));
    spans.emplace_back(ms(span.from - began));
    spans.emplace_back(goes_on ? -1 : ms(span.to - began));
  }
  return spans;
}

/// A number where all of it is known, so that tasks can be added up; else what is said of it.
json::value tokens_of(const report::TaskRow& row) {
  Tokens sum = 0;
  for (const auto& part :
       {row.used.input, row.used.output, row.used.cache_read, row.used.cache_write})
    sum += part.value_or(0);
  if (row.complete.tokens && sum > 0) return sum;
  return json::string(report::tokens_text(row));
}

json::value cost_of(const report::TaskRow& row) {
  if (row.complete.cost && row.used.cost.value_or(0) > 0) return usd(row.used.cost);
  return json::string(report::cost_text(row));
}

json::object task_of(const runs::ChosenRun& run, const report::TaskRow& row, Time began,
                     const std::optional<std::uint32_t>& group) {
  const engine::TaskRecord& record = run.state[row.task];
  const auto digest = record.gate_since ? gate_digest(run, row.id) : std::optional<std::string>();
  return {{"id", row.id},
          {"agent", row.agent},
          {"model", row.model},
          {"state", engine::name_of(row.state)},
          {"remark", printable(row.remark)},
          {"spans", spans_of(row, began, run.dispatched())},
          {"attempts", record.attempts.size()},
          {"conflicts", record.conflicts},
          {"elapsed_ms", ms(row.elapsed)},
          {"tokens", tokens_of(row)},
          {"cost", cost_of(row)},
          {"critical", row.critical},
          {"group", or_null(group)},
          {"unused", row.unused},
          {"prompted", !run.plan()[row.task].prompt.empty()},
          {"messages", messages_of(record)},
          {"changed", !record.attempts.empty() && record.attempts.back().changes.has_value()},
          {"output", record.output ? json::value(record.output->brief()) : json::value(nullptr)},
          {"gate", or_null(digest)}};
}

json::array merges_of(const runs::ChosenRun& run) {
  json::array merges;
  for (std::size_t i = 0; i < run.plan().merges.size(); ++i) {
    const engine::MergeRecord& made = run.state.merges[i];
    merges.push_back(json::object{
        {"name", run.plan().merges[i].name},
        {"output", made.output ? json::value(made.output->brief()) : json::value(nullptr)},
        {"failure", printable(made.failure)}});
  }
  return merges;
}

json::object waited_of(const engine::WaitedTime& waited) {
  return {{"needs", ms(waited.needs)}, {"conflict", ms(waited.conflict)},
          {"quota", ms(waited.quota)}, {"slot", ms(waited.slot)},
          {"gate", ms(waited.gate)},   {"back-off", ms(waited.backoff)}};
}

/// Of a queue: those that wait, in the order in which they would start.
json::array order_of(const runs::ChosenRun& run) {
  json::array order;
  if (!run.request.stands) return order;
  for (const TaskId task : runs::waiting_order(run)) {
    if (order.size() == kOrderShown) break;
    order.emplace_back(task.index());
  }
  return order;
}

json::object head_of(const runs::ChosenRun& run, const engine::RunStatus& status, Time began) {
  const auto saved = report::saved_by(status);
  const bool over = status.ended.has_value();
  // What people changed since the plan was read.
  const engine::RunRetuned& retuned = run.state.retuned;
  const bool lives = run.dispatched();
  return {{"id", run.id()},
          {"plan", printable(run.head.plan_name)},
          {"workspace", printable(run.head.workspace)},
          {"state", runs::state_text(run)},
          {"lives", lives},
          {"pattern", status.pattern},
          {"began", began.time_since_epoch().count() / 1000},
          {"elapsed_ms", lives ? json::value(nullptr) : json::value(ms(status.elapsed))},
          {"one_by_one_ms",
           over ? json::value(ms(status.one_by_one.value_or(status.sequential))) : json::value()},
          {"saved_ms", over && saved ? json::value(ms(*saved)) : json::value(nullptr)},
          {"hindsight", printable(status.hindsight)},
          {"total", status.total},
          {"done", status.done},
          {"failed", status.failed},
          {"running", status.running},
          {"tokens", or_null(status.tokens)},
          {"tokens_known", status.models.all_known},
          {"cost_usd", usd(status.cost)},
          {"cost_known", status.models.cost_known},
          {"asked", status.models.any || status.tokens || status.cost},
          {"overhead_tokens", or_null(status.models.overhead)},
          {"conflicts", status.conflicted},
          {"waited", waited_of(status.waited)},
          {"attention", printable(status.attention)},
          {"parallel", retuned.parallel.value_or(run.planned.decision.policy.parallel)},
          {"held", run.state.held},
          {"calls_held", run.state.calls_held},
          {"takes_tasks", runs::takes_tasks(run)},
          {"limit_tokens", or_null(retuned.tokens ? retuned.tokens : run.plan().limits.tokens)},
          {"limit_usd", usd(retuned.usd ? retuned.usd : run.plan().limits.usd)},
          {"stopping", printable(status.stopping)},
          {"go_on", printable(status.go_on)},
          {"review",
           or_null(run.state.review_open ? gate_digest(run, "") : std::optional<std::string>())},
          {"merges", merges_of(run)},
          {"board", report::topics_json(run)},
          {"order", order_of(run)},
          {"digest", status.digest}};
}

json::object changed_members(const json::object& earlier, const json::object& later) {
  json::object made;
  for (const auto& [key, value] : later) {
    const json::value* before = earlier.if_contains(key);
    if (before == nullptr || *before != value) made[key] = value;
  }
  return made;
}

}  // namespace

RunView view_of(const runs::ChosenRun& run, engine::RunStatus status, journal::Store& store,
                Time now) {
  runs::show_kept_hindsight(run, store, status);
  const Time began = run.state.began.value_or(run.head.created);
  const Time until = run.dispatched() ? now : run.state.last.value_or(began);
  RunView view;
  view.head = head_of(run, status, began);
  const TaskGroups groups = groups_of(run.plan());
  view.fixed = fixed_of(run, groups);
  for (const report::TaskRow& row : report::task_rows_of(run, status, until))
    view.tasks.push_back(task_of(run, row, began, groups.of[row.task.index()]));
  return view;
}

json::object usual_of(const json::array& tasks) {
  json::object usual;
  for (const std::string_view key : kCommon) {
    std::map<std::string, std::size_t> counts;
    std::pair<std::size_t, const json::value*> most{};
    for (const json::value& task : tasks) {
      const json::value& value = task.get_object().at(key);
      const std::size_t count = ++counts[json::serialize(value)];
      if (count > most.first) most = {count, &value};
    }
    if (most.second != nullptr) usual[key] = *most.second;
  }
  usual["spans"] = json::array{};
  usual["output"] = usual["gate"] = usual["messages"] = nullptr;
  usual["unused"] = false;
  return usual;
}

json::array without_usual(const json::array& tasks, const json::object& usual) {
  json::array made;
  made.reserve(tasks.size());
  for (const json::value& task : tasks) made.push_back(changed_members(usual, task.get_object()));
  return made;
}

json::object ways_of(const runs::ChosenRun& run) {
  const runs::DecisionRecord record = decision_of(run);
  return {{"version", 1},
          {"bars", report::bars_json(record, run.planned.decision, run.planned.expected)}};
}

json::object graph_of(const runs::ChosenRun& run) {
  json::array edges, reasons;
  std::map<std::string, std::size_t> places;
  const auto& all = run.planned.waits().edges;
  for (const footprint::Edge& edge : all) {
    if (edges.size() == 3 * kEdgesMax) break;
    const std::string_view why = footprint::name_of(edge.why);
    const auto [it, is_new] =
        places.try_emplace(fmt::format("{}\n{}", why, edge.on), reasons.size());
    if (is_new) reasons.push_back(json::array{why, printable(edge.on)});
    edges.emplace_back(edge.before.index());
    edges.emplace_back(edge.after.index());
    edges.emplace_back(it->second);
  }
  return {{"version", 1},
          {"cut", all.size() > kEdgesMax},
          {"reasons", std::move(reasons)},
          {"edges", std::move(edges)}};
}

json::object quotas_of(const runs::ChosenRun& run, const std::string& state_folder, Time now) {
  json::array quotas;
  const auto backlogs = runs::backlogs_of(run.plan(), state_folder);
  for (std::size_t i = 0; i < backlogs.size(); ++i) {
    const plan::Resource& resource = run.plan().resources[i];
    if (resource.kind != plan::Resource::Kind::quota) continue;
    const auto& used = backlogs[i];
    json::array rates;
    const auto add = [&](std::string_view what, const std::optional<Rate>& rate, Duration full) {
      if (!rate) return;
      rates.push_back(json::object{
          {"what", what},
          {"amount", rate->amount},
          {"per_ms", ms(rate->per)},
          {"holds_ms",
           ms(resource.counts_windows ? rate->per : resource.burst.value_or(schedule::kBurst))},
          {"full_in_ms", ms(full)}});
    };
    add("requests", resource.rates.requests, used.requests);
    add("input tokens", resource.rates.input_tokens, used.input_tokens);
    add("output tokens", resource.rates.output_tokens, used.output_tokens);
    add("dollars", resource.rates.usd, used.usd);
    quotas.push_back(json::object{{"name", printable(resource.name)},
                                  {"concurrency", or_null(resource.concurrency)},
                                  {"window_ms", ms(used.window)},
                                  {"shut_ms", ms(used.floor)},
                                  {"rates", std::move(rates)}});
  }
  json::array windows;
  for (const runs::LoginWindow& one : runs::login_windows(run, state_folder, now))
    windows.push_back(json::object{{"agents", json::array(one.agents.begin(), one.agents.end())},
                                   {"name", printable(one.name)},
                                   {"used", one.used},
                                   {"resets_in_ms", ms(one.resets - now)},
                                   {"seen_ms_ago", ms(now - one.seen)}});
  return {{"version", 1}, {"quotas", std::move(quotas)}, {"windows", std::move(windows)}};
}

json::object difference(const RunView& earlier, const RunView& later) {
  json::object made;
  if (json::object head = changed_members(earlier.head, later.head); !head.empty())
    made["head"] = std::move(head);
  json::object tasks;
  for (std::size_t i = 0; i < later.tasks.size() && i < earlier.tasks.size(); ++i) {
    json::object one = changed_members(earlier.tasks[i].get_object(), later.tasks[i].get_object());
    if (!one.empty()) tasks[std::to_string(i)] = std::move(one);
  }
  if (!tasks.empty()) made["tasks"] = std::move(tasks);
  return made;
}

std::optional<std::string> gate_digest(const runs::ChosenRun& run, const std::string& task) {
  Hasher hasher;
  hasher.add_field(run.id()).add_field(task);
  const auto add = [&](const engine::TaskRecord& record) {
    hasher.add_field(std::to_string(record.attempts.size()));
    hasher.add_field(record.output.value_or(Digest{}));
    const bool any = !record.attempts.empty();
    hasher.add_field(any ? record.attempts.back().changes.value_or(Digest{}) : Digest{});
    hasher.add_field(any ? record.attempts.back().output.value_or(Digest{}) : Digest{});
  };
  if (task.empty()) {
    if (!run.state.review_open) return std::nullopt;
    for (const engine::TaskRecord& record : run.state.tasks) {
      if (record.state == engine::TaskState::done) add(record);
    }
    return hasher.finish().hex();
  }
  const auto id = run.plan().find(task);
  if (!id || !run.state[*id].gate_since) return std::nullopt;
  add(run.state[*id]);
  return hasher.finish().hex();
}

}  // namespace interlock::web
