#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "journal/task_index.h"

namespace interlock::journal {

class Database;

/// How a run's tasks stand, as its dispatcher writes it with the events it is made of.
class SqliteTaskIndex {
 public:
  SqliteTaskIndex(Database& database, std::int64_t run);

  void keep(UnwrittenFacts facts) { unwritten_.push_back(std::move(facts)); }
  /// Within the transaction that appends the events; `after` is the last before them.
  void write(std::span<const engine::RecordedEvent> events, std::uint64_t after);
  /// That transaction is durable.
  void written();

 private:
  void write_all(const UnwrittenFacts& facts, std::uint64_t after);
  void write_tasks(const UnwrittenFacts& facts);
  void write_of_run(const UnwrittenFacts& facts);
  void write_document(const std::string& name, const std::string& text);

  Database& database_;
  std::int64_t run_;
  bool is_kept_ = false;
  bool will_be_kept_ = false;  ///< When the transaction is durable.
  std::vector<UnwrittenFacts> unwritten_;
};

/// What `RunStore::outline` gives of a run beside what is known of every run; nothing: no index.
std::optional<std::string> facts_of_run(Database& database, std::int64_t run);
std::vector<TaskRow> task_rows_of(Database& database, std::int64_t run, const TaskFilter& filter);
Result<std::vector<engine::RecordedEvent>> events_of_task(Database& database, std::int64_t run,
                                                          std::optional<TaskId> task);

}  // namespace interlock::journal
