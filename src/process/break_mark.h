#pragma once

#include <string>

#include "base/result.h"

namespace interlock::process {

/// Leaves word in a file when this process breaks off by itself: an abort, a wild pointer. Whoever
/// is ended from outside (kill -9, a power failure) leaves none. One at a time in a process.
class BreakMark {
 public:
  /// Watches from here on, until it is destroyed.
  static Result<BreakMark> arm(const std::string& file);
  BreakMark(BreakMark&& other) noexcept;
  BreakMark& operator=(BreakMark&&) = delete;
  ~BreakMark();

  /// Whether the file has such word; it is taken back.
  static bool take(const std::string& file);

 private:
  explicit BreakMark(int fd) : fd_(fd) {}

  int fd_;
};

}  // namespace interlock::process
