#pragma once

#include <signal.h>

// For tests alone.
namespace interlock::sys {

/// A signal that asks to end waits, as it does while the dispatcher is in the middle of a turn.
class SignalWaits {
 public:
  SignalWaits() {
    ::sigemptyset(&one_);
    ::sigaddset(&one_, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &one_, &before_);
    ::raise(SIGTERM);
  }
  ~SignalWaits() {
    int signal = 0;
    ::sigwait(&one_, &signal);
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  SignalWaits(const SignalWaits&) = delete;

 private:
  sigset_t one_{}, before_{};
};

}  // namespace interlock::sys
