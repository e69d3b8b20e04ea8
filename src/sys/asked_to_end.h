#pragma once

#include <chrono>
#include <cstdint>

namespace interlock::sys {

/// Whether what takes long is to be broken off (EINTR) for the sake of a signal that asks the
/// dispatcher to end. It blocks these, and hears them between its turns: one waits, or one was
/// heard and what is done about it has had its time.
bool is_asked_to_end();

/// A signal was heard. What is done from now on belongs to ending, and has so long.
void end_within(std::chrono::nanoseconds patience);

/// None was heard: for who dispatches anew in the same process.
void begin_unasked();

/// Asks that after so many steps of a walk, and not at each: the answer is a system call.
class InterruptionCheck {
 public:
  bool is_due() { return ++steps_ % kStepsBetweenLooks == 0 && is_asked_to_end(); }

 private:
  static constexpr std::uint32_t kStepsBetweenLooks = 64;
  std::uint32_t steps_ = 0;
};

}  // namespace interlock::sys
