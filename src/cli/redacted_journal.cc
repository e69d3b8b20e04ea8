#include "cli/redacted_journal.h"

#include <vector>

#include "base/json.h"

namespace interlock::cli {

Result<void> RedactedJournal::append(
    std::span<const engine::Event> events, std::span<const engine::Blob> blobs,
    std::span<const std::pair<std::string, engine::StoredResult>> results) {
  if (redaction_.empty()) return journal_.append(events, blobs, results);
  std::vector<engine::Event> clean(events.begin(), events.end());
  for (engine::Event& event : clean) {
    const std::string written = canonical_json(engine::to_json(event.fact));
    const std::string shown = redaction_.apply(written);
    if (shown == written) continue;
    // The replacement is text inside a string, so this reads back as the same kind of fact.
    auto read = parse_json(shown);
    if (!read || !read->is_object()) continue;
    if (auto fact = engine::fact_from_json(engine::name_of(event.fact), read->get_object()))
      event.fact = std::move(*fact);
  }
  return journal_.append(clean, blobs, results);
}

}  // namespace interlock::cli
