#include "engine/notices.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "engine/conditions.h"
#include "engine/event_batch.h"
#include "engine/judge.h"

namespace interlock::engine {

namespace {

using Kind = Notice::Kind;

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

/// One overload an event that is worth a line.
class EventFormatter {
 public:
  EventFormatter(const plan::Plan& plan, const RunState& run) : plan_(plan), run_(run) {}

  std::optional<Notice> operator()(const AttemptStarted& event) const {
    if (event.because == AttemptStarted::Trigger::tries) return std::nullopt;  // Nothing starts.
    std::string text;
    if (event.attempt > 1) text = fmt::format("attempt {}", event.attempt);
    return notice(Kind::started, event.task, std::move(text));
  }
  std::optional<Notice> operator()(const AttemptsBatched& event) const {
    const std::size_t count = event.others.size();
    return notice(
        Kind::started, event.task,
        fmt::format("and {} more task{} in the same attempt", count, count == 1 ? "" : "s"));
  }
  std::optional<Notice> operator()(const TaskDone& event) const {
    if (!event.from_run.empty())
      return notice(Kind::reused, event.task, fmt::format("from {}", event.from_run));
    const AttemptRecord& last = run_[event.task].attempts.back();
    Notice result = notice(Kind::done, event.task, with_unproven({}, last.unproven));
    result.elapsed = last.elapsed;
    return result;
  }
  std::optional<Notice> operator()(const ChangesReady& event) const {
    const AttemptRecord& last = run_[event.task].attempts.back();
    if (last.outcome == Outcome::succeeded) return notice(Kind::ready, event.task, {});
    return notice(
        Kind::ready, event.task,
        "it failed, which counts when what goes before it is over: " + first_line(last.detail));
  }
  std::optional<Notice> operator()(const ChangesLost& event) const {
    std::vector<std::string> names;
    for (const TaskId id : event.tasks) names.push_back(fmt::format("`{}`", plan_[id].id));
    return notice(Kind::retrying, event.tasks.front(),
                  fmt::format("done again: {}: {}", join_words(names, 5), event.detail));
  }
  std::optional<Notice> operator()(const ChangesMerged& event) const {
    return notice(
        Kind::joined, event.task,
        fmt::format(
            "`{}`{}", event.files.front().name,
            event.files.size() == 1 ? "" : fmt::format(" and {} more", event.files.size() - 1)));
  }
  std::optional<Notice> operator()(const TaskFailed& event) const {
    Notice result = notice(Kind::failed, event.task, first_line(event.detail));
    const auto& attempts = run_[event.task].attempts;
    if (!attempts.empty()) result.elapsed = attempts.back().elapsed;
    return result;
  }
  std::optional<Notice> operator()(const RetryPlanned& event) const {
    using Trigger = AttemptStarted::Trigger;
    const AttemptRecord& last = run_[event.task].attempts.back();
    if (event.because == Trigger::correction) {
      return notice(Kind::correcting, event.task, first_line(event.correction));
    }
    if (event.because == Trigger::conflict || event.because == Trigger::repair) {
      std::string why = last.refused ? last.refused->detail : last.detail;
      return notice(Kind::conflicting, event.task, first_line(why));
    }
    if (last.outcome == Outcome::interrupted || last.outcome == Outcome::cancelled)
      return std::nullopt;
    Notice result = notice(Kind::retrying, event.task, first_line(last.detail));
    const Duration wait = event.not_before - run_.last.value_or(event.not_before);
    if (wait > Duration{}) result.text += fmt::format("; again in {}", show_duration(wait));
    result.elapsed = last.elapsed;
    return result;
  }
  std::optional<Notice> operator()(const TaskSkipped& event) const {
    if (event.unneeded == kNoSuchItem) return std::nullopt;  // It never was a task.
    return notice(Kind::skipped, event.task,
                  event.because ? fmt::format("`{}` did not succeed", plan_[*event.because].id)
                                : event.unneeded);
  }
  std::optional<Notice> operator()(const TryEnded& event) const {
    if (!event.good) return notice(Kind::skipped, event.task, first_line(event.detail));
    Notice result = notice(Kind::done, event.task, "good");
    result.elapsed = run_[event.task].attempts.back().elapsed;
    return result;
  }
  std::optional<Notice> operator()(const TryDropped& event) const {
    return notice(Kind::skipped, event.task, event.why);
  }
  std::optional<Notice> operator()(const TryPicked& event) const {
    return notice(Kind::picked, event.task,
                  fmt::format("`{}`: {}", plan_[event.picked].id, first_line(event.why)));
  }
  std::optional<Notice> operator()(const TaskCancelled& event) const {
    return notice(Kind::cancelled, event.task, fmt::format("by {}", event.by));
  }
  std::optional<Notice> operator()(const GateReached& event) const {
    if (!event.task) return plain(Kind::gate, {}, "a review is due");
    return notice(Kind::gate, *event.task,
                  event.kind == GateKind::before ? "waits for approval before it starts"
                                                 : "done, waits for approval");
  }
  std::optional<Notice> operator()(const MergeMade& event) const {
    return plain(Kind::merged, plan_.merges[event.merge].name, {});
  }
  std::optional<Notice> operator()(const MergeFailed& event) const {
    return plain(Kind::failed, plan_.merges[event.merge].name,
                 fmt::format("merge: {}", first_line(event.detail)));
  }
  std::optional<Notice> operator()(const ModelCalled& event) const {
    const ModelCall& call = event.call;
    if (call.remark.empty() && call.warning.empty()) return std::nullopt;
    if (call.warning.empty()) return notice(Kind::paused, event.task, call.remark);
    return notice(Kind::warning, event.task,
                  call.remark.empty() ? call.warning : call.warning + "; " + call.remark);
  }
  std::optional<Notice> operator()(const RunStopping& event) const {
    return plain(Kind::stopping, {}, event.why);
  }
  std::optional<Notice> operator()(const TasksAdded& event) const {
    const std::size_t all = run_.tasks.size();
    std::vector<std::string> names;
    for (std::size_t i = all - std::min<std::size_t>(event.count, all); i < all; ++i)
      names.push_back(fmt::format("`{}`", plan_.tasks[i].id));
    return plain(Kind::added, {}, fmt::format("{} by {}", join_words(names, 5), event.by));
  }
  std::optional<Notice> operator()(const TasksRefused& event) const {
    return plain(Kind::failed, {}, fmt::format("not added: {}", first_line(event.why)));
  }
  std::optional<Notice> operator()(const FamilyExpanded& event) const {
    std::vector<std::string> names;
    for (std::uint32_t i = 0; i < event.count; ++i)
      names.push_back(fmt::format("`{}`", plan_.tasks[event.task.index() + i].id));
    return plain(Kind::added, {},
                 names.empty()
                     ? fmt::format("nothing for `{}`: there are no items", family_id(event.task))
                     : join_words(names, 5));
  }
  std::optional<Notice> operator()(const AdditionsClosed& event) const {
    return plain(Kind::paused, {}, fmt::format("no more tasks are added: closed by {}", event.by));
  }
  std::optional<Notice> operator()(const RunHeld& event) const {
    return plain(Kind::paused, {},
                 fmt::format("paused by {}{}", event.by, event.calls ? ", model calls too" : ""));
  }
  std::optional<Notice> operator()(const RunReleased& event) const {
    return plain(Kind::paused, {}, fmt::format("goes on, says {}", event.by));
  }
  std::optional<Notice> operator()(const RunRetuned& event) const {
    std::vector<std::string> parts;
    if (event.parallel) parts.push_back(fmt::format("at most {} at once", *event.parallel));
    if (event.tokens) parts.push_back(fmt::format("{} tokens", show_count(*event.tokens)));
    if (event.usd) parts.push_back(show_usd(*event.usd));
    if (event.waits_for_quota)
      parts.push_back(*event.waits_for_quota ? "on_quota: wait" : "on_quota: stop");
    return plain(Kind::paused, {}, fmt::format("{}, says {}", join_words(parts), event.by));
  }
  std::optional<Notice> operator()(const BoardPosted& event) const {
    if (event.task) return std::nullopt;  // An agent's notes are for other agents.
    return plain(Kind::paused, {}, fmt::format("{} posted to topic `{}`", event.by, event.topic));
  }
  std::optional<Notice> operator()(const MessageSent& event) const {
    return plain(
        Kind::paused, {},
        fmt::format("{} says to `{}`: {}", event.by, plan_[event.task].id, first_line(event.text)));
  }
  std::optional<Notice> operator()(const TaskMoved& event) const {
    const std::string other = event.other ? fmt::format(" `{}`", plan_[*event.other].id) : "";
    return plain(Kind::paused, {},
                 fmt::format("`{}` is put {}{}, says {}", plan_[event.task].id,
                             name_of(event.place), other, event.by));
  }
  std::optional<Notice> operator()(const auto&) const { return std::nullopt; }

 private:
  std::string family_id(TaskId place) const {
    const auto& family = plan_[place].family;
    return family ? plan_.families[*family].id : plan_[place].id;
  }
  Notice notice(Kind kind, TaskId task, std::string text) const {
    Notice result = plain(kind, plan_[task].id, std::move(text));
    const auto& attempts = run_[task].attempts;
    result.attempt = static_cast<std::uint32_t>(attempts.size());
    if (!attempts.empty() && attempts.back().outcome == Outcome::verify_failed) result.phase = 1;
    return result;
  }
  static Notice plain(Kind kind, std::string name, std::string text) {
    Notice result;
    result.kind = kind;
    result.task = std::move(name);
    result.text = std::move(text);
    return result;
  }

  const plan::Plan& plan_;
  const RunState& run_;
};

}  // namespace

std::optional<Notice> notice_of(const plan::Plan& plan, const RunState& run,
                                const RecordedEvent& recorded) {
  auto notice = std::visit(EventFormatter(plan, run), recorded.event);
  if (notice) notice->at = elapsed_of(run, recorded.at);
  return notice;
}

}  // namespace interlock::engine
