#pragma once

#include <cstddef>
#include <string_view>

namespace interlock::panel {

/// A terminal's extent in character cells.
struct Size {
  std::size_t columns = 80;
  std::size_t rows = 24;

  bool operator==(const Size&) const = default;
};

/// What the terminal can show.
struct Style {
  bool color = false;
  bool unicode = false;
};

/// What a piece of text means; the terminal's own palette decides how that looks.
enum class Ink : unsigned char { plain, strong, faint, good, busy, bad, ask };

/// The signs of a frame. Every one is a single column wide and tells its meaning without colour.
struct Signs {
  std::string_view done, running, reviewing, waiting, failed, skipped;
  std::string_view cell_done, cell_running, cell_waiting, cell_failed, cell_skipped;
  std::string_view ask;
  std::string_view unknown;  ///< Stands where a number is not known: 0 would be a claim.
};
const Signs& signs_of(Style style);

}  // namespace interlock::panel
