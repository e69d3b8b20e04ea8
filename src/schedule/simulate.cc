#include "schedule/simulate.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <queue>
#include <tuple>
#include <utility>

#include "base/check.h"
#include "schedule/progress.h"
#include "schedule/scheduler.h"

namespace interlock::schedule {
/// One run after the other, in virtual time.
///
/// A task whose attempt is over is released; it ends at once, or waits: for a person at its gate,
/// or for its turn to commit where it may meet an earlier task that has not ended. What was done
/// again so often that it would go on for ever starts only when all before it has ended, as in a
/// run.
class Simulator::Run {
 public:
  Run(const Problem& problem, const Policy& policy, const std::vector<std::int64_t>& priorities)
      : problem_(problem),
        policy_(policy),
        priorities_(priorities),
        one_by_one_(runs_one_by_one(problem, policy)),
        progress_(problem.slowings) {}

  Timeline play(const World& world) {
    if (one_by_one_ && nothing_fails(world)) return one_by_one(world);
    begin(world);
    while (true) {
      start_all();
      if (scheduler_->all_ended()) break;
      advance();
    }
    sort_slots();
    return std::move(timeline_);
  }

 private:
  /// Whether one task follows the other in plan order and nothing but their lengths counts: then no
  /// scheduler has to be asked.
  static bool runs_one_by_one(const Problem& problem, const Policy& policy) {
    return policy.plan_order && policy.parallel == 1 && !policy.gate_every &&
           std::ranges::none_of(problem.jobs, [&](const Job& job) {
             const bool slow_alone =
                 job.slowing != kNotSlowed && problem.slowings[job.slowing].beyond < job.load;
             return !job.costs.empty() || job.gate_before || job.gate_after || slow_alone;
           });
  }
  static bool nothing_fails(const World& world) {
    return std::ranges::all_of(world.fates, [](const Fate& fate) { return fate.failures.empty(); });
  }
  /// What `after` redoes where it conflicts it never does here: all before it has ended.
  Timeline one_by_one(const World& world) {
    Timeline timeline;
    timeline.slots.reserve(problem_.jobs.size());
    timeline.overlapped.assign(problem_.jobs.size(), false);
    for (std::size_t i = 0; i < problem_.jobs.size(); ++i) {
      const std::uint32_t group = problem_.jobs[i].first_of;
      const bool is_ended = group != kNoGroup && i > 0 && problem_.jobs[i - 1].first_of == group;
      const Duration takes = is_ended              ? Duration::zero()
                             : world.fates.empty() ? problem_.jobs[i].expected
                                                   : world.fates[i].takes;
      const Duration start = timeline.elapsed;
      timeline.elapsed += takes;
      timeline.slots.push_back({TaskId(i), start, timeline.elapsed, 0});
    }
    return timeline;
  }

  /// By start, then plan order. They were added by start, but for those that were done again.
  void sort_slots() {
    auto& slots = timeline_.slots;
    const auto key = [](const Slot& slot) { return std::pair(slot.start, slot.task); };
    if (!std::ranges::is_sorted(slots, {}, &Slot::start)) {
      std::ranges::sort(slots, {}, key);
      return;
    }
    for (auto group = slots.begin(); group != slots.end();) {
      const auto end = std::find_if(group, slots.end(),
                                    [&](const Slot& slot) { return slot.start != group->start; });
      std::sort(group, end, [](const Slot& a, const Slot& b) { return a.task < b.task; });
      group = end;
    }
  }

  enum class What : unsigned char { ended, accepted, approved, reviewed };
  struct Happening {
    Time at;
    What what;
    TaskId task;
    std::uint32_t attempt = 0;  ///< Of `ended`: one that was broken off does not end.

    auto key() const { return std::tuple(at, what, task); }
    bool operator>(const Happening& other) const { return key() > other.key(); }
  };
  struct Mark {
    std::uint32_t attempt = 0, failures = 0, conflicts = 0;
    std::size_t slot = 0;   ///< Of the timeline.
    std::size_t place = 0;  ///< In `running_`, while it runs.
    bool started = false, running = false, commits = false, stale = false;
    bool accepted = false, done = false;
  };

  void begin(const World& world) {
    world_ = &world;
    if (scheduler_) {
      scheduler_->restart(Time{});
    } else {
      scheduler_.emplace(problem_, policy_, priorities_, Time{});
    }
    const std::size_t all = problem_.jobs.size();
    marks_.assign(all, {});
    timeline_ = {};
    timeline_.slots.reserve(all);
    timeline_.overlapped.assign(all, false);
    happenings_ = {};
    running_.clear();
    committing_.clear();
    progress_.clear();
    now_ = person_free_ = Time{};
    reviews_ = 0;
    conflicts_with_.assign(world.conflicts.empty() ? 0 : all, {});
    waits_for_.assign(conflicts_with_.size(), {});
    for (const Conflict& it : world.conflicts) {
      if (it.meets) conflicts_with_[it.before.index()].push_back(it.after);
      waits_for_[it.after.index()].push_back(it.before);
    }
  }

  const Fate* fate_of(TaskId task) const {
    return world_->fates.empty() ? nullptr : &world_->fates[task.index()];
  }
  const Job& job(TaskId task) const { return problem_.jobs[task.index()]; }

  /// Gates are answered before anything starts, so that an answer that comes at once changes no
  /// order.
  void start_all() {
    while (true) {
      while (ask_people()) continue;
      const std::vector<TaskId> starts = scheduler_->choose_starts(now_);
      for (const TaskId task : starts) start(task);
      if (!ask_people()) return;
    }
  }

  /// Whether somebody answered at once.
  bool ask_people() {
    bool answered = false;
    for (const TaskId task : scheduler_->take_gates()) {
      const Fate* fate = fate_of(task);
      const Duration takes = fate != nullptr ? fate->before : Duration::zero();
      if (takes == Duration::zero()) {
        scheduler_->approve(task, now_);
        answered = true;
      } else {
        ask(What::approved, task, takes);
      }
    }
    if (scheduler_->take_review_due()) {
      const auto& reviews = world_->reviews;
      const Duration takes =
          reviews.empty() ? Duration::zero() : reviews[std::min(reviews_, reviews.size() - 1)];
      ++reviews_;
      if (takes == Duration::zero()) {
        scheduler_->approve_review(now_);
        answered = true;
      } else {
        ask(What::reviewed, TaskId(0), takes);
      }
    }
    return answered;
  }

  /// One person, who answers one question after the other.
  void ask(What what, TaskId task, Duration takes) {
    person_free_ = std::max(person_free_, now_) + takes;
    happenings_.push({person_free_, what, task});
  }

  Duration length_of(TaskId task) const {
    const Fate* fate = fate_of(task);
    if (fate == nullptr) return job(task).expected;
    const std::uint32_t failed = marks_[task.index()].failures;
    return failed < fate->failures.size() ? fate->failures[failed].takes : fate->takes;
  }

  void start(TaskId task) {
    Mark& it = marks_[task.index()];
    ++it.attempt;
    it.running = true;
    it.stale = false;
    const Duration takes = length_of(task);
    const Slot slot{task, now_.time_since_epoch(), (now_ + takes).time_since_epoch(),
                    scheduler_->lane_of(task)};
    timeline_.lanes = std::max(timeline_.lanes, slot.lane + 1);
    if (it.started) {
      timeline_.slots[it.slot] = slot;
    } else {
      it.started = true;
      it.slot = timeline_.slots.size();
      timeline_.slots.push_back(slot);
    }
    if (!running_.empty()) {
      timeline_.overlapped[task.index()] = true;
      if (running_.size() == 1) timeline_.overlapped[running_.front().index()] = true;
    }
    it.place = running_.size();
    running_.push_back(task);
    if (job(task).slowing == kNotSlowed) {
      happenings_.push({now_ + takes, What::ended, task, it.attempt});
    } else {
      progress_.start(task, job(task), takes, now_);
    }
  }

  /// To the next thing that happens, or the next moment at which a quota admits something.
  void advance() {
    std::optional<Time> next = scheduler_->next_wake(now_);
    const auto earlier = [&](std::optional<Time> other) {
      if (other && (!next || *other <= *next)) next = other;
    };
    if (!happenings_.empty()) earlier(happenings_.top().at);
    earlier(progress_.next_end());
    check(next.has_value(), "a plan goes on until all its tasks have ended");
    now_ = *next;
    while (!happenings_.empty() && happenings_.top().at == now_) {
      const Happening it = happenings_.top();
      happenings_.pop();
      happen(it);
    }
    // The first good try ends the others, also those that are done at the same moment.
    for (const TaskId task : progress_.take_done(now_)) {
      if (marks_[task.index()].running) end_attempt(task);
    }
    if (!conflicts_with_.empty()) commit_all();
  }

  void happen(const Happening& it) {
    switch (it.what) {
      case What::ended:
        if (marks_[it.task.index()].running && marks_[it.task.index()].attempt == it.attempt)
          end_attempt(it.task);
        break;
      case What::accepted:
        marks_[it.task.index()].accepted = true;
        pass_or_commit(it.task);
        break;
      case What::approved: scheduler_->approve(it.task, now_); break;
      case What::reviewed: scheduler_->approve_review(now_); break;
    }
  }

  void stop(TaskId task) {
    marks_[task.index()].running = false;
    const std::size_t place = marks_[task.index()].place;
    marks_[running_.back().index()].place = place;
    std::swap(running_[place], running_.back());
    running_.pop_back();
    timeline_.slots[marks_[task.index()].slot].end = now_.time_since_epoch();
    timeline_.elapsed = now_.time_since_epoch();
    scheduler_->release(task, {}, now_);
  }

  void end_attempt(TaskId task) {
    stop(task);
    const Fate* fate = fate_of(task);
    Mark& it = marks_[task.index()];
    if (fate != nullptr && it.failures < fate->failures.size()) {
      const Duration pause = fate->failures[it.failures++].pause;
      scheduler_->requeue(task, now_ + pause, now_);
      return;
    }
    if (job(task).gate_after && !it.accepted && fate != nullptr && fate->after > Duration::zero())
      return ask(What::accepted, task, fate->after);
    pass_or_commit(task);
  }

  void pass_or_commit(TaskId task) {
    if (job(task).first_of != kNoGroup) return end_group(task);
    if (conflicts_with_.empty()) return end(task);
    marks_[task.index()].commits = true;
    committing_.insert(std::ranges::upper_bound(committing_, task), task);
  }

  /// The first of its group: the others, which stand together, are not wanted any more.
  void end_group(TaskId first) {
    const std::uint32_t group = job(first).first_of;
    std::size_t at = first.index();
    while (at > 0 && problem_.jobs[at - 1].first_of == group) --at;
    for (; at < problem_.jobs.size() && problem_.jobs[at].first_of == group; ++at) {
      const TaskId task(at);
      Mark& it = marks_[at];
      if (it.done) continue;
      it.done = true;
      if (task == first) continue;
      if (it.running) {
        if (job(task).slowing != kNotSlowed) progress_.stop(task, job(task).slowing, now_);
        stop(task);
      } else if (!it.started) {
        it.slot = timeline_.slots.size();
        timeline_.slots.push_back({task, now_.time_since_epoch(), now_.time_since_epoch(), 0});
      }
      scheduler_->end(task, End::unneeded, now_);
    }
    end(first);
  }

  void end(TaskId task) {
    scheduler_->end(task, End::succeeded, now_);
    timeline_.elapsed = now_.time_since_epoch();
  }

  /// In plan order; what committed may be the turn of others, or make them stale.
  void commit_all() {
    for (std::size_t i = 0; i < committing_.size();) {
      const TaskId task = committing_[i];
      const bool waits = std::ranges::any_of(
          waits_for_[task.index()], [&](TaskId before) { return !marks_[before.index()].done; });
      if (waits) {
        ++i;
        continue;
      }
      committing_.erase(committing_.begin() + static_cast<std::ptrdiff_t>(i));
      Mark& it = marks_[task.index()];
      it.commits = false;
      if (it.stale) {
        redo(task);
        continue;
      }
      it.done = true;
      end(task);
      make_stale(task);
      i = 0;
    }
  }

  void make_stale(TaskId task) {
    for (const TaskId after : conflicts_with_[task.index()]) {
      Mark& it = marks_[after.index()];
      if (it.commits) it.stale = true;
      if (!it.running) continue;
      if (job(after).slowing != kNotSlowed) progress_.stop(after, job(after).slowing, now_);
      stop(after);
      redo(after);
    }
  }

  void redo(TaskId task) {
    timeline_.redone.push_back(task);
    const std::uint32_t conflicts = ++marks_[task.index()].conflicts;
    scheduler_->requeue(task, now_, now_, conflicts >= kConflictsInTurn);
  }

  const Problem& problem_;
  const Policy policy_;
  const std::vector<std::int64_t> priorities_;
  const bool one_by_one_;
  std::optional<Scheduler> scheduler_;  ///< Once one is needed.
  Progress progress_;
  const World* world_ = nullptr;
  Time now_{}, person_free_{};
  std::size_t reviews_ = 0;
  std::vector<Mark> marks_;
  std::vector<TaskId> running_, committing_;
  std::vector<std::vector<TaskId>> conflicts_with_,
      waits_for_;  ///< By task; empty where nothing can meet.
  std::priority_queue<Happening, std::vector<Happening>, std::greater<>> happenings_;
  Timeline timeline_;
};

Simulator::Simulator(const Problem& problem, const Policy& policy,
                     const std::vector<std::int64_t>& priorities)
    : run_(std::make_unique<Run>(problem, policy, priorities)) {}
Simulator::~Simulator() = default;
Simulator::Simulator(Simulator&&) noexcept = default;

Timeline Simulator::play(const World& world) { return run_->play(world); }

Timeline simulate(const Problem& problem, const Policy& policy,
                  const std::vector<std::int64_t>& priorities) {
  return Simulator(problem, policy, priorities).play({});
}

}  // namespace interlock::schedule
