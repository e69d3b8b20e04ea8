#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace interlock::metering {

/// Cuts a stream into server-sent events (HTML Living Standard, section 9.2): each with the empty
/// line that ends it. Line ends are CR, LF or CRLF, and bytes may be split anywhere. What comes
/// whole within the bytes given is not copied.
class EventCutter {
 public:
  /// An event longer than that is given in parts as it comes, and kept by nobody.
  explicit EventCutter(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  struct Piece {
    std::string_view bytes;
    bool whole = true;
  };
  /// Calls `give(Piece)` for each event that is now complete. All pieces together are all bytes.
  template <typename Give>
  void take(std::string_view bytes, Give give);
  /// What is left is given as it is.
  template <typename Give>
  void end(Give give) {
    if (!pending_.empty()) give(Piece{pending_, !oversize_});
    pending_.clear();
    restart();
  }

 private:
  /// Behind the empty line that ends the first event of `text`; npos when it is not there yet.
  std::size_t find_end(std::string_view text);
  void restart() {
    line_ = scanned_ = 0;
    oversize_ = false;
  }

  std::size_t bytes_max_;
  std::string pending_;
  // Within the text at hand: where the current line begins (npos: in bytes that are gone), and up
  // to where there is no line end.
  std::size_t line_ = 0;
  std::size_t scanned_ = 0;
  bool oversize_ = false;
};

/// What an event says. `data` of several lines is joined in `scratch`.
struct ServerEvent {
  std::string_view name;  ///< Empty: none given.
  std::string_view data;
  bool has_data = false;
};
ServerEvent read_event(std::string_view bytes, std::string& scratch);

template <typename Give>
void EventCutter::take(std::string_view bytes, Give give) {
  const bool kept = !pending_.empty();
  if (kept) pending_.append(bytes);
  std::string_view text = kept ? std::string_view(pending_) : bytes;
  for (std::size_t end = find_end(text); end != std::string_view::npos; end = find_end(text)) {
    give(Piece{text.substr(0, end), !oversize_});
    text.remove_prefix(end);
    restart();
  }
  if (text.size() > bytes_max_) {
    give(Piece{text.substr(0, scanned_), false});
    text.remove_prefix(scanned_);
    line_ = line_ < scanned_ ? std::string_view::npos : line_ - scanned_;
    scanned_ = 0;
    oversize_ = true;
  }
  if (kept) {
    pending_.erase(0, pending_.size() - text.size());
  } else {
    pending_.assign(text);
  }
}

}  // namespace interlock::metering
