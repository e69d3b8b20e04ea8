#include "panel/tab_progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace interlock::panel {

std::string TabProgress::update(const engine::RunStatus& run) {
  enum State : unsigned char { value = 1, error = 2, busy = 3, paused = 4 };
  const std::uint64_t over = std::uint64_t{run.done} + run.failed + run.skipped + run.cancelled;
  const std::uint64_t percent =
      run.total == 0 ? 0 : std::min<std::uint64_t>(100, over * 100 / run.total);
  const State state = run.failed > 0           ? error
                      : !run.attention.empty() ? paused
                      : run.total == 0         ? busy
                                               : value;
  std::string wanted = fmt::format("\x1b]9;4;{};{}\x1b\\", static_cast<int>(state), percent);
  if (wanted == shown_) return {};
  shown_ = wanted;
  return wanted;
}

std::string TabProgress::end() {
  return std::exchange(shown_, {}).empty() ? std::string() : std::string(kOff);
}

}  // namespace interlock::panel
