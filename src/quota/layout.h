#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <limits>
#include <span>

#include "quota/owner.h"

// What an account's file holds. Described in docs/quotas.md.
namespace interlock::quota {

/// Dimensions that have a bucket.
/// In the order of the file.
enum class Dimension : unsigned char { requests, input_tokens, output_tokens, usd, tokens };
constexpr std::size_t kDimensions = 5;

constexpr std::uint64_t kMagic = 0x31746f75716b6c69;  // "ilkquot1", read as a little-endian word
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kQueueSlots = 256;
constexpr std::size_t kLeases = 1024;
constexpr std::size_t kModels = 64;
constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

/// One Account object of one process.
struct QueueSlot {
  std::uint64_t owner;   ///< 0: free.
  std::uint64_t ticket;  ///< 0: not in the line. The smallest stands first.
  std::int64_t due;      ///< When it was told to come again; kNever: at a change.
  std::array<std::int64_t, kDimensions> interval;  ///< As it declared; 0: nothing.
  std::int64_t concurrency;                        ///< 0: nothing.
  std::int64_t burst;
};

/// One admitted request.
struct Lease {
  std::uint64_t owner;  ///< 0: free.
  /// How low each bucket's backlog has been since, in ns: so much of it can be given back. kNever
  /// in a free lease.
  std::array<std::int64_t, kDimensions> lowest;
};

/// Tokens per byte of one model: mean and mean deviation, as two floats in a word.
struct Ratio {
  std::uint64_t model;  ///< A hash of its name; 0: free.
  std::uint64_t value;
};

/// Every word is read and written by itself, atomically (`at`). Times are ns of CLOCK_BOOTTIME,
/// intervals ns a unit in 48.16 fixed point; 0: not limited.
struct Layout {
  std::uint64_t magic;
  std::uint32_t version;
  std::uint32_t size;
  std::array<std::uint64_t, 2> boot;

  std::array<std::int64_t, kDimensions>
      arrival;  ///< GCRA's theoretical arrival time: when it is full.
  std::array<std::int64_t, kDimensions> declared;  ///< Interval: the largest of the seats'.
  std::array<std::int64_t, kDimensions> learned;   ///< Interval, as the provider told.
  std::int64_t concurrency;                        ///< The smallest of the seats'; 0: none.
  std::int64_t burst;                              ///< The smallest of the seats', ns.
  std::int64_t floor;                              ///< Nothing before.
  std::int64_t spent;                              ///< Until; kNever: for good; 0: not.
  std::int64_t aimd_limit;                         ///< Allowed at a time, thousandths; 0: off.
  std::int64_t aimd_cut;                           ///< No further cut before.
  std::uint64_t tickets;                           ///< The last one given.
  std::uint64_t admissions;                        ///< Begun; counts up.
  std::int64_t
      slot_top;  ///< Seats from here on were never used in this boot: nobody need look there.
  std::int64_t lease_top;  ///< The same of leases, which are taken from below.

  std::array<QueueSlot, kQueueSlots> queue_slots;
  std::array<Lease, kLeases> leases;
  std::array<Ratio, kModels> ratios;
};

static_assert(sizeof(Layout) == 70'888, "another format needs another version");

template <typename Word>
std::atomic_ref<Word> at(Word& word) {
  static_assert(std::atomic_ref<Word>::is_always_lock_free);
  return std::atomic_ref<Word>(word);
}

/// Never down.
inline void raise_to(std::int64_t& word, std::int64_t bound) {
  std::int64_t was = at(word).load();
  while (bound > was && !at(word).compare_exchange_weak(was, bound)) {
  }
}

/// Whatever somebody wrote into the file, never beyond its end.
inline std::size_t bounded(std::int64_t& top, std::size_t most) {
  const std::int64_t told = at(top).load();
  return told < 0 ? 0 : std::min(static_cast<std::size_t>(told), most);
}
inline std::span<QueueSlot> used_slots(Layout& layout) {
  return std::span(layout.queue_slots).first(bounded(layout.slot_top, kQueueSlots));
}
inline std::span<Lease> used_leases(Layout& layout) {
  return std::span(layout.leases).first(bounded(layout.lease_top, kLeases));
}

}  // namespace interlock::quota
