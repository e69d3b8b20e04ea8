#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace interlock::metering {

/// A JSON body as it comes: one object, or the objects of an array (Gemini's stream without
/// `alt=sse`), each given as soon as its last bracket is there. What is longer than `bytes_max` is
/// passed over.
class JsonItems {
 public:
  explicit JsonItems(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  template <typename Give>
  void take(std::string_view bytes, Give give) {
    if (passed_over_) return;
    pending_.append(bytes);
    for (std::size_t end = find_end(); end != std::string_view::npos; end = find_end()) {
      give(std::string_view(pending_).substr(begin_, end - begin_));
    }
    const std::size_t done = depth_ > 0 ? begin_ : at_;  // nothing before is needed any more
    pending_.erase(0, done);
    at_ -= done;
    begin_ = 0;
    if (pending_.size() <= bytes_max_) return;
    passed_over_ = true;
    pending_.clear();
  }
  template <typename Give>
  void end(Give give) {
    if (!passed_over_ && depth_ > 0) give(std::string_view(pending_).substr(begin_));
    pending_.clear();
    passed_over_ = true;
  }

 private:
  /// Behind the next object; npos when it is not whole yet. Goes on where it stopped.
  std::size_t find_end();

  std::size_t bytes_max_;
  std::string pending_;
  std::size_t at_ = 0;     // looked at up to here
  std::size_t begin_ = 0;  // of the object that is open
  int depth_ = 0;          // of brackets since then
  bool in_string_ = false;
  bool escaped_ = false;
  bool passed_over_ = false;
};

}  // namespace interlock::metering
