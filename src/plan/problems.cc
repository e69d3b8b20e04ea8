#include "plan/problems.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/text.h"

namespace interlock::plan {

namespace {

constexpr std::size_t kLineColumns = 100;
/// How much of a line is kept left of the caret when the line is too long for the screen.
constexpr std::size_t kLeadBytes = 60;
/// Beyond this many, only the first in document order are kept.
constexpr std::size_t kKept = 20 * Problems::kShown;

constexpr std::size_t kStride = 1024;

bool continues_character(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; }

/// The nearest start of a character at or before `at`.
std::size_t character_start(std::string_view text, std::size_t at) {
  while (at > 0 && at < text.size() && continues_character(text[at])) --at;
  return at;
}

}  // namespace

SourceText::SourceText(std::string_view text) : text_(text) {
  line_begins_.push_back(0);
  const bool has_returns = text.contains('\r');
  const auto next_end = [&](std::size_t from) {
    return has_returns ? text.find_first_of("\n\r", from) : text.find('\n', from);
  };
  for (auto at = next_end(0); at != text.npos; at = next_end(at + 1)) {
    const bool ends = text[at] == '\n' || text.substr(at + 1, 1) != "\n";
    if (ends) line_begins_.push_back(static_cast<std::uint32_t>(at + 1));
  }
  if (std::ranges::none_of(text, continues_character)) return;
  std::uint32_t continuing = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (at % kStride == 0) continuing_.push_back(continuing);
    if (continues_character(text[at])) ++continuing;
  }
}

std::size_t SourceText::continuing_before(std::uint32_t begin) const {
  if (continuing_.empty()) return 0;
  const auto mark = std::min<std::size_t>(begin / kStride, continuing_.size() - 1);
  const auto rest = text_.substr(mark * kStride, begin - mark * kStride);
  return continuing_[mark] +
         static_cast<std::size_t>(std::ranges::count_if(rest, continues_character));
}

std::size_t SourceText::line_index(std::uint32_t begin) const {
  const auto after = std::ranges::upper_bound(line_begins_, begin);
  return static_cast<std::size_t>(std::distance(line_begins_.begin(), after)) - 1;
}

Place SourceText::place(Span span) const {
  if (span.begin >= Span::kNowhere) return {};
  const auto line = line_index(span.begin);
  const auto first = line_begins_[line];
  const auto column =
      span.begin - first - (continuing_before(span.begin) - continuing_before(first));
  return {static_cast<std::uint32_t>(line + 1), static_cast<std::uint32_t>(column + 1)};
}

std::string_view SourceText::line_of(std::uint32_t begin) const {
  const auto line = line_index(begin);
  const auto first = line_begins_[line];
  const auto end = line + 1 < line_begins_.size() ? line_begins_[line + 1] : text_.size();
  auto text = text_.substr(first, end - first);
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

void Problems::add(Span where, std::string message, std::string hint) {
  ++reported_;
  found_.push_back({where, std::move(message), std::move(hint)});
  if (found_.size() > kKept) keep_first();
}

/// Sorts, drops what repeats a place, and keeps the first `kShown`.
void Problems::keep_first() {
  std::ranges::stable_sort(found_, {}, [](const Found& found) { return found.where.begin; });
  const auto repeats = std::ranges::unique(found_, [](const Found& a, const Found& b) {
    return a.where.begin == b.where.begin && a.where.begin < Span::kNowhere;
  });
  found_.erase(repeats.begin(), repeats.end());
  if (found_.size() <= kShown) return;
  dropped_ += found_.size() - kShown;
  found_.resize(kShown);
}

Problem Problems::shown(Found& found) const {
  Problem problem{.place = source_.place(found.where),
                  .message = std::move(found.message),
                  .hint = std::move(found.hint)};
  if (found.where.begin >= Span::kSet) {
    const auto entry = std::next(set_.begin(), found.where.begin - Span::kSet);
    problem.message = fmt::format("`--set {}`: {}", printable(entry->first), problem.message);
  }
  if (problem.place.line == 0) return problem;

  // A long line is cut to a window round the caret.
  const auto line = source_.line_of(found.where.begin);
  const auto at = std::min<std::size_t>(
      found.where.begin - static_cast<std::size_t>(line.data() - source_.text().data()),
      line.size());
  std::size_t from = 0;
  if (display_width(printable(line.substr(0, kLineColumns * 4))) > kLineColumns &&
      at > kLeadBytes) {
    from = character_start(line, at - kLeadBytes);
  }
  // Every column is measured from the window's beginning, as tabs are.
  const auto window = line.substr(from);
  const std::string cut = from > 0 ? "…" : "";
  const auto shown_until = [&](std::size_t byte) {
    return cut +
           printable(window.substr(0, character_start(window, std::min(byte, window.size()))));
  };
  const auto begin = display_width(shown_until(at - from));
  const auto end = display_width(shown_until(at - from + found.where.length));
  problem.line_text =
      elide_end(shown_until(at - from + found.where.length + kLineColumns), kLineColumns);
  const auto room = std::max(display_width(problem.line_text), begin + 1) - begin;
  problem.caret = static_cast<std::uint32_t>(begin);
  problem.length = static_cast<std::uint32_t>(std::clamp<std::size_t>(end - begin, 1, room));
  return problem;
}

std::vector<Problem> Problems::finish() {
  keep_first();
  std::vector<Problem> problems;
  for (auto& found : found_) problems.push_back(shown(found));
  if (dropped_ > 0) problems.push_back({.message = fmt::format("and {} more", dropped_)});
  found_.clear();
  return problems;
}

std::string render(const std::vector<Problem>& problems, const std::string& file) {
  std::string out;
  for (const auto& problem : problems) {
    if (problem.place.line == 0) {
      out += fmt::format("{}: error: {}\n", file, problem.message);
    } else {
      out += fmt::format("{}:{}:{}: error: {}\n", file, problem.place.line, problem.place.column,
                         problem.message);
      out += fmt::format("{:>5} | {}\n", problem.place.line, problem.line_text);
      out += fmt::format("      | {}^{}\n", std::string(problem.caret, ' '),
                         std::string(problem.length - 1, '~'));
    }
    if (!problem.hint.empty()) out += fmt::format("  hint: {}\n", problem.hint);
  }
  return out;
}

}  // namespace interlock::plan
