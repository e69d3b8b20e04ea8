#include "engine/json_answer.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace interlock::engine {

namespace {

constexpr std::string_view kBlank = " \t\r\n";

bool is_blank(std::string_view text) { return text.find_first_not_of(kBlank) == text.npos; }

/// The mark that opens or closes a block on this line: its character and how often it stands there.
struct Mark {
  char of = 0;
  std::size_t count = 0;
  std::string_view info;  ///< What follows on the line.
};

/// By CommonMark: three or more, indented by three spaces at most; a line of code in backticks is
/// none.
std::optional<Mark> mark_of(std::string_view line) {
  const auto first = line.find_first_not_of(' ');
  if (first == line.npos || first > 3 || (line[first] != '`' && line[first] != '~'))
    return std::nullopt;
  const auto end = std::min(line.find_first_not_of(line[first], first), line.size());
  Mark mark{line[first], end - first, line.substr(end)};
  const bool is_code = mark.of == '`' && mark.info.contains('`');  // `` `x` `` in a text.
  if (mark.count < 3 || is_code) return std::nullopt;
  return mark;
}

/// The next line, without its end, taken off the front: an answer may have millions.
std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, end);
  // Of an answer with Windows line ends the fence has one too.
  if (line.ends_with('\r') && end < text.size()) line.remove_suffix(1);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

bool is_fenced(std::string_view text) {
  while (!text.empty()) {
    if (mark_of(take_line(text))) return true;
  }
  return false;
}

}  // namespace

std::optional<FencedBlock> only_fenced_block(std::string_view text) {
  FencedBlock block{{}, true};
  std::optional<Mark> open;
  std::size_t blocks = 0;
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    const auto mark = mark_of(line);
    if (open) {
      // A block may hold shorter fences, as an answer about Markdown does.
      const bool closes =
          mark && mark->of == open->of && mark->count >= open->count && is_blank(mark->info);
      if (closes) {
        open.reset();
      } else {
        block.content.append(line).append("\n");
      }
    } else if (mark) {
      open = mark;
      // Which of them was meant is the agent's to say.
      if (++blocks > 1) return std::nullopt;
    } else if (!is_blank(line)) {
      block.alone = false;
    }
  }
  // One that is not closed was cut off: what it holds is not whole.
  if (blocks != 1 || open) return std::nullopt;
  return block;
}

std::string say_no_json(std::string_view text, const Error& error) {
  const auto first = text.find_first_not_of(kBlank);
  if (first == text.npos) return "expected JSON, found nothing";
  const char begin = text[first];
  // What begins as JSON and is none has a mistake in it, which the parser names.
  const bool begins_as_json = begin == '{' || begin == '[' || begin == '"';
  if (!begins_as_json && is_fenced(text)) {
    const auto block = only_fenced_block(text);
    return fmt::format(
        "expected bare JSON, found it wrapped in a Markdown fence (```){}: give the JSON alone",
        block && block->alone ? "" : " with other text around it");
  }
  if (!begins_as_json && text.find_first_of("{[", first) != text.npos) {
    // The agent is told of its own words, so that it sees which to leave out.
    constexpr std::size_t kShownMax = 400;
    std::string_view rest = text.substr(first);
    const std::string line = printable(take_line(rest).substr(0, kShownMax));
    return fmt::format("expected JSON alone, found other text before it: `{}` ({})",
                       elide_end(line, 40), error.message);
  }
  return fmt::format("expected JSON: {}", error.message);
}

}  // namespace interlock::engine
