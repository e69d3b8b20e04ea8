#include "footprint/avoided.h"

#include <algorithm>

#include "footprint/code_points.h"

namespace interlock::footprint {

Avoided::Avoided(std::span<const Glob* const> excluded, std::span<const Area> covered) {
  for (const Glob* glob : excluded) groups_.push_back({.include = {add(*glob)}, .exclude = {}});
  for (const Area& area : covered) {
    Group group{.include = {add(*area.include)}, .exclude = {}};
    for (const Glob& glob : area.exclude) group.exclude.push_back(add(glob));
    groups_.push_back(std::move(group));
  }
  make_atoms();
  marked_.assign(owner_.size(), 0);

  Subset first;
  for (const std::uint32_t offset : offsets_) first.push_back(offset);
  Budget unlimited{SIZE_MAX};
  close(first, unlimited);
  intern(std::move(first));
}

std::size_t Avoided::atom_of(char32_t value) const {
  return static_cast<std::size_t>(std::ranges::upper_bound(atoms_, value) - atoms_.begin()) - 1;
}

Avoided::State Avoided::next(State state, std::size_t atom, Budget& budget) {
  const std::uint64_t key = std::uint64_t{state} * atoms_.size() + atom;
  if (const auto known = next_.find(key); known != next_.end()) return known->second;

  const char32_t value = atoms_[atom];
  Subset reached;
  for (const std::uint32_t at : *subsets_[state]) {
    const std::uint32_t offset = offsets_[owner_[at]];
    for (const Automaton::Step& step : automata_[owner_[at]].from(at - offset)) {
      budget.spend();
      if (step.low <= value && value <= step.high) reached.push_back(step.to + offset);
    }
  }
  close(reached, budget);
  const State next = intern(std::move(reached));
  next_.emplace(key, next);
  return next;
}

/// Returns the index of the accepting state among the states of all automata.
std::uint32_t Avoided::add(const Glob& glob) {
  const auto offset = static_cast<std::uint32_t>(owner_.size());
  Automaton made;
  automata_.push_back(glob.automaton(made));
  offsets_.push_back(offset);
  owner_.resize(offset + automata_.back().states, static_cast<std::uint32_t>(automata_.size() - 1));
  return offset + automata_.back().accepting;
}

void Avoided::make_atoms() {
  // Besides the borders of the patterns: `/` and `.`, which the rule for paths tells apart, and
  // code points that never occur.
  atoms_ = {0, 1, U'.', U'/', U'/' + 1, 0xD800, 0xDC80, 0xDD00, 0xE000};
  for (const Automaton& automaton : automata_) {
    for (const Automaton::Step& step : automaton.steps) {
      if (step.reads_nothing()) continue;
      atoms_.push_back(step.low);
      atoms_.push_back(step.high + 1);
    }
  }
  std::ranges::sort(atoms_);
  const auto [first, last] = std::ranges::unique(atoms_);
  atoms_.erase(first, last);
}

Avoided::State Avoided::intern(Subset subset) {
  const auto [known, is_new] =
      known_.emplace(std::move(subset), static_cast<State>(subsets_.size()));
  if (is_new) {
    subsets_.push_back(&known->first);
    holds_.push_back(in_some_group(known->first));
  }
  return known->second;
}

/// Adds what can be reached without reading, sorts, and drops doubles.
void Avoided::close(Subset& subset, Budget& budget) {
  Subset closed;
  const auto mark = [&](std::uint32_t state) {
    if (marked_[state]) return;
    marked_[state] = 1;
    closed.push_back(state);
  };
  for (const std::uint32_t state : subset) mark(state);
  for (std::size_t i = 0; i < closed.size(); ++i) {
    const std::uint32_t offset = offsets_[owner_[closed[i]]];
    for (const Automaton::Step& step : automata_[owner_[closed[i]]].from(closed[i] - offset)) {
      budget.spend();
      if (step.reads_nothing()) mark(step.to + offset);
    }
  }
  for (const std::uint32_t state : closed) marked_[state] = 0;
  std::ranges::sort(closed);
  subset = std::move(closed);
}

bool Avoided::in_some_group(const Subset& subset) const {
  const auto reached = [&](std::uint32_t state) {
    return std::ranges::binary_search(subset, state);
  };
  return std::ranges::any_of(groups_, [&](const Group& group) {
    return std::ranges::any_of(group.include, reached) &&
           std::ranges::none_of(group.exclude, reached);
  });
}

}  // namespace interlock::footprint
