#pragma once

#include "base/redaction.h"
#include "engine/ports.h"

namespace interlock::runs {

/// A journal that keeps the bytes of what attempts changed beside their changesets, so that others
/// than this machine can show them: each file as it was found and as it was left, by its digest.
/// Left out is what holds a secret, and what is larger than people look at.
class ChangedBytesJournal final : public engine::Journal {
 public:
  static constexpr std::size_t kFileBytesMax = std::size_t{1} << 20U;
  static constexpr std::size_t kTurnBytesMax = std::size_t{16} << 20U;

  ChangedBytesJournal(engine::Journal& journal, engine::Snapshots& snapshots, Redaction redaction)
      : journal_(journal), snapshots_(snapshots), redaction_(std::move(redaction)) {}

  Result<void> append(
      std::span<const engine::RecordedEvent> events, std::span<const engine::Blob> blobs,
      std::span<const std::pair<std::string, engine::StoredResult>> results) override;
  Result<std::string> blob(const Digest& digest) override { return journal_.blob(digest); }
  Result<std::optional<engine::StoredResult>> find_result(const std::string& task,
                                                          const Digest& key) override {
    return journal_.find_result(task, key);
  }
  Result<std::optional<engine::StoredResult>> latest_result(const std::string& task) override {
    return journal_.latest_result(task);
  }
  Result<std::vector<engine::Request>> take_requests() override { return journal_.take_requests(); }

 private:
  void add_bytes_of(const engine::AttemptEnded& ended, std::span<const engine::Blob> blobs,
                    std::vector<engine::Blob>& added);
  void add(engine::AttemptName name, const std::string& path, engine::Snapshots::Side side,
           const changes::State& state, std::vector<engine::Blob>& added);

  engine::Journal& journal_;
  engine::Snapshots& snapshots_;
  Redaction redaction_;
  std::size_t bytes_ = 0;  ///< Of this turn.
};

}  // namespace interlock::runs
