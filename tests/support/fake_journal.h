#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/ports.h"

namespace interlock::testing_support {

/// A journal in memory. It outlives its dispatchers, as the disk does.
class FakeJournal final : public engine::Journal {
 public:
  /// Called with the name of the call at the beginning of each; what it throws goes through: a
  /// crash between two calls.
  std::function<void(std::string_view call)> before_call;
  /// Called when an append has become durable; what it throws goes through: a crash before anybody
  /// heard of it.
  std::function<void()> after_append;
  /// The next append fails with these words, and nothing of it is kept.
  std::optional<std::string> refuse_next;

  /// A later run of the same plan begins: what earlier ones gave back is known, and nothing else.
  void take_results_of(const FakeJournal& earlier) {
    blobs_ = earlier.blobs_;
    results_ = earlier.results_;
    latest_ = earlier.latest_;
  }
  void post(engine::Request request);
  /// Another dispatcher opens it: what was taken and not made durable can be taken again.
  void reopen() { handed_out_ = 0; }

  /// What a call that can fail fails with, when set and when it answers something: nothing is done
  /// then.
  std::function<std::optional<Error>(std::string_view call)> fails;

  /// Not after the contract: what is kept of each event is what this makes of it.
  std::function<void(engine::Event&)> spoils;

  const std::vector<engine::RecordedEvent>& events() const { return events_; }
  /// What is kept under this digest, for whoever looks on.
  const std::string* find_blob(const Digest& digest) const {
    const auto found = blobs_.find(digest);
    return found == blobs_.end() ? nullptr : &found->second;
  }
  std::size_t transactions() const { return transactions_; }

  Result<void> append(
      std::span<const engine::RecordedEvent> events, std::span<const engine::Blob> blobs,
      std::span<const std::pair<std::string, engine::StoredResult>> results) override;
  Result<std::string> blob(const Digest& digest) override;
  Result<std::optional<engine::StoredResult>> find_result(const std::string& task,
                                                          const Digest& key) override;
  Result<std::optional<engine::StoredResult>> latest_result(const std::string& task) override;
  Result<std::vector<engine::Request>> take_requests() override;

 private:
  void call(std::string_view name) const {
    if (before_call) before_call(name);
  }

  std::optional<Error> failure(std::string_view name) const {
    return fails ? fails(name) : std::nullopt;
  }

  std::vector<engine::RecordedEvent> events_;
  std::map<Digest, std::string> blobs_;
  std::map<std::pair<std::string, Digest>, engine::StoredResult> results_;
  std::map<std::string, engine::StoredResult> latest_;
  std::vector<engine::Request> requests_;
  std::size_t transactions_ = 0;
  std::int64_t handed_out_ = 0;  ///< Requests up to here are taken with the next append.
  std::int64_t last_id_ = 0;
};

}  // namespace interlock::testing_support
