#pragma once

#include <memory>
#include <utility>

#include "base/redaction.h"
#include "engine/ports.h"

namespace interlock::cli {

/// A journal into which no known secret comes, whoever put it into an event: an error of a
/// provider, of a program, of a library. What it is asked for it hands on.
class RedactedJournal final : public engine::Journal {
 public:
  RedactedJournal(engine::Journal& journal, Redaction redaction)
      : journal_(journal), redaction_(std::move(redaction)) {}

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
  engine::Journal& journal_;
  Redaction redaction_;
};

}  // namespace interlock::cli
