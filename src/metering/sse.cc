#include "metering/sse.h"

#include <algorithm>

namespace interlock::metering {
namespace {

constexpr std::size_t kNowhere = std::string_view::npos;

/// Takes the first line off `text`.
std::string_view next_line(std::string_view& text) {
  const std::size_t feed = text.find('\n');
  const std::size_t end = std::min(text.substr(0, feed).find('\r'), feed);
  const std::string_view line = text.substr(0, end);
  if (end == kNowhere) {
    text = {};
  } else {
    text.remove_prefix(end + (text.substr(end).starts_with("\r\n") ? 2 : 1));
  }
  return line;
}

}  // namespace

std::size_t EventCutter::find_end(std::string_view text) {
  std::size_t feed = text.find('\n', scanned_);
  while (true) {
    if (feed != kNowhere && feed < scanned_) feed = text.find('\n', scanned_);
    // Only up to the line feed, so that no byte is looked at more than twice.
    const std::string_view before = text.substr(0, feed);
    const std::size_t carriage = before.find('\r', scanned_);
    const std::size_t at = carriage != kNowhere ? carriage : feed;
    if (at == kNowhere) {
      scanned_ = text.size();
      return kNowhere;
    }
    const bool is_empty = at == line_;
    const bool is_last = at + 1 == text.size();
    if (carriage != kNowhere && is_last && !is_empty) {
      scanned_ = at;  // whether a line feed belongs to it is not known yet
      return kNowhere;
    }
    // After an empty line there is nothing to know: the line feed will be an empty event of its
    // own.
    const bool is_pair = carriage != kNowhere && !is_last && text[at + 1] == '\n';
    line_ = scanned_ = at + (is_pair ? 2 : 1);
    if (is_empty) return scanned_;
  }
}

ServerEvent read_event(std::string_view bytes, std::string& scratch) {
  if (bytes.starts_with("\xef\xbb\xbf")) bytes.remove_prefix(3);
  ServerEvent event;
  bool joined = false;
  while (!bytes.empty()) {
    const std::string_view line = next_line(bytes);
    const std::size_t colon = line.find(':');
    const std::string_view field = line.substr(0, colon);
    std::string_view value = colon == kNowhere ? std::string_view() : line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (field == "event") event.name = value;
    if (field != "data") continue;
    if (!event.has_data) {
      event.data = value;
      event.has_data = true;
      continue;
    }
    if (!joined) scratch.assign(event.data);
    joined = true;
    scratch.append(1, '\n').append(value);
  }
  if (joined) event.data = scratch;
  return event;
}

}  // namespace interlock::metering
