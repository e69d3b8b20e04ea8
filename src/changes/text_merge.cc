#include "changes/text_merge.h"

#include <algorithm>
#include <array>

#include "changes/line_diff.h"

namespace interlock::changes {

bool is_text(std::string_view bytes) {
  constexpr std::size_t kLooked = 8000;
  return !bytes.substr(0, kLooked).contains('\0');
}

namespace {

using Lines = std::vector<std::string_view>;

struct Range {
  std::size_t begin = 0, end = 0;
};

/// How many lines a run could be told to stand further up, or down: a line that was added beside
/// its equals can be any of them.
Range leeway(const Lines& lines, std::size_t begin, std::size_t end) {
  Range room;
  if (begin == end) return room;
  while (room.begin < begin && lines[begin - room.begin - 1] == lines[end - room.begin - 1])
    ++room.begin;
  while (end + room.end < lines.size() && lines[begin + room.end] == lines[end + room.end])
    ++room.end;
  return room;
}

/// The ancestor's lines that a change may be about, wherever it is told to be.
Range reach_of(const Hunk& hunk, const Lines& old_lines, const Lines& new_lines) {
  const Range gone = leeway(old_lines, hunk.old_begin, hunk.old_end);
  const Range come = leeway(new_lines, hunk.new_begin, hunk.new_end);
  const std::size_t up = std::max(gone.begin, come.begin), down = std::max(gone.end, come.end);
  return {hunk.old_begin - std::min(up, hunk.old_begin),
          std::min(hunk.old_end + down, old_lines.size())};
}

/// One side of a merge, walked from its first change of the ancestor to its last.
class Side {
 public:
  Side(const Lines& ancestor, const Lines& lines, Prefer prefer)
      : lines_(lines), hunks_(diff_lines(ancestor, lines, prefer)) {
    for (const Hunk& hunk : hunks_) reaches_.push_back(reach_of(hunk, ancestor, lines));
    // In order of their beginnings: one that reaches up past others takes them along.
    for (std::size_t i = reaches_.size(); i-- > 1;)
      reaches_[i - 1].begin = std::min(reaches_[i - 1].begin, reaches_[i].begin);
  }

  const Range* next() const { return next_ < reaches_.size() ? &reaches_[next_] : nullptr; }
  bool touches(const Range& region) const {
    return next() != nullptr && next()->begin <= region.end;
  }

  /// Takes the next change into the region, which grows by it.
  void join(Range& region) {
    region.begin = std::min(region.begin, next()->begin);
    region.end = std::max(region.end, next()->end);
    ++next_;
    has_part_ = true;
  }

  bool has_part() const { return has_part_; }
  /// The lines that stand for the region here; the region is done.
  Lines leave(const Range& region) {
    const std::size_t begin = line_at(region.begin, left_), end = line_at(region.end, next_);
    left_ = next_;
    has_part_ = false;
    return {lines_.begin() + static_cast<std::ptrdiff_t>(begin),
            lines_.begin() + static_cast<std::ptrdiff_t>(end)};
  }

 private:
  /// Where the ancestor's line is here, with `passed` changes before it.
  std::size_t line_at(std::size_t old_line, std::size_t passed) const {
    if (passed == 0) return old_line;
    return hunks_[passed - 1].new_end + (old_line - hunks_[passed - 1].old_end);
  }

  const Lines& lines_;
  std::vector<Hunk> hunks_;
  std::vector<Range> reaches_;
  std::size_t next_ = 0;  ///< The first change not yet in a region.
  std::size_t left_ = 0;  ///< The first change not in a region that is done.
  bool has_part_ = false;
};

void append(std::string& text, const Lines& lines) {
  for (const std::string_view line : lines) text += line;
}

/// The next run of the ancestor's lines that either side changed, with all changes that overlap or
/// adjoin.
std::optional<Range> next_region(Side& mine, Side& theirs) {
  if (mine.next() == nullptr && theirs.next() == nullptr) return std::nullopt;
  const bool mine_first = theirs.next() == nullptr ||
                          (mine.next() != nullptr && mine.next()->begin <= theirs.next()->begin);
  Range region = *(mine_first ? mine : theirs).next();
  for (bool grew = true; grew;) {
    grew = false;
    for (Side* side : {&mine, &theirs}) {
      while (side->touches(region)) {
        side->join(region);
        grew = true;
      }
    }
  }
  return region;
}

std::optional<std::string> merge_sides(const Lines& ancestor, Side mine, Side theirs) {
  std::string merged;
  std::size_t done = 0;
  const auto keep_until = [&](std::size_t end) {
    for (; done < end; ++done) merged += ancestor[done];
  };
  while (const auto region = next_region(mine, theirs)) {
    keep_until(region->begin);
    const bool both = mine.has_part() && theirs.has_part();
    const bool is_mine = mine.has_part();
    const Lines my_lines = mine.leave(*region), their_lines = theirs.leave(*region);
    if (both && my_lines != their_lines) return std::nullopt;
    append(merged, is_mine ? my_lines : their_lines);
    done = region->end;
  }
  keep_until(ancestor.size());
  return merged;
}

}  // namespace

std::optional<std::string> merge_three(std::string_view ancestor, std::string_view mine,
                                       std::string_view theirs) {
  if (!is_text(ancestor) || !is_text(mine) || !is_text(theirs)) return std::nullopt;
  if (mine == theirs || theirs == ancestor) return std::string(mine);
  if (mine == ancestor) return std::string(theirs);
  const Lines old_lines = lines_of(ancestor), my_lines = lines_of(mine),
              their_lines = lines_of(theirs);
  // Where lines repeat, a change can be told in several ways, and not each leads to the same text.
  // Only what comes of it either way is taken.
  std::optional<std::string> merged;
  constexpr std::array kBoth{Prefer::early, Prefer::late};
  for (const Prefer my_way : kBoth) {
    for (const Prefer their_way : kBoth) {
      auto text = merge_sides(old_lines, Side(old_lines, my_lines, my_way),
                              Side(old_lines, their_lines, their_way));
      if (!text || (merged && *merged != *text)) return std::nullopt;
      merged = std::move(text);
    }
  }
  return merged;
}

}  // namespace interlock::changes
