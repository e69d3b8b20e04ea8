#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// What an agent's colours become on the page: words for a style sheet, never markup, never control.
namespace interlock::web {

/// What SGR sequences (ECMA-48 8.3.117) set, until they set it otherwise.
struct TextStyle {
  enum class Colour : std::uint8_t { none, red, green, yellow, blue, magenta, cyan, gray };

  Colour ink = Colour::none, ground = Colour::none;
  bool bold = false, dim = false, italic = false, underlined = false, struck = false;
  bool inverse = false;

  bool operator==(const TextStyle&) const = default;
};

/// `bold on-red`, for the page's style sheet; empty: as any text. A ground has the page's own ink
/// upon it, whatever ink was asked for: what nobody can read is no text.
std::string classes_of(const TextStyle& style);

/// A line without its sequences, safe as `printable` makes it, and how its parts look.
struct StyledLine {
  struct Run {
    std::size_t units = 0;  ///< Of UTF-16, as JavaScript counts.
    std::string classes;
  };

  std::string text;
  std::vector<Run> runs;  ///< All of the text, in order; none: nothing of it is styled.
};

/// `style` is what the lines before it left, and becomes what this one leaves. Of the escape
/// sequences only SGR means anything; colours beyond the sixteen are the nearest of them.
StyledLine styled_line(std::string_view line, TextStyle& style);

}  // namespace interlock::web
