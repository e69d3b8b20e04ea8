#include "process/loop.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

namespace interlock::process {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

/// A turn handles at most this many events, so that a child that never stops writing cannot hold it up.
constexpr int kEventsPerTurn = 256;

// Each of these lives until its last handler has run, whatever its owner does: the handlers share it.

struct DescriptorWatch final : Loop::Watch::Armed, std::enable_shared_from_this<DescriptorWatch> {
  DescriptorWatch(asio::io_context& context, int number, asio::posix::stream_descriptor::wait_type wait,
                  std::function<void()> call)
      : descriptor(context, number), type(wait), callback(std::move(call)) {}

  void arm() {
    descriptor.async_wait(type, [self = shared_from_this()](error_code) {
      if (self->armed) self->callback();
      if (self->armed) self->arm();
    });
  }
  void disarm() override {
    armed = false;
    descriptor.release();  // Not ours to close; also takes it out of the epoll set.
  }

  asio::posix::stream_descriptor descriptor;
  asio::posix::stream_descriptor::wait_type type;
  std::function<void()> callback;
  bool armed = true;
};

struct TimerWatch final : Loop::Watch::Armed, std::enable_shared_from_this<TimerWatch> {
  TimerWatch(asio::io_context& context, Duration delay, std::function<void()> call)
      : timer(context, delay), callback(std::move(call)) {}

  void arm() {
    timer.async_wait([self = shared_from_this()](error_code) {
      if (self->armed) self->callback();
    });
  }
  void disarm() override {
    armed = false;
    timer.cancel();
  }

  asio::steady_timer timer;
  std::function<void()> callback;
  bool armed = true;
};

struct SignalWatch final : Loop::Watch::Armed, std::enable_shared_from_this<SignalWatch> {
  SignalWatch(asio::io_context& context, std::function<void(int)> call) : set(context), callback(std::move(call)) {}

  void arm() {
    set.async_wait([self = shared_from_this()](error_code error, int signal) {
      if (self->armed && !error) self->callback(signal);
      if (self->armed) self->arm();
    });
  }
  void disarm() override {
    armed = false;
    error_code ignored;
    set.clear(ignored);
    set.cancel(ignored);
  }

  asio::signal_set set;
  std::function<void(int)> callback;
  bool armed = true;
};

}  // namespace

struct Loop::Asio {
  asio::io_context context{1};  // One thread: no locks inside.
};

Loop::Loop() : asio_(std::make_unique<Asio>()) {}
Loop::~Loop() = default;

Loop::Watch Loop::watch(int descriptor, Ready ready, std::function<void()> callback) {
  using Stream = asio::posix::stream_descriptor;
  const auto type = ready == Ready::to_read    ? Stream::wait_read
                    : ready == Ready::to_write ? Stream::wait_write
                                               : Stream::wait_error;
  auto watch = std::make_shared<DescriptorWatch>(asio_->context, descriptor, type, std::move(callback));
  watch->arm();
  return Watch(std::move(watch));
}

Loop::Watch Loop::after(Duration delay, std::function<void()> callback) {
  auto watch = std::make_shared<TimerWatch>(asio_->context, delay, std::move(callback));
  watch->arm();
  return Watch(std::move(watch));
}

Loop::Watch Loop::on_signals(std::span<const int> signals, std::function<void(int)> callback) {
  auto watch = std::make_shared<SignalWatch>(asio_->context, std::move(callback));
  error_code ignored;
  for (const int signal : signals) watch->set.add(signal, ignored);
  watch->arm();
  return Watch(std::move(watch));
}

void Loop::run(Duration most) {
  asio_->context.restart();
  int handled = 0;
  while (handled < kEventsPerTurn && asio_->context.poll_one() > 0) ++handled;
  if (handled > 0 || most <= Duration::zero()) return;
  if (asio_->context.run_one_for(most) == 0) return;
  while (handled < kEventsPerTurn && asio_->context.poll_one() > 0) ++handled;
}

}  // namespace interlock::process
