#include "panel/bar.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <numeric>

#include "base/text.h"
#include "panel/line.h"

namespace interlock::panel {
namespace {

using engine::RunStatus;

/// Tasks that share a fate. The settled come first, so that the bar grows from the left.
struct Share {
  std::uint64_t tasks;
  std::string_view cell;
  Ink ink;
  std::size_t cells = 0;
};
using Shares = std::array<Share, 5>;

Shares shares_of(const RunStatus& run, Style style) {
  const Signs& signs = signs_of(style);
  return {{{run.done, signs.cell_done, Ink::good},
           {run.failed, signs.cell_failed, Ink::bad},
           {std::uint64_t{run.skipped} + run.cancelled, signs.cell_skipped, Ink::faint},
           {std::uint64_t{run.running} + run.reviewing, signs.cell_running, Ink::busy},
           {run.waiting, signs.cell_waiting, Ink::faint}}};
}

/// Splits `cells` by the number of tasks. Whoever has a task has a cell, as far as they go round:
/// one failure in ten thousand must show. The widest share pays for it.
void split(Shares& shares, std::size_t cells) {
  const auto tasks =
      std::accumulate(shares.begin(), shares.end(), std::uint64_t{0},
                      [](std::uint64_t sum, const Share& share) { return sum + share.tasks; });
  if (tasks == 0) return;
  std::size_t given = 0;
  for (Share& share : shares) {
    if (share.tasks == 0) continue;
    share.cells = std::max<std::size_t>(1, share.tasks * cells / tasks);
    given += share.cells;
  }
  const auto widest = [&]() -> Share& {
    return *std::ranges::max_element(shares, {}, &Share::cells);
  };
  for (; given > cells; --given) --widest().cells;
  widest().cells += cells - given;
}

struct Count {
  std::uint32_t tasks;
  std::string_view word;
  std::string_view sign;
};

/// In words, else in signs, else in signs without the total: a count must not be cut off.
std::string draw_counts(const RunStatus& run, std::size_t columns, Style style) {
  const Signs& signs = signs_of(style);
  const std::array<Count, 6> counts{{{run.failed, "failed", signs.failed},
                                     {run.running, "running", signs.running},
                                     {run.reviewing, "in review", signs.reviewing},
                                     {run.waiting, "waiting", signs.waiting},
                                     {run.skipped, "skipped", signs.skipped},
                                     {run.cancelled, "cancelled", signs.skipped}}};
  std::string words = fmt::format("{}/{} done", run.done, run.total);
  std::string brief;
  for (const Count& count : counts) {
    if (count.tasks == 0) continue;
    words += fmt::format(", {} {}", count.tasks, count.word);
    brief += fmt::format(" {}{}", count.sign, count.tasks);
  }
  if (words.size() <= columns) return words;
  std::string with_total = fmt::format("{}{}/{}{}", signs.done, run.done, run.total, brief);
  if (display_width(with_total) <= columns) return with_total;
  return fmt::format("{}{}{}", signs.done, run.done, brief);
}

void add_bar(Line& line, const RunStatus& run, std::size_t cells, Style style) {
  Shares shares = shares_of(run, style);
  split(shares, cells);
  line.add("[");
  for (const Share& share : shares) {
    std::string text;
    for (std::size_t i = 0; i < share.cells; ++i) text += share.cell;
    line.add(text, share.ink);
  }
  line.add("]");
}

}  // namespace

std::vector<std::string> draw_progress(const RunStatus& run, Size size, Style style) {
  constexpr std::size_t kCellsMin = 16;
  constexpr std::size_t kCellsMax = 50;
  constexpr std::size_t kFrame = 2;
  constexpr std::size_t kGap = 2;
  const std::string counts = draw_counts(run, size.columns, style);
  const std::size_t beside = display_width(counts) + kFrame + kGap;
  if (size.columns >= beside + kCellsMin) {
    Line line(size.columns, style);
    add_bar(line, run, std::min(size.columns - beside, kCellsMax), style);
    return {line.gap(kGap).add(counts).text()};
  }
  Line bar(size.columns, style);
  add_bar(bar, run, std::min(size.columns - std::min(size.columns, kFrame), kCellsMax), style);
  Line below(size.columns, style);
  // The counts tell more than the bar where there is room for one of them.
  if (size.rows == 1) return {below.add(counts).text()};
  return {bar.text(), below.add(counts).text()};
}

}  // namespace interlock::panel
