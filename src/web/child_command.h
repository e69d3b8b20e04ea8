#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "sys/descriptor.h"
#include "sys/loop.h"

namespace interlock::web {

/// A command of our own binary, so that what the page asks for is done by the same code that a
/// person at a shell uses (ADR 39). Ends with this.
class ChildCommand {
 public:
  struct Ended {
    int status = -1;  ///< Its exit code; -1: a signal ended it.
    std::string out;  ///< At most `kMost` bytes.
    bool is_cut = false;
  };
  using OnEnded = std::function<void(Ended)>;
  static constexpr std::size_t kMost = std::size_t{4} << 20U;

  /// `on_ended` is called once, from the loop, and may destroy this. Who takes longer than
  /// `longest` is ended.
  static Result<std::unique_ptr<ChildCommand>> start(
      sys::Loop& loop, const std::vector<std::string>& arguments, OnEnded on_ended,
      std::chrono::seconds longest = std::chrono::seconds(30));
  ~ChildCommand();
  ChildCommand(ChildCommand&&) = delete;

 private:
  ChildCommand(sys::Loop& loop, pid_t process, sys::Descriptor out, OnEnded on_ended,
               std::chrono::seconds longest);
  void read_some();
  void end();

  pid_t process_;
  sys::Descriptor out_;
  OnEnded on_ended_;
  Ended ended_;
  sys::Loop::Watch watch_;
  sys::Loop::Timer deadline_;
};

}  // namespace interlock::web
