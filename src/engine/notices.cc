#include "engine/notices.h"

#include <fmt/format.h>

#include "base/text.h"
#include "engine/judge.h"
#include "engine/ledger.h"

namespace interlock::engine {

namespace {

using Kind = Notice::Kind;

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

/// One overload a fact that is worth a line.
class Teller {
 public:
  Teller(const plan::Plan& plan, const RunState& run) : plan_(plan), run_(run) {}

  std::optional<Notice> operator()(const AttemptStarted& fact) const {
    std::string text;
    if (fact.attempt > 1) text = fmt::format("attempt {}", fact.attempt);
    return notice(Kind::started, fact.task, std::move(text));
  }
  std::optional<Notice> operator()(const AttemptsBatched& fact) const {
    const std::size_t count = fact.others.size();
    return notice(
        Kind::started, fact.task,
        fmt::format("and {} more task{} in the same attempt", count, count == 1 ? "" : "s"));
  }
  std::optional<Notice> operator()(const TaskDone& fact) const {
    if (!fact.from_run.empty())
      return notice(Kind::reused, fact.task, fmt::format("from {}", fact.from_run));
    const AttemptRecord& last = run_[fact.task].attempts.back();
    Notice result = notice(Kind::done, fact.task, with_unproven({}, last.unproven));
    result.elapsed = last.elapsed;
    return result;
  }
  std::optional<Notice> operator()(const ChangesReady& fact) const {
    const AttemptRecord& last = run_[fact.task].attempts.back();
    if (last.outcome == Outcome::succeeded) return notice(Kind::ready, fact.task, {});
    return notice(
        Kind::ready, fact.task,
        "it failed, which counts when what goes before it is over: " + first_line(last.detail));
  }
  std::optional<Notice> operator()(const ChangesLost& fact) const {
    std::vector<std::string> names;
    for (const TaskId id : fact.tasks) names.push_back(fmt::format("`{}`", plan_[id].id));
    return notice(Kind::retrying, fact.tasks.front(),
                  fmt::format("done again: {}: {}", join_words(names, 5), fact.detail));
  }
  std::optional<Notice> operator()(const ChangesMerged& fact) const {
    return notice(
        Kind::joined, fact.task,
        fmt::format(
            "`{}`{}", fact.files.front().name,
            fact.files.size() == 1 ? "" : fmt::format(" and {} more", fact.files.size() - 1)));
  }
  std::optional<Notice> operator()(const TaskFailed& fact) const {
    Notice result = notice(Kind::failed, fact.task, first_line(fact.detail));
    const auto& attempts = run_[fact.task].attempts;
    if (!attempts.empty()) result.elapsed = attempts.back().elapsed;
    return result;
  }
  std::optional<Notice> operator()(const RetryPlanned& fact) const {
    using Because = AttemptStarted::Because;
    const AttemptRecord& last = run_[fact.task].attempts.back();
    if (fact.because == Because::correction) {
      return notice(Kind::correcting, fact.task, first_line(fact.correction));
    }
    if (fact.because == Because::conflict || fact.because == Because::repair) {
      std::string why = last.refused ? last.refused->detail : last.detail;
      return notice(Kind::conflicting, fact.task, first_line(why));
    }
    if (last.outcome == Outcome::interrupted || last.outcome == Outcome::cancelled)
      return std::nullopt;
    Notice result = notice(Kind::retrying, fact.task, first_line(last.detail));
    const Duration wait = fact.not_before - run_.last.value_or(fact.not_before);
    if (wait > Duration{}) result.text += fmt::format("; again in {}", show_duration(wait));
    result.elapsed = last.elapsed;
    return result;
  }
  std::optional<Notice> operator()(const TaskSkipped& fact) const {
    return notice(Kind::skipped, fact.task,
                  fmt::format("`{}` did not succeed", plan_[fact.because].id));
  }
  std::optional<Notice> operator()(const TaskCancelled& fact) const {
    return notice(Kind::cancelled, fact.task, fmt::format("by {}", fact.by));
  }
  std::optional<Notice> operator()(const GateReached& fact) const {
    if (!fact.task) return plain(Kind::gate, {}, "a review is due");
    return notice(Kind::gate, *fact.task,
                  fact.kind == GateKind::before ? "waits for approval before it starts"
                                                : "done, waits for approval");
  }
  std::optional<Notice> operator()(const MergeMade& fact) const {
    return plain(Kind::merged, plan_.merges[fact.merge].name, {});
  }
  std::optional<Notice> operator()(const MergeFailed& fact) const {
    return plain(Kind::failed, plan_.merges[fact.merge].name,
                 fmt::format("merge: {}", first_line(fact.detail)));
  }
  std::optional<Notice> operator()(const RunStopping& fact) const {
    return plain(Kind::stopping, {}, fact.why);
  }
  std::optional<Notice> operator()(const auto&) const { return std::nullopt; }

 private:
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

std::optional<Notice> notice_of(const plan::Plan& plan, const RunState& run, const Event& event) {
  auto notice = std::visit(Teller(plan, run), event.fact);
  if (notice) notice->at = elapsed_of(run, event.at);
  return notice;
}

}  // namespace interlock::engine
