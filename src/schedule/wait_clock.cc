#include "schedule/wait_clock.h"

namespace interlock::schedule {
namespace {

Duration& part_of(Waited& waited, Wait wait) {
  switch (wait) {
    case Wait::needs: return waited.needs;
    case Wait::conflict: return waited.conflict;
    case Wait::quota: return waited.quota;
    case Wait::slot: return waited.slot;
    case Wait::gate: return waited.gate;
    case Wait::backoff: return waited.backoff;
  }
  return waited.slot;
}

}  // namespace

void WaitClock::advance(Time now, bool run_is_held) {
  held_ = held_until(now);
  last_ = now;
  run_is_held_ = run_is_held;
}

Waited WaitClock::counted(const Account& account, Time now) const {
  Waited sums = account.sums;
  if (!account.runs) return sums;
  const Duration all = now - account.since;
  // A task that waits for others would wait with or without the person; only what could go on is
  // held up.
  const bool could_go_on = account.wait == Wait::slot || account.wait == Wait::quota;
  const Duration held = could_go_on ? held_until(now) - account.held_before : Duration::zero();
  part_of(sums, account.wait) += all - held;
  sums.gate += held;
  return sums;
}

void WaitClock::enter(TaskId task, Wait wait, Time now) {
  Account& account = accounts_[task.index()];
  if (account.runs && account.wait == wait) return;
  account = {
      .since = now, .held_before = held_until(now), .sums = counted(account, now), .wait = wait};
}

void WaitClock::leave(TaskId task, Time now) {
  Account& account = accounts_[task.index()];
  account.sums = counted(account, now);
  account.runs = false;
}

void WaitClock::restart(TaskId task, Time now) {
  accounts_[task.index()] = {.since = now, .held_before = held_until(now), .wait = Wait::backoff};
}

Waited WaitClock::waited(TaskId task, Time now) const {
  return counted(accounts_[task.index()], now);
}

}  // namespace interlock::schedule
