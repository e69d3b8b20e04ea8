#pragma once

#include <signal.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <span>
#include <unordered_map>
#include <utility>

#include "base/units.h"
#include "sys/descriptor.h"

namespace interlock::process {

/// Waits for descriptors, timers and signals, and calls back: epoll, level-triggered, one thread.
/// Why not Asio: ADR 10.
class Loop {
 public:
  enum class Ready : unsigned char { to_read, to_write, urgent };

  /// What is being waited for; it ends with this, which its own callback may do. The loop must
  /// outlive it.
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
      if (Loop* const loop = std::exchange(loop_, nullptr)) loop->forget(id_);
    }

   private:
    friend Loop;
    Watch(Loop* loop, std::uint64_t id) : loop_(loop), id_(id) {}
    void swap(Watch& other) {
      std::swap(loop_, other.loop_);
      std::swap(id_, other.id_);
    }

    Loop* loop_ = nullptr;
    std::uint64_t id_ = 0;
  };

  Loop();
  Loop(Loop&&) = delete;

  /// Calls back whenever the descriptor is ready. End the watch before closing the descriptor:
  /// while a child still holds a copy, the kernel would go on reporting it.
  Watch watch(int descriptor, Ready ready, std::function<void()> callback);
  /// Calls back once.
  Watch after(Duration delay, std::function<void()> callback);
  /// Blocks these signals, for good, and calls back at each: one that comes late must not end this
  /// process.
  Watch on_signals(std::span<const int> signals, std::function<void(int)> callback);

  /// Handles what is ready; when that is nothing, waits for something, but not longer than `most`.
  void run(Duration most);

 private:
  using Moment = std::chrono::steady_clock::time_point;
  struct Entry {
    std::function<void()> callback;
    int descriptor = -1;
    Moment due{};
  };

  void forget(std::uint64_t id);
  void call(std::uint64_t id);
  void call_what_is_due();

  sys::Descriptor epoll_;
  std::uint64_t last_id_ = 0;
  /// By number and not by address, so that an event of this turn finds nothing when an earlier one
  /// ended its watch.
  std::unordered_map<std::uint64_t, std::shared_ptr<Entry>> entries_;
  std::set<std::pair<Moment, std::uint64_t>> timers_;
};

}  // namespace interlock::process
