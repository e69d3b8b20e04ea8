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

bool is_fenced(std::string_view text) {
  return std::ranges::any_of(split_lines(text),
                             [](std::string_view line) { return mark_of(line).has_value(); });
}

}  // namespace

std::optional<FencedBlock> only_fenced_block(std::string_view text) {
  FencedBlock block{{}, true};
  std::optional<Mark> open;
  std::size_t blocks = 0;
  for (const std::string_view line : split_lines(text)) {
    const auto mark = mark_of(line);
    if (open) {
      const bool closes =
          mark && mark->of == open->of && mark->count >= open->count && is_blank(mark->info);
      if (closes) {
        open.reset();
      } else {
        block.content.append(line).append("\n");
      }
    } else if (mark) {
      open = mark;
      if (++blocks > 1) return std::nullopt;
    } else if (!is_blank(line)) {
      block.alone = false;
    }
  }
  if (blocks != 1 || open) return std::nullopt;
  return block;
}

std::string say_no_json(std::string_view text, const Error& error) {
  const auto first = text.find_first_not_of(kBlank);
  if (first == text.npos) return "expected JSON, found nothing";
  const char begin = text[first];
  const bool begins_as_json = begin == '{' || begin == '[' || begin == '"';
  if (!begins_as_json && is_fenced(text)) {
    const auto block = only_fenced_block(text);
    return fmt::format(
        "expected bare JSON, found it wrapped in a Markdown fence (```){}: give the JSON alone",
        block && block->alone ? "" : " with other text around it");
  }
  if (!begins_as_json && text.find_first_of("{[", first) != text.npos) {
    const std::string_view line = split_lines(text.substr(first)).front();
    return fmt::format("expected JSON alone, found other text before it: `{}` ({})",
                       elide_end(printable(line), 40), error.message);
  }
  return fmt::format("expected JSON: {}", error.message);
}

}  // namespace interlock::engine
