#include "panel/terminal.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

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
  return {variable("NO_COLOR"), variable("TERM"), variable("LC_ALL"), variable("LC_CTYPE"),
          variable("LANG")};
}

Terminal judge_terminal(bool is_terminal, ColorWish wish, const Environment& environment) {
  const bool is_capable = is_terminal && !environment.term.empty() && environment.term != "dumb";
  Terminal terminal{.is_terminal = is_terminal, .moves_cursor = is_capable};
  switch (wish) {
    case ColorWish::automatic: terminal.color = is_capable && environment.no_color.empty(); break;
    case ColorWish::always: terminal.color = true; break;
    case ColorWish::never: terminal.color = false; break;
  }
  for (const std::string* locale :
       {&environment.lc_all, &environment.lc_ctype, &environment.lang}) {
    if (locale->empty()) continue;
    terminal.unicode = names_utf8(*locale);
    break;
  }
  return terminal;
}

Terminal look_at_terminal(int fd, ColorWish wish) {
  return judge_terminal(isatty(fd) == 1, wish, environment_of_process());
}

}  // namespace interlock::panel
