#include "runs/redacted_journal.h"

#include <vector>

#include "base/json.h"

namespace interlock::runs {

Result<void> RedactedJournal::append(
    std::span<const engine::RecordedEvent> events, std::span<const engine::Blob> blobs,
    std::span<const std::pair<std::string, engine::StoredResult>> results) {
  if (redaction_.empty()) return journal().append(events, blobs, results);
  std::vector<engine::RecordedEvent> clean(events.begin(), events.end());
  for (engine::RecordedEvent& recorded : clean) {
    const std::string written = canonical_json(engine::to_json(recorded.event));
    const std::string shown = redaction_.apply(written);
    if (shown == written) continue;
    // The replacement is text inside a string, so this reads back as the same kind of event.
    auto read = parse_json(shown);
    if (!read || !read->is_object()) continue;
    if (auto event = engine::event_from_json(engine::name_of(recorded.event), read->get_object()))
      recorded.event = std::move(*event);
  }
  return journal().append(clean, blobs, results);
}

}  // namespace interlock::runs
