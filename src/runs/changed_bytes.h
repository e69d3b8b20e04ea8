#pragma once

#include "base/redaction.h"
#include "engine/ports.h"
#include "runs/journal_decorator.h"

namespace interlock::runs {

/// A journal that keeps the bytes of what attempts changed beside their changesets, so that others
/// than this machine can show them: each file as it was found and as it was left, by its digest.
/// Left out is what holds a secret, and what is larger than people look at.
class ChangedBytesJournal final : public JournalDecorator {
 public:
  static constexpr std::size_t kFileBytesMax = std::size_t{1} << 20U;
  static constexpr std::size_t kTurnBytesMax = std::size_t{16} << 20U;

  ChangedBytesJournal(engine::Journal& journal, engine::Tree& tree, Redaction redaction)
      : JournalDecorator(journal), tree_(tree), redaction_(std::move(redaction)) {}

  Result<void> append(
      std::span<const engine::RecordedEvent> events, std::span<const engine::Blob> blobs,
      std::span<const std::pair<std::string, engine::StoredResult>> results) override;

 private:
  void add_bytes_of(const engine::AttemptEnded& ended, std::span<const engine::Blob> blobs,
                    std::vector<engine::Blob>& added);
  void add(engine::AttemptName name, const std::string& path, engine::Tree::Side side,
           const changes::State& state, std::vector<engine::Blob>& added);

  engine::Tree& tree_;
  Redaction redaction_;
  std::size_t bytes_ = 0;  ///< Of this turn.
};

}  // namespace interlock::runs
