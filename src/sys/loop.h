#pragma once

#include <time.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sys/descriptor.h"

namespace interlock::sys {

/// One thread waits here for descriptors, timers, signals and work that other threads post: epoll,
/// level-triggered. Why not Asio: ADR 10, ADR 18.
class Loop {
 public:
  using Moment = std::chrono::nanoseconds;  ///< On the loop's clock.
  using Ready = std::function<void(std::uint32_t events)>;

  /// A timer; it ends with this, which its own callback may do. The loop must outlive it.
  class Timer {
   public:
    Timer() = default;
    Timer(Timer&& other) noexcept { swap(other); }
    Timer& operator=(Timer&& other) noexcept {
      swap(other);
      return *this;
    }
    ~Timer() { reset(); }

    explicit operator bool() const { return loop_ != nullptr; }
    void reset() {
      if (Loop* const loop = std::exchange(loop_, nullptr)) loop->forget_timer(at_, id_);
    }

   private:
    friend Loop;
    Timer(Loop* loop, Moment at, std::uint64_t id) : loop_(loop), at_(at), id_(id) {}
    void swap(Timer& other) {
      std::swap(loop_, other.loop_);
      std::swap(at_, other.at_);
      std::swap(id_, other.id_);
    }

    Loop* loop_ = nullptr;
    Moment at_{};
    std::uint64_t id_ = 0;
  };

  /// A watched descriptor; it ends with this, as a timer does. To be ended before the descriptor is
  /// closed: while a child still holds a copy, the kernel would go on reporting it.
  class Watch {
   public:
    Watch() = default;
    Watch(Watch&& other) noexcept { swap(other); }
    Watch& operator=(Watch&& other) noexcept {
      swap(other);
      return *this;
    }
    ~Watch() { reset(); }

    explicit operator bool() const { return loop_ != nullptr; }
    void reset() {
      if (Loop* const loop = std::exchange(loop_, nullptr)) loop->forget(descriptor_);
    }

   private:
    friend Loop;
    Watch(Loop* loop, int descriptor) : loop_(loop), descriptor_(descriptor) {}
    void swap(Watch& other) {
      std::swap(loop_, other.loop_);
      std::swap(descriptor_, other.descriptor_);
    }

    Loop* loop_ = nullptr;
    int descriptor_ = -1;
  };

  /// `clock`: CLOCK_BOOTTIME counts the time a machine sleeps, CLOCK_MONOTONIC does not.
  explicit Loop(clockid_t clock = CLOCK_BOOTTIME);
  Loop(Loop&&) = delete;

  /// Calls back with EPOLL* events as long as they hold. One watch a descriptor; to be forgotten
  /// before the descriptor is closed.
  void watch(int descriptor, std::uint32_t events, Ready ready);
  void change(int descriptor, std::uint32_t events);
  void forget(int descriptor);
  /// The same, forgotten with what is returned.
  [[nodiscard]] Watch watching(int descriptor, std::uint32_t events,
                               std::function<void()> callback);
  /// Blocks these signals, for good, and calls back at each: one that comes late must not end this
  /// process.
  [[nodiscard]] Watch on_signals(std::span<const int> signals, std::function<void(int)> callback);

  /// Calls back once, not before `moment`; never from within this call.
  Timer at(Moment moment, std::function<void()> callback);
  Timer after(Moment delay, std::function<void()> callback) {
    return at(time() + delay, std::move(callback));
  }

  /// To be called once this round's callbacks are done: for what may not be taken apart from
  /// within.
  void when_idle(std::function<void()> callback) { idle_.push_back(std::move(callback)); }
  /// From any thread.
  void post(std::function<void()> callback);

  /// Until `stop`, which only the loop's own thread calls.
  void run();
  void stop() { stopped_ = true; }
  /// One round: handles what is ready; when that is nothing, waits for something, but not longer
  /// than `most`.
  void run_once(Moment most);

  /// On the clock of a loop that names none (CLOCK_BOOTTIME).
  static Moment now();

 private:
  Moment time() const;
  void forget_timer(Moment at, std::uint64_t id);
  int wait_ms(Moment most) const;
  void call_due();
  void call_idle();
  void call_posted();

  struct Watched {
    std::uint64_t id = 0;
    Ready ready;
  };

  clockid_t clock_;
  Descriptor epoll_;
  Descriptor poked_;
  bool stopped_ = false;
  std::uint64_t last_id_ = 0;
  /// An event carries its watch's number: one that was forgotten in this round finds nothing, even
  /// when its descriptor already means something else.
  std::unordered_map<int, Watched> watched_;
  std::set<std::pair<Moment, std::uint64_t>> timers_;
  std::unordered_map<std::uint64_t, std::function<void()>> callbacks_;
  std::vector<std::function<void()>> idle_;

  std::mutex mutex_;  ///< Of what follows.
  std::vector<std::function<void()>> posted_;
};

}  // namespace interlock::sys
