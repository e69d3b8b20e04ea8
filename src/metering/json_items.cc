#include "metering/json_items.h"

namespace interlock::metering {

std::size_t JsonItems::find_end() {
  while (at_ < pending_.size()) {
    const char c = pending_[at_++];
    if (in_string_) {
      if (!escaped_ && c == '"') in_string_ = false;
      escaped_ = !escaped_ && c == '\\';
      continue;
    }
    switch (c) {
      case '"': in_string_ = depth_ > 0; break;
      case '{':
      case '[':
        // The array around all is not counted: its items are what is looked for.
        if (depth_ == 0 && c == '[') break;
        if (depth_++ == 0) begin_ = at_ - 1;
        break;
      case '}':
      case ']':
        if (depth_ == 0) break;
        if (--depth_ == 0) return at_;
        break;
      default: break;
    }
  }
  return std::string_view::npos;
}

}  // namespace interlock::metering
