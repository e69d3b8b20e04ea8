#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "journal/projection.h"
#include "journal/run_store.h"
#include "journal/sqlite_task_index.h"

namespace interlock::journal {

class Database;

/// Made by SqliteStore::open_run.
class SqliteRunJournal final : public RunJournal, public TaskIndexWriter {
 public:
  SqliteRunJournal(Database& database, std::int64_t run, std::int64_t workspace,
                   std::vector<TaskLabel> tasks);

  Result<void> append(
      std::span<const engine::RecordedEvent> events, std::span<const engine::Blob> blobs,
      std::span<const std::pair<std::string, engine::StoredResult>> results) override;
  Result<std::string> blob(const Digest& digest) override;
  Result<std::optional<engine::StoredResult>> find_result(const std::string& task,
                                                          const Digest& key) override;
  Result<std::optional<engine::StoredResult>> latest_result(const std::string& task) override;
  Result<std::vector<engine::Request>> take_requests() override;
  void add_labels(std::vector<TaskLabel> labels) override { measured_.add(std::move(labels)); }
  void keep_facts(std::size_t first, std::vector<TaskFacts> tasks, std::string of_run) override {
    index_.keep({first, std::move(tasks), std::move(of_run)});
  }

  /// An event that is in the journal already.
  void follow(const engine::RecordedEvent& recorded);

 private:
  Result<void> check_follows(std::span<const engine::RecordedEvent> events);
  void write_event(const engine::RecordedEvent& recorded);
  void write_result(const std::string& task, const engine::StoredResult& result);
  void mention(const std::optional<Digest>& digest);

  Database& database_;
  std::int64_t run_;  ///< The run's number in the database.
  std::int64_t workspace_;
  Projection measured_;
  SqliteTaskIndex index_;
  std::uint64_t last_ = 0;       ///< The number of the last event followed or written.
  std::int64_t handed_out_ = 0;  ///< The last request that `take_requests` returned.
  std::optional<Error>
      broken_;  ///< After a failed write to the disk nothing more is tried: its state is unknown.
};

}  // namespace interlock::journal
