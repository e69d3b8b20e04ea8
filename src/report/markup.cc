#include "report/markup.h"

#include <algorithm>

#include "base/text.h"

namespace interlock::report {
namespace {

std::string entities(std::string_view text) {
  std::string made;
  made.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '<': made += "&lt;"; break;
      case '>': made += "&gt;"; break;
      case '&': made += "&amp;"; break;
      case '"': made += "&quot;"; break;
      case '\'': made += "&#39;"; break;
      default: made += c;
    }
  }
  return made;
}

std::string printable_lines(std::string_view text) {
  std::string made;
  for (const std::string_view line : split_lines(text)) made += printable(line) + "\n";
  return made;
}

}  // namespace

std::string html_text(std::string_view text) { return entities(printable(text)); }

std::string html_prose(std::string_view text) {
  const std::string line = html_text(text);
  std::string made;
  bool is_code = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    // One that is not closed stays a backtick.
    if (line[i] == '`' && (is_code || line.find('`', i + 1) != std::string::npos)) {
      made += is_code ? "</code>" : "<code>";
      is_code = !is_code;
    } else {
      made += line[i];
    }
  }
  return made;
}

std::string html_lines(std::string_view text) { return entities(printable_lines(text)); }

std::string markdown_text(std::string_view text) {
  std::string made;
  const std::string line = printable(text);
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    switch (c) {
      // A backslash does not keep GitHub from making mentions, references and bare links of these.
      case '@': made += "&#64;"; break;
      case '#': made += "&#35;"; break;
      case ':': made += line.compare(i, 2, ":/") == 0 ? "&#58;" : ":"; break;
      case '<': made += "&lt;"; break;
      case '>': made += "&gt;"; break;
      case '&': made += "&amp;"; break;
      case '.': made += made.ends_with("www") || made.ends_with("WWW") ? "&#46;" : "."; break;
      case '\\':
      case '`':
      case '*':
      case '_':
      case '[':
      case ']':
      case '|':
      case '~':
      case '$': (made += '\\') += c; break;
      default: made += c;
    }
  }
  return made;
}

std::string markdown_block(std::string_view text) {
  const std::string lines = printable_lines(text);
  std::size_t longest = 2, run = 0;
  for (const char c : lines) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  const std::string fence(longest + 1, '`');
  return fence + "text\n" + lines + fence + "\n";
}

}  // namespace interlock::report
