#pragma once

#include <sys/uio.h>

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "engine/ports.h"
#include "process/child_program.h"
#include "process/descriptor_message.h"
#include "process/record.h"
#include "sys/descriptor.h"

namespace interlock::process {

/// What a child needs to have its calls told: its end of the line to the observer, and the filter.
/// To be kept until it was launched.
class ChildEnd {
 public:
  ChildEnd(sys::Descriptor socket, engine::Sandbox::Watch watch, bool confined);
  ChildEnd(ChildEnd&&) = delete;

  const HandOver& hand_over() const { return hand_over_; }

 private:
  sys::Descriptor socket_;
  std::vector<sock_filter> filter_;
  std::vector<sock_filter> unreported_;
  HandOver hand_over_;
  DescriptorMessage message_;
};

/// Answers the calls that processes are made to tell (seccomp_unotify(2)), in a thread of its own,
/// and keeps a record of each attempt's.
///
///     expect -> (the child hands its listener over) -> calls ... -> hung up: it is over
///            -> forget                              -> give_up
///
/// A call waits until it is answered, so what is noted is noted before it happens. Another thread
/// of the same process may change a path after it was read: for honest programs this tells the
/// truth, and against others it is no wall.
///
/// Nothing that a process asks for ends the thread. What cannot be understood is a read of
/// anything; where the observer itself fails, the record is broken, and its attempt is to be ended.
class Observer {
 public:
  /// `before_answer`, for tests: called in the thread before each call is answered.
  static Result<std::unique_ptr<Observer>> start(std::function<void()> before_answer = {});
  ~Observer();

  /// Begins a new record under this name, and drops the one there was.
  Result<std::unique_ptr<ChildEnd>> expect(engine::AttemptName name,
                                           const engine::Sandbox& sandbox);
  /// What is seen of it is not to be believed: it may have read anything.
  void doubt(engine::AttemptName name, const std::string& why);
  /// The child was not launched.
  void forget(engine::AttemptName name);
  /// The child runs, but its calls are not told (`error`). Before its end is closed.
  void give_up(engine::AttemptName name, int error);

  engine::Observed observed(engine::AttemptName name) const;
  /// Nothing of it is left that could make a call.
  bool is_over(engine::AttemptName name) const;
  /// It goes on, but what it does from here on is not to be believed.
  bool is_broken(engine::AttemptName name) const;
  /// Counts up whenever one is over, or broken: an eventfd.
  int endings() const { return endings_.get(); }

 private:
  struct Watched;

  Observer() = default;
  void serve();
  void attend(std::uint64_t id, std::uint32_t ready);
  void serve_one(Watched& watched, std::uint32_t ready);
  void take_listener(Watched& watched);
  Record::Verdict judge(Watched& watched, const seccomp_notif& notified);
  void break_off(Watched& watched, const std::string& why);
  void answer_call(Watched& watched);
  void end(Watched& watched);
  std::shared_ptr<Watched> watched_by(std::uint64_t id) const;
  bool wait_for(const sys::Descriptor& descriptor, std::uint64_t id);
  void stop_waiting(sys::Descriptor& descriptor);

  std::function<void()> before_answer_;
  sys::Descriptor epoll_;
  sys::Descriptor stop_;
  sys::Descriptor endings_;
  std::vector<char> call_;  ///< As large as the kernel has it. For the thread alone.
  std::vector<char> reply_;

  mutable std::mutex mutex_;  ///< For what follows, and for records.
  std::uint64_t last_id_ = 0;
  std::map<engine::AttemptName, std::shared_ptr<Watched>> watched_;
  std::map<std::uint64_t, std::shared_ptr<Watched>> by_id_;  ///< Those that are not over.
  std::thread thread_;
};

}  // namespace interlock::process
