#pragma once

#include <string>
#include <string_view>

#include "report/run_record.h"

namespace interlock::report {

/// The run as one HTML document for whoever was not there: what was decided, what happened, what it
/// took. It needs no network and no script, prints on A4, and has a light and a dark look. Of more
/// than `kTasksInReport` tasks those that failed and those that took longest are listed.
std::string run_html(const RunRecord& run);
/// The same in short as Markdown, for a pull request.
std::string run_markdown(const RunRecord& run);

inline constexpr std::size_t kTasksInReport = 1000;
inline constexpr std::size_t kTasksInMarkdown = 40;

/// The rows that are listed, in plan order, where all would be too many.
std::vector<const TaskRow*> rows_to_show(const RunRecord& run, std::size_t most);

/// One sentence: how it ended, what it took, what that saved.
std::string headline_of(const RunRecord& run);
/// What the overlap saved, or why that is not known; empty: the run is not over.
std::string saving_text(const RunRecord& run);

/// What was foretold for a way: `12.3k`, `unknown`, or `none` where no model was to be asked.
std::string tokens_text(const runs::DecisionRecord::Way& way);
std::string cost_text(const runs::DecisionRecord::Way& way);
/// What the run took so far, in the same words; `at least` before what is not all of it.
std::string tokens_text(const engine::RunStatus& status);
std::string cost_text(const engine::RunStatus& status);

/// The board, and what people said to agents, as sections of these documents; empty: there was
/// none.
std::string board_html(const RunRecord& run);
std::string messages_html(const RunRecord& run);
std::string board_markdown(const RunRecord& run);

std::string_view report_style();

}  // namespace interlock::report
