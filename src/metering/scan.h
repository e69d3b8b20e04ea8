#pragma once

#include <cstring>
#include <string_view>

namespace interlock::metering {

/// As `text.find(what, from)`, which stops at every quote when it looks for a quoted key; this
/// skips.
inline std::size_t find_text(std::string_view text, std::string_view what, std::size_t from = 0) {
  if (from > text.size() || text.size() - from < what.size()) return std::string_view::npos;
  const void* const found =
      ::memmem(text.data() + from, text.size() - from, what.data(), what.size());
  if (found == nullptr) return std::string_view::npos;
  return static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

}  // namespace interlock::metering
