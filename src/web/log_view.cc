#include "web/log_view.h"

#include <algorithm>
#include <deque>
#include <iterator>
#include <utility>

#include "base/text.h"
#include "process/log_file.h"

namespace interlock::web {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool has_words(std::string_view text, std::string_view words) {
  return !std::ranges::search(text, words, {}, lower, lower).empty();
}

json::array line_of(const process::LogLine& line) {
  const char* const stream = line.stream == process::Stream::output  ? "o"
                             : line.stream == process::Stream::error ? "e"
                                                                     : "!";
  return {line.at.time_since_epoch().count() / 1000, stream, printable(line.text)};
}

}  // namespace

json::object log_view(const std::string& path, std::string_view words) {
  auto reader = process::LogReader::open_end(path, words.empty() ? kLogShown : kLogSearched);
  json::array lines;
  std::size_t matches = 0;
  if (!reader) return {{"cut", false}, {"lines", std::move(lines)}};  // It was silent.
  auto read = reader->next();
  std::ranges::move(reader->unfinished(), std::back_inserter(read));
  std::deque<const process::LogLine*> shown;
  for (const process::LogLine& line : read) {
    if (!words.empty() && !has_words(line.text, words)) continue;
    ++matches;
    shown.push_back(&line);
    if (!words.empty() && shown.size() > kMatchesShown) shown.pop_front();
  }
  for (const process::LogLine* line : shown) lines.push_back(line_of(*line));
  json::object made{{"cut", reader->is_cut()}, {"lines", std::move(lines)}};
  if (!words.empty()) made["matches"] = matches;
  return made;
}

}  // namespace interlock::web
