#include "support/fake_journal.h"

#include <algorithm>

#include "base/check.h"

namespace interlock::testing_support {

void FakeJournal::post(engine::Request request) {
  request.id = ++last_id_;
  requests_.push_back(std::move(request));
}

Result<void> FakeJournal::append(
    std::span<const engine::RecordedEvent> events, std::span<const engine::Blob> blobs,
    std::span<const std::pair<std::string, engine::StoredResult>> results) {
  call("append");
  if (auto error = failure("append")) return std::unexpected(*error);
  if (refuse_next) return fail(Error::Kind::io, *std::exchange(refuse_next, std::nullopt));
  for (const engine::RecordedEvent& recorded : events) {
    check(recorded.seq == events_.size() + 1, "events are appended without gaps");
    events_.push_back(recorded);
    if (spoils) spoils(events_.back().event);
  }
  for (const engine::Blob& blob : blobs) blobs_[blob.digest] = blob.bytes;
  for (const auto& [task, result] : results) {
    results_.insert_or_assign({task, result.key}, result);
    latest_.insert_or_assign(task, result);
  }
  std::erase_if(requests_, [this](const engine::Request& one) { return one.id <= handed_out_; });
  ++transactions_;
  if (after_append) after_append();
  return {};
}

Result<std::string> FakeJournal::blob(const Digest& digest) {
  call("blob");
  if (auto error = failure("blob")) return std::unexpected(*error);
  const auto found = blobs_.find(digest);
  if (found == blobs_.end())
    return fail(Error::Kind::missing, "there is no content " + digest.brief());
  return found->second;
}

Result<std::optional<engine::StoredResult>> FakeJournal::find_result(const std::string& task,
                                                                     const Digest& key) {
  call("find_result");
  if (auto error = failure("find_result")) return std::unexpected(*error);
  const auto found = results_.find({task, key});
  return found == results_.end() ? std::nullopt : std::optional(found->second);
}

Result<std::optional<engine::StoredResult>> FakeJournal::latest_result(const std::string& task) {
  call("latest_result");
  if (auto error = failure("latest_result")) return std::unexpected(*error);
  const auto found = latest_.find(task);
  return found == latest_.end() ? std::nullopt : std::optional(found->second);
}

Result<std::vector<engine::Request>> FakeJournal::take_requests() {
  call("take_requests");
  if (auto error = failure("take_requests")) return std::unexpected(*error);
  std::vector<engine::Request> taken;
  for (const engine::Request& one : requests_) {
    if (one.id > handed_out_) taken.push_back(one);
  }
  handed_out_ = last_id_;
  return taken;
}

}  // namespace interlock::testing_support
