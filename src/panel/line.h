#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "panel/style.h"

namespace interlock::panel {

/// One line of a frame, written from left to right and cut at the last column.
///
/// All text passes through here, so nothing an agent prints can reach the terminal as a control
/// sequence, and no line is ever wider than the terminal.
class Line {
 public:
  Line(std::size_t columns, Style style) : columns_(columns), style_(style) {}

  Line& add(std::string_view text, Ink ink = Ink::plain);
  /// As `add`, cut in the middle to at most `columns` and padded to them.
  Line& add_column(std::string_view text, std::size_t columns, Ink ink = Ink::plain);
  Line& gap(std::size_t columns);
  /// Puts `text` at the right edge; leaves it out where it would touch what is there.
  Line& add_right(std::string_view text, Ink ink = Ink::plain);

  std::size_t columns_left() const;
  /// The line with its colours, without trailing spaces.
  const std::string& text() const { return text_; }

 private:
  void put(std::string_view shown, Ink ink);

  std::size_t columns_;
  Style style_;
  std::size_t used_ = 0;
  std::size_t spaces_ = 0;  ///< Asked for by `gap`, written only once something follows.
  std::string text_;
};

/// `text` as `style` can show it: printable, and one `?` for each character that is not ASCII
/// where the terminal has no Unicode.
std::string showable(std::string_view text, Style style);

/// `text` as lines of at most `columns`, broken at spaces only: a longer word stays whole.
std::vector<std::string> wrap_words(std::string_view text, std::size_t columns, Style style);

}  // namespace interlock::panel
