#pragma once

#include <memory>
#include <utility>

#include "base/redaction.h"
#include "engine/ports.h"
#include "runs/journal_decorator.h"

namespace interlock::runs {

/// A journal into which no known secret comes, whoever put it into an event: an error of a
/// provider, of a program, of a library. What it is asked for it hands on.
class RedactedJournal final : public JournalDecorator {
 public:
  RedactedJournal(engine::Journal& journal, Redaction redaction)
      : JournalDecorator(journal), redaction_(std::move(redaction)) {}

  Result<void> append(
      std::span<const engine::RecordedEvent> events, std::span<const engine::Blob> blobs,
      std::span<const std::pair<std::string, engine::StoredResult>> results) override;

 private:
  Redaction redaction_;
};

}  // namespace interlock::runs
