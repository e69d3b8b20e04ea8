#include "web/run_view.h"

#include <algorithm>

#include "base/text.h"
#include "runs/hindsight.h"

namespace interlock::web {
namespace {

constexpr std::size_t kEdgesMax = 4000;

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

json::array bars_of(const schedule::Timeline& timeline) {
  json::array bars;
  for (const schedule::Slot& slot : timeline.slots)
    bars.push_back(json::array{slot.task.index(), ms(slot.start), ms(slot.end)});
  return bars;
}

/// Of one agent nobody made a timeline: it does one task after another.
json::array bars_one_by_one(const std::vector<decide::Expected>& expected, Duration elapsed) {
  Duration sum(1);
  for (const decide::Expected& one : expected) sum += one.time;
  json::array bars;
  Duration at{};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const Duration end = at + expected[i].time;
    const auto place = [&](Duration time) {
      return static_cast<std::int64_t>(static_cast<double>(time.count()) *
                                       static_cast<double>(elapsed.count()) /
                                       static_cast<double>(sum.count()) / 1000);
    };
    bars.push_back(json::array{i, place(at), place(end)});
    at = end;
  }
  return bars;
}

json::array ways_of(const runs::ChosenRun& run) {
  const auto& planned = run.planned;
  // As it was decided, where that was kept; the bars are those of the same scheduler.
  auto kept = runs::decision_from_text(run.head.decision);
  const bool is_kept = kept.has_value();
  if (!kept) kept = runs::record_of(planned.decision);
  json::array ways;
  for (const auto& way : kept->ways) {
    json::array bars = way.name == "one agent"    ? bars_one_by_one(planned.expected, way.elapsed)
                       : way.name == "sequential" ? bars_of(planned.decision.sequential.timeline)
                       : way.name == "parallel"   ? bars_of(planned.decision.parallel.timeline)
                                                  : bars_of(planned.decision.queue.timeline);
    ways.push_back(json::object{{"name", way.name},
                                {"n", way.n},
                                {"elapsed_ms", ms(way.elapsed + way.join)},
                                {"p50_ms", ms(way.p50)},
                                {"p90_ms", ms(way.p90)},
                                {"tokens", or_null(way.tokens)},
                                {"cost_usd", usd(way.cost)},
                                {"chosen", is_kept && way.chosen},
                                {"bars", std::move(bars)}});
  }
  return ways;
}

json::object fixed_of(const runs::ChosenRun& run) {
  json::object fixed;
  fixed["ways"] = ways_of(run);
  json::array reasons, tests;
  if (const auto kept = runs::decision_from_text(run.head.decision)) {
    reasons = texts(kept->reasons);
    for (const auto& test : kept->tests)
      tests.push_back(
          json::object{{"name", test.name}, {"holds", test.holds}, {"why", printable(test.why)}});
  }
  fixed["reasons"] = std::move(reasons);
  fixed["tests"] = std::move(tests);
  json::array edges;
  for (const footprint::Edge& edge : run.planned.waits().edges) {
    if (edges.size() == kEdgesMax) break;
    edges.push_back(json::array{edge.before.index(), edge.after.index(),
                                footprint::name_of(edge.why), printable(edge.on)});
  }
  fixed["edges"] = std::move(edges);
  return fixed;
}

json::array spans_of(const report::TaskRow& row, Time began, bool lives) {
  using enum engine::TaskState;
  const bool is_over =
      row.state == done || row.state == failed || row.state == skipped || row.state == cancelled;
  json::array spans;
  for (const report::Span& span : row.spans) {
    const bool goes_on = lives && !is_over && &span == &row.spans.back() &&
                         (span.kind == report::Span::Kind::running || span.attempt == 0);
    spans.push_back(json::array{report::name_of(span.kind), ms(span.from - began),
                                goes_on ? json::value(nullptr) : json::value(ms(span.to - began)),
                                span.attempt});
  }
  return spans;
}

json::object task_of(const runs::ChosenRun& run, const report::TaskRow& row, Time began) {
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
          {"tokens", report::tokens_text(row)},
          {"cost", report::cost_text(row)},
          {"critical", row.critical},
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

json::object head_of(const runs::ChosenRun& run, const engine::RunStatus& status, Time began) {
  const auto saved = report::saved_by(status);
  const bool over = status.ended.has_value();
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
          {"stopping", printable(status.stopping)},
          {"go_on", printable(status.go_on)},
          {"review",
           or_null(run.state.review_open ? gate_digest(run, "") : std::optional<std::string>())},
          {"merges", merges_of(run)},
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

RunView view_of(const runs::ChosenRun& run, journal::Store& store, Time now) {
  engine::RunStatus status = runs::view_from_outside(run, now);
  runs::show_kept_hindsight(run, store, status);
  const Time began = run.state.began.value_or(run.head.created);
  const Time until = run.dispatched() ? now : run.state.last.value_or(began);
  RunView view;
  view.head = head_of(run, status, began);
  view.fixed = fixed_of(run);
  for (const report::TaskRow& row : report::task_rows_of(run, status, until))
    view.tasks.push_back(task_of(run, row, began));
  return view;
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
