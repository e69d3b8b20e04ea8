#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/ports.h"
#include "journal/projection.h"
#include "journal/store.h"

namespace interlock::journal {

/// The journal of one run; made by Store::open_run.
///
/// A request counts as taken in the transaction of the events that come of it: when the dispatcher
/// dies in between, the next one takes it again.
class RunJournal final : public engine::Journal {
 public:
  RunJournal(Database& database, std::int64_t run, std::int64_t workspace,
             std::vector<TaskLabel> tasks);

  Result<void> append(
      std::span<const engine::RecordedEvent> events, std::span<const engine::Blob> blobs,
      std::span<const std::pair<std::string, engine::StoredResult>> results) override;
  Result<std::string> blob(const Digest& digest) override;
  Result<std::optional<engine::StoredResult>> find_result(const std::string& task,
                                                          const Digest& key) override;
  Result<std::optional<engine::StoredResult>> latest_result(const std::string& task) override;
  Result<std::vector<engine::Request>> take_requests() override;

  /// The run's plan grew by tasks with these labels.
  void add_labels(std::vector<TaskLabel> labels) { measured_.add(std::move(labels)); }

  /// An event that is in the journal already.
  void follow(const engine::RecordedEvent& recorded);

 private:
  void write_event(const engine::RecordedEvent& recorded);
  void write_result(const std::string& task, const engine::StoredResult& result);
  void mention(const std::optional<Digest>& digest);

  Database& database_;
  std::int64_t run_;  ///< The run's number in the database.
  std::int64_t workspace_;
  Projection measured_;
  std::int64_t handed_out_ = 0;  ///< The last request that `take_requests` returned.
  std::optional<Error>
      broken_;  ///< After a failed write to the disk nothing more is tried: its state is unknown.
};

}  // namespace interlock::journal
