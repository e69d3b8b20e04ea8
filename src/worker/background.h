#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace interlock::worker {

/// A thread that does what it is given, one thing after the other, in that order.
class Background {
 public:
  /// Null: there is no thread to be had.
  static std::unique_ptr<Background> open();
  /// What was not begun by then is not done.
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  void post(std::function<void()> work);
  /// Returns when all that was given is done.
  void drain();

 private:
  Background() = default;
  void serve();

  std::mutex mutex_;  ///< Of what follows.
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  bool is_busy_ = false, is_ending_ = false;

  std::thread thread_;  ///< Last: it uses all the others.
};

}  // namespace interlock::worker
