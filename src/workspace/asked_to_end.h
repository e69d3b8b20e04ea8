#pragma once

#include <cstdint>

namespace interlock::workspace {

/// Whether a signal waits that asks the dispatcher to end. It blocks these, and hears them between
/// its turns: what takes long within one looks whether one waits, and breaks off (EINTR).
bool is_asked_to_end();

/// Asks that after so many steps of a walk, and not at each: the answer is a system call.
class InterruptionCheck {
 public:
  bool is_due() { return ++steps_ % kStepsBetweenLooks == 0 && is_asked_to_end(); }

 private:
  static constexpr std::uint32_t kStepsBetweenLooks = 64;
  std::uint32_t steps_ = 0;
};

}  // namespace interlock::workspace
