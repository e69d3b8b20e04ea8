#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace interlock::worker {

/// Does what it is given beside who gives it, one thing after the other, in that order. When it
/// goes, what was not begun is not done.
class Background {
 public:
  virtual ~Background() = default;

  virtual void post(std::function<void()> work) = 0;
  /// Returns when all that was given is done.
  virtual void drain() = 0;
};

/// By a thread of its own.
class BackgroundThread final : public Background {
 public:
  /// Null: there is no thread to be had.
  static std::unique_ptr<Background> open();
  ~BackgroundThread() override;
  BackgroundThread(const BackgroundThread&) = delete;
  BackgroundThread& operator=(const BackgroundThread&) = delete;

  void post(std::function<void()> work) override;
  void drain() override;

 private:
  BackgroundThread() = default;
  void serve();

  std::mutex mutex_;  ///< Of what follows.
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  bool is_busy_ = false, is_ending_ = false;

  std::thread thread_;  ///< Last: it uses all the others.
};

}  // namespace interlock::worker
