#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace interlock::changes {

/// A run of lines of one text that stands where another run stood; either may be empty. Half-open,
/// counted from 0.
struct Hunk {
  std::size_t old_begin = 0, old_end = 0;
  std::size_t new_begin = 0, new_end = 0;

  bool operator==(const Hunk&) const = default;
};

/// Lines with their ends; the last may have none. The views are into `text`.
std::vector<std::string_view> lines_of(std::string_view text);

/// Of several equally short ways from one text to the other, which: lines that repeat can be told
/// to have gone early or late.
enum class Prefer : unsigned char { early, late };

/// Where the texts differ, in order, at least one line that is the same between two hunks. E. W.
/// Myers, "An O(ND) difference algorithm and its variations" (1986), the greedy form. Where more
/// than 2000 lines would have to go or come, besides those at either end that are the same, all
/// between is one hunk.
std::vector<Hunk> diff_lines(const std::vector<std::string_view>& old_lines,
                             const std::vector<std::string_view>& new_lines,
                             Prefer prefer = Prefer::late);

}  // namespace interlock::changes
