#pragma once

#include <functional>
#include <memory>
#include <span>

#include "base/units.h"

namespace interlock::process {

/// Waits for descriptors, timers and signals, and calls back: Boost.Asio, kept out of every other file.
class Loop {
 public:
  enum class Ready : unsigned char { to_read, to_write, urgent };

  /// What is being waited for; it ends with this. May be ended from within its own callback.
  class Watch {
   public:
    struct Armed {
      virtual ~Armed() = default;
      virtual void disarm() = 0;
    };

    Watch() = default;
    explicit Watch(std::shared_ptr<Armed> armed) : armed_(std::move(armed)) {}
    Watch(Watch&&) noexcept = default;
    Watch& operator=(Watch&& other) noexcept {
      std::swap(armed_, other.armed_);
      return *this;
    }
    ~Watch() { reset(); }

    explicit operator bool() const { return armed_ != nullptr; }
    void reset() {
      if (const auto armed = std::move(armed_)) armed->disarm();
    }

   private:
    std::shared_ptr<Armed> armed_;
  };

  Loop();
  ~Loop();

  /// Calls back whenever the descriptor is ready. End the watch before closing the descriptor: while a child still
  /// holds a copy, the kernel would go on reporting it.
  Watch watch(int descriptor, Ready ready, std::function<void()> callback);
  /// Calls back once.
  Watch after(Duration delay, std::function<void()> callback);
  /// Calls back at every one of these signals.
  Watch on_signals(std::span<const int> signals, std::function<void(int)> callback);

  /// Handles what is ready; when that is nothing, waits for something, but not longer than `most`.
  void run(Duration most);

 private:
  struct Asio;
  std::unique_ptr<Asio> asio_;
};

}  // namespace interlock::process
