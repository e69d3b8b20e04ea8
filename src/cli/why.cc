#include <fmt/format.h>

#include "base/text.h"
#include "cli/commands.h"
#include "decide/shown_id.h"
#include "engine/conditions.h"
#include "process/clock.h"
#include "report/board.h"
#include "runs/excerpt.h"

// `why`: why a task is where it is, down to the task, the path or the limit, and since when.
namespace interlock::cli {

namespace {

using engine::TaskState;

std::string clock_time(Time time) { return show_time(time).substr(11, 8); }

/// The task's own sentence.
std::string sentence(const runs::ChosenRun& run, const engine::TaskStatus& view,
                     const engine::TaskRecord& record) {
  switch (view.state) {
    case TaskState::waiting:
      if (run.state.ended || !run.dispatched())
        return fmt::format("waits: the run is not running ({})", runs::state_text(run));
      return fmt::format("waits: {}", view.waits_for);
    case TaskState::running:
      return fmt::format("runs since {} (attempt {}, expected to take {}){}{}",
                         clock_time(record.attempts.back().started), view.attempt,
                         show_duration(view.expected), view.call_waits.empty() ? "" : "; ",
                         view.call_waits);
    case TaskState::reviewing:
      return fmt::format("is done and waits for approval since {}", clock_time(*record.gate_since));
    case TaskState::committing:
      if (record.attempts.back().outcome != engine::Outcome::succeeded)
        return fmt::format("is not settled: {} ({})",
                           view.waits_for.empty() ? "nobody dispatches the run" : view.waits_for,
                           record.attempts.back().detail);
      return fmt::format("is done, its changes wait: {}",
                         view.waits_for.empty() ? "the run is not running" : view.waits_for);
    case TaskState::done:
      if (!record.from_run.empty())
        return fmt::format("was not run: nothing it depends on changed since run {}",
                           record.from_run);
      return fmt::format("done at {}", clock_time(*record.settled));
    case TaskState::failed:
      return fmt::format("failed at {}: {}", clock_time(*record.settled), view.detail);
    case TaskState::skipped:
      return fmt::format("was skipped at {}: {}", clock_time(*record.settled), view.detail);
    case TaskState::cancelled:
      return fmt::format("was cancelled at {} by {}", clock_time(*record.settled), view.detail);
  }
  return {};
}

std::string_view because(engine::AttemptStarted::Trigger why) {
  switch (why) {
    case engine::AttemptStarted::Trigger::first: return "first";
    case engine::AttemptStarted::Trigger::retry: return "retry";
    case engine::AttemptStarted::Trigger::correction: return "correction";
    case engine::AttemptStarted::Trigger::again: return "again";
    case engine::AttemptStarted::Trigger::conflict: return "after a conflict";
    case engine::AttemptStarted::Trigger::repair: return "repair";
    case engine::AttemptStarted::Trigger::tries: return "of its tries";
  }
  return {};
}

/// What the attempt asked of models, and what that took.
std::string models_text(const engine::AttemptRecord& attempt) {
  std::string text;
  if (!attempt.model.empty() || !attempt.session.empty()) {
    text += fmt::format("    {}{}{}\n", attempt.model.empty() ? "" : "model " + attempt.model,
                        !attempt.model.empty() && !attempt.session.empty() ? ", " : "",
                        attempt.session.empty() ? "" : "session " + attempt.session);
  }
  if (attempt.calls + attempt.calls_refused > 0) {
    const std::uint32_t calls = attempt.calls + attempt.calls_refused;
    text += fmt::format("    {} model call{}", calls, calls == 1 ? "" : "s");
    if (attempt.calls_refused > 0) text += fmt::format(", {} not answered", attempt.calls_refused);
    if (attempt.calls_again > 0) text += fmt::format(", {} sent again", attempt.calls_again);
    if (attempt.calls_replayed > 0)
      text += fmt::format(", {} from a recording", attempt.calls_replayed);
    if (attempt.waited_quota > Duration{})
      text += fmt::format(", waited {} for quotas", show_duration(attempt.waited_quota));
    if (attempt.waited_lead > Duration{})
      text += fmt::format(", {} for a prompt cache", show_duration(attempt.waited_lead));
    text += "\n";
  }
  const Usage& used = attempt.ended ? attempt.usage : attempt.called;
  if (attempt.usage_from.empty() && attempt.calls == 0) return text;
  const auto part = [](const std::optional<Tokens>& tokens) {
    return tokens ? show_count(*tokens) : std::string("unknown");
  };
  text += fmt::format(
      "    tokens: {} in, {} out, {} read from cache, {} written to it{}\n", part(used.input),
      part(used.output), part(used.cache_read), part(used.cache_write),
      attempt.usage_from.empty() ? "" : " (counted by the " + attempt.usage_from + ")");
  if (used.cost) text += fmt::format("    cost: {}\n", show_usd(*used.cost));
  if (attempt.spawn_tokens && attempt.return_tokens) {
    text += fmt::format("    dispatch: {} tokens before its own prompt, {} to return\n",
                        show_count(*attempt.spawn_tokens), show_count(*attempt.return_tokens));
  }
  return text;
}

/// Why an earlier result was not taken instead of the first attempt.
std::string why_run(const runs::ChosenRun& run, TaskId id, const engine::AttemptRecord& attempt) {
  if (!run.request.reuse) return "not reused: `--fresh` asked to run everything";
  const bool has_view =
      attempt.isolation == plan::Isolation::view || attempt.isolation == plan::Isolation::worktree;
  if (run.plan()[id].footprint.unknown && !has_view) {
    return "not reused: what it reads is not declared; declare `reads` and `writes`, or give it a "
           "view, to have its result reused";
  }
  if (!attempt.changed.empty()) return "run because " + attempt.changed;
  return "run because no earlier result of it is kept";
}

/// Each of its tries, what it took, and which one counts.
std::string tries_text(const runs::ChosenRun& run, TaskId id) {
  const engine::TaskRecord& record = run.state[id];
  std::string text;
  for (const TaskId one : run.plan()[id].tries) {
    const engine::TaskRecord& its = run.state[one];
    text += fmt::format("  try `{}`: {}", run.plan()[one].id,
                        record.picked == one ? "picked" : name_of(its.state));
    Duration took{};
    Usage used;
    for (const auto& attempt : its.attempts) {
      took += attempt.elapsed;
      used = at_least(used, attempt.known);
    }
    if (!its.attempts.empty()) text += fmt::format(", {}", show_duration(took));
    std::optional<Tokens> tokens;
    for (const auto& part : {used.input, used.output, used.cache_read, used.cache_write})
      if (part) tokens = tokens.value_or(0) + *part;
    if (tokens) text += fmt::format(", {} tokens", show_count(*tokens));
    if (used.cost) text += fmt::format(", {}", show_usd(*used.cost));
    const std::string& why = record.picked == one ? record.picked_because : its.unneeded;
    if (!why.empty()) text += fmt::format(": {}", why);
    text += "\n";
  }
  return text;
}

/// With whom it shared the attempt.
std::string batch_text(const runs::ChosenRun& run, const engine::AttemptRecord& attempt) {
  if (attempt.batched_with) {
    const std::string& first = run.plan()[*attempt.batched_with].id;
    return fmt::format("    in one attempt with `{0}`, whose log it is: interlock log {1} {0}\n",
                       first, run.id());
  }
  if (attempt.others.empty()) return {};
  std::vector<std::string> names;
  for (const TaskId other : attempt.others)
    names.push_back(fmt::format("`{}`", run.plan()[other].id));
  return fmt::format(
      "    the same attempt did {}; its time and tokens are an even part of the whole\n",
      join_words(names, 4));
}

std::string attempts_text(const runs::ChosenRun& run, TaskId id) {
  const engine::TaskRecord& record = run.state[id];
  std::string text;
  for (const auto& attempt : record.attempts) {
    const std::string_view how = attempt.outcome ? name_of(*attempt.outcome)
                                 : record.state == engine::TaskState::running
                                     ? "running"
                                     : "its end is not known";
    text += fmt::format("  attempt {} ({}) at {}: {}", attempt.number, because(attempt.because),
                        clock_time(attempt.started), how);
    if (attempt.ended) text += fmt::format(" after {}", show_duration(attempt.elapsed));
    if (!attempt.detail.empty()) text += fmt::format(": {}", attempt.detail);
    text += "\n";
    if (attempt.from) {
      text += fmt::format("    what its try `{0}` did: interlock log {1} {0}\n",
                          run.plan()[*attempt.from].id, run.id());
      continue;
    }
    if (attempt.number == 1 && attempt.because != engine::AttemptStarted::Trigger::tries)
      text += fmt::format("    {}\n", why_run(run, id, attempt));
    if (attempt.isolation != plan::Isolation::direct) {
      text += fmt::format("    isolation `{}`{}\n", plan::name_of(attempt.isolation),
                          attempt.reads_from.empty() ? "" : ", its reads " + attempt.reads_from);
    }
    text += batch_text(run, attempt);
    text += models_text(attempt);
    if (attempt.speculative) text += "    started beside tasks it might have met\n";
    if (attempt.refused) text += fmt::format("    not committed: {}\n", attempt.refused->detail);
    for (const auto& file : attempt.merged) {
      const plan::MergeDriver* const driver = run.plan().driver_of(file.name);
      text += fmt::format("    `{}` was merged with others' changes{}\n", printable(file.name),
                          driver == nullptr
                              ? ""
                              : fmt::format(" by `{}`", elide_end(printable(driver->said), 100)));
    }
    for (const engine::BoardRead& one : attempt.board_reads)
      text += fmt::format("    read {} note{} of topic `{}`\n", one.count,
                          one.count == 1 ? "" : "s", one.topic);
    for (const std::string& remark : attempt.remarks) text += fmt::format("    {}\n", remark);
    if (attempt.strays > 0)
      text += fmt::format("    {} processes it left behind were ended\n", attempt.strays);
    for (const std::string& process : attempt.unproven)
      text += fmt::format("    {} could not be proven gone\n", process);
  }
  return text;
}

std::string waited_text(const engine::TaskRecord& record) {
  if (record.attempts.empty()) return {};
  const engine::WaitedFor& waited = record.attempts.front().waited;
  std::vector<std::string> parts;
  const auto part = [&](Duration time, std::string_view what) {
    if (time >= std::chrono::milliseconds(50))
      parts.push_back(fmt::format("{} for {}", show_duration(time), what));
  };
  part(waited.needs, "needs");
  part(waited.conflict, "conflicts");
  part(waited.quota, "quotas");
  part(waited.slot, "a slot");
  part(record.gate_time, "a person at its gate");
  return parts.empty() ? std::string() : fmt::format("  waited {}\n", join_words(parts, 6));
}

std::string edges_text(const runs::ChosenRun& run, TaskId id) {
  std::string text;
  std::string last;
  for (const footprint::Edge& edge : run.planned.interlocking.into(id)) {
    // Whoever is nobody's task is waited for by nobody.
    const engine::TaskRecord& before = run.state[edge.before];
    if (before.is_unneeded() && engine::is_unused_place(run.plan(), run.state, edge.before))
      continue;
    std::string line =
        fmt::format("  after `{}` ({}): {}{}\n", decide::shown_id(run.plan(), edge.before),
                    name_of(before.state), footprint::name_of(edge.why),
                    edge.on.empty() ? "" : fmt::format(" on `{}`", edge.on));
    if (line != last) text += line;
    last = std::move(line);
  }
  const decide::Verdict& verdict = run.planned.decision.verdicts[id.index()];
  if (verdict.exclusive)
    text += fmt::format("  runs alone: {}{}\n", verdict.why,
                        verdict.hint.empty() ? "" : " (" + verdict.hint + ")");
  return text;
}

/// What a person said to its agent, and whether that was told.
std::string messages_text(const engine::TaskRecord& record) {
  std::string text;
  for (const engine::MessageRecord& one : record.messages) {
    const std::string seen_by =
        report::delivery_text({.attempt = one.attempt, .is_over = record.state >= TaskState::done});
    text += fmt::format("  {} said at {}: {} ({})\n", printable(one.by), clock_time(one.at),
                        printable(one.text), seen_by);
  }
  return text;
}

json::object why_json(const runs::ChosenRun& run, TaskId id, const engine::TaskStatus& view,
                      const std::string& said) {
  json::array edges;
  for (const footprint::Edge& edge : run.planned.interlocking.into(id)) {
    edges.push_back(
        json::object{{"before", run.plan()[edge.before].id},
                     {"why", footprint::name_of(edge.why)},
                     {"on", edge.on.empty() ? json::value(nullptr) : json::value(edge.on)}});
  }
  const engine::TaskRecord& record = run.state[id];
  return {
      {"version", 1},
      {"run", run.id()},
      {"task", view.id},
      {"state", name_of(view.state)},
      {"because", said},
      {"model_call_waits",
       view.call_waits.empty() ? json::value(nullptr) : json::value(view.call_waits)},
      {"waits_for", view.waits_for.empty() ? json::value(nullptr) : json::value(view.waits_for)},
      {"changed", record.attempts.empty() || record.attempts.back().changed.empty()
                      ? json::value(nullptr)
                      : json::value(record.attempts.back().changed)},
      {"run_because", record.attempts.empty()
                          ? json::value(nullptr)
                          : json::value(why_run(run, id, record.attempts.front()))},
      {"picked", record.picked ? json::value(run.plan()[*record.picked].id) : json::value(nullptr)},
      {"picked_because", record.picked ? json::value(record.picked_because) : json::value(nullptr)},
      {"after", std::move(edges)}};
}

}  // namespace

Result<Exit> why_command(const Context& context, const std::string& name, const std::string& task) {
  auto store = runs::open_store(context.place(), journal::Access::read);
  if (!store) return std::unexpected(store.error());
  auto meant = runs::choose_meant_task(**store, context.where, name, task);
  if (!meant) return std::unexpected(meant.error());
  const runs::ChosenRun& run = *meant->run;
  const auto id = runs::choose_task(run, meant->name);
  if (!id) return std::unexpected(id.error());
  process::SystemClock clock;
  const engine::TaskStatus view = runs::task_view_from_outside(run, *id, clock.now());
  const engine::TaskRecord& record = run.state[*id];
  const std::string said = sentence(run, view, record);
  if (context.json) {
    context.console.result(pretty_json(why_json(run, *id, view, said)));
    return Exit::done;
  }
  context.console.result(fmt::format("`{}` {}\n{}{}{}{}{}", view.id, said, edges_text(run, *id),
                                     waited_text(record), messages_text(record),
                                     tries_text(run, *id), attempts_text(run, *id)));
  return Exit::done;
}

}  // namespace interlock::cli
