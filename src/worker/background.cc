#include "worker/background.h"

#include <pthread.h>

#include <csignal>
#include <system_error>
#include <utility>

namespace interlock::worker {

std::unique_ptr<Background> BackgroundThread::open() {
  std::unique_ptr<BackgroundThread> background(new BackgroundThread);
  // Signals are the dispatcher's: it waits for them, and this thread waits for work.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  // But for those of a bug, which are heard where it is.
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) ::sigdelset(&all, signal);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    background->thread_ = std::thread([&self = *background] { self.serve(); });
  } catch (const std::system_error&) {
    background.reset();
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return background;
}

BackgroundThread::~BackgroundThread() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void BackgroundThread::post(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(work));
  }
  changed_.notify_all();
}

void BackgroundThread::drain() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return waiting_.empty() && !is_busy_; });
}

void BackgroundThread::serve() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return is_ending_ || !waiting_.empty(); });
    if (is_ending_) return;
    {
      const std::function<void()> work = std::move(waiting_.front());
      waiting_.pop_front();
      is_busy_ = true;
      lock.unlock();
      work();
    }  // What the work held is let go of outside of the lock, too.
    lock.lock();
    is_busy_ = false;
    if (waiting_.empty()) changed_.notify_all();
  }
}

}  // namespace interlock::worker
