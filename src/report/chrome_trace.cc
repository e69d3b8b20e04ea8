#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <map>

#include "base/text.h"
#include "report/run_trace.h"
#include "report/trace_slices.h"

namespace interlock::report {
namespace {

constexpr int kSlots = 1, kWaits = 2, kCalls = 3;

class ChromeTrace {
 public:
  explicit ChromeTrace(const TraceSource& source)
      : source_(source), began_(source.record.began), slices_(slices_of(source)) {}

  std::string text() && {
    name_processes();
    for (const Slice& slice : slices_) add_attempt(slice);
    add_waits();
    add_calls();
    add_edges();
    add_gates();
    add_counters();
    const auto& record = source_.record;
    const json::object other{{"run", record.id},
                             {"plan", printable(record.status.plan_name)},
                             {"state", record.state},
                             {"pattern", record.status.pattern},
                             {"digest", record.status.digest},
                             {"began", show_time(record.began)},
                             {"format", 1}};
    return "{\"traceEvents\":[\n" + events_ +
           "\n],\n\"displayTimeUnit\":\"ms\",\n\"otherData\":" + json::serialize(other) + "}\n";
  }

 private:
  std::int64_t at(Time time) const { return std::max((time - began_).count(), std::int64_t{0}); }

  void add(const json::object& event) {
    if (!events_.empty()) events_ += ",\n";
    events_ += json::serialize(event);
  }

  void name(std::string_view what, int process, int thread, const json::value& value) {
    add({{"ph", "M"},
         {"name", what},
         {"pid", process},
         {"tid", thread},
         {"args", json::object{{what.ends_with("index") ? "sort_index" : "name", value}}}});
  }

  void name_processes() {
    name("process_name", kSlots, 0, "slots");
    name("process_name", kWaits, 0, "waits");
    if (!source_.calls.empty()) name("process_name", kCalls, 0, "model calls");
    int slots = 0;
    for (const Slice& slice : slices_) slots = std::max(slots, slice.slot);
    for (int i = 1; i <= slots; ++i) {
      name("thread_name", kSlots, i, json::string(fmt::format("slot {}", i)));
      name("thread_sort_index", kSlots, i, i);
    }
  }

  const engine::AttemptRecord& attempt_of(const Slice& slice) const {
    return source_.run.state[slice.task].attempts[slice.span.attempt - 1];
  }

  void add_attempt(const Slice& slice) {
    const TaskRow& row = source_.record.tasks[slice.task.index()];
    const engine::AttemptRecord& attempt = attempt_of(slice);
    json::object args{{"task", text_of(row.id)},
                      {"attempt", slice.span.attempt},
                      {"agent", text_of(row.agent)},
                      {"outcome", attempt.outcome ? engine::name_of(*attempt.outcome) : "running"}};
    if (!attempt.detail.empty()) args["detail"] = text_of(attempt.detail);
    if (!attempt.model.empty()) args["model"] = text_of(attempt.model);
    if (attempt.exit_code) args["exit"] = *attempt.exit_code;
    for (const auto& [kind, tokens] :
         token_attributes(attempt.ended ? attempt.usage : attempt.called))
      args[kind] = tokens;
    if (attempt.usage.cost) args["cost_usd"] = static_cast<double>(*attempt.usage.cost) / 1e6;
    if (row.critical) args["critical"] = true;
    json::array others;
    for (const TaskId other : attempt.others)
      others.push_back(text_of(source_.run.plan()[other].id));
    if (!others.empty()) args["with"] = std::move(others);
    add({{"ph", "X"},
         {"cat", "attempt"},
         {"name", text_of(slice.span.attempt > 1 ? fmt::format("{} #{}", row.id, slice.span.attempt)
                                                 : row.id)},
         {"pid", kSlots},
         {"tid", slice.slot},
         {"ts", at(slice.span.from)},
         {"dur", std::max((slice.span.to - slice.span.from).count(), std::int64_t{1})},
         {"args", std::move(args)}});
  }

  static json::string text_of(std::string_view value) { return json::string(printable(value)); }

  void add_pair(int process, std::string_view category, const json::string& name, Time from,
                Time to, json::object args) {
    const std::string id = fmt::format("{:#x}", ++last_id_);
    json::object begin{{"ph", "b"},      {"cat", category},        {"name", name},
                       {"id", id},       {"pid", process},         {"tid", 1},
                       {"ts", at(from)}, {"args", std::move(args)}};
    add(begin);
    begin["ph"] = "e";
    begin["ts"] = at(to);
    begin.erase("args");
    add(begin);
  }

  void add_waits() {
    for (const TaskRow& row : source_.record.tasks) {
      for (const Span& span : row.spans) {
        if (span.is_attempt()) continue;
        json::object args{{"task", text_of(row.id)}, {"for", name_of(span.kind)}};
        if (span.kind == Span::Kind::pending && !row.remark.empty())
          args["why"] = text_of(row.remark);
        add_pair(kWaits, "wait", text_of(fmt::format("{}: {}", row.id, name_of(span.kind))),
                 span.from, span.to, std::move(args));
      }
    }
  }

  void add_calls() {
    for (const CallRow& row : source_.calls) {
      const engine::ModelCall& call = row.call;
      json::object args{{"task", text_of(source_.run.plan()[call.name.task].id)},
                        {"attempt", call.name.attempt},
                        {"end", engine::name_of(call.end)},
                        {"status", call.status}};
      for (const auto& [kind, tokens] : token_attributes(call.usage)) args[kind] = tokens;
      add_pair(kCalls, "model", text_of("chat " + call.model), row.ended - call.elapsed, row.ended,
               std::move(args));
    }
  }

  /// From the last attempt of the earlier task to the first of the later.
  void add_edges() {
    std::map<TaskId, const Slice*> first, last;
    for (const Slice& slice : slices_) {
      first.try_emplace(slice.task, &slice);
      last[slice.task] = &slice;
    }
    std::int64_t id = 0;
    for (const footprint::Edge& edge : source_.run.planned.waits().edges) {
      const auto before = last.find(edge.before), after = first.find(edge.after);
      if (before == last.end() || after == first.end()) continue;
      const Slice &from = *before->second, &to = *after->second;
      if (from.span.to > to.span.from) continue;
      ++id;
      const bool needs = edge.why == footprint::Why::needs;
      const json::string name =
          text_of(needs || edge.on.empty() ? std::string(footprint::name_of(edge.why))
                                           : fmt::format("{} on {}", name_of(edge.why), edge.on));
      json::object event{{"ph", "s"},
                         {"cat", "edge"},
                         {"name", name},
                         {"id", id},
                         {"pid", kSlots},
                         {"tid", from.slot},
                         {"ts", std::max(at(from.span.from), at(from.span.to) - 1)}};
      add(event);
      event["ph"] = "f";
      event["bp"] = "e";
      event["tid"] = to.slot;
      event["ts"] = at(to.span.from);
      add(event);
    }
  }

  void add_gates() {
    for (std::size_t i = 0; i < source_.run.state.tasks.size(); ++i) {
      const auto& record = source_.run.state.tasks[i];
      if (!record.gate_since) continue;
      add({{"ph", "i"},
           {"s", "p"},
           {"cat", "gate"},
           {"name", text_of("gate of " + source_.run.plan().tasks[i].id)},
           {"pid", kWaits},
           {"tid", 1},
           {"ts", at(*record.gate_since)}});
    }
  }

  void add_counters() {
    std::map<Time, std::int64_t> steps;
    for (const Slice& slice : slices_) {
      ++steps[slice.span.from];
      --steps[std::max(slice.span.to, slice.span.from)];
    }
    std::int64_t running = 0;
    for (const auto& [time, step] : steps)
      count("running", time, json::object{{"attempts", running += step}});
    Tokens input = 0, output = 0;
    for (const CallRow& row : source_.calls) {
      input += row.call.usage.input.value_or(0);
      output += row.call.usage.output.value_or(0);
      count("tokens", row.ended, json::object{{"input", input}, {"output", output}});
    }
  }

  void count(std::string_view name, Time time, json::object series) {
    add({{"ph", "C"},
         {"name", name},
         {"pid", kSlots},
         {"tid", 0},
         {"ts", at(time)},
         {"args", std::move(series)}});
  }

  const TraceSource& source_;
  Time began_;
  std::vector<Slice> slices_;
  std::string events_;
  std::uint64_t last_id_ = 0;
};

}  // namespace

std::string chrome_trace(const TraceSource& source) { return ChromeTrace(source).text(); }

}  // namespace interlock::report
