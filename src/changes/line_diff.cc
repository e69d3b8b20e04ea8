#include "changes/line_diff.h"

#include <algorithm>
#include <cstdint>
#include <unordered_map>

#include "base/check.h"

namespace interlock::changes {

namespace {

using Number = std::uint32_t;
using Numbers = std::vector<Number>;

constexpr std::int64_t kEditsMax = 2000;

/// The search for a shortest way through the grid of old lines (x) and new lines (y), along
/// diagonals x - y. It keeps how far each number of edits came, to find the way back.
class Search {
 public:
  Search(const Numbers& old_lines, const Numbers& new_lines)
      : old_(old_lines),
        new_(new_lines),
        width_(static_cast<std::int64_t>(old_lines.size())),
        height_(static_cast<std::int64_t>(new_lines.size())) {}

  /// Whether there is a way of at most `kEditsMax` edits.
  bool finds_way() {
    std::vector<std::int64_t> reach(2 * kEditsMax + 3, 0);
    for (std::int64_t edits = 0; edits <= kEditsMax; ++edits) {
      for (std::int64_t k = -edits; k <= edits; k += 2) {
        const std::int64_t x = advanced(start_on(reach.data() + kMiddle, k, edits), k);
        reach[static_cast<std::size_t>(kMiddle + k)] = x;
        if (x >= width_ && x - k >= height_) return keep(reach, edits), true;
      }
      keep(reach, edits);
    }
    return false;
  }

  /// The way back, as runs of lines that went or came.
  std::vector<Hunk> hunks() const {
    std::vector<Hunk> hunks;
    std::int64_t x = width_, y = height_;
    for (auto edits = static_cast<std::int64_t>(reached_.size()) - 1; edits > 0; --edits) {
      const auto& before = reached_[static_cast<std::size_t>(edits) - 1];
      const std::int64_t k = x - y;
      const bool came = takes_new_line(before.data() + edits - 1, k, edits);
      const std::int64_t from_k = came ? k + 1 : k - 1;
      const std::int64_t from_x = before[static_cast<std::size_t>(edits - 1 + from_k)];
      const std::int64_t from_y = from_x - from_k;
      const Hunk step{place(from_x), place(came ? from_x : from_x + 1), place(from_y),
                      place(came ? from_y + 1 : from_y)};
      const bool joins = !hunks.empty() && hunks.back().old_begin == step.old_end &&
                         hunks.back().new_begin == step.new_end;
      if (joins) {
        hunks.back().old_begin = step.old_begin;
        hunks.back().new_begin = step.new_begin;
      } else {
        hunks.push_back(step);
      }
      x = from_x;
      y = from_y;
    }
    std::ranges::reverse(hunks);
    return hunks;
  }

 private:
  static constexpr std::int64_t kMiddle = kEditsMax + 1;

  static std::size_t place(std::int64_t value) { return static_cast<std::size_t>(value); }

  /// Whether diagonal `k` is reached by a new line rather than by leaving an old one out. `reach`
  /// is of one edit less, diagonal 0 first.
  static bool takes_new_line(const std::int64_t* reach, std::int64_t k, std::int64_t edits) {
    return k == -edits || (k != edits && reach[k - 1] < reach[k + 1]);
  }
  static std::int64_t start_on(const std::int64_t* reach, std::int64_t k, std::int64_t edits) {
    if (edits == 0) return 0;
    return takes_new_line(reach, k, edits) ? reach[k + 1] : reach[k - 1] + 1;
  }
  /// Along all lines that are the same from here.
  std::int64_t advanced(std::int64_t x, std::int64_t k) const {
    while (x < width_ && x - k < height_ && old_[place(x)] == new_[place(x - k)]) ++x;
    return x;
  }
  void keep(const std::vector<std::int64_t>& reach, std::int64_t edits) {
    const auto middle = reach.begin() + kMiddle;
    reached_.emplace_back(middle - edits, middle + edits + 1);
  }

  const Numbers& old_;
  const Numbers& new_;
  std::int64_t width_, height_;
  std::vector<std::vector<std::int64_t>> reached_;  ///< By edits; diagonals -edits .. edits.
};

/// Equal lines get equal numbers.
class Numbering {
 public:
  Numbers of(const std::vector<std::string_view>& lines) {
    Numbers numbers;
    numbers.reserve(lines.size());
    for (const std::string_view line : lines) {
      const auto next = static_cast<Number>(known_.size());
      numbers.push_back(known_.try_emplace(line, next).first->second);
    }
    return numbers;
  }

 private:
  std::unordered_map<std::string_view, Number> known_;
};

std::vector<Hunk> diff_middle(const Numbers& old_lines, const Numbers& new_lines) {
  if (old_lines.empty() && new_lines.empty()) return {};
  const Hunk all{0, old_lines.size(), 0, new_lines.size()};
  if (old_lines.empty() || new_lines.empty()) return {all};
  Search search(old_lines, new_lines);
  return search.finds_way() ? search.hunks() : std::vector{all};
}

std::vector<Hunk> diff_numbers(const Numbers& old_lines, const Numbers& new_lines) {
  const std::size_t shorter = std::min(old_lines.size(), new_lines.size());
  std::size_t head = 0, tail = 0;
  while (head < shorter && old_lines[head] == new_lines[head]) ++head;
  while (tail < shorter - head &&
         old_lines[old_lines.size() - 1 - tail] == new_lines[new_lines.size() - 1 - tail]) {
    ++tail;
  }
  const auto middle = [&](const Numbers& lines) {
    return Numbers(lines.begin() + static_cast<std::ptrdiff_t>(head),
                   lines.end() - static_cast<std::ptrdiff_t>(tail));
  };
  std::vector<Hunk> hunks = diff_middle(middle(old_lines), middle(new_lines));
  for (Hunk& hunk : hunks) {
    hunk.old_begin += head;
    hunk.old_end += head;
    hunk.new_begin += head;
    hunk.new_end += head;
  }
  return hunks;
}

}  // namespace

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t length = std::min(text.find('\n'), text.size() - 1) + 1;
    lines.push_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  return lines;
}

std::vector<Hunk> diff_lines(const std::vector<std::string_view>& old_lines,
                             const std::vector<std::string_view>& new_lines, Prefer prefer) {
  Numbering numbering;
  Numbers old_numbers = numbering.of(old_lines), new_numbers = numbering.of(new_lines);
  if (prefer == Prefer::late) return diff_numbers(old_numbers, new_numbers);
  // The same search from the other end.
  std::ranges::reverse(old_numbers);
  std::ranges::reverse(new_numbers);
  std::vector<Hunk> hunks = diff_numbers(old_numbers, new_numbers);
  std::ranges::reverse(hunks);
  const std::size_t old_size = old_lines.size(), new_size = new_lines.size();
  for (Hunk& hunk : hunks) {
    hunk = {old_size - hunk.old_end, old_size - hunk.old_begin, new_size - hunk.new_end,
            new_size - hunk.new_begin};
  }
  return hunks;
}

}  // namespace interlock::changes
