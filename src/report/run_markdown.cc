#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "report/markup.h"
#include "report/run_html.h"

namespace interlock::report {
namespace {

using engine::TaskState;

std::string head_of(const RunRecord& run) {
  const engine::RunStatus& status = run.status;
  std::string text = fmt::format("## {}\n\n{}\n\n", markdown_text(status.plan_name),
                                 markdown_text(headline_of(run)));
  text += "| took | one by one | saved | tokens | cost | pattern |\n|---|---|---|---|---|---|\n";
  const std::string saving = saving_text(run);
  text += fmt::format(
      "| {} | {} | {} | {} | {} | {} |\n\n", show_duration(status.elapsed),
      saving.empty() ? "" : show_duration(status.one_by_one.value_or(status.sequential)),
      markdown_text(saving), tokens_text(status), markdown_text(cost_text(status)),
      markdown_text(status.pattern));
  if (!status.hindsight.empty())
    text += fmt::format("In hindsight: {}.\n\n", markdown_text(status.hindsight));
  return text;
}

std::string decision_of(const RunRecord& run) {
  if (!run.decided) return {};
  std::string text =
      fmt::format("### What was decided: {}\n\n", markdown_text(run.decided->pattern));
  for (const std::string& reason : run.decided->reasons)
    text += fmt::format("- {}\n", markdown_text(reason));
  text += "\n| way | half of the time within | 9 in 10 | tokens | cost |\n|---|--:|--:|--:|--:|\n";
  for (const auto& way : run.decided->ways) {
    text += fmt::format("| {}{} | {} | {} | {} | {} |\n", markdown_text(way.name),
                        way.chosen ? " (chosen)" : "",
                        show_duration(way.p50.value_or(way.elapsed) + way.join),
                        way.p90 ? show_duration(*way.p90 + way.join) : "", tokens_text(way),
                        markdown_text(cost_text(way)));
  }
  return text + "\n";
}

std::string waited_text(const engine::WaitedFor& waited) {
  std::vector<std::string> parts;
  const auto add = [&](std::string_view what, Duration time) {
    if (time >= std::chrono::milliseconds(1))
      parts.push_back(fmt::format("{} {}", what, show_duration(time)));
  };
  add("needs", waited.needs);
  add("conflict", waited.conflict);
  add("quota", waited.quota);
  add("slot", waited.slot);
  add("gate", waited.gate);
  add("back-off", waited.backoff);
  return join_words(parts, parts.size());
}

std::string tasks_of(const RunRecord& run) {
  const auto rows = rows_to_show(run, kTasksInMarkdown);
  std::string text =
      "### What happened\n\n| task | state | took | waited for | tokens | cost | |\n"
      "|---|---|--:|---|--:|--:|---|\n";
  constexpr std::size_t kRemarkMost = 160;
  for (const TaskRow* row : rows) {
    text += fmt::format("| {} | {} | {} | {} | {} | {} | {} |\n",
                        markdown_text(elide_middle(row->id, 80)), name_of(row->state),
                        row->elapsed ? show_duration(*row->elapsed) : "", waited_text(row->waited),
                        tokens_text(*row), markdown_text(cost_text(*row)),
                        markdown_text(elide_end(printable(row->remark), kRemarkMost)));
  }
  if (rows.size() < run.tasks.size())
    text += fmt::format("\nand {} more tasks\n", run.tasks.size() - rows.size());
  return text + "\n";
}

std::string conflicts_of(const RunRecord& run) {
  if (run.conflicts.empty()) return {};
  std::string text = "### Conflicts, and how they ended\n\n";
  for (const ConflictRow& row : run.conflicts) {
    const std::string on = row.detail.empty() ? join_words(row.paths) : row.detail;
    text += fmt::format("- {} (attempt {}) on {}{}{}: {}\n", markdown_text(row.task), row.attempt,
                        markdown_text(on), row.by.empty() ? "" : " with ",
                        markdown_text(join_words(row.by)), markdown_text(row.ending));
  }
  return text + "\n";
}

std::string outputs_of(const RunRecord& run) {
  std::string text;
  for (const OutputRow& row : run.outputs) {
    if (row.kind != "merge") continue;
    const std::string how = row.digest
                                ? fmt::format("{} bytes, `{}`", row.bytes, row.digest->brief())
                            : row.failure.empty() ? "not made yet"
                                                  : "failed: " + markdown_text(row.failure);
    text += fmt::format("- {}: {}\n", markdown_text(row.name), how);
  }
  return text.empty() ? text : "### Merged outputs\n\n" + text + "\n";
}

std::string failures_of(const RunRecord& run) {
  std::string text;
  for (const FailureLog& one : run.failures) {
    text += fmt::format("**{}**: {}\n\n", markdown_text(one.task), markdown_text(one.why));
    if (!one.lines.empty()) text += markdown_block(one.lines) + "\n";
  }
  return text.empty() ? text : "### Failures\n\n" + text;
}

}  // namespace

std::string run_markdown(const RunRecord& run) {
  return head_of(run) + decision_of(run) + tasks_of(run) + conflicts_of(run) + outputs_of(run) +
         board_markdown(run) + failures_of(run) +
         fmt::format("<sub>run {} by Interlock</sub>\n", markdown_text(run.id));
}

}  // namespace interlock::report
