#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/units.h"
#include "report/run_record.h"

namespace interlock::report {

/// Moments of a run as places from 0 to `kWidth`. Long spells in which nothing ran (a gate
/// overnight) are shortened; else places are to scale.
class TimeScale {
 public:
  static constexpr double kWidth = 10000;

  explicit TimeScale(const RunRecord& run);

  double place(Time at) const;
  /// What was shortened: after how much time, and how long it was.
  struct Shortened {
    Duration after{}, length{};
  };
  const std::vector<Shortened>& shortened() const { return shortened_; }
  /// The time at `part` (0 to 1) of the width, from the beginning.
  Duration at(double part) const;

 private:
  struct Piece {
    Time from{}, to{};
    double begin = 0, end = 0;  ///< Places.
  };
  std::vector<Piece> pieces_;  ///< One after another; all of the run's time.
  std::vector<Shortened> shortened_;
};

/// A task's spans as SVG paths of one class each, 10 high. Empty: there are none.
std::string spans_svg(const TaskRow& row, const TimeScale& scale);

}  // namespace interlock::report
