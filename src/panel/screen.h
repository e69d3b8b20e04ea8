#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "panel/style.h"

namespace interlock::panel {

/// Draws frames on a terminal, each over the one before, and prints permanent lines above them.
///
/// Contract:
///   - the terminal is whole after every call: between calls the cursor is visible, on the line
///   below
///     the frame, so that even kill -9 leaves a usable terminal;
///   - only what changed is written, as one synchronised update where the terminal knows them;
///   - the size is asked anew for each frame; after a resize no rest of an older frame stays
///   visible;
///   - a terminal that has gone away is an error once, and from then on every call quietly
///   succeeds;
///   - a terminal that takes nothing (Ctrl-S) never holds up the caller: `draw` comes back at once,
///   and
///     what it had to print for good is kept for the next call.
///
/// Knows nothing of runs or time: the caller draws when it sees fit. Does not own the descriptor.
class Screen {
 public:
  explicit Screen(int fd) : fd_(fd) {}

  /// What the next frame may fill. The last row is left to the cursor.
  Size size() const;

  /// Prints `permanent` for good and draws `frame` below it, in place of the last frame.
  Result<void> draw(std::span<const std::string> permanent, const std::vector<std::string>& frame);

  /// Puts `lines` in place of the last frame, for good. Waits for the terminal to take them.
  Result<void> finish(std::span<const std::string> lines);

  /// The next frame is drawn where the cursor is: others have written since the last one.
  void begin_anew();
  /// Sends a sequence that shows nothing, such as a tab's progress, where the terminal takes it
  /// now.
  Result<void> send(const std::string& sequence);

 private:
  std::string redraw(const std::vector<std::string>& frame, std::size_t rows_up);
  std::string update(const std::vector<std::string>& frame, std::size_t rows_up) const;
  Result<void> write(const std::string& bytes);

  int fd_;
  bool gone_ = false;
  std::vector<std::string> permanent_;  ///< Still to be printed.
  std::vector<std::string> frame_;      ///< What the terminal shows now.
  Size drawn_at_;                       ///< The terminal's size then.
};

}  // namespace interlock::panel
