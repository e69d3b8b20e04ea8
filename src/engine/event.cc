#include "engine/event.h"

#include <fmt/format.h>

#include <array>
#include <span>

#include "engine/event_fields.h"
#include "engine/event_words.h"
#include "plan/plan.h"

// Reading events back. A name or a field that is not known is an error, and no guess: a journal is
// the only truth of its run. `event_to_json.cc` writes them.
namespace interlock::engine {

namespace {

/// One row an event: its name in the journal and how it is read back. In the order of the variant.
struct Row {
  std::string_view name;
  Event (*read)(FieldReader&);
};

constexpr std::array<Row, std::variant_size_v<Event>> kRows = {{
    {"run_began",
     [](FieldReader& r) -> Event {
       return RunBegan{r.text("by"), r.process(), r.flag("resumed")};
     }},
    {"run_stopping",
     [](FieldReader& r) -> Event {
       return RunStopping{r.text("why"), r.choice_or_first<RunStopping::Cause>("cause", kCauses)};
     }},
    {"run_ended",
     [](FieldReader& r) -> Event {
       return RunEnded{r.choice<RunEnded::How>("how", kHows), r.text("digest")};
     }},
    {"gate_reached",
     [](FieldReader& r) -> Event {
       return GateReached{r.maybe_task(), r.choice<GateKind>("gate", kGates)};
     }},
    {"gate_answered",
     [](FieldReader& r) -> Event {
       return GateAnswered{r.maybe_task(), r.choice<GateKind>("gate", kGates), r.flag("approved"),
                           r.text("by")};
     }},
    {"attempt_started",
     [](FieldReader& r) -> Event {
       return AttemptStarted{r.task(),
                             r.index("attempt"),
                             r.choice<AttemptStarted::Trigger>("because", kTriggers),
                             r.index("lane"),
                             r.digest_or_none("key"),
                             r.cache_key_parts(),
                             r.text("changed"),
                             r.waited(),
                             r.choice_or_first<plan::Isolation>("isolation", kIsolations),
                             r.index("seen"),
                             r.flag("speculative"),
                             r.maybe_task("with"),
                             r.maybe_task("from")};
     }},
    {"process_spawned",
     [](FieldReader& r) -> Event {
       return ProcessSpawned{r.task(), r.index("attempt"), r.process()};
     }},
    {"attempt_ended",
     [](FieldReader& r) -> Event {
       return AttemptEnded{r.task(),
                           r.index("attempt"),
                           r.choice<Outcome>("outcome", kOutcomes),
                           r.small("exit"),
                           r.small("signal"),
                           r.text("detail"),
                           r.index("strays"),
                           r.digest("output"),
                           Duration(r.number_or_zero("elapsed_us")),
                           r.usage(),
                           r.digest("changes"),
                           r.digest("reads"),
                           r.texts("remarks"),
                           r.texts("denied_reads"),
                           r.texts("denied_writes"),
                           r.text("reads_from"),
                           r.text("usage_from"),
                           r.number("spawn_tokens"),
                           r.number("return_tokens"),
                           r.flag("broke_dispatcher"),
                           r.digest("writes"),
                           r.texts("unproven"),
                           r.duration("cpu_us"),
                           r.number("memory_peak_bytes")};
     }},
    {"task_done",
     [](FieldReader& r) -> Event {
       return TaskDone{r.task(), r.index("attempt"), r.digest("output"), r.digest_or_none("wrote"),
                       r.text("from_run")};
     }},
    {"task_failed",
     [](FieldReader& r) -> Event {
       return TaskFailed{r.task(), r.choice<Outcome>("outcome", kOutcomes), r.text("detail")};
     }},
    {"task_skipped",
     [](FieldReader& r) -> Event {
       return TaskSkipped{r.task(), r.maybe_task("because"), r.text("unneeded")};
     }},
    {"task_cancelled",
     [](FieldReader& r) -> Event { return TaskCancelled{r.task(), r.text("by")}; }},
    {"task_revived", [](FieldReader& r) -> Event { return TaskRevived{r.task()}; }},
    {"retry_planned",
     [](FieldReader& r) -> Event {
       return RetryPlanned{r.task(), r.choice<AttemptStarted::Trigger>("because", kTriggers),
                           Time(Duration(r.number_or_zero("not_before_us"))), r.flag("charged"),
                           r.text("correction")};
     }},
    {"merge_made",
     [](FieldReader& r) -> Event {
       return MergeMade{r.index("merge"), r.digest_or_none("output")};
     }},
    {"merge_failed",
     [](FieldReader& r) -> Event { return MergeFailed{r.index("merge"), r.text("detail")}; }},
    {"changes_ready",
     [](FieldReader& r) -> Event { return ChangesReady{r.task(), r.index("attempt")}; }},
    {"changes_merged",
     [](FieldReader& r) -> Event {
       return ChangesMerged{r.task(), r.index("attempt"), r.digest_or_none("changes"),
                            r.index("seen"), r.cache_key_parts()};
     }},
    {"changes_committed",
     [](FieldReader& r) -> Event {
       return ChangesCommitted{r.task(), r.index("attempt"), r.digest_or_none("changes"),
                               r.index("count"), r.texts("remarks")};
     }},
    {"commit_refused",
     [](FieldReader& r) -> Event {
       return CommitRefused{r.task(),         r.index("attempt"), r.texts("paths"),
                            r.index("count"), r.tasks("by"),      r.text("detail")};
     }},
    {"changes_folded",
     [](FieldReader& r) -> Event { return ChangesCheckpointed{r.index("commits")}; }},
    {"fold_refused", [](FieldReader& r) -> Event { return CheckpointRefused{r.texts("paths")}; }},
    {"session_began",
     [](FieldReader& r) -> Event {
       return SessionBegan{r.task(), r.index("attempt"), r.text("session"), r.text("model"),
                           r.text("version")};
     }},
    {"model_called",
     [](FieldReader& r) -> Event {
       ModelCall call;
       call.name = {r.task(), r.index("attempt"), 0};
       call.number = r.index("number");
       call.model = r.text("model");
       call.end = r.call_end();
       call.status = static_cast<int>(r.number_or_zero("status"));
       call.bytes = r.index("bytes");
       call.usage = r.usage();
       call.retries = r.index("retries");
       call.waited_quota = Duration(r.number_or_zero("waited_quota_us"));
       call.waited_lead = Duration(r.number_or_zero("waited_lead_us"));
       call.elapsed = Duration(r.number_or_zero("elapsed_us"));
       call.saved = r.number("saved_uusd");
       call.cut = r.flag("cut");
       call.replayed = r.flag("replayed");
       call.offers_tools = r.flag("offers_tools");
       call.failure = r.failure();
       call.detail = r.text("detail");
       call.parked = r.flag("parked");
       if (const auto us = r.number("spent_for_us")) call.spent_for = Duration(*us);
       call.remark = r.text("remark");
       call.warning = r.text("warning");
       return ModelCalled{call.name.task, call.name.attempt, call};
     }},
    {"changes_lost",
     [](FieldReader& r) -> Event {
       return ChangesLost{r.index("commits"), r.tasks("tasks"), r.text("detail")};
     }},
    {"call_waiting",
     [](FieldReader& r) -> Event {
       CallWaiting waiting{r.task(), r.index("attempt"), r.text("on"), {}};
       if (const auto until = r.number("until_us")) waiting.until = Time(Duration(*until));
       return waiting;
     }},
    {"attempts_batched",
     [](FieldReader& r) -> Event {
       return AttemptsBatched{r.task(), r.index("attempt"), r.tasks("others")};
     }},
    {"tasks_added",
     [](FieldReader& r) -> Event {
       return TasksAdded{r.index("count"), r.text("tasks"), r.text("files"), r.text("by"),
                         r.number_or_zero("request")};
     }},
    {"tasks_refused",
     [](FieldReader& r) -> Event {
       return TasksRefused{r.text("why"), r.text("by"), r.number_or_zero("request")};
     }},
    {"additions_closed", [](FieldReader& r) -> Event { return AdditionsClosed{r.text("by")}; }},
    {"run_held", [](FieldReader& r) -> Event { return RunHeld{r.flag("calls"), r.text("by")}; }},
    {"run_released", [](FieldReader& r) -> Event { return RunReleased{r.text("by")}; }},
    {"run_retuned",
     [](FieldReader& r) -> Event {
       const std::string on_quota = r.text("on_quota");
       return RunRetuned{r.number("parallel"), r.number("tokens"), r.number("usd"), r.text("by"),
                         on_quota.empty() ? std::nullopt : std::optional(on_quota == "wait")};
     }},
    {"family_expanded",
     [](FieldReader& r) -> Event {
       return FamilyExpanded{r.task(), r.index("count"), r.text("items")};
     }},
    {"try_ended",
     [](FieldReader& r) -> Event {
       return TryEnded{r.task(), r.index("attempt"), r.flag("good"), r.text("detail"),
                       r.digest("diff")};
     }},
    {"try_picked",
     [](FieldReader& r) -> Event { return TryPicked{r.task(), r.task("picked"), r.text("why")}; }},
    {"try_dropped", [](FieldReader& r) -> Event { return TryDropped{r.task(), r.text("why")}; }},
    {"board_posted",
     [](FieldReader& r) -> Event {
       return BoardPosted{r.text("topic"), r.maybe_task(), r.index("attempt"),
                          r.text("text"),  r.text("by"),   r.number_or_zero("request")};
     }},
    {"board_read",
     [](FieldReader& r) -> Event {
       return BoardRead{r.task(),         r.index("attempt"), r.text("topic"),
                        r.index("after"), r.index("last"),    r.index("count")};
     }},
    {"message_sent",
     [](FieldReader& r) -> Event {
       return MessageSent{r.task(), r.text("text"), r.text("by"), r.number_or_zero("request")};
     }},
    {"task_moved",
     [](FieldReader& r) -> Event {
       return TaskMoved{r.task(), r.choice<TaskMoved::Place>("place", kMovePlaces),
                        r.maybe_task("other"), r.text("by"), r.number_or_zero("request")};
     }},
    {"request_refused",
     [](FieldReader& r) -> Event {
       return RequestRefused{r.text("why"), r.text("by"), r.number_or_zero("request")};
     }},
}};

}  // namespace

std::string_view name_of(const Event& event) { return kRows[event.index()].name; }

std::optional<TaskId> task_of(const Event& event) {
  return std::visit(
      [](const auto& one) -> std::optional<TaskId> {
        if constexpr (requires { one.task; }) {
          return one.task;
        } else {
          return std::nullopt;
        }
      },
      event);
}

Result<Event> event_from_json(std::string_view name, const json::object& body) {
  for (const Row& row : kRows) {
    if (row.name != name) continue;
    FieldReader reader(body);
    Event event = row.read(reader);
    if (reader.spoiled().empty()) return event;
    return fail(Error::Kind::io,
                fmt::format("the journal's `{}` has a bad `{}`", name, reader.spoiled()),
                "the journal is damaged or was written by a newer version");
  }
  return fail(Error::Kind::io,
              fmt::format("the journal holds a `{}`, which this version does not know", name),
              "it was written by a newer version: use that one");
}

}  // namespace interlock::engine
