#include "panel/line.h"

#include <algorithm>

#include "base/text.h"

namespace interlock::panel {
namespace {

/// Only the eight colours that every palette has, none of them as a background.
std::string_view color_of(Ink ink) {
  switch (ink) {
    case Ink::plain: return "";
    case Ink::strong: return "\x1b[1m";
    case Ink::faint: return "\x1b[2m";
    case Ink::good: return "\x1b[32m";
    case Ink::busy: return "\x1b[36m";
    case Ink::bad: return "\x1b[31m";
    case Ink::ask: return "\x1b[33m";
  }
  return "";
}

constexpr std::string_view kColorEnd = "\x1b[0m";
constexpr std::string_view kAsciiEllipsis = "..";

std::string ascii_of(std::string_view text) {
  std::string ascii;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool continues_character = (byte & 0xc0) == 0x80;
    if (!continues_character) ascii += byte < 0x80 ? c : '?';
  }
  return ascii;
}

std::string cut_end(const std::string& shown, std::size_t columns, Style style) {
  if (style.unicode) return elide_end(shown, columns);
  if (shown.size() <= columns) return shown;
  if (columns <= kAsciiEllipsis.size()) return shown.substr(0, columns);
  return shown.substr(0, columns - kAsciiEllipsis.size()).append(kAsciiEllipsis);
}

std::string cut_middle(const std::string& shown, std::size_t columns, Style style) {
  if (style.unicode) return elide_middle(shown, columns);
  if (shown.size() <= columns || columns <= kAsciiEllipsis.size()) return shown.substr(0, columns);
  const std::size_t kept = columns - kAsciiEllipsis.size();
  const std::size_t tail = kept / 2;
  return shown.substr(0, kept - tail).append(kAsciiEllipsis) + shown.substr(shown.size() - tail);
}

}  // namespace

const Signs& signs_of(Style style) {
  static constexpr Signs kUnicode{.done = "✓",
                                  .running = "▸",
                                  .reviewing = "◆",
                                  .waiting = "·",
                                  .failed = "✗",
                                  .skipped = "–",
                                  .cell_done = "█",
                                  .cell_running = "▒",
                                  .cell_waiting = "·",
                                  .cell_failed = "✗",
                                  .cell_skipped = "–",
                                  .ask = "◆",
                                  .unknown = "—"};
  static constexpr Signs kAscii{.done = "+",
                                .running = ">",
                                .reviewing = "?",
                                .waiting = ".",
                                .failed = "x",
                                .skipped = "-",
                                .cell_done = "#",
                                .cell_running = ">",
                                .cell_waiting = ".",
                                .cell_failed = "x",
                                .cell_skipped = "-",
                                .ask = "?",
                                .unknown = "-"};
  return style.unicode ? kUnicode : kAscii;
}

std::string showable(std::string_view text, Style style) {
  std::string shown = printable(text);
  return style.unicode ? shown : ascii_of(shown);
}

Line& Line::add(std::string_view text, Ink ink) {
  put(cut_end(showable(text, style_), columns_left(), style_), ink);
  return *this;
}

Line& Line::add_column(std::string_view text, std::size_t columns, Ink ink) {
  const std::size_t room = std::min(columns, columns_left());
  const std::string shown = cut_middle(showable(text, style_), room, style_);
  put(shown, ink);
  return gap(columns - std::min(columns, display_width(shown)));
}

Line& Line::gap(std::size_t columns) {
  spaces_ += columns;
  return *this;
}

Line& Line::add_right(std::string_view text, Ink ink) {
  constexpr std::size_t kClearance = 2;
  const std::string shown = showable(text, style_);
  const std::size_t width = display_width(shown);
  if (columns_left() < width + kClearance) return *this;
  gap(columns_left() - width);
  put(shown, ink);
  return *this;
}

std::size_t Line::columns_left() const { return columns_ - std::min(columns_, used_ + spaces_); }

void Line::put(std::string_view shown, Ink ink) {
  if (shown.empty()) return;
  const bool colored = style_.color && ink != Ink::plain;
  text_.append(spaces_, ' ');
  if (colored) text_ += color_of(ink);
  text_ += shown;
  if (colored) text_ += kColorEnd;
  used_ += spaces_ + display_width(shown);
  spaces_ = 0;
}

std::vector<std::string> wrap_words(std::string_view text, std::size_t columns, Style style) {
  std::vector<std::string> lines;
  const std::string shown = showable(text, style);
  for (std::string_view rest = shown; !rest.empty();) {
    const std::string_view word = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(word.size() + 1, rest.size()));
    if (word.empty()) continue;
    const bool fits =
        !lines.empty() && display_width(lines.back()) + 1 + display_width(word) <= columns;
    if (fits) {
      lines.back().append(" ").append(word);
    } else {
      lines.emplace_back(word);
    }
  }
  return lines;
}

}  // namespace interlock::panel
