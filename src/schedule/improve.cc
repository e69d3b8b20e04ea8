#include <algorithm>
#include <optional>

#include "schedule/priority.h"
#include "schedule/simulate.h"
#include "schedule/sketch.h"

namespace interlock::schedule {
namespace {

/// SplitMix64 (Steele, Lea & Flood 2014): the search is the same wherever and whenever it runs.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}
  std::uint64_t roll() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  std::int64_t below(std::int64_t bound) {
    return static_cast<std::int64_t>(roll() % static_cast<std::uint64_t>(bound));
  }

 private:
  std::uint64_t state_;
};

std::uint64_t seed_of(const Problem& problem) {
  std::uint64_t seed = problem.links.size();
  for (const Job& job : problem.jobs)
    seed = seed * 31 + static_cast<std::uint64_t>(job.expected.count());
  return seed;
}

/// The problem run backwards: the last task first. Quotas and gates have no backwards; what they
/// ask for is left out.
Problem reversed(const Problem& problem) {
  Problem back = problem;
  const auto mirror = [&](TaskId task) { return TaskId(problem.jobs.size() - 1 - task.index()); };
  std::ranges::reverse(back.jobs);
  for (Job& job : back.jobs) job.costs.clear(), job.gate_before = false;
  for (Link& link : back.links) link = {mirror(link.after), mirror(link.before), link.needs};
  return back;
}

using Priorities = std::vector<std::int64_t>;

/// Looks at the orders of one problem, with a sketch where that is enough.
class Eyes {
 public:
  Eyes(const Problem& problem, const Policy& policy) : problem_(&problem), policy_(policy) {
    if (Sketch::can_draw(problem) && !policy.gate_every) sketch_.emplace(problem, policy.parallel);
  }
  Sketched look(const Priorities& priorities) {
    if (sketch_) return sketch_->cost(priorities);
    const Timeline timeline = simulate(*problem_, policy_, priorities);
    Sketched seen{std::vector<std::int64_t>(timeline.slots.size()), timeline.elapsed.count()};
    for (const Slot& slot : timeline.slots) seen.starts[slot.task.index()] = slot.start.count();
    return seen;
  }

 private:
  const Problem* problem_;
  Policy policy_;
  std::optional<Sketch> sketch_;
};

class Search {
 public:
  Search(const Problem& problem, const Policy& policy, const std::function<bool()>& more)
      : problem_(problem),
        back_(reversed(problem)),
        policy_(policy),
        more_(more),
        bound_(lower_bound(problem, policy)),
        forwards_(problem_, policy),
        backwards_(back_, policy),
        dice_(seed_of(problem)) {}

  Improved run() {
    best_.priorities = critical_path_priorities(problem_);
    best_.elapsed = simulate(problem_, policy_, best_.priorities).elapsed;
    best_.tried = 1;
    if (!goes_on()) return std::move(best_);
    Sketched current = justified(look_at(best_.priorities));
    while (goes_on()) {
      const bool shakes = dice_.below(2) == 0;
      Sketched next = justified(look_at(shakes ? shaken(current) : redone_within(current)));
      // A walk over orders that are as good, and now and then over one that is not.
      if (next.elapsed <= current.elapsed || dice_.below(64) == 0) current = std::move(next);
    }
    return std::move(best_);
  }

 private:
  /// Nobody foretells durations to a thousandth, so what is left of it is not looked for.
  bool goes_on() const { return best_.elapsed > bound_ + bound_ / 1000 && more_(); }

  Sketched look_at(const Priorities& priorities) {
    Sketched seen = forwards_.look(priorities);
    ++best_.tried;
    if (seen.elapsed < best_.elapsed.count()) confirm(priorities);
    return seen;
  }

  /// What counts is the scheduler's own forecast.
  void confirm(const Priorities& priorities) {
    const Duration elapsed = simulate(problem_, policy_, priorities).elapsed;
    if (elapsed >= best_.elapsed) return;
    best_.elapsed = elapsed;
    best_.priorities = priorities;
  }

  /// Each task's end; in the other direction the last to end goes first.
  Priorities by_end(const Sketched& seen, const Problem& of) const {
    Priorities priorities(seen.starts.size());
    for (std::size_t i = 0; i < priorities.size(); ++i) {
      priorities[priorities.size() - 1 - i] = seen.starts[i] + of.jobs[i].expected.count();
    }
    return priorities;
  }

  /// Forward-backward improvement: pushed to the right in the order of its ends and back to the
  /// left, a schedule hardly ever gets longer (Li & Willis 1992).
  Sketched justified(Sketched seen) {
    const Sketched right = backwards_.look(by_end(seen, problem_));
    Sketched left = look_at(by_end(right, back_));
    return left.elapsed <= seen.elapsed ? left : seen;
  }

  /// The order of the starts, with some tasks moved a little.
  Priorities shaken(const Sketched& seen) {
    Priorities priorities(seen.starts.size());
    for (std::size_t i = 0; i < priorities.size(); ++i) priorities[i] = -seen.starts[i];
    const auto all = static_cast<std::int64_t>(priorities.size());
    const std::int64_t reach = std::max<std::int64_t>(seen.elapsed / (2 + dice_.below(14)), 1);
    std::int64_t moves =
        std::min(std::int64_t{1} << dice_.below(5), std::max<std::int64_t>(all / 4, 1));
    for (; moves > 0; --moves) {
      priorities[static_cast<std::size_t>(dice_.below(all))] += dice_.below(2 * reach) - reach;
    }
    return priorities;
  }

  /// The order of the starts, but for what starts within a stretch of time: that is ordered anew,
  /// by chance (destroy and repair).
  Priorities redone_within(const Sketched& seen) {
    Priorities priorities(seen.starts.size());
    const std::int64_t length = std::max<std::int64_t>(seen.elapsed / (3 + dice_.below(10)), 1);
    const std::int64_t begin = dice_.below(std::max<std::int64_t>(seen.elapsed, 1)) - length / 2;
    for (std::size_t i = 0; i < priorities.size(); ++i) {
      const std::int64_t start = seen.starts[i];
      const bool is_within = start >= begin && start < begin + length;
      priorities[i] = is_within ? -begin - dice_.below(length) : -start;
    }
    return priorities;
  }

  const Problem& problem_;
  const Problem back_;
  const Policy policy_;
  const std::function<bool()>& more_;
  const Duration bound_;
  Eyes forwards_, backwards_;
  Dice dice_;
  Improved best_;
};

}  // namespace

Improved improve(const Problem& problem, const Policy& policy, const std::function<bool()>& more) {
  return Search(problem, policy, more).run();
}

}  // namespace interlock::schedule
