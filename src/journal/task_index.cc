#include "journal/task_index.h"

#include <algorithm>

#include "base/digest.h"

namespace interlock::journal {

std::string UnwrittenFacts::digest() const {
  std::string text = of_run;
  // No text of theirs holds a zero.
  for (const TaskFacts& one : tasks) ((text += '\0') += one.id) += '\0', text += one.facts;
  return digest_of(text).hex();
}

// Which of a store's ports there are beside the catalogue is known by its class.
TaskIndex* task_index_of(RunStore& store) { return dynamic_cast<TaskIndex*>(&store); }
TaskIndexWriter* task_index_writer_of(RunJournal& journal) {
  return dynamic_cast<TaskIndexWriter*>(&journal);
}

RunHead head_of(const RunSummary& summary) {
  RunHead head;
  head.id = summary.id;
  head.plan_name = summary.plan_name;
  head.plan_file = summary.plan_file;
  head.workspace = summary.workspace;
  head.created = summary.created;
  return head;
}

void sort_rows(std::vector<TaskRow>& rows) {
  std::ranges::sort(rows, {}, &TaskRow::task);
  const auto same = std::ranges::unique(rows, {}, &TaskRow::task);
  rows.erase(same.begin(), same.end());
}

}  // namespace interlock::journal
