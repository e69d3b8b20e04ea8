#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/text.h"
#include "changes/line_diff.h"
#include "changes/text_merge.h"

// The format of GNU diff -u, as `patch` and `git apply` read it (GNU diffutils manual, "Detailed
// Description of Unified Format").
namespace interlock::changes {

namespace {

using Lines = std::vector<std::string_view>;

constexpr std::size_t kContext = 3;

/// A name as git writes it: bare where that is safe, else in quotes with C's escapes. Behind a
/// space in a name stands a tab, so that readers see where the name ends.
std::string file_name(const std::string& path) {
  const bool is_utf8 = !first_bad_utf8(path);
  const auto is_plain = [&](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 && byte != 0x7f && c != '"' && c != '\\' && (byte < 0x80 || is_utf8);
  };
  if (std::ranges::all_of(path, is_plain)) return path.contains(' ') ? path + "\t" : path;
  std::string quoted = "\"";
  for (const char c : path) {
    if (is_plain(c)) {
      quoted += c;
    } else if (c == '"' || c == '\\') {
      quoted += {'\\', c};
    } else {
      fmt::format_to(std::back_inserter(quoted), "\\{:03o}", static_cast<unsigned char>(c));
    }
  }
  return quoted + "\"";
}

/// `12` or `12,3`. No lines are said to be at the line before them.
std::string range_text(std::size_t begin, std::size_t end) {
  const std::size_t count = end - begin;
  if (count == 1) return fmt::format("{}", begin + 1);
  return fmt::format("{},{}", count == 0 ? begin : begin + 1, count);
}

class Writer {
 public:
  Writer(const Lines& before, const Lines& after) : before_(before), after_(after) {}

  /// One `@@` section: hunks so near to each other that their context would meet.
  void section(const Hunk* first, const Hunk* last) {
    const std::size_t lead = std::min(kContext, first->old_begin);
    const std::size_t trail = std::min(kContext, before_.size() - last->old_end);
    fmt::format_to(std::back_inserter(text_), "@@ -{} +{} @@\n",
                   range_text(first->old_begin - lead, last->old_end + trail),
                   range_text(first->new_begin - lead, last->new_end + trail));
    std::size_t at = first->old_begin - lead;
    for (const Hunk* hunk = first; hunk <= last; ++hunk) {
      write(' ', before_, at, hunk->old_begin);
      write('-', before_, hunk->old_begin, hunk->old_end);
      write('+', after_, hunk->new_begin, hunk->new_end);
      at = hunk->old_end;
    }
    write(' ', before_, at, at + trail);
  }

  std::string take() { return std::move(text_); }

 private:
  void write(char mark, const Lines& lines, std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      text_ += mark;
      text_ += lines[i];
      if (!lines[i].ends_with('\n')) text_ += "\n\\ No newline at end of file\n";
    }
  }

  const Lines& before_;
  const Lines& after_;
  std::string text_;
};

std::string sections_of(std::string_view before, std::string_view after) {
  const Lines old_lines = lines_of(before), new_lines = lines_of(after);
  const std::vector<Hunk> hunks = diff_lines(old_lines, new_lines);
  Writer writer(old_lines, new_lines);
  for (auto first = hunks.begin(); first != hunks.end();) {
    auto last = first;
    while (last + 1 != hunks.end() && (last + 1)->old_begin - last->old_end <= 2 * kContext) ++last;
    writer.section(&*first, &*last);
    first = last + 1;
  }
  return writer.take();
}

}  // namespace

std::string unified_diff(const std::string& path, const std::optional<std::string>& before,
                         const std::optional<std::string>& after) {
  if (before == after) return "";
  const std::string from = before ? file_name("a/" + path) : "/dev/null";
  const std::string to = after ? file_name("b/" + path) : "/dev/null";
  const std::string_view old_text = before ? *before : std::string_view();
  const std::string_view new_text = after ? *after : std::string_view();
  if (!is_text(old_text) || !is_text(new_text))
    return fmt::format("Binary files {} and {} differ\n", from, to);
  return fmt::format("--- {}\n+++ {}\n", from, to) + sections_of(old_text, new_text);
}

}  // namespace interlock::changes
