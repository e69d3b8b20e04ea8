#pragma once

#include <cstdint>
#include <vector>

#include "schedule/scheduler.h"

namespace interlock::schedule {

/// What the time of a waiting task counts as.
enum class Wait : unsigned char { needs, conflict, quota, slot, gate, backoff };

/// Keeps account of how long each task waits for what. Every moment from the begin of the run (or
/// the release of the task's last attempt) to its start counts as exactly one kind.
class WaitClock {
 public:
  WaitClock(std::size_t tasks, Time begin)
      : accounts_(tasks, Account{.since = begin}), last_(begin) {}

  /// So many more tasks, which wait from `now` on.
  void add(std::size_t tasks, Time now) {
    accounts_.resize(accounts_.size() + tasks,
                     Account{.since = now, .held_before = held_until(now)});
  }
  /// Time has come to be `now`; from here on a person holds up the whole run, or not. While they
  /// do, what could otherwise go on waits at a gate. One counter for all tasks, so that a pause
  /// costs nothing per task.
  void advance(Time now, bool run_is_held);
  /// From now on `task` waits for `wait`.
  void enter(TaskId task, Wait wait, Time now);
  /// `task` starts, or is over.
  void leave(TaskId task, Time now);
  /// `task` waits anew: the account begins with zero.
  void restart(TaskId task, Time now);
  Waited waited(TaskId task, Time now) const;

 private:
  struct Account {
    Time since{};
    Duration held_before{};  ///< `held_` at `since`.
    Waited sums{};
    Wait wait = Wait::needs;
    bool runs = true;
  };
  Duration held_until(Time now) const {
    return held_ + (run_is_held_ ? now - last_ : Duration::zero());
  }
  Waited counted(const Account& account, Time now) const;

  std::vector<Account> accounts_;
  Duration held_{};  ///< How long the whole run was held up, until `last_`.
  Time last_;
  bool run_is_held_ = false;
};

}  // namespace interlock::schedule
