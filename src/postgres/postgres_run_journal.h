#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "journal/projection.h"
#include "journal/run_store.h"
#include "postgres/connection.h"
#include "postgres/postgres_task_index.h"

namespace interlock::postgres {

/// The content with this digest, held to it.
Result<std::string> read_blob(Connection& connection, const Digest& digest);
/// Requests of a run behind `after` that nobody has taken; those of a kind of a newer Interlock are
/// left out. The number of the last is in `last`, where there is one.
Result<std::vector<engine::Request>> read_requests(Connection& connection, std::int64_t run,
                                                   std::int64_t after,
                                                   std::int64_t* last = nullptr);

/// Appends go through while the run's row names this dispatcher's epoch and the last event that it
/// knows. Where the server is lost while one is under way, its outcome is read back: the row says
/// whether it is there, and only this epoch can have put it there.
class PostgresRunJournal final : public journal::RunJournal, public journal::TaskIndexWriter {
 public:
  struct Row {
    std::int64_t run = 0, workspace = 0;
  };

  PostgresRunJournal(Connection& connection, Row row, const journal::Lease& lease,
                     journal::SampleOwner owner, std::vector<journal::TaskLabel> tasks);
  /// Reads what it has to know of what was written before.
  Result<void> open() { return index_.open(connection_); }

  Result<void> append(
      std::span<const engine::RecordedEvent> events, std::span<const engine::Blob> blobs,
      std::span<const std::pair<std::string, engine::StoredResult>> results) override;
  Result<std::string> blob(const Digest& digest) override;
  Result<std::optional<engine::StoredResult>> find_result(const std::string& task,
                                                          const Digest& key) override;
  Result<std::optional<engine::StoredResult>> latest_result(const std::string& task) override;
  Result<std::vector<engine::Request>> take_requests() override;
  void add_labels(std::vector<journal::TaskLabel> labels) override {
    measured_.add(std::move(labels));
  }
  void keep_facts(std::size_t first, std::vector<journal::TaskFacts> tasks,
                  std::string of_run) override {
    index_.keep({first, std::move(tasks), std::move(of_run)});
  }

  /// An event that is in the journal already.
  void follow(const engine::RecordedEvent& recorded);

 private:
  struct Turn;
  enum class Written : unsigned char { done, fenced };

  Outcome<Written> write(const Turn& turn);
  Outcome<Written> write_events(const Turn& turn);
  Outcome<void> write_blobs(std::span<const engine::Blob> blobs);
  Outcome<void> write_results(const Turn& turn);
  /// Where the run stands, and whether it is still this dispatcher's: its last event, else nothing.
  Result<std::optional<std::uint64_t>> last_of_ours();

  Connection& connection_;
  Row row_;
  const journal::Lease& lease_;
  journal::Projection measured_;
  PostgresTaskIndex index_;
  std::uint64_t last_ = 0;       ///< The number of the last event followed or written.
  std::int64_t handed_out_ = 0;  ///< The last request that `take_requests` returned.
  std::int64_t taken_ = 0;       ///< The last that is known to be marked as taken.
};

}  // namespace interlock::postgres
