#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/id.h"
#include "footprint/interlocking.h"
#include "footprint/overlap.h"

namespace interlock::footprint {

using PatternId = Id<struct PatternTag>;
/// Two different patterns of a plan that meet.
using PairId = Id<struct PairTag>;

/// Which of a plan's patterns meet.
///
/// Found by literal prefixes: patterns meet only where the prefix of one is that of the other or
/// above it, so each looks for partners at its own prefix and at the prefixes above. Equal patterns
/// with equal exclusions are one, and two that are only ever read are not compared.
class AccessIndex {
 public:
  /// Of all patterns of `claims`, whose footprints must outlive the index. Unknown footprints have
  /// none.
  explicit AccessIndex(std::span<const Claim> claims);

  /// `deep` found `high` at its own prefix or above.
  struct Pair {
    PatternId deep;
    PatternId high;
  };

  std::size_t patterns() const { return patterns_.size(); }
  std::size_t pairs() const { return pairs_.size(); }
  const Area& area(PatternId pattern) const { return patterns_[pattern.index()].area; }
  const Pair& pair(PairId pair) const { return pairs_[pair.index()]; }
  std::span<const PatternId> reads_of(TaskId task) const {
    return list(2 * std::size_t{task.index()});
  }
  std::span<const PatternId> writes_of(TaskId task) const {
    return list(2 * std::size_t{task.index()} + 1);
  }

  /// The pairs whose `deep` is `pattern` are those from the first of these up to the second.
  std::pair<std::uint32_t, std::uint32_t> pairs_upward(PatternId pattern) const {
    return {first_pair_[pattern.index()], first_pair_[pattern.index() + 1]};
  }

 private:
  struct Pattern {
    Area area;
    PatternId next_at_prefix;  ///< Itself where it is the last.
    bool written = false;
  };

  void add_list(const PatternSet& set, bool written);
  PatternId intern(const Area& area);
  void find_pairs(PatternId pattern);
  void compare(PatternId pattern, PatternId first_at_prefix, bool own_prefix);
  bool meets(const Area& a, const Area& b);
  std::span<const PatternId> list(std::size_t i) const {
    return {listed_.data() + first_listed_[i], listed_.data() + first_listed_[i + 1]};
  }

  std::vector<Pattern> patterns_;
  std::unordered_map<std::string_view, PatternId> at_prefix_;  ///< The newest there.
  std::vector<PatternId> listed_;  ///< Each task's reads, then its writes.
  std::vector<std::uint32_t> first_listed_{0};
  std::vector<Pair> pairs_;  ///< In order of `deep`.
  std::vector<std::uint32_t> first_pair_{0};
  Budget hard_questions_{50'000'000};
};

}  // namespace interlock::footprint
