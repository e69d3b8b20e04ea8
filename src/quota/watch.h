#pragma once

#include <map>
#include <string>

#include "base/result.h"
#include "quota/owner.h"

namespace interlock::quota {

/// One descriptor that becomes readable when the bell rings or a process that was looked at has
/// died.
class Watch {
 public:
  static Result<Watch> open(const std::string& wake_file);
  Watch(Watch&& other) noexcept;
  Watch& operator=(Watch&&) = delete;
  ~Watch();

  int descriptor() const { return epoll_; }
  /// Takes in what was told.
  void take();
  /// Whether it lives; if so, its death will be told from now on.
  bool is_living(Owner owner);
  /// False when the kernel has no way to tell that death (no pidfd).
  bool will_wake(Owner owner) const { return watched_.contains(owner); }

 private:
  Watch() = default;
  bool has_ended(int pidfd) const;

  int epoll_ = -1;
  int inotify_ = -1;
  std::map<Owner, int> watched_;
};

}  // namespace interlock::quota
