#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "base/text.h"
#include "engine/trace_context.h"
#include "report/run_trace.h"

namespace interlock::report {
namespace {

constexpr int kInternal = 1, kClient = 3;       ///< SpanKind.
constexpr int kUnset = 0, kOk = 1, kError = 2;  ///< Status codes.

std::string nanoseconds(Time time) {
  return fmt::format("{}", time.time_since_epoch().count() * 1000);
}

/// What a provider is called in the conventions; empty: not known.
std::string_view provider_of(const plan::Agent& agent) {
  switch (agent.kind) {
    case plan::AgentKind::claude_code: return "anthropic";
    case plan::AgentKind::codex: return "openai";
    case plan::AgentKind::gemini: return "gcp.gemini";
    default: break;
  }
  if (agent.api.starts_with("anthropic")) return "anthropic";
  if (agent.api.starts_with("openai")) return "openai";
  return agent.api.starts_with("gemini") ? "gcp.gemini" : "";
}

class Attributes {
 public:
  void text(std::string_view key, std::string_view value) {
    if (!value.empty()) add(key, {{"stringValue", printable(value)}});
  }
  void number(std::string_view key, std::int64_t value) {
    add(key, {{"intValue", fmt::format("{}", value)}});
  }
  void real(std::string_view key, double value) { add(key, {{"doubleValue", value}}); }
  void truth(std::string_view key, bool value) { add(key, {{"boolValue", value}}); }
  void usage(const Usage& usage) {
    for (const auto& [kind, tokens] : token_attributes(usage)) number(kind, tokens);
    if (usage.cost) real("interlock.cost_usd", static_cast<double>(*usage.cost) / 1e6);
  }
  json::array take() { return std::move(list_); }

 private:
  void add(std::string_view key, json::object value) {
    list_.push_back(json::object{{"key", key}, {"value", std::move(value)}});
  }
  json::array list_;
};

class Otlp {
 public:
  Otlp(const TraceSource& source, SentSpans& sent)
      : source_(source),
        sent_(sent),
        trace_(engine::trace_id_of(source.run.id(), source.run.head.created)) {}

  std::vector<std::string> batches() && {
    if (source_.run.state.ended) add_run();
    for (const TaskRow& row : source_.record.tasks) {
      for (const auto& attempt : source_.run.state[row.task].attempts) {
        if (attempt.ended) add_attempt(row, attempt);
      }
    }
    for (const CallRow& call : source_.calls) add_call(call);
    flush();
    return std::move(batches_);
  }

 private:
  std::string span_of_run() const { return engine::run_span_of(trace_); }
  std::string span_of(TaskId task, std::uint32_t attempt) const {
    return engine::attempt_span_of(trace_, task.index(), attempt);
  }

  json::object span(const std::string& id, const std::string& parent, std::string_view name,
                    int kind, Time from, Time to) const {
    json::object made{{"traceId", trace_}, {"spanId", id}};
    if (!parent.empty()) made["parentSpanId"] = parent;
    made["name"] = printable(name);
    made["kind"] = kind;
    made["startTimeUnixNano"] = nanoseconds(from);
    made["endTimeUnixNano"] = nanoseconds(std::max(from, to));
    return made;
  }

  static json::object status(int code, std::string_view message = {}) {
    json::object made{{"code", code}};
    if (!message.empty()) made["message"] = printable(message.substr(0, message.find('\n')));
    return made;
  }

  void add_run() {
    const RunRecord& record = source_.record;
    Attributes list;
    list.text("gen_ai.operation.name", "invoke_workflow");
    list.text("gen_ai.workflow.name", record.status.plan_name);
    list.text("interlock.run.id", record.id);
    list.text("interlock.run.state", record.state);
    list.text("interlock.pattern", record.status.pattern);
    list.text("interlock.digest", record.status.digest);
    list.number("interlock.tasks", record.status.total);
    list.number("interlock.tasks.done", record.status.done);
    list.real("interlock.sequential_s", to_seconds(record.status.sequential));
    if (record.status.tokens) list.number("interlock.tokens", *record.status.tokens);
    if (record.status.cost)
      list.real("interlock.cost_usd", static_cast<double>(*record.status.cost) / 1e6);
    using How = engine::RunEnded::How;
    json::object made = span(span_of_run(), "", "invoke_workflow " + record.status.plan_name,
                             kInternal, record.began, record.until);
    made["attributes"] = list.take();
    made["status"] = record.status.ended == How::finished ? status(kOk)
                     : record.status.ended == How::failed ? status(kError, record.state)
                                                          : status(kUnset);
    add(std::move(made));
  }

  /// What it waited for before this attempt; the times are those of the timeline.
  json::array waits_before(const TaskRow& row, std::uint32_t attempt) const {
    json::array events;
    for (const Span& one : row.spans) {
      if (one.is_attempt()) {
        if (one.attempt == attempt) break;
        events.clear();
        continue;
      }
      Attributes list;
      list.text("interlock.wait.reason", name_of(one.kind));
      list.real("interlock.wait.seconds", to_seconds(one.to - one.from));
      events.push_back(json::object{{"timeUnixNano", nanoseconds(one.from)},
                                    {"name", fmt::format("wait {}", name_of(one.kind))},
                                    {"attributes", list.take()}});
    }
    return events;
  }

  /// What it needed or met with.
  json::array links_of(TaskId task) const {
    json::array links;
    for (const footprint::Edge& edge : source_.run.planned.waits().into(task)) {
      const auto& attempts = source_.run.state[edge.before].attempts;
      if (attempts.empty() || !attempts.back().ended) continue;
      Attributes list;
      list.text("interlock.edge.why", footprint::name_of(edge.why));
      list.text("interlock.edge.on", edge.on);
      links.push_back(json::object{{"traceId", trace_},
                                   {"spanId", span_of(edge.before, attempts.back().number)},
                                   {"attributes", list.take()}});
    }
    return links;
  }

  void add_attempt(const TaskRow& row, const engine::AttemptRecord& attempt) {
    const plan::Agent& agent =
        source_.run.plan().agents[source_.run.plan()[row.task].agent.index()];
    const bool is_command = agent.kind == plan::AgentKind::command;
    Attributes list;
    if (!is_command) {
      list.text("gen_ai.operation.name", "invoke_agent");
      list.text("gen_ai.agent.name", row.agent);
      list.text("gen_ai.provider.name", provider_of(agent));
      list.text("gen_ai.conversation.id", attempt.session);
      list.text("gen_ai.response.model", attempt.model);
      list.text("gen_ai.agent.version", attempt.version);
      list.usage(attempt.usage);
    }
    list.text("interlock.task.id", row.id);
    list.number("interlock.attempt", attempt.number);
    list.text("interlock.attempt.because", engine::name_of(attempt.because));
    list.truth("interlock.attempt.critical", row.critical);
    const engine::Outcome outcome = attempt.outcome.value_or(engine::Outcome::interrupted);
    list.text("interlock.outcome", engine::name_of(outcome));
    if (attempt.exit_code) list.number("process.exit.code", *attempt.exit_code);
    const bool is_good = outcome == engine::Outcome::succeeded;
    if (!is_good) list.text("error.type", engine::name_of(outcome));
    json::object made = span(span_of(row.task, attempt.number), span_of_run(),
                             is_command ? "run " + row.id : "invoke_agent " + row.agent, kInternal,
                             *attempt.ended - attempt.elapsed, *attempt.ended);
    made["attributes"] = list.take();
    made["events"] = waits_before(row, attempt.number);
    made["links"] = links_of(row.task);
    made["status"] = is_good ? status(kOk) : status(kError, attempt.detail);
    add(std::move(made));
  }

  void add_call(const CallRow& row) {
    const engine::ModelCall& call = row.call;
    const plan::Task& task = source_.run.plan()[call.name.task];
    Attributes list;
    list.text("gen_ai.operation.name", "chat");
    list.text("gen_ai.provider.name", provider_of(source_.run.plan().agents[task.agent.index()]));
    list.text("gen_ai.response.model", call.model);
    list.usage(call.usage);
    list.text("interlock.task.id", task.id);
    list.number("interlock.attempt", call.name.attempt);
    list.number("http.response.status_code", call.status);
    list.number("interlock.call.retries", call.retries);
    list.real("interlock.call.waited_quota_s", to_seconds(call.waited_quota));
    list.truth("interlock.call.replayed", call.replayed);
    const bool is_good = call.end == engine::CallEnd::answered;
    if (!is_good) list.text("error.type", engine::name_of(call.end));
    const std::string id = engine::span_digits(fmt::format(
        "call {} {} {} {}", trace_, call.name.task.index(), call.name.attempt, call.number));
    json::object made = span(id, span_of(call.name.task, call.name.attempt), "chat " + call.model,
                             kClient, row.ended - call.elapsed, row.ended);
    made["attributes"] = list.take();
    made["status"] = is_good ? status(kUnset) : status(kError, call.detail);
    add(std::move(made));
  }

  void add(json::object made) {
    // Of a run that was taken up again after it had ended, the run's span ends anew.
    const bool is_new = sent_
                            .insert(std::string(made.at("spanId").get_string()) + "\n" +
                                    std::string(made.at("endTimeUnixNano").get_string()))
                            .second;
    if (!is_new) return;
    spans_.push_back(std::move(made));
    if (spans_.size() == kSpansInBatch) flush();
  }

  void flush() {
    if (spans_.empty()) return;
    Attributes resource;
    resource.text("service.name", "interlock");
    json::object scope{{"scope", {{"name", "interlock"}}}, {"spans", std::move(spans_)}};
    spans_ = {};
    json::object of{{"resource", {{"attributes", resource.take()}}},
                    {"scopeSpans", json::array{std::move(scope)}}};
    batches_.push_back(
        json::serialize(json::object{{"resourceSpans", json::array{std::move(of)}}}));
  }

  const TraceSource& source_;
  SentSpans& sent_;
  std::string trace_;
  json::array spans_;
  std::vector<std::string> batches_;
};

}  // namespace

std::vector<std::string> otlp_batches(const TraceSource& source, SentSpans& sent) {
  return Otlp(source, sent).batches();
}

}  // namespace interlock::report
