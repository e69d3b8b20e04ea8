#include "runs/changed_bytes.h"

#include <algorithm>

namespace interlock::runs {

Result<void> ChangedBytesJournal::append(
    std::span<const engine::RecordedEvent> events, std::span<const engine::Blob> blobs,
    std::span<const std::pair<std::string, engine::StoredResult>> results) {
  std::vector<engine::Blob> all;
  bytes_ = 0;
  for (const engine::RecordedEvent& recorded : events) {
    const auto* ended = std::get_if<engine::AttemptEnded>(&recorded.event);
    if (ended != nullptr && ended->changes) add_bytes_of(*ended, blobs, all);
  }
  if (all.empty()) return journal().append(events, blobs, results);
  all.insert(all.end(), blobs.begin(), blobs.end());
  return journal().append(events, all, results);
}

void ChangedBytesJournal::add_bytes_of(const engine::AttemptEnded& ended,
                                       std::span<const engine::Blob> blobs,
                                       std::vector<engine::Blob>& added) {
  const auto text =
      std::ranges::find_if(blobs, [&](const auto& one) { return one.digest == *ended.changes; });
  if (text == blobs.end()) return;
  const auto changeset = changes::changeset_from_text(text->bytes);
  if (!changeset) return;
  const engine::AttemptName name{ended.task, ended.attempt, 0};
  for (const changes::Change& change : changeset->changes) {
    add(name, change.path, engine::Tree::Side::before, change.before, added);
    add(name, change.path, engine::Tree::Side::after, change.after, added);
  }
}

void ChangedBytesJournal::add(engine::AttemptName name, const std::string& path,
                              engine::Tree::Side side, const changes::State& state,
                              std::vector<engine::Blob>& added) {
  const bool has_bytes = state.kind == changes::Kind::file || state.kind == changes::Kind::link;
  const auto size = static_cast<std::size_t>(state.size);
  if (!has_bytes || size > kFileBytesMax || bytes_ + size > kTurnBytesMax) return;
  // What cannot be read is shown on this machine only, which says why.
  auto bytes = tree_.content(name, path, side, kFileBytesMax);
  if (!bytes || digest_of(*bytes) != state.digest) return;
  if (!redaction_.empty() && redaction_.apply(*bytes) != *bytes) return;
  bytes_ += bytes->size();
  added.push_back({state.digest, std::move(*bytes)});
}

}  // namespace interlock::runs
