#include "schedule/progress.h"

#include <algorithm>
#include <cmath>

namespace interlock::schedule {

void Progress::clear() { groups_.assign(slowings_->size(), {}); }

double Progress::speed(std::size_t group) const {
  const Slowing& slowing = (*slowings_)[group];
  double beside = 0;
  for (const Running& one : groups_[group].running) beside += one.load;
  return 1 / (1 + slowing.by * std::max(0.0, beside - slowing.beyond));
}

void Progress::advance(std::size_t group, Time now) {
  Group& it = groups_[group];
  const double done = static_cast<double>((now - it.at).count()) * speed(group);
  for (Running& one : it.running) one.left -= done;
  it.at = now;
}

void Progress::start(TaskId task, const Job& job, Duration work, Time now) {
  advance(job.slowing, now);
  groups_[job.slowing].running.push_back({task, job.load, static_cast<double>(work.count())});
}

void Progress::stop(TaskId task, std::uint32_t slowing, Time now) {
  advance(slowing, now);
  std::erase_if(groups_[slowing].running, [&](const Running& one) { return one.task == task; });
}

std::optional<Time> Progress::next_end() const {
  std::optional<Time> next;
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    if (groups_[i].running.empty()) continue;
    const double least = std::ranges::min_element(groups_[i].running, {}, &Running::left)->left;
    // Rounded up to a whole microsecond, so that time goes on.
    const double takes = std::max(0.0, std::ceil(least / speed(i) - 1e-6));
    const Time at = groups_[i].at + Duration(static_cast<std::int64_t>(takes));
    if (!next || at < *next) next = at;
  }
  return next;
}

std::vector<TaskId> Progress::take_done(Time now) {
  std::vector<TaskId> done;
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    if (groups_[i].running.empty()) continue;
    advance(i, now);
    std::erase_if(groups_[i].running, [&](const Running& one) {
      if (one.left > 0.5) return false;
      done.push_back(one.task);
      return true;
    });
  }
  std::ranges::sort(done);
  return done;
}

}  // namespace interlock::schedule
