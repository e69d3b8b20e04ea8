#include "web/log_view.h"

#include <algorithm>
#include <array>
#include <deque>
#include <iterator>
#include <utility>

#include "process/log_file.h"
#include "web/styled_line.h"

namespace interlock::web {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool has_words(std::string_view text, std::string_view words) {
  return !std::ranges::search(text, words, {}, lower, lower).empty();
}

std::size_t index_of(process::Stream stream) {
  return stream == process::Stream::output ? 0 : stream == process::Stream::error ? 1 : 2;
}

json::array line_of(const process::LogLine& line, StyledLine&& shown) {
  constexpr std::array kStreams{"o", "e", "!"};
  json::array made{line.at.time_since_epoch().count() / 1000, kStreams[index_of(line.stream)],
                   json::string(shown.text)};
  if (shown.runs.empty()) return made;
  json::array runs;
  for (const StyledLine::Run& run : shown.runs) {
    runs.emplace_back(run.units);
    runs.emplace_back(run.classes);
  }
  made.emplace_back(std::move(runs));
  return made;
}

}  // namespace

json::object log_view(const std::string& path, std::string_view words) {
  auto reader = process::LogReader::open_end(path, words.empty() ? kLogShown : kLogSearched);
  json::array lines;
  std::size_t matches = 0;
  if (!reader) return {{"cut", false}, {"lines", std::move(lines)}};  // It was silent.
  auto read = reader->next();
  std::ranges::move(reader->unfinished(), std::back_inserter(read));
  // A colour lasts beyond its line, on each stream for itself.
  std::array<TextStyle, 3> styles;
  std::deque<json::array> shown;
  for (const process::LogLine& line : read) {
    TextStyle& style = styles[index_of(line.stream)];
    const bool is_plain = style == TextStyle{} && line.text.find('\x1b') == std::string::npos;
    if (!words.empty() && is_plain && !has_words(line.text, words)) continue;
    StyledLine styled = styled_line(line.text, style);
    // Words are looked for in what is seen, whatever colours stand within it.
    if (!words.empty() && !has_words(styled.text, words)) continue;
    ++matches;
    shown.push_back(line_of(line, std::move(styled)));
    if (!words.empty() && shown.size() > kMatchesShown) shown.pop_front();
  }
  for (json::array& line : shown) lines.push_back(std::move(line));
  json::object made{{"cut", reader->is_cut()}, {"lines", std::move(lines)}};
  if (!words.empty()) made["matches"] = matches;
  return made;
}

}  // namespace interlock::web
