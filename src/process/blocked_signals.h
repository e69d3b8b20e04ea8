#pragma once

#include <pthread.h>

#include <csignal>

namespace interlock::process {

/// Signals that ask the process to end wait for as long as this lives, so that
/// `sleep_unless_asked_to_end` hears those too that come between two sleeps. For processes with one
/// thread.
class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t asks;
    sigemptyset(&asks);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&asks, signal);
    ::pthread_sigmask(SIG_BLOCK, &asks, &before_);
  }
  ~BlockedSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace interlock::process
