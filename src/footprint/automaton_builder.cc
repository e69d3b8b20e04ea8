#include "footprint/automaton_builder.h"

#include <algorithm>
#include <utility>
namespace interlock::footprint {

namespace {

constexpr AutomatonBuilder::Front nowhere() {
  AutomatonBuilder::Front front{};
  for (auto& place : front) place.fill(AutomatonBuilder::kNowhere);
  return front;
}

}  // namespace

AutomatonBuilder::AutomatonBuilder() : front_(nowhere()) { front_[after_slash][0] = 0; }

void AutomatonBuilder::read_character(char32_t character) {
  Front next = nowhere();
  for (const int wild : {0, 1}) next[in_name][wild] = after(enter_name(wild), character);
  front_ = next;
}

void AutomatonBuilder::read_dot() {
  Front next = nowhere();
  for (const int wild : {0, 1}) {
    next[after_dot][wild] = std::exchange(front_[after_slash][wild], kNowhere);
    next[in_name][wild] = after(enter_name(wild), U'.');
  }
  front_ = next;
}

void AutomatonBuilder::read_one_of(std::span<const CodePointRange> ranges) {
  const std::array sources{enter_name(0), enter_name(1)};
  front_ = nowhere();
  const std::uint32_t to = front_[in_name][1] = new_state();
  for (const std::uint32_t from : sources) {
    if (from == kNowhere) continue;
    for (const auto& [low, high] : ranges) add_step(from, to, low, high);
  }
}

void AutomatonBuilder::read_run() {
  const std::array sources{enter_name(0), enter_name(1)};
  front_ = nowhere();
  const std::uint32_t run = front_[in_name][1] = new_state();
  add_name_steps(run, run);
  for (const std::uint32_t from : sources) {
    if (from != kNowhere) skip(from, run);
  }
}

void AutomatonBuilder::read_slash() {
  Front next = nowhere();
  next[after_slash][0] =
      merged(std::array{front_[in_name][0], front_[after_slash][0], front_[after_dot][0]});
  next[after_slash][1] =
      merged(std::array{front_[in_name][1], front_[after_slash][1], front_[after_dot][1],
                        front_[after_some][1], front_[after_none][1]});
  front_ = next;
}

void AutomatonBuilder::read_segments() {
  const std::uint32_t from = merged(front_[after_slash]);
  front_ = nowhere();
  front_[after_none][1] = from;
  front_[after_some][1] = segments_after(from);
}

void AutomatonBuilder::join(std::span<const Front> fronts) {
  for (const Place place : {in_name, after_slash, after_dot, after_some, after_none}) {
    for (const int wild : {0, 1}) {
      std::vector<std::uint32_t> states;
      for (const Front& front : fronts) states.push_back(front[place][wild]);
      front_[place][wild] = merged(states);
    }
  }
}

bool AutomatonBuilder::stands(Place place) const {
  return front_[place][0] != kNowhere || front_[place][1] != kNowhere;
}

bool AutomatonBuilder::only_after_slash() const {
  return stands(after_slash) && !stands(in_name) && !stands(after_dot) && !stands(after_some) &&
         !stands(after_none);
}

Automaton AutomatonBuilder::finish() {
  // A plain path, or one with a slash behind it, also means what lies below.
  const std::uint32_t folder =
      merged(std::array{front_[in_name][0], front_[after_slash][0], front_[after_slash][1],
                        front_[after_dot][0], front_[after_dot][1]});
  const std::uint32_t below = folder == kNowhere ? kNowhere : segments_after(folder);
  const std::uint32_t accepting = new_state();
  for (const std::uint32_t last : {front_[in_name][1], front_[after_some][1], folder, below}) {
    if (last != kNowhere) skip(last, accepting);
  }

  Automaton automaton{
      .states = states_, .accepting = accepting, .steps = std::move(steps_), .first = {}};
  std::ranges::stable_sort(automaton.steps, {}, &Automaton::Step::from);
  automaton.first.assign(states_ + 1, 0);
  for (const Automaton::Step& step : automaton.steps) ++automaton.first[step.from + 1];
  for (std::uint32_t state = 0; state < states_; ++state) {
    automaton.first[state + 1] += automaton.first[state];
  }
  return automaton;
}

void AutomatonBuilder::add_step(std::uint32_t from, std::uint32_t to, char32_t low, char32_t high) {
  steps_.push_back({from, to, low, high});
}

void AutomatonBuilder::add_name_steps(std::uint32_t from, std::uint32_t to) {
  for (const auto& [low, high] : kNameCharacters) add_step(from, to, low, high);
}

std::uint32_t AutomatonBuilder::merged(std::span<const std::uint32_t> states) {
  std::vector<std::uint32_t> distinct(states.begin(), states.end());
  std::ranges::sort(distinct);
  const auto [first, last] = std::ranges::unique(distinct);
  distinct.erase(first, last);
  if (!distinct.empty() && distinct.back() == kNowhere) distinct.pop_back();
  if (distinct.empty()) return kNowhere;
  if (distinct.size() == 1) return distinct.front();
  const std::uint32_t joint = new_state();
  for (const std::uint32_t state : distinct) skip(state, joint);
  return joint;
}

std::uint32_t AutomatonBuilder::enter_name(int wild) {
  const std::uint32_t slash = after(front_[after_slash][wild], U'/');
  const std::uint32_t dot = after(after(front_[after_dot][wild], U'/'), U'.');
  return merged(std::array{front_[in_name][wild], slash, dot});
}

std::uint32_t AutomatonBuilder::after(std::uint32_t state, char32_t character) {
  if (state == kNowhere) return kNowhere;
  const std::uint32_t next = new_state();
  add_step(state, next, character, character);
  return next;
}

std::uint32_t AutomatonBuilder::segments_after(std::uint32_t state) {
  const std::uint32_t start = after(state, U'/');
  const std::uint32_t name = new_state();
  add_name_steps(start, name);
  add_name_steps(name, name);
  add_step(name, start, U'/', U'/');
  return name;
}

}  // namespace interlock::footprint
