#include "engine/status.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/conditions.h"
#include "engine/event_batch.h"
#include "engine/view_of.h"

namespace interlock::engine {

namespace {

/// More tasks than this are not all drawn; what runs, failed or asks for a person always is.
constexpr std::size_t kTasksDrawn = 400;

class StatusBuilder {
 public:
  StatusBuilder(const plan::Plan& plan, const footprint::Interlocking& interlocking,
                const Setup& setup, const RunState& run, const schedule::Scheduler& scheduler,
                const Executor* last_output, Time now)
      : plan_(plan),
        interlocking_(interlocking),
        setup_(setup),
        run_(run),
        scheduler_(scheduler),
        executor_(last_output),
        now_(now) {}

  RunStatus view() {
    view_.run = setup_.run;
    view_.plan_name = plan_.name;
    view_.pattern = setup_.pattern;
    view_.now = now_;
    view_.elapsed = elapsed_of(run_, now_);
    view_.stopping = run_.stopping;
    const bool parked = std::ranges::any_of(run_.tasks, [](const TaskRecord& one) {
      return one.state == TaskState::waiting && is_parked(one);
    });
    if (run_.ended == RunEnded::How::limit_reached && parked)
      view_.go_on = resume_with_more(setup_, plan_, run_);
    view_.ended = run_.ended;
    view_.digest = run_.digest;
    for (std::uint32_t i = 0; i < plan_.tasks.size(); ++i) {
      if (is_unused_place(plan_, run_, TaskId(i))) continue;
      ++view_.total;
      add(TaskId(i));
    }
    // What is known to be nothing, as of a task that took up the try of a command, is no model's.
    if (!view_.models.any && view_.tokens == 0 && view_.cost.value_or(0) == 0) {
      view_.tokens.reset();
      view_.cost.reset();
    }
    view_.waited.gate += run_.review_time;
    if (run_.review_since) view_.waited.gate += std::max(Duration{}, now_ - *run_.review_since);
    view_.stood = run_.stood_at_gates;
    const bool stands = run_.session_began && run_.gates_open > 0 && run_.running_count == 0;
    if (stands && run_.last) view_.stood += std::max(Duration{}, now_ - *run_.last);
    for (std::size_t i = 0; i < plan_.merges.size(); ++i) {
      if (!run_.merges[i].failure.empty())
        view_.merges_failed.emplace_back(plan_.merges[i].name, run_.merges[i].failure);
    }
    if (run_.review_open)
      view_.attention = fmt::format("a review is due: interlock approve {}", setup_.run);
    if (!run_.ended) view_.remaining = remaining();
    return std::move(view_);
  }

  TaskStatus task(TaskId id) const { return draw(id, run_[id]); }

 private:
  void add(TaskId id) {
    const TaskRecord& record = run_[id];
    count(record);
    measure(id, record);
    note_promise(id, record);
    for (const AttemptRecord& attempt : record.attempts) {
      for (const std::string& process : attempt.unproven)
        view_.unproven.emplace_back(plan_[id].id, process);
    }
    const bool asks = record.gate_since.has_value();
    if (asks && view_.attention.empty()) {
      view_.attention = fmt::format("`{}` waits for approval: interlock approve {} {}",
                                    plan_[id].id, setup_.run, plan_[id].id);
    }
    const bool always =
        record.state == TaskState::running || record.state == TaskState::failed || asks;
    if (!always && view_.tasks.size() >= kTasksDrawn) {
      ++view_.tasks_left_out;
      return;
    }
    view_.tasks.push_back(draw(id, record));
  }

  void count(const TaskRecord& record) {
    switch (record.state) {
      case TaskState::waiting: ++view_.waiting; break;
      case TaskState::running: ++view_.running; break;
      case TaskState::reviewing: ++view_.reviewing; break;
      case TaskState::committing: ++view_.committing; break;
      case TaskState::done: ++view_.done; break;
      case TaskState::failed: ++view_.failed; break;
      case TaskState::skipped: ++view_.skipped; break;
      case TaskState::cancelled: ++view_.cancelled; break;
    }
    if (!record.from_run.empty()) ++view_.reused;
  }

  void measure(TaskId id, const TaskRecord& record) {
    // Until one is picked nobody knows which of them count.
    const bool untaken = plan_[id].try_of && record.state == TaskState::skipped;
    if (untaken && !record.attempts.empty()) ++view_.tries_untaken;
    for (const AttemptRecord& attempt : record.attempts) {
      const Duration took =
          attempt.ended ? attempt.elapsed : std::max(Duration{}, now_ - attempt.started);
      const bool lost = attempt.refused || attempt.outcome == Outcome::conflicted;
      const bool failed = attempt.outcome && *attempt.outcome != Outcome::succeeded;
      (untaken  ? view_.untaken
       : lost   ? view_.lost
       : failed ? view_.failed_work
                : view_.sequential) += took;
      const Usage& used = attempt.known;
      if (lost && !untaken) add_tokens(view_.lost_tokens, used);
      if (untaken) add_tokens(view_.untaken_tokens, used);
      if (untaken) add_known(view_.untaken_cost, used.cost);
      if (attempt.speculative) ++view_.speculated;
      if (attempt.speculative && lost) ++view_.speculations_lost;
      if (attempt.because == AttemptStarted::Trigger::retry) ++view_.retried;
      if (attempt.because == AttemptStarted::Trigger::correction) ++view_.corrected;
      if (lost) ++view_.conflicted;
      if (!attempt.merged.empty()) ++view_.merged;
      add_tokens(view_.tokens, used);
      add_known(view_.cost, used.cost);
      count_calls(id, attempt);
      view_.waited.needs += attempt.waited.needs;
      view_.waited.conflict += attempt.waited.conflict;
      view_.waited.quota += attempt.waited.quota;
      view_.waited.slot += attempt.waited.slot;
      view_.waited.backoff += attempt.waited.backoff;
    }
    view_.waited.gate += record.gate_time;
    if (record.gate_since) view_.waited.gate += std::max(Duration{}, now_ - *record.gate_since);
  }

  static void add_tokens(std::optional<Tokens>& sum, const Usage& used) {
    for (const auto& part : {used.input, used.output, used.cache_read, used.cache_write})
      add_known(sum, part);
  }

  void count_calls(TaskId id, const AttemptRecord& attempt) {
    RunStatus::Models& models = view_.models;
    models.calls += attempt.calls;
    models.refused += attempt.calls_refused;
    models.again += attempt.calls_again;
    models.replayed += attempt.calls_replayed;
    models.waited_quota += attempt.waited_quota;
    models.waited_lead += attempt.waited_lead;
    if (!attempt.saved) models.saved.reset();
    if (models.saved) *models.saved += *attempt.saved;
    add_known(models.overhead, attempt.spawn_tokens);
    add_known(models.overhead, attempt.return_tokens);
    const Completeness complete = completeness_of(plan_, id, attempt);
    models.any |= complete.asked;
    models.all_known &= complete.tokens;
    models.cost_known &= complete.cost;
  }

  /// What is known of the reads and writes of a task that was done here.
  void note_promise(TaskId id, const TaskRecord& record) {
    if (record.state != TaskState::done || record.attempts.empty() || !record.from_run.empty())
      return;
    const AttemptRecord& attempt = record.attempts.back();
    const std::string isolation(plan::name_of(attempt.isolation));
    std::string words;
    switch (attempt.isolation) {
      case plan::Isolation::direct:
        words = plan_[id].footprint.unknown ? "reads and writes not declared and not checked"
                                            : "reads and writes as declared, not checked";
        break;
      case plan::Isolation::guard: words = "reads and writes declared, and enforced"; break;
      default:
        words = attempt.reads_from == "everything"
                    ? "writes observed, reads not known: anything may have been read"
                    : fmt::format("writes observed, reads {}", attempt.reads_from);
    }
    hold(isolation, words);
    for (const BoardRead& one : attempt.board_reads) {
      const auto topic = std::ranges::find(plan_.topics, one.topic, &plan::Topic::name);
      if (topic != plan_.topics.end() && topic->kind == plan::TopicKind::live)
        hold("live", fmt::format("read topic `{}`: outside serial equivalence", one.topic));
    }
  }

  void hold(const std::string& isolation, const std::string& words) {
    const auto same = [&](const RunStatus::Held& one) {
      return one.isolation == isolation && one.words == words;
    };
    auto found = std::ranges::find_if(view_.held, same);
    if (found == view_.held.end())
      found = view_.held.insert(view_.held.end(), {isolation, words, 0});
    ++found->tasks;
  }

  static bool is_parked(const TaskRecord& record) {
    return !record.attempts.empty() && record.attempts.back().parked &&
           record.attempts.back().outcome == Outcome::over_budget;
  }

  static void add_known(std::optional<std::int64_t>& sum, const std::optional<std::int64_t>& part) {
    if (part) sum = sum.value_or(0) + *part;
  }

  TaskStatus draw(TaskId id, const TaskRecord& record) const {
    const plan::Task& task = plan_[id];
    TaskStatus result;
    result.task = id;
    result.id = task.id;
    if (task.family && !run_.expanded.contains(plan_.families[*task.family].first))
      result.id = plan_.families[*task.family].id;
    result.state = record.state;
    result.attempt = static_cast<std::uint32_t>(record.attempts.size());
    result.expected = setup_.expected[id.index()];
    result.detail = record.detail;
    result.reused = !record.from_run.empty();
    if (task.idle_timeout > Duration{}) result.idle_limit = task.idle_timeout;
    if (record.state == TaskState::waiting && !run_.ended && scheduler_.waits(id)) {
      result.waits_for = say(plan_, interlocking_, scheduler_.reason_of(id, now_), id, now_);
    }
    if (record.state == TaskState::committing && !run_.ended) result.waits_for = turn_of(id);
    const bool starts_no_more = run_.ended || !run_.stopping.empty();
    if (record.state == TaskState::waiting && starts_no_more && is_parked(record))
      result.waits_for = record.attempts.back().detail;
    if (record.state == TaskState::skipped && record.because) {
      result.detail = fmt::format("`{}` did not succeed", plan_[*record.because].id);
    }
    if (record.is_unneeded()) result.detail = record.unneeded;
    if (record.attempts.empty()) return result;
    const AttemptRecord& attempt = record.attempts.back();
    result.because = attempt.because;
    result.lane = attempt.lane;
    if (attempt.ended) {
      result.elapsed = attempt.elapsed;
    } else {
      on_events(result, attempt);
      result.call_waits = call_wait_of(attempt);
    }
    return result;
  }

  std::string call_wait_of(const AttemptRecord& attempt) const {
    if (attempt.call_waits_on.empty()) return {};
    std::string text = "its model call waits: " + attempt.call_waits_on;
    if (attempt.call_waits_until && *attempt.call_waits_until > now_) {
      text += fmt::format(", tried in {} (at {})", show_duration(*attempt.call_waits_until - now_),
                          show_time(*attempt.call_waits_until).substr(11, 8));
    }
    return text;
  }

  /// What its changes wait for.
  std::string turn_of(TaskId id) const {
    const auto& attempts = run_[id].attempts;
    const bool failed = !attempts.empty() &&
                        attempts.back().outcome.value_or(Outcome::succeeded) != Outcome::succeeded;
    const std::string_view what = failed ? "it failed, which counts" : "commits";
    for (std::uint32_t i = 0; i < id.index(); ++i) {
      if (run_.tasks[i].state < TaskState::done)
        return fmt::format("{} after `{}`", what, plan_.tasks[i].id);
    }
    return failed ? "it failed, which counts now" : "its changes are checked";
  }

  void on_events(TaskStatus& task, const AttemptRecord& attempt) const {
    task.running_for = std::max(Duration{}, now_ - attempt.started);
    if (executor_ == nullptr) return;
    const AttemptName work{task.task, attempt.number, 0};
    const AttemptName check{task.task, attempt.number, 1};
    const AttemptName name = executor_->last_output_at(check) ? check : work;
    if (const auto at = executor_->last_output_at(name))
      task.silent_for = std::max(Duration{}, now_ - *at);
    task.last_line = executor_->last_line(name);
  }

  /// How much longer or shorter than forecast tasks took in this run, by agent: the forecast's
  /// spread within an agent's tasks is kept, its level is what was seen.
  struct Pace {
    Duration took{}, expected{};

    double factor() const {
      return expected > Duration{} ? to_seconds(took) / to_seconds(expected) : 1.0;
    }
  };
  std::vector<Pace> paces() const {
    std::vector<Pace> paces(plan_.agents.size());
    for (std::uint32_t i = 0; i < plan_.tasks.size(); ++i) {
      const TaskRecord& record = run_.tasks[i];
      const bool ran =
          record.state == TaskState::done && record.from_run.empty() && !record.attempts.empty();
      if (!ran) continue;
      Pace& pace = paces[plan_.tasks[i].agent.index()];
      pace.took += record.attempts.back().elapsed;
      pace.expected += setup_.expected[i];
    }
    return paces;
  }

  /// What is left, at the pace of the tasks that ran: spread over the slots, but never less than
  /// the longest way to the end.
  std::optional<Duration> remaining() const {
    const std::vector<Pace> paces = this->paces();
    Duration work{};
    Duration longest{};
    for (std::uint32_t i = 0; i < plan_.tasks.size(); ++i) {
      const TaskRecord& record = run_.tasks[i];
      // Of a run that is stopping only what runs is waited for.
      const bool comes = record.state == TaskState::waiting && run_.stopping.empty();
      if (!comes && record.state != TaskState::running) continue;
      const double factor = paces[plan_.tasks[i].agent.index()].factor();
      Duration left(
          static_cast<std::int64_t>(static_cast<double>(setup_.expected[i].count()) * factor));
      if (record.state == TaskState::running) {
        const Duration so_far = now_ - record.attempts.back().started;
        // Nobody knows when something ends that takes so much longer than it ever did.
        if (so_far > 2 * left) return std::nullopt;
        left = std::max(Duration{}, left - so_far);
      }
      work += left;
      longest = std::max(longest, left);
    }
    return std::max(longest,
                    work / static_cast<std::int64_t>(std::max(1u, setup_.policy.parallel)));
  }

  const plan::Plan& plan_;
  const footprint::Interlocking& interlocking_;
  const Setup& setup_;
  const RunState& run_;
  const schedule::Scheduler& scheduler_;
  const Executor* executor_;
  Time now_;
  RunStatus view_;
};

}  // namespace

RunStatus view_of(const plan::Plan& plan, const footprint::Interlocking& interlocking,
                  const Setup& setup, const RunState& run, const schedule::Scheduler& scheduler,
                  const Executor* last_output, Time now) {
  return StatusBuilder(plan, interlocking, setup, run, scheduler, last_output, now).view();
}

TaskStatus task_view_of(const plan::Plan& plan, const footprint::Interlocking& interlocking,
                        const Setup& setup, const RunState& run,
                        const schedule::Scheduler& scheduler, const Executor* last_output, Time now,
                        TaskId task) {
  return StatusBuilder(plan, interlocking, setup, run, scheduler, last_output, now).task(task);
}

}  // namespace interlock::engine
