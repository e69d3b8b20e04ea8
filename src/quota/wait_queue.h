#pragma once

#include <functional>
#include <optional>

#include "base/result.h"
#include "quota/account.h"
#include "quota/layout.h"

namespace interlock::quota {

/// Asks whether a process lives.
using IsLiving = std::function<bool(Owner)>;

/// The seat of one Account object: what it declared, and its place in the line.
///
///     seated --stand--> in line --(first, admitted)--> seated
///                          '----leave----------------> seated
class WaitQueue {
 public:
  WaitQueue(Layout& layout, Owner self) : layout_(&layout), self_(self) {}

  /// Takes a seat and declares; seats of the dead are freed. Under the file's lock, as is
  /// `give_up`.
  Result<void> register_self(const Limits& limits, const IsLiving& is_living, Moment now);
  void unregister();

  /// Takes a place at the end, unless it has one.
  void join();
  void leave();
  bool is_queued() const { return ticket_ != 0; }
  /// When this one was told to come again; nothing: at a change.
  void expect(std::optional<Moment> due);

  struct Before {
    Owner owner;
    std::optional<Moment> due;
  };
  /// Who stands before this seat; nobody when it is first, or not in the line and that is empty.
  /// The dead are sent away. Who does not come when due because it is suspended is passed over: a
  /// run that somebody has put aside must not hold up the others.
  std::optional<Before> who_is_before(const IsLiving& is_living, Moment now);
  /// In line now, whoever it is.
  std::uint32_t in_line() const;

 private:
  QueueSlot& mine() { return layout_->queue_slots[index_]; }
  void declare_strictest();

  Layout* layout_;
  Owner self_;
  std::size_t index_ = kQueueSlots;
  std::uint64_t ticket_ = 0;
};

}  // namespace interlock::quota
