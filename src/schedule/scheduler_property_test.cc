// Random plans, failures and people, from seeds; what must hold is written from the design.
#include <map>
#include <random>
#include <set>

#include "schedule/fixture.h"

namespace interlock::schedule {
namespace {

class World {
 public:
  explicit World(std::uint64_t seed, bool faults)
      : random_(seed), faults_(faults), problem_(random_problem()) {
    policy_ = by_priority(static_cast<std::uint32_t>(pick(1, 5)));
    policy_.plan_order = pick(0, 5) == 0;
    if (pick(0, 4) == 0) policy_.gate_every = static_cast<std::uint32_t>(pick(1, 4));
    state_.resize(problem_.jobs.size());
    waits_since_.resize(problem_.jobs.size());
    scheduler_.emplace(problem_, policy_, std::vector<std::int64_t>{}, now_);
    for (const std::int64_t capacity : problem_.capacities) free_.push_back(capacity);
  }

  /// Runs to the end; the log of all starts, for comparison.
  std::string run() {
    for (int turn = 0; !scheduler_->all_ended(); ++turn) {
      choose();
      if (testing::Test::HasFailure()) return log_ + "broken\n";
      answer_people();
      skip_unreachable();
      if (scheduler_->all_ended()) break;
      if (!pass_time()) return log_ + "stuck\n" + holds();
      if (turn > 20000) return log_ + "endless\n";
    }
    return log_;
  }

 private:
  enum class Is : unsigned char { waiting, running, ended_well, ended_badly };

  std::int64_t pick(std::int64_t from, std::int64_t to) {
    return from + static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(to - from + 1));
  }

  Problem random_problem() {
    Draft draft;
    for (std::int64_t i = pick(0, 3); i > 0; --i) draft.capacity(pick(1, 6));
    if (pick(0, 2) == 0) {
      draft.quota({.requests = per_second(pick(1, 3)),
                   .input_tokens = per_second(pick(5, 50)),
                   .output_tokens = {},
                   .usd = {}});
    }
    const std::size_t jobs = static_cast<std::size_t>(pick(1, 30));
    for (std::size_t i = 0; i < jobs; ++i) {
      const TaskId task = draft.job(static_cast<double>(pick(0, 20)));
      Job& job = draft.problem.jobs[task.index()];
      for (std::size_t r = 0; r < draft.problem.capacities.size(); ++r) {
        const ResourceId resource(r);
        const std::int64_t capacity = draft.problem.capacities[r];
        if (capacity < kUnlimited && pick(0, 1) == 0)
          job.demands.push_back({resource, pick(1, capacity)});
        if (capacity == kUnlimited && pick(0, 1) == 0) {
          job.costs.push_back(
              {.quota = resource, .requests = pick(1, 4), .input_tokens = pick(0, 200)});
        }
      }
      job.exclusive = pick(0, 9) == 0;
      job.gate_before = pick(0, 9) == 0;
      for (std::size_t before = 0; before < i; ++before) {
        if (pick(0, 9) == 0) draft.problem.links.push_back({TaskId(before), task, pick(0, 1) == 0});
      }
    }
    return draft.problem;
  }

  void choose() {
    for (const TaskId task : scheduler_->choose_starts(now_)) {
      check_start(task);
      log_ += fmt::format("{} {}\n", to_seconds(now_.time_since_epoch()), name(task));
      state_[task.index()] = Is::running;
      ends_.emplace(now_ + problem_.jobs[task.index()].expected, task);
      for (const Demand& demand : problem_.jobs[task.index()].demands)
        free_[demand.resource.index()] -= demand.amount;
      const Waited w = scheduler_->waited(task, now_ + seconds(100));
      EXPECT_EQ(w.needs + w.conflict + w.quota + w.slot + w.gate + w.backoff,
                now_ - waits_since_[task.index()]);
    }
    for (const std::int64_t free : free_) EXPECT_GE(free, 0);
    EXPECT_LE(ends_.size(), policy_.parallel);
    EXPECT_EQ(ends_.size(), scheduler_->running());
    for (std::size_t i = 0; i < state_.size(); ++i) {
      if (state_[i] == Is::waiting) check_hold(TaskId(i));
    }
  }

  void check_start(TaskId task) {
    EXPECT_EQ(state_[task.index()], Is::waiting);
    for (const Link& link : problem_.links) {
      if (link.after != task) continue;
      const Is before = state_[link.before.index()];
      EXPECT_TRUE(before == Is::ended_well || (!link.needs && before == Is::ended_badly))
          << name(task) << " runs before " << name(link.before);
    }
    EXPECT_TRUE(!problem_.jobs[task.index()].gate_before || approved_.contains(task));
    for (std::size_t i = 0; i < state_.size(); ++i) {
      const bool a_wall = problem_.jobs[i].exclusive || problem_.jobs[task.index()].exclusive;
      if (!a_wall) continue;
      EXPECT_NE(state_[i], Is::running) << name(TaskId(i)) << " beside " << name(task);
      EXPECT_TRUE(i >= task.index() || state_[i] != Is::waiting)
          << name(TaskId(i)) << " after " << name(task);
    }
  }

  /// What the reason says is so.
  void check_hold(TaskId task) {
    const WaitReason reason = scheduler_->reason_of(task, now_);
    SCOPED_TRACE(name(task) + ": " + show(reason));
    using Why = WaitReason::Why;
    const auto other = [&] { return state_[reason.task.value().index()]; };
    switch (reason.why) {
      case Why::needs: EXPECT_NE(other(), Is::ended_well); break;
      case Why::conflict:
      case Why::exclusive: EXPECT_TRUE(other() == Is::waiting || other() == Is::running); break;
      case Why::slot:
        EXPECT_EQ(ends_.size(), policy_.parallel) << "nothing holds it, and it does not start";
        break;
      case Why::capacity:
        EXPECT_LT(free_[reason.resource.value().index()],
                  problem_.capacities[reason.resource->index()]);
        break;
      case Why::reserved: EXPECT_EQ(other(), Is::waiting); break;
      case Why::quota:
      case Why::backoff: EXPECT_GT(reason.until.value(), now_); break;
      case Why::gate: EXPECT_TRUE(!reason.task || !approved_.contains(*reason.task)); break;
      case Why::order: EXPECT_LT(*reason.task, task); break;
      case Why::held:
      case Why::stopped: ADD_FAILURE() << "nobody stopped"; break;
    }
  }

  std::string holds() const {
    std::string text;
    for (std::size_t i = 0; i < state_.size(); ++i) {
      if (state_[i] == Is::waiting)
        text += name(TaskId(i)) + ": " + show(scheduler_->reason_of(TaskId(i), now_)) + "\n";
    }
    return text;
  }

  void answer_people() {
    for (const TaskId task : scheduler_->take_gates()) asked_.push_back(task);
    if (scheduler_->take_review_due()) review_asked_ = true;
    // People take their time, unless nothing else goes on.
    if (pick(0, 2) != 0 && !ends_.empty()) return;
    for (const TaskId task : asked_) {
      if (state_[task.index()] != Is::waiting) continue;
      approved_.insert(task);
      scheduler_->approve(task, now_);
    }
    asked_.clear();
    if (review_asked_) scheduler_->approve_review(now_);
    review_asked_ = false;
  }

  void skip_unreachable() {
    for (const auto& [task, because] : scheduler_->take_unreachable()) {
      EXPECT_NE(state_[because.index()], Is::ended_well);
      EXPECT_EQ(state_[task.index()], Is::waiting);
      scheduler_->end(task, End::skipped, now_);
      state_[task.index()] = Is::ended_badly;
    }
    if (faults_ && pick(0, 30) == 0) cancel_one();
    if (faults_ && pick(0, 30) == 0) revive_one();
  }

  void cancel_one() {
    const TaskId task(
        static_cast<std::size_t>(pick(0, static_cast<std::int64_t>(state_.size()) - 1)));
    if (state_[task.index()] != Is::waiting) return;
    scheduler_->end(task, End::cancelled, now_);
    state_[task.index()] = Is::ended_badly;
  }

  /// Only what nothing stands on may be taken up again: what follows it has not begun.
  void revive_one() {
    const TaskId task(
        static_cast<std::size_t>(pick(0, static_cast<std::int64_t>(state_.size()) - 1)));
    if (state_[task.index()] != Is::ended_badly) return;
    for (std::size_t i = task.index(); i < state_.size(); ++i) {
      if (state_[i] == Is::running || state_[i] == Is::ended_well) return;
    }
    scheduler_->revive(task, now_);
    state_[task.index()] = Is::waiting;
    waits_since_[task.index()] = now_;
  }

  bool pass_time() {
    choose();
    std::optional<Time> next = scheduler_->next_wake(now_);
    EXPECT_TRUE(!next || *next > now_) << "a wake for nothing";
    if (!ends_.empty() && (!next || ends_.begin()->first < *next)) next = ends_.begin()->first;
    // People are asked at the next turn, and once for every review that is due.
    if (!next) return ++idle_turns_ < 40;
    idle_turns_ = 0;
    now_ = std::max(*next, now_);
    while (!ends_.empty() && ends_.begin()->first <= now_) {
      const TaskId task = ends_.begin()->second;
      ends_.erase(ends_.begin());
      finish(task);
    }
    return true;
  }

  void finish(TaskId task) {
    std::vector<Cost> actual = problem_.jobs[task.index()].costs;
    for (Cost& cost : actual) cost.input_tokens = pick(0, cost.input_tokens + 5);
    scheduler_->release(task, actual, now_);
    for (const Demand& demand : problem_.jobs[task.index()].demands)
      free_[demand.resource.index()] += demand.amount;
    const std::int64_t fate = faults_ ? pick(0, 9) : 9;
    if (fate == 0) {
      scheduler_->requeue(task, now_ + seconds(static_cast<double>(pick(0, 10))), now_);
      state_[task.index()] = Is::waiting;
      waits_since_[task.index()] = now_;
    } else {
      scheduler_->end(task, fate == 1 ? End::failed : End::succeeded, now_);
      state_[task.index()] = fate == 1 ? Is::ended_badly : Is::ended_well;
    }
  }

  std::mt19937_64 random_;
  bool faults_;
  Problem problem_;
  Policy policy_;
  std::optional<Scheduler> scheduler_;
  Time now_ = at(1000);
  std::vector<Is> state_;
  std::vector<Time> waits_since_{};
  std::vector<std::int64_t> free_;
  std::set<std::pair<Time, TaskId>> ends_;
  std::set<TaskId> approved_;
  std::vector<TaskId> asked_;
  bool review_asked_ = false;
  int idle_turns_ = 0;
  std::string log_;

 public:
  void begin_waiting() { std::ranges::fill(waits_since_, now_); }
};

std::string run_world(std::uint64_t seed, bool faults) {
  World world(seed, faults);
  world.begin_waiting();
  return world.run();
}

TEST(SchedulerProperty, HoldsItsPromisesInRandomRuns) {
  for (std::uint64_t seed = 1; seed <= 1500; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    const std::string log = run_world(seed, seed % 2 == 0);
    EXPECT_EQ(log.find("stuck"), std::string::npos) << log;
    EXPECT_EQ(log.find("endless"), std::string::npos);
    if (HasFailure()) return;
  }
}

TEST(SchedulerProperty, DecidesTheSameFromTheSame) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed)
    EXPECT_EQ(run_world(seed, true), run_world(seed, true)) << "seed " << seed;
}

TEST(SchedulerProperty, ABigDemandIsOvertakenByNothingThatTakesFromIt) {
  Draft draft;
  const auto slots = draft.capacity(4);
  draft.job(1, {{slots, 1}});
  const auto big = draft.job(50, {{slots, 4}});
  for (int i = 0; i < 200; ++i) draft.job(1, {{slots, 1}});
  const std::vector<std::int64_t> priorities = [] {
    std::vector<std::int64_t> made(202, 0);
    made[0] = 2;
    made[1] = 1;
    return made;
  }();
  Play play(draft, by_priority(8), priorities);
  play.choose(0).done(TaskId(0), 1).choose(1);
  EXPECT_EQ(play.log, "0: a\n1: b\n");
  EXPECT_TRUE(play.scheduler.is_running(big));
}

}  // namespace
}  // namespace interlock::schedule
