#include "footprint/code_points.h"

namespace interlock::footprint {

namespace {

struct Lead {
  std::size_t bytes;
  char32_t bits;      ///< Of the leading byte.
  char32_t smallest;  ///< Less than this would have fitted in fewer bytes.
};

Lead lead_of(unsigned char byte) {
  if (byte >= 0xC2 && byte <= 0xDF) return {2, static_cast<char32_t>(byte & 0x1F), 0x80};
  if (byte >= 0xE0 && byte <= 0xEF) return {3, static_cast<char32_t>(byte & 0x0F), 0x800};
  if (byte >= 0xF0 && byte <= 0xF4) return {4, static_cast<char32_t>(byte & 0x07), 0x10000};
  return {0, 0, 0};
}

}  // namespace

CodePoint first_code_point(std::string_view text) {
  const auto byte_at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte_at(0);
  if (first < 0x80) return {first, 1};

  const CodePoint stray{0xDC00u + first, 1};
  const Lead lead = lead_of(first);
  if (lead.bytes == 0 || text.size() < lead.bytes) return stray;
  char32_t value = lead.bits;
  for (std::size_t i = 1; i < lead.bytes; ++i) {
    if ((byte_at(i) & 0xC0) != 0x80) return stray;
    value = (value << 6) | static_cast<char32_t>(byte_at(i) & 0x3F);
  }
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (value < lead.smallest || value > kLastCodePoint || surrogate) return stray;
  return {value, lead.bytes};
}

}  // namespace interlock::footprint
