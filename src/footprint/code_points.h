#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

namespace interlock::footprint {

/// A character as patterns see it, and how many bytes it took.
struct CodePoint {
  char32_t value = 0;
  std::size_t bytes = 0;
};

/// The first character of `text`, which must not be empty. A byte that is not part of well-formed
/// UTF-8 (RFC 3629) becomes U+DC00 plus the byte: no well-formed text can hold that code point, so
/// it meets only the same byte.
CodePoint first_code_point(std::string_view text);

inline constexpr char32_t kLastCodePoint = 0x10FFFF;

using CodePointRange = std::pair<char32_t, char32_t>;  ///< Inclusive.

/// All that a segment can hold, and a little more: surrogates that stand for no byte never occur.
inline constexpr std::array<CodePointRange, 2> kNameCharacters{
    {{1, U'/' - 1}, {U'/' + 1, kLastCodePoint}}};

/// Whether a path can hold this code point: not NUL, and of the surrogates only those that stand
/// for a byte.
constexpr bool occurs(char32_t value) {
  const bool stands_for_byte = value >= 0xDC80 && value <= 0xDCFF;
  return value != 0 && (value < 0xD800 || value > 0xDFFF || stands_for_byte);
}

}  // namespace interlock::footprint
