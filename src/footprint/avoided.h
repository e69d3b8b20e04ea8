#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <unordered_map>
#include <vector>

#include "footprint/overlap.h"

namespace interlock::footprint {

/// Sets of paths that a search is to stay out of, as one deterministic automaton made on the way.
///
/// To stay out of a set one must know of every way to match it, so its states are sets of pattern
/// states. Only those that a search meets are made; the search pays for them from its budget.
class Avoided {
 public:
  /// Stays out of every pattern of `excluded`, and out of every area of `covered`.
  Avoided(std::span<const Glob* const> excluded, std::span<const Area> covered);

  using State = std::uint32_t;
  State start() const { return 0; }
  /// Whether a path that ends in `state` lies in one of the sets.
  bool holds(State state) const { return holds_[state]; }

  /// Code points in ranges that all patterns here treat alike: the first of each, in order.
  std::span<const char32_t> atoms() const { return atoms_; }
  std::size_t atom_of(char32_t value) const;
  State next(State state, std::size_t atom, Budget& budget);

 private:
  /// One set: paths that one of `include` accepts and none of `exclude`. As indexes of accepting
  /// states.
  struct Group {
    std::vector<std::uint32_t> include;
    std::vector<std::uint32_t> exclude;
  };
  using Subset = std::vector<std::uint32_t>;

  std::uint32_t add(const Glob& glob);
  void make_atoms();
  State intern(Subset subset);
  void close(Subset& subset, Budget& budget);
  bool in_some_group(const Subset& subset) const;

  std::vector<Automaton> automata_;
  std::vector<std::uint32_t> offsets_;  ///< Of each automaton's states among all.
  std::vector<std::uint32_t> owner_;    ///< Of each state: its automaton.
  std::vector<Group> groups_;
  std::vector<char32_t> atoms_;
  std::vector<char> marked_;  ///< Scratch for `close`.
  std::map<Subset, State> known_;
  std::vector<const Subset*> subsets_;
  std::vector<char> holds_;
  std::unordered_map<std::uint64_t, State> next_;
};

}  // namespace interlock::footprint
