#include "report/run_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "changes/changeset.h"
#include "engine/conditions.h"
#include "panel/summary.h"
#include "report/board.h"
#include "report/run_record.h"

namespace interlock::report {

namespace {

template <typename T>
json::value or_null(const std::optional<T>& value) {
  return value ? json::value(*value) : json::value(nullptr);
}

json::value usd_or_null(const std::optional<MicroUsd>& cost) {
  return cost ? json::value(static_cast<double>(*cost) / 1e6) : json::value(nullptr);
}

json::value digest_or_null(const std::optional<Digest>& digest) {
  return digest ? json::value(digest->hex()) : json::value(nullptr);
}

/// Reads what attempts changed out of the journal, where the events have its digest only.
class ChangesOf {
 public:
  explicit ChangesOf(journal::Store& store) : store_(store) {}
  json::value operator()(const Digest& changes) const;

 private:
  journal::Store& store_;
};

json::value ChangesOf::operator()(const Digest& digest) const {
  auto text = store_.blob(digest);
  auto changeset = text ? changes::changeset_from_text(*text) : std::unexpected(text.error());
  if (!changeset) return nullptr;
  json::array list;
  for (const changes::Change& one : changeset->changes) {
    list.push_back(json::object{{"path", printable(one.path)},
                                {"before", changes::name_of(one.before.kind)},
                                {"after", changes::name_of(one.after.kind)}});
  }
  return list;
}

json::object waited_json(const engine::WaitedFor& waited) {
  return {{"needs_s", to_seconds(waited.needs)}, {"conflict_s", to_seconds(waited.conflict)},
          {"quota_s", to_seconds(waited.quota)}, {"slot_s", to_seconds(waited.slot)},
          {"gate_s", to_seconds(waited.gate)},   {"backoff_s", to_seconds(waited.backoff)}};
}

json::object usage_json(const engine::Usage& usage) {
  return {{"input", or_null(usage.input)},
          {"output", or_null(usage.output)},
          {"cache_read", or_null(usage.cache_read)},
          {"cache_write", or_null(usage.cache_write)}};
}

/// Of one attempt: what its client told, and what was asked of models.
void add_models_json(json::object& one, const engine::AttemptRecord& attempt) {
  const auto text_or_null = [](const std::string& text) {
    return text.empty() ? json::value(nullptr) : json::value(text);
  };
  one["session"] = text_or_null(attempt.session);
  one["model"] = text_or_null(attempt.model);
  one["client_version"] = text_or_null(attempt.version);
  one["tokens"] = usage_json(attempt.ended ? attempt.usage : attempt.called);
  one["cost_usd"] = usd_or_null(attempt.ended ? attempt.usage.cost : attempt.called.cost);
  one["counted_by"] = text_or_null(attempt.usage_from);
  one["spawn_tokens"] = or_null(attempt.spawn_tokens);
  one["return_tokens"] = or_null(attempt.return_tokens);
  one["calls"] = json::object{{"answered", attempt.calls},
                              {"not_answered", attempt.calls_refused},
                              {"sent_again", attempt.calls_again},
                              {"replayed", attempt.calls_replayed},
                              {"waited_quota_s", to_seconds(attempt.waited_quota)},
                              {"waited_cache_s", to_seconds(attempt.waited_lead)},
                              {"cache_saved_usd", usd_or_null(attempt.saved)}};
}

/// What of an attempt's work met with what others had changed.
json::object conflict_json(const plan::Plan& plan, const engine::CommitRefused& refused) {
  json::array by;
  for (const TaskId task : refused.by) by.push_back(json::string(plan[task].id));
  return {{"paths", json::array(refused.paths.begin(), refused.paths.end())},
          {"count", refused.count},
          {"by", std::move(by)},
          {"detail", refused.detail}};
}

/// The tasks that share the attempt; null: it is the task's alone. The first has the log.
json::value batched_json(const plan::Plan& plan, const engine::AttemptRecord& attempt) {
  if (!attempt.is_batched()) return nullptr;
  json::array names;
  if (attempt.batched_with) names.push_back(json::string(plan[*attempt.batched_with].id));
  for (const TaskId other : attempt.others) names.push_back(json::string(plan[other].id));
  return names;
}

json::array attempts_json(const plan::Plan& plan, const engine::TaskRecord& record) {
  json::array list;
  for (const auto& attempt : record.attempts) {
    json::object one;
    one["attempt"] = attempt.number;
    one["outcome"] =
        attempt.outcome ? json::value(engine::name_of(*attempt.outcome)) : json::value(nullptr);
    one["exit"] = or_null(attempt.exit_code);
    one["signal"] = or_null(attempt.signal);
    one["detail"] = attempt.detail;
    one["started"] = show_time(attempt.started);
    one["elapsed_s"] =
        attempt.ended ? json::value(to_seconds(attempt.elapsed)) : json::value(nullptr);
    one["cpu_s"] =
        attempt.cpu_time ? json::value(to_seconds(*attempt.cpu_time)) : json::value(nullptr);
    one["memory_peak_bytes"] = or_null(attempt.memory_peak_bytes);
    one["strays"] = attempt.strays;
    one["unproven"] = json::array(attempt.unproven.begin(), attempt.unproven.end());
    one["because"] = engine::name_of(attempt.because);
    one["speculative"] = attempt.speculative;
    one["batched_with"] = batched_json(plan, attempt);
    one["conflict"] =
        attempt.refused ? conflict_json(plan, *attempt.refused) : json::value(nullptr);
    json::array merged;
    for (const auto& file : attempt.merged) merged.push_back(json::string(file.name));
    one["merged"] = std::move(merged);
    one["remarks"] = json::array(attempt.remarks.begin(), attempt.remarks.end());
    add_models_json(one, attempt);
    list.push_back(std::move(one));
  }
  return list;
}

/// What its latest attempt was shown of the board.
json::array board_json(const engine::TaskRecord& record) {
  json::array list;
  if (record.attempts.empty()) return list;
  for (const engine::BoardRead& one : record.attempts.back().board_reads)
    list.push_back(json::object{{"topic", one.topic}, {"notes_read", one.count}});
  return list;
}

json::object task_json(const runs::ChosenRun& run, TaskId id, const ChangesOf& changes_of) {
  const plan::Plan& plan = run.plan();
  const engine::TaskRecord& record = run.state[id];
  const plan::Task& task = plan[id];
  const engine::Usage usage = usage_of(record);
  json::object one;
  one["id"] = task.id;
  one["state"] = engine::name_of(record.state);
  one["attempts"] = record.attempts.size();
  one["exit"] =
      record.attempts.empty() ? json::value(nullptr) : or_null(record.attempts.back().exit_code);
  one["outcome"] = record.attempts.empty() || !record.attempts.back().outcome
                       ? json::value(nullptr)
                       : json::value(engine::name_of(*record.attempts.back().outcome));
  one["detail"] = record.is_unneeded() ? record.unneeded : record.detail;
  one["try_of"] = task.try_of ? json::value(plan[*task.try_of].id) : json::value(nullptr);
  one["picked"] = record.picked ? json::value(plan[*record.picked].id) : json::value(nullptr);
  one["picked_because"] = record.picked ? json::value(record.picked_because) : json::value(nullptr);
  one["reused_from"] =
      record.from_run.empty() ? json::value(nullptr) : json::value(record.from_run);
  one["tokens"] = usage_json(usage);
  const auto all = [&](auto part) {
    return std::ranges::all_of(record.attempts, [&](const auto& attempt) {
      return completeness_of(plan, id, attempt).*part;
    });
  };
  one["tokens_complete"] = all(&engine::Completeness::tokens);
  one["cost_complete"] = all(&engine::Completeness::cost);
  one["cost_usd"] = usd_or_null(usage.cost);
  const bool measured = !record.attempts.empty() && record.attempts.back().ended;
  one["elapsed_s"] =
      measured ? json::value(to_seconds(record.attempts.back().elapsed)) : json::value(nullptr);
  one["waited"] = waited_json(waited_of(record));
  const bool ran = !record.attempts.empty();
  one["isolation"] = plan::name_of(ran ? record.attempts.back().isolation : task.isolation);
  one["conflicts"] = record.conflicts;
  one["output"] = digest_or_null(record.output);
  // Without a view nobody observes what a task changes; that is not the same as nothing.
  const bool observed = ran && record.attempts.back().changes;
  one["changes"] = observed ? changes_of(*record.attempts.back().changes) : json::value(nullptr);
  one["reads_from"] =
      observed ? json::value(record.attempts.back().reads_from) : json::value(nullptr);
  const std::string waits = ran ? record.attempts.back().call_waits_on : std::string();
  one["model_call_waits"] = waits.empty() ? json::value(nullptr) : json::value(waits);
  if (!record.messages.empty()) one["messages"] = messages_json(run, id);
  if (!task.board.empty()) one["board"] = board_json(record);
  one["history"] = attempts_json(plan, record);
  return one;
}

std::string_view sign_of(engine::TaskState state, const panel::Signs& signs) {
  switch (state) {
    case engine::TaskState::waiting: return signs.waiting;
    case engine::TaskState::running: return signs.running;
    case engine::TaskState::reviewing: return signs.reviewing;
    case engine::TaskState::committing: return signs.waiting;
    case engine::TaskState::done: return signs.done;
    case engine::TaskState::failed: return signs.failed;
    case engine::TaskState::skipped:
    case engine::TaskState::cancelled: return signs.skipped;
  }
  return signs.waiting;
}

std::string remark_on(const engine::TaskStatus& task, const engine::TaskRecord& record,
                      bool is_dispatched) {
  if (!task.call_waits.empty()) return task.call_waits;
  // Of a run that nobody dispatches a waiting task waits for that, and show has said so.
  if (task.state == engine::TaskState::waiting && !is_dispatched) return {};
  if (!record.from_run.empty()) return fmt::format("taken from {}", record.from_run);
  if (task.state == engine::TaskState::waiting || task.state == engine::TaskState::committing)
    return task.waits_for;
  if (!task.detail.empty()) return task.detail.substr(0, task.detail.find('\n'));
  if (record.conflicts > 0)
    return fmt::format("{} attempts, {} of them met others' changes", record.attempts.size(),
                       record.conflicts);
  if (record.attempts.size() > 1) return fmt::format("{} attempts", record.attempts.size());
  return {};
}

}  // namespace

json::object run_json(const runs::ChosenRun& run, const engine::RunStatus& view,
                      journal::Store& store, const std::vector<runs::LoginWindow>& windows) {
  const ChangesOf changes_of(store);
  json::object root;
  root["version"] = 1;
  root["run"] = run.id();
  root["plan"] = view.plan_name;
  root["state"] = runs::state_text(run);
  root["pattern"] = view.pattern;
  root["digest"] = view.digest.empty() ? json::value(nullptr) : json::value(view.digest);
  root["workspace"] = run.plan().workspace;
  json::array tasks;
  for (std::uint32_t i = 0; i < run.plan().tasks.size(); ++i) {
    if (engine::is_unused_place(run.plan(), run.state, TaskId(i))) continue;
    tasks.push_back(task_json(run, TaskId(i), changes_of));
  }
  root["tasks"] = std::move(tasks);
  const auto saved = saved_by(view);
  root["totals"] = json::object{
      {"elapsed_s", to_seconds(view.elapsed)},
      {"sequential_s", to_seconds(view.sequential)},
      {"one_by_one_s",
       view.one_by_one ? json::value(to_seconds(*view.one_by_one)) : json::value(nullptr)},
      {"saved_s", saved ? json::value(to_seconds(*saved)) : json::value(nullptr)},
      {"hindsight", view.hindsight.empty() ? json::value(nullptr) : json::value(view.hindsight)},
      {"failed_s", to_seconds(view.failed_work)},
      {"stood_s", to_seconds(view.stood)},
      {"tokens", or_null(view.tokens)},
      {"overhead_tokens", or_null(view.models.overhead)},
      {"cost_usd", usd_or_null(view.cost)},
      {"all_known", view.models.all_known},
      {"cost_known", view.models.cost_known},
      {"calls", view.models.calls},
      {"calls_not_answered", view.models.refused},
      {"calls_sent_again", view.models.again},
      {"calls_replayed", view.models.replayed},
      {"waited_quota_s", to_seconds(view.models.waited_quota)},
      {"waited_cache_s", to_seconds(view.models.waited_lead)},
      {"cache_saved_usd", usd_or_null(view.models.saved)},
      {"lost_s", to_seconds(view.lost)},
      {"lost_tokens", or_null(view.lost_tokens)},
      {"untaken_s", to_seconds(view.untaken)},
      {"untaken_tokens", or_null(view.untaken_tokens)},
      {"tries_untaken", view.tries_untaken},
      {"speculated", view.speculated},
      {"speculations_lost", view.speculations_lost},
      {"waited", waited_json(view.waited)}};
  json::array held;
  for (const auto& one : view.held) {
    held.push_back(
        json::object{{"isolation", one.isolation}, {"what", one.words}, {"tasks", one.tasks}});
  }
  root["held"] = std::move(held);
  json::array unproven;
  for (const auto& [task, process] : view.unproven)
    unproven.push_back(json::object{{"task", task}, {"process", process}});
  root["not_proven_gone"] = std::move(unproven);
  root["commits"] =
      json::object{{"made", run.state.commits.size()}, {"folded", run.state.checkpointed}};
  json::array merges;
  for (std::size_t i = 0; i < run.plan().merges.size(); ++i) {
    const plan::Merge& merge = run.plan().merges[i];
    const engine::MergeRecord& made = run.state.merges[i];
    merges.push_back(json::object{
        {"name", merge.name},
        {"with", plan::name_of(merge.with)},
        {"output", digest_or_null(made.output)},
        {"failure", made.failure.empty() ? json::value(nullptr) : json::value(made.failure)}});
  }
  root["merges"] = std::move(merges);
  json::array left;
  for (const runs::LoginWindow& one : windows) {
    left.push_back(json::object{{"provider", one.provider},
                                {"agents", json::array(one.agents.begin(), one.agents.end())},
                                {"window", printable(one.name)},
                                {"used", one.used},
                                {"resets", show_time(one.resets)},
                                {"seen", show_time(one.seen)}});
  }
  root["windows"] = std::move(left);
  return root;
}

std::string run_text(const runs::ChosenRun& run, const engine::RunStatus& view,
                     const std::vector<std::string>& windows, panel::Size size,
                     panel::Style style) {
  std::string text;
  if (run.state.ended) {
    for (const std::string& line : panel::draw_summary(view, size, style)) text += line + "\n";
  } else {
    text += fmt::format("{} {}  {}  {}  {} of {} done\n", run.id(), runs::state_text(run),
                        view.plan_name, view.pattern, view.done, view.total);
    if (!run.dispatched())
      text += fmt::format("its dispatcher is dead: interlock resume {}\n", run.id());
    for (const auto& [task, process] : view.unproven)
      text += fmt::format("left by `{}`: {} could not be proven gone\n", task, process);
  }
  text += "\n";
  std::size_t widest = 4;
  for (const engine::TaskStatus& task : view.tasks)
    widest = std::max(widest, std::min<std::size_t>(32, display_width(task.id)));
  for (const engine::TaskStatus& task : view.tasks) {
    const engine::TaskRecord& record = run.state[task.task];
    const std::string time = task.elapsed       ? show_duration(*task.elapsed)
                             : task.running_for ? show_duration(*task.running_for)
                                                : "";
    std::string line =
        fmt::format("{} {}  {}  {}  {}", sign_of(task.state, panel::signs_of(style)),
                    pad(elide_middle(task.id, widest), widest), pad(engine::name_of(task.state), 9),
                    pad_left(time, 9), printable(remark_on(task, record, run.dispatched())));
    text += elide_end(line, size.columns) + "\n";
  }
  if (view.tasks_left_out > 0)
    text += fmt::format("  and {} more: --json lists them all\n", view.tasks_left_out);
  for (std::size_t i = 0; i < run.plan().merges.size(); ++i) {
    const engine::MergeRecord& made = run.state.merges[i];
    const std::string how = made.output            ? made.output->brief()
                            : made.failure.empty() ? "not made yet"
                                                   : "failed: " + made.failure;
    text += fmt::format("merge `{}`: {}\n", run.plan().merges[i].name, printable(how));
  }
  for (const std::string& one : windows) text += printable(one) + "\n";
  return text;
}

}  // namespace interlock::report
