#pragma once

#include <string>
#include <string_view>

#include "panel/style.h"

namespace interlock::panel {

/// What `--color` asks for.
enum class ColorMode : unsigned char { automatic, always, never };

/// The parts of the environment that say what a terminal can show; empty where unset.
struct Environment {
  std::string no_color{}, term{}, lc_all{}, lc_ctype{}, lang{};
};
/// Reads them from this process's environment: the one place in the faces that does.
Environment environment_of_process();

/// What may be written to one of our output streams.
struct Terminal {
  bool is_terminal = false;
  bool moves_cursor = false;  ///< A live panel can be drawn.
  bool color = false;
  bool unicode = false;

  Style style() const { return {color, unicode}; }
  bool operator==(const Terminal&) const = default;
};

/// Colour is for terminals that know it, unless `wish` says otherwise; it outranks NO_COLOR
/// (no-color.org), which outranks TERM. The locale decides on Unicode: LC_ALL, else LC_CTYPE, else
/// LANG.
Terminal judge_terminal(bool is_terminal, ColorMode wish, const Environment& environment);

/// The events of what is open as `fd`.
Terminal look_at_terminal(int fd, ColorMode wish);

/// `text` of many lines as a terminal may get it: each line as by `printable`, with our own inks
/// left in it, and none of them beyond its line.
std::string harmless(std::string_view text);

}  // namespace interlock::panel
