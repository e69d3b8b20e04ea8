#include "panel/terminal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>

#include "base/text.h"

namespace interlock::panel {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// Whether a locale's name, such as `de_DE.UTF-8` or `C.utf8`, says UTF-8.
bool names_utf8(std::string_view locale) {
  std::string letters;
  for (const char c : locale) {
    if (c != '-') letters += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return letters.find("utf8") != std::string::npos;
}

}  // namespace

Environment environment_of_process() {
  return {variable("NO_COLOR"),    variable("TERM"),       variable("LC_ALL"),
          variable("LC_CTYPE"),    variable("LANG"),       variable("TERM_PROGRAM"),
          variable("VTE_VERSION"), variable("WT_SESSION"), variable("ConEmuANSI"),
          variable("TMUX")};
}

namespace {

/// Who is known to show OSC 9;4; to all others OSC 9 is a notice. tmux passes none of it on.
bool knows_progress(const Environment& environment) {
  if (!environment.tmux.empty()) return false;
  constexpr long kVteWithProgress = 8000;
  return !environment.wt_session.empty() || environment.conemu == "ON" ||
         environment.term_program == "WezTerm" || environment.term_program == "ghostty" ||
         std::strtol(environment.vte_version.c_str(), nullptr, 10) >= kVteWithProgress;
}

}  // namespace

Terminal judge_terminal(bool is_terminal, ColorMode mode, const Environment& environment) {
  const bool is_capable = is_terminal && !environment.term.empty() && environment.term != "dumb";
  Terminal terminal{.is_terminal = is_terminal, .moves_cursor = is_capable};
  terminal.links = is_capable && environment.term != "linux";
  terminal.shows_progress = is_capable && knows_progress(environment);
  switch (mode) {
    case ColorMode::automatic: terminal.color = is_capable && environment.no_color.empty(); break;
    case ColorMode::always: terminal.color = true; break;
    case ColorMode::never: terminal.color = false; break;
  }
  for (const std::string* locale :
       {&environment.lc_all, &environment.lc_ctype, &environment.lang}) {
    if (locale->empty()) continue;
    terminal.unicode = names_utf8(*locale);
    break;
  }
  return terminal;
}

Terminal look_at_terminal(int fd, ColorMode mode) {
  return judge_terminal(isatty(fd) == 1, mode, environment_of_process());
}

namespace {

/// The length of a change of ink as we write it (line.cc, and the pages of the command line): bold,
/// faint, a colour of the text, and back. 0: it is none, or says more, such as to hide what
/// follows.
std::size_t ink_length(std::string_view text) {
  constexpr std::array<std::string_view, 8> kInks{"0", "1", "2", "31", "32", "33", "36", "1;31"};
  if (!text.starts_with("\x1b[")) return 0;
  const std::size_t end = text.find('m');
  if (end == std::string_view::npos || end > 8) return 0;
  const std::string_view code = text.substr(2, end - 2);
  return std::ranges::find(kInks, code) == kInks.end() ? 0 : end + 1;
}

constexpr std::string_view kInkEnd = "\x1b[0m";

std::string harmless_line(std::string_view line) {
  std::string shown;
  bool is_inked = false;
  while (!line.empty()) {
    std::size_t length = ink_length(line);
    if (length > 0) {
      shown += line.substr(0, length);
      is_inked = line.substr(0, length) != kInkEnd;
    } else {
      length = 1;
      while (length < line.size() && ink_length(line.substr(length)) == 0) {
        length = std::min(line.find('\x1b', length + 1), line.size());
      }
      shown += printable(line.substr(0, length));
    }
    line.remove_prefix(length);
  }
  if (is_inked) shown += kInkEnd;
  return shown;
}

}  // namespace

std::string file_link(std::string_view path, std::string_view text, std::string_view host) {
  constexpr std::string_view kUnreserved = "-._~/";
  std::string address;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_plain = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
                          (byte >= 'A' && byte <= 'Z') || kUnreserved.contains(c);
    address += is_plain ? std::string(1, c) : fmt::format("%{:02X}", byte);
  }
  return fmt::format("\x1b]8;;file://{}{}\x1b\\{}\x1b]8;;\x1b\\", printable(host), address,
                     printable(text));
}

std::string harmless(std::string_view text) {
  std::string shown;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    shown += harmless_line(text.substr(0, end));
    if (end < text.size()) shown += '\n';
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return shown;
}

}  // namespace interlock::panel
