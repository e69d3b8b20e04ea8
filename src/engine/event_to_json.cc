#include <array>
#include <variant>

#include "engine/event.h"
#include "engine/event_fields.h"
#include "engine/event_words.h"

// How events stand in the journal. What is absent or empty is not written, and reads as its
// default: so an event may get a new field, and journals of before are read still. `event.cc` reads
// them back, field by field the same; `event_test.cc` holds one to the other.
namespace interlock::engine {

namespace {

json::object body_of(const RunBegan& f) {
  return FieldWriter().put("by", f.dispatcher).put(f.process).put("resumed", f.resumed).take();
}
json::object body_of(const RunStopping& f) {
  return FieldWriter().put("why", f.why).put("cause", word(kCauses, f.cause)).take();
}
json::object body_of(const RunEnded& f) {
  return FieldWriter().put("how", word(kHows, f.how)).put("digest", f.digest).take();
}
json::object body_of(const GateReached& f) {
  return FieldWriter().put("task", f.task).put("gate", word(kGates, f.kind)).take();
}
json::object body_of(const GateAnswered& f) {
  return FieldWriter()
      .put("task", f.task)
      .put("gate", word(kGates, f.kind))
      .put("approved", f.approved)
      .put("by", f.by)
      .take();
}
json::object body_of(const AttemptStarted& f) {
  return FieldWriter()
      .put("task", f.task)
      .put("attempt", std::int64_t{f.attempt})
      .put("because", word(kTriggers, f.because))
      .put("lane", std::int64_t{f.lane})
      .put("key", f.key)
      .put(f.cache_key_parts)
      .put("changed", f.changed)
      .put(f.waited)
      .put("isolation",
           f.isolation == plan::Isolation{} ? std::string_view() : word(kIsolations, f.isolation))
      .put("seen",
           f.snapshot_version > 0 ? std::optional(std::int64_t{f.snapshot_version}) : std::nullopt)
      .put("speculative", f.speculative)
      .put("with", f.with)
      .put("from", f.from)
      .take();
}
json::object body_of(const AttemptsBatched& f) {
  return FieldWriter()
      .put("task", f.task)
      .put("attempt", std::int64_t{f.attempt})
      .put("others", f.others)
      .take();
}
json::object body_of(const ProcessSpawned& f) {
  return FieldWriter()
      .put("task", f.task)
      .put("attempt", std::int64_t{f.attempt})
      .put(f.process)
      .take();
}
json::object body_of(const AttemptEnded& f) {
  return FieldWriter()
      .put("task", f.task)
      .put("attempt", std::int64_t{f.attempt})
      .put("outcome", word(kOutcomes, f.outcome))
      .put("exit", f.exit_code)
      .put("signal", f.signal)
      .put("detail", f.detail)
      .put("strays", std::int64_t{f.strays})
      .put("output", f.output)
      .put("elapsed_us", std::int64_t{f.elapsed.count()})
      .put(f.usage)
      .put("changes", f.changes)
      .put("reads", f.reads)
      .put("remarks", f.remarks)
      .put("denied_reads", f.denied_reads)
      .put("denied_writes", f.denied_writes)
      .put("reads_from", f.reads_from)
      .put("usage_from", f.usage_from)
      .put("spawn_tokens", f.spawn_tokens)
      .put("return_tokens", f.return_tokens)
      .put("broke_dispatcher", f.broke_dispatcher)
      .put("writes", f.writes)
      .put("unproven", f.unproven)
      .put("cpu_us", f.cpu_time)
      .put("memory_peak_bytes", f.memory_peak_bytes)
      .take();
}
json::object body_of(const ChangesLost& f) {
  return FieldWriter()
      .put("commits", std::int64_t{f.commits})
      .put("tasks", f.tasks)
      .put("detail", f.detail)
      .take();
}
json::object body_of(const ChangesReady& f) {
  return FieldWriter().put("task", f.task).put("attempt", std::int64_t{f.attempt}).take();
}
json::object body_of(const ChangesMerged& f) {
  return FieldWriter()
      .put("task", f.task)
      .put("attempt", std::int64_t{f.attempt})
      .put("changes", f.changes)
      .put("seen", std::int64_t{f.snapshot_version})
      .put(f.files)
      .take();
}
json::object body_of(const ChangesCommitted& f) {
  return FieldWriter()
      .put("task", f.task)
      .put("attempt", std::int64_t{f.attempt})
      .put("changes", f.changes)
      .put("count", std::int64_t{f.count})
      .put("remarks", f.remarks)
      .take();
}
json::object body_of(const CommitRefused& f) {
  return FieldWriter()
      .put("task", f.task)
      .put("attempt", std::int64_t{f.attempt})
      .put("paths", f.paths)
      .put("count", std::int64_t{f.count})
      .put("by", f.by)
      .put("detail", f.detail)
      .take();
}
json::object body_of(const ChangesCheckpointed& f) {
  return FieldWriter().put("commits", std::int64_t{f.commits}).take();
}
json::object body_of(const SessionBegan& f) {
  return FieldWriter()
      .put("task", f.task)
      .put("attempt", std::int64_t{f.attempt})
      .put("session", f.session)
      .put("model", f.model)
      .put("version", f.version)
      .take();
}
json::object body_of(const ModelCalled& f) {
  const ModelCall& c = f.call;
  return FieldWriter()
      .put("task", f.task)
      .put("attempt", std::int64_t{f.attempt})
      .put("number", std::int64_t{c.number})
      .put("model", c.model)
      .put("end", name_of(c.end))
      .put("status", std::int64_t{c.status})
      .put("bytes", static_cast<std::int64_t>(c.bytes))
      .put(c.usage)
      .put("retries", std::int64_t{c.retries})
      .put("waited_quota_us", std::int64_t{c.waited_quota.count()})
      .put("waited_lead_us", std::int64_t{c.waited_lead.count()})
      .put("elapsed_us", std::int64_t{c.elapsed.count()})
      .put("saved_uusd", c.saved)
      .put("cut", c.cut)
      .put("replayed", c.replayed)
      .put("offers_tools", c.offers_tools)
      .put("failure", c.failure ? agents::name_of(*c.failure) : std::string_view())
      .put("detail", c.detail)
      .put("parked", c.parked)
      .put("spent_for_us",
           c.spent_for ? std::optional(std::int64_t{c.spent_for->count()}) : std::nullopt)
      .put("remark", c.remark)
      .put("warning", c.warning)
      .take();
}
json::object body_of(const CallWaiting& f) {
  std::optional<std::int64_t> until;
  if (f.until) until = f.until->time_since_epoch().count();
  return FieldWriter()
      .put("task", f.task)
      .put("attempt", std::int64_t{f.attempt})
      .put("on", f.on)
      .put("until_us", until)
      .take();
}
json::object body_of(const CheckpointRefused& f) {
  return FieldWriter().put("paths", f.paths).take();
}
json::object body_of(const TaskDone& f) {
  return FieldWriter()
      .put("task", f.task)
      .put("attempt", std::int64_t{f.attempt})
      .put("output", f.output)
      .put("wrote", f.wrote)
      .put("from_run", f.from_run)
      .take();
}
json::object body_of(const TaskFailed& f) {
  return FieldWriter()
      .put("task", f.task)
      .put("outcome", word(kOutcomes, f.outcome))
      .put("detail", f.detail)
      .take();
}
json::object body_of(const TaskSkipped& f) {
  return FieldWriter()
      .put("task", f.task)
      .put("because", f.because)
      .put("unneeded", f.unneeded)
      .take();
}
json::object body_of(const TaskCancelled& f) {
  return FieldWriter().put("task", f.task).put("by", f.by).take();
}
json::object body_of(const TaskRevived& f) { return FieldWriter().put("task", f.task).take(); }
json::object body_of(const RetryPlanned& f) {
  return FieldWriter()
      .put("task", f.task)
      .put("because", word(kTriggers, f.because))
      .put("not_before_us", std::int64_t{f.not_before.time_since_epoch().count()})
      .put("charged", f.charged)
      .put("correction", f.correction)
      .take();
}
json::object body_of(const TryEnded& f) {
  return FieldWriter()
      .put("task", f.task)
      .put("attempt", f.attempt > 0 ? std::optional(std::int64_t{f.attempt}) : std::nullopt)
      .put("good", f.good)
      .put("detail", f.detail)
      .put("diff", f.diff)
      .take();
}
json::object body_of(const TryPicked& f) {
  return FieldWriter()
      .put("task", f.task)
      .put("picked", std::int64_t{f.picked.index()})
      .put("why", f.why)
      .take();
}
json::object body_of(const TryDropped& f) {
  return FieldWriter().put("task", f.task).put("why", f.why).take();
}
json::object body_of(const MergeMade& f) {
  return FieldWriter().put("merge", std::int64_t{f.merge}).put("output", f.output).take();
}
json::object body_of(const MergeFailed& f) {
  return FieldWriter().put("merge", std::int64_t{f.merge}).put("detail", f.detail).take();
}

json::object body_of(const TasksAdded& f) {
  return FieldWriter()
      .put("count", std::int64_t{f.count})
      .put("tasks", f.tasks)
      .put("files", f.files)
      .put("by", f.by)
      .put("request", f.request)
      .take();
}
json::object body_of(const TasksRefused& f) {
  return FieldWriter().put("why", f.why).put("by", f.by).put("request", f.request).take();
}
json::object body_of(const FamilyExpanded& f) {
  return FieldWriter()
      .put("task", f.task)
      .put("count", std::int64_t{f.count})
      .put("items", f.items)
      .take();
}
json::object body_of(const AdditionsClosed& f) { return FieldWriter().put("by", f.by).take(); }
json::object body_of(const RunHeld& f) {
  return FieldWriter().put("calls", f.calls).put("by", f.by).take();
}
json::object body_of(const RunReleased& f) { return FieldWriter().put("by", f.by).take(); }
json::object body_of(const RunRetuned& f) {
  return FieldWriter()
      .put("parallel", f.parallel)
      .put("tokens", f.tokens)
      .put("usd", f.usd)
      .put("by", f.by)
      .put("on_quota", !f.waits_for_quota   ? std::string_view()
                       : *f.waits_for_quota ? std::string_view("wait")
                                            : std::string_view("stop"))
      .take();
}

json::object body_of(const BoardPosted& f) {
  return FieldWriter()
      .put("topic", f.topic)
      .put("task", f.task)
      .put("attempt", f.task ? std::optional(std::int64_t{f.attempt}) : std::nullopt)
      .put("text", f.text)
      .put("by", f.by)
      .put("request", f.task ? std::nullopt : std::optional(f.request))
      .take();
}
json::object body_of(const BoardRead& f) {
  return FieldWriter()
      .put("task", f.task)
      .put("attempt", std::int64_t{f.attempt})
      .put("topic", f.topic)
      .put("after", std::int64_t{f.after})
      .put("last", std::int64_t{f.last})
      .put("count", std::int64_t{f.count})
      .take();
}
json::object body_of(const MessageSent& f) {
  return FieldWriter()
      .put("task", f.task)
      .put("text", f.text)
      .put("by", f.by)
      .put("request", f.request)
      .take();
}
json::object body_of(const TaskMoved& f) {
  return FieldWriter()
      .put("task", f.task)
      .put("place", word(kMovePlaces, f.place))
      .put("other", f.other)
      .put("by", f.by)
      .put("request", f.request)
      .take();
}
json::object body_of(const RequestRefused& f) {
  return FieldWriter().put("why", f.why).put("by", f.by).put("request", f.request).take();
}

}  // namespace

json::object to_json(const Event& event) {
  return std::visit([](const auto& one) { return body_of(one); }, event);
}

}  // namespace interlock::engine
