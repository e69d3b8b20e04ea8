#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "engine/status.h"
#include "panel/style.h"

namespace interlock::panel {

/// Tells a run as lines that never change once said: for pipes, CI and logs. No colours, no cursor.
///
///     [  12.3s] done        research-auth     4.2 s
///     [  12.9s] failed      review-pr         exit status 1
///                 | the last lines it said
class LineFace {
 public:
  enum class Verbosity : unsigned char { everything, failures };

  LineFace(Verbosity verbosity, bool unicode)
      : verbosity_(verbosity), style_{.color = false, .unicode = unicode} {}

  /// The lines `notice` is worth, without line ends; none for what is not told.
  std::vector<std::string> lines_of(const engine::Notice& notice);

 private:
  Verbosity verbosity_;
  Style style_;
  std::size_t id_columns_ = 16;  ///< Grows with the ids seen, so that later lines line up.
};

}  // namespace interlock::panel
