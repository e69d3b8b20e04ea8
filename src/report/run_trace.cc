#include "report/run_trace.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace interlock::report {
namespace {

/// In one field of one line.
std::string field_of(std::string_view text) {
  std::string made;
  for (const char c : text) {
    switch (c) {
      case '\t': made += "\\t"; break;
      case '\n': made += "\\n"; break;
      case '\r': made += "\\r"; break;
      default: made += c;
    }
  }
  return printable(made);
}

std::string command_of(const plan::Plan& plan, const plan::Task& task) {
  if (!task.run.shell.empty()) return task.run.shell;
  std::string words;
  for (const std::string& one : task.run.arguments)
    words += (words.empty() ? "" : " ") + shell_quote(one);
  if (!words.empty()) return words;
  return fmt::format("{} {}", plan.agents[task.agent.index()].name, shell_quote(task.id));
}

}  // namespace

std::vector<std::pair<std::string, Tokens>> token_attributes(const Usage& usage) {
  std::vector<std::pair<std::string, Tokens>> list;
  const auto add = [&](const char* name, const std::optional<Tokens>& tokens) {
    if (tokens) list.emplace_back(name, *tokens);
  };
  add("gen_ai.usage.input_tokens", usage.input);
  add("gen_ai.usage.output_tokens", usage.output);
  add("gen_ai.usage.cache_read.input_tokens", usage.cache_read);
  add("gen_ai.usage.cache_creation.input_tokens", usage.cache_write);
  return list;
}

Result<std::vector<CallRow>> calls_of(journal::Store& store, const std::string& run) {
  std::vector<CallRow> calls;
  auto read = store.replay(run, 0, [&](engine::RecordedEvent&& recorded) {
    if (auto* called = std::get_if<engine::ModelCalled>(&recorded.event)) {
      calls.push_back({std::move(called->call), recorded.at});
      calls.back().call.name.task = called->task;
      calls.back().call.name.attempt = called->attempt;
    }
  });
  if (!read) return std::unexpected(read.error());
  return calls;
}

std::string joblog(const runs::ChosenRun& run) {
  struct Row {
    Time ended;
    std::uint32_t task;
    const engine::AttemptRecord* attempt;
  };
  std::vector<Row> rows;
  for (std::uint32_t i = 0; i < run.state.tasks.size(); ++i) {
    for (const auto& attempt : run.state.tasks[i].attempts) {
      if (attempt.ended) rows.push_back({*attempt.ended, i, &attempt});
    }
  }
  std::ranges::stable_sort(rows, {}, &Row::ended);
  std::string text = "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n";
  for (const Row& row : rows) {
    const auto& attempt = *row.attempt;
    const int signal = attempt.signal.value_or(0);
    int exit = attempt.exit_code.value_or(0);
    // What Interlock counts as failed is no success there either: `parallel --retry-failed`.
    constexpr int kFailed = 255;
    if (exit == 0 && signal == 0 && attempt.outcome != engine::Outcome::succeeded) exit = kFailed;
    text += fmt::format("{}\t:\t{:.3f}\t{:10.3f}\t0\t0\t{}\t{}\t{}\n", row.task + 1,
                        to_seconds((row.ended - attempt.elapsed).time_since_epoch()),
                        to_seconds(attempt.elapsed), exit, signal,
                        field_of(command_of(run.plan(), run.plan().tasks[row.task])));
  }
  return text;
}

}  // namespace interlock::report
