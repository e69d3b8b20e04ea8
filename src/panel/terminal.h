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
  /// What terminals set to be known by.
  std::string term_program{}, vte_version{}, wt_session{}, conemu{}, tmux{};
};
/// Reads them from this process's environment: the one place in the faces that does.
Environment environment_of_process();

/// What may be written to one of our output streams.
struct Terminal {
  bool is_terminal = false;
  bool moves_cursor = false;  ///< A live panel can be drawn.
  bool color = false;
  bool unicode = false;
  bool links = false;           ///< Takes OSC 8, or leaves it out of what it shows.
  bool shows_progress = false;  ///< Known to take OSC 9;4 for what it is.

  Style style() const { return {color, unicode}; }
  bool operator==(const Terminal&) const = default;
};

/// Colour is for terminals that know it, unless `wish` says otherwise; it outranks NO_COLOR
/// (no-color.org), which outranks TERM. The locale decides on Unicode: LC_ALL, else LC_CTYPE, else
/// LANG.
Terminal judge_terminal(bool is_terminal, ColorMode mode, const Environment& environment);

/// The events of what is open as `fd`.
Terminal look_at_terminal(int fd, ColorMode mode);

/// `text` as a link to the file at `path`, which is absolute: OSC 8 with a `file:` address. Both
/// are made printable; neither can end the link early.
std::string file_link(std::string_view path, std::string_view text, std::string_view host);

/// `text` of many lines as a terminal may get it: each line as by `printable`, with our own inks
/// left in it, and none of them beyond its line.
std::string harmless(std::string_view text);

}  // namespace interlock::panel
