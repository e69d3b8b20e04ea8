#include "decide/draws.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace interlock::decide {
namespace {

constexpr std::size_t kDrawnTasks = 250'000;  ///< Of all worlds together, which bounds the time.

/// SplitMix64 (Steele, Lea & Flood 2014), one stream for each task of each pair of worlds, so that
/// what one task meets does not depend on how many others there are.
class Dice {
 public:
  Dice(std::uint64_t pair, std::uint64_t stream)
      : state_(pair * 0x9e3779b97f4a7c15 ^ (stream + 1) * 0xd1342543de82ef95) {
    roll();
  }
  double unit() { return (static_cast<double>(roll() >> 11) + 0.5) * 0x1.0p-53; }
  /// Box & Muller 1958.
  double normal() {
    const double radius = std::sqrt(-2 * std::log(unit()));
    return radius * std::cos(2 * std::numbers::pi * unit());
  }

 private:
  std::uint64_t roll() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  std::uint64_t state_;
};

Duration times(Duration whole, double factor) {
  return Duration(static_cast<std::int64_t>(static_cast<double>(whole.count()) * factor));
}

/// The streams of a world that are no task's.
constexpr std::uint64_t kReviews = std::uint64_t{1} << 40;
constexpr std::uint64_t kConflicts = std::uint64_t{1} << 41;

class Drawer {
 public:
  Drawer(const plan::Plan& plan, const std::vector<Expected>& expected,
         const std::vector<Risk>& risks)
      : plan_(plan), expected_(expected), risks_(risks) {}

  /// `luck`: 1, or -1 for the opposite.
  schedule::World draw(std::uint64_t pair, double luck) const {
    schedule::World world;
    world.fates.reserve(plan_.tasks.size());
    for (std::size_t i = 0; i < plan_.tasks.size(); ++i)
      world.fates.push_back(fate_of(i, Dice(pair, i), luck));
    if (plan_.limits.gate_every && plan_.limits.answer) {
      Dice dice(pair, kReviews);
      const auto all = static_cast<std::int64_t>(plan_.tasks.size());
      for (std::int64_t k = 0; k < std::min<std::int64_t>(all / *plan_.limits.gate_every, 64); ++k)
        world.reviews.push_back(
            times(*plan_.limits.answer, std::exp(kPriorSpread * luck * dice.normal())));
    }
    Dice dice(pair, kConflicts);
    for (const Risk& risk : risks_) {
      const double unit = dice.unit();
      const bool meets = (luck > 0 ? unit : 1 - unit) < risk.p;
      world.conflicts.push_back({risk.before, risk.after, meets});
    }
    return world;
  }

 private:
  schedule::Fate fate_of(std::size_t i, Dice dice, double luck) const {
    const Expected& it = expected_[i];
    const plan::Task& task = plan_.tasks[i];
    schedule::Fate fate;
    const Duration least = std::min(it.time, Duration(std::chrono::milliseconds(1)));
    fate.takes = std::max(least, times(it.time, std::exp(it.spread * luck * dice.normal())));
    if (task.gate_before) fate.before = answer(dice, luck);
    if (task.gate_after) fate.after = answer(dice, luck);
    if (!it.p_failure) return fate;
    Duration pause = task.backoff;
    while (static_cast<int>(fate.failures.size()) < task.retries && dice.unit() < *it.p_failure) {
      // It fails somewhere on its way. Half of the back-off is jitter.
      const Duration takes = times(fate.takes, 0.3 + 0.7 * dice.unit());
      fate.failures.push_back({takes, times(pause, 0.5 + 0.5 * dice.unit())});
      pause *= 2;
    }
    return fate;
  }

  Duration answer(Dice& dice, double luck) const {
    const double factor = std::exp(kPriorSpread * luck * dice.normal());
    return plan_.limits.answer ? times(*plan_.limits.answer, factor) : Duration::zero();
  }

  const plan::Plan& plan_;
  const std::vector<Expected>& expected_;
  const std::vector<Risk>& risks_;
};

/// As many as there are in at least half of all cases, each somewhere in the middle of its way.
std::vector<schedule::Failure> likely_failures(const plan::Task& task, const Expected& expected) {
  std::vector<schedule::Failure> failures;
  const double p = expected.p_failure.value_or(0);
  Duration pause = task.backoff;
  double odds = p;
  while (odds >= 0.5 && static_cast<int>(failures.size()) < task.retries) {
    failures.push_back({times(expected.time, 0.65), times(pause, 0.75)});
    pause *= 2;
    odds *= p;
  }
  return failures;
}

}  // namespace

std::size_t draws_for(std::size_t tasks, bool may_meet) {
  const std::size_t affordable = kDrawnTasks / std::max<std::size_t>(tasks, 1);
  return std::min(may_meet ? kMostDraws : kFewerDraws, affordable / 2 * 2);
}

Draws::Draws(const plan::Plan& plan, const std::vector<Expected>& expected,
             const std::vector<Risk>& risks, std::size_t most) {
  for (const Risk& risk : risks)
    expected_.conflicts.push_back({risk.before, risk.after, risk.p > 0.5});
  const bool some_fail = std::ranges::any_of(
      expected, [](const Expected& it) { return it.p_failure.value_or(0) > 0; });
  if (plan.limits.answer || some_fail) {
    const Duration answer = plan.limits.answer.value_or(Duration::zero());
    for (std::size_t i = 0; i < plan.tasks.size(); ++i) {
      const plan::Task& task = plan.tasks[i];
      expected_.fates.push_back({.takes = expected[i].time,
                                 .failures = likely_failures(task, expected[i]),
                                 .before = task.gate_before ? answer : Duration::zero(),
                                 .after = task.gate_after ? answer : Duration::zero()});
    }
    if (plan.limits.answer) expected_.reviews = {answer};
  }
  const Drawer drawer(plan, expected, risks);
  const std::size_t count = std::min(most, draws_for(plan.tasks.size(), !risks.empty()));
  for (std::size_t k = 0; k < count; ++k)
    worlds_.push_back(drawer.draw(k / 2, k % 2 == 0 ? 1 : -1));
}

}  // namespace interlock::decide
