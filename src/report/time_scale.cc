#include "report/time_scale.h"

#include <fmt/format.h>

#include <algorithm>

namespace interlock::report {
namespace {

constexpr Duration kLongest = std::chrono::minutes(1);  ///< Shorter spells are never shortened.
constexpr double kPartOfShortened = 0.04;               ///< Of all the time that is shown to scale.

/// When something ran, one after another.
std::vector<std::pair<Time, Time>> busy_times(const RunRecord& run) {
  std::vector<std::pair<Time, Time>> all;
  for (const TaskRow& row : run.tasks) {
    for (const Span& span : row.spans) {
      if (span.is_attempt()) all.emplace_back(span.from, span.to);
    }
  }
  std::ranges::sort(all);
  std::vector<std::pair<Time, Time>> joined;
  for (const auto& [from, to] : all) {
    if (joined.empty() || from > joined.back().second) {
      joined.emplace_back(from, to);
    } else {
      joined.back().second = std::max(joined.back().second, to);
    }
  }
  return joined;
}

}  // namespace

TimeScale::TimeScale(const RunRecord& run) {
  const Time end = std::max(run.until, run.began + Duration(1));
  const auto busy = busy_times(run);
  Duration busy_time{};
  for (const auto& [from, to] : busy) busy_time += to - from;
  const Duration most = std::max(kLongest, busy_time / 4);
  std::vector<std::pair<Piece, bool>> pieces;  // With whether it is shortened.
  Time at = run.began;
  const auto add_idle = [&](Time to) {
    if (to - at > most) {
      pieces.push_back({{at, to}, true});
      shortened_.push_back({at - run.began, to - at});
      at = to;
    }
  };
  for (const auto& [from, to] : busy) {
    const Time before = at;
    add_idle(from);
    if (to > at) pieces.push_back({{at, to}, false});
    at = std::max({at, to, before});
  }
  add_idle(end);
  if (end > at) pieces.push_back({{at, end}, false});
  double shown = 0;
  for (const auto& [piece, is_short] : pieces) {
    if (!is_short) shown += static_cast<double>((piece.to - piece.from).count());
  }
  const double unit = std::max(shown, 1.0) * kPartOfShortened;
  const double all = shown + unit * static_cast<double>(shortened_.size());
  double place = 0;
  for (auto& [piece, is_short] : pieces) {
    const double length = is_short ? unit : static_cast<double>((piece.to - piece.from).count());
    piece.begin = place;
    place += all > 0 ? kWidth * length / all : 0;
    piece.end = place;
    pieces_.push_back(piece);
  }
}

double TimeScale::place(Time at) const {
  const auto piece = std::ranges::lower_bound(pieces_, at, {}, &Piece::to);
  if (piece == pieces_.end()) return kWidth;
  if (at <= piece->from) return piece->begin;
  const double part = static_cast<double>((at - piece->from).count()) /
                      static_cast<double>((piece->to - piece->from).count());
  return piece->begin + (piece->end - piece->begin) * part;
}

Duration TimeScale::at(double part) const {
  if (pieces_.empty()) return {};
  const double wanted = part * kWidth;
  for (const Piece& piece : pieces_) {
    if (wanted > piece.end && &piece != &pieces_.back()) continue;
    const double within =
        piece.end > piece.begin ? (wanted - piece.begin) / (piece.end - piece.begin) : 1;
    const double length = static_cast<double>((piece.to - piece.from).count());
    return piece.from - pieces_.front().from +
           Duration(static_cast<std::int64_t>(length * std::clamp(within, 0.0, 1.0)));
  }
  return {};
}

std::string spans_svg(const TaskRow& row, const TimeScale& scale) {
  constexpr double kNarrowest = 25;  ///< Still seen on a telephone.
  std::string paths;
  for (const Span& span : row.spans) {
    double from = scale.place(span.from), to = scale.place(span.to);
    if (to - from < kNarrowest && span.is_attempt()) {
      to = std::min(from + kNarrowest, TimeScale::kWidth);
      from = std::min(from, to - kNarrowest);
    }
    // Classes are the kinds by letter, for a report of a thousand tasks has some thousand of them.
    paths += fmt::format("<path class={} d=\"M{:.0f} 5H{:.0f}\"/>",
                         static_cast<char>('a' + static_cast<int>(span.kind)), from, to);
  }
  return paths;
}

}  // namespace interlock::report
