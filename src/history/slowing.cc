#include "history/slowing.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

namespace interlock::history {
namespace {

constexpr std::size_t kFewest = 12, kFewestAtLevel = 3, kFewestLevels = 2;
/// What is taken for noise in any case: clocks, a first token that comes late.
constexpr double kNoise = 0.02;

/// One interval with a size: for how long it ran beside how many, itself counted.
struct Run {
  std::vector<std::pair<double, double>> seconds_at;  ///< (at once, seconds).
  double log_size = 0;
  std::size_t group = 0;
  double level = 0;  ///< Mean number at once.
};

/// Sweeps over all beginnings and ends; one for each interval.
std::vector<Run> swept(const std::vector<Interval>& intervals) {
  struct Edge {
    Time at;
    bool begins;
    std::size_t of;
    auto key() const { return std::pair(at, begins); }
  };
  std::vector<Edge> edges;
  std::map<std::string, std::size_t> groups;
  std::vector<Run> runs(intervals.size());
  for (std::size_t i = 0; i < intervals.size(); ++i) {
    const Interval& it = intervals[i];
    if (it.ended <= it.began) continue;
    edges.push_back({it.began, true, i});
    edges.push_back({it.ended, false, i});
    runs[i].group = groups.emplace(it.like, groups.size()).first->second;
    runs[i].log_size = it.size > 0 ? std::log(it.size) : 0;
  }
  std::ranges::sort(edges, {}, &Edge::key);
  std::set<std::size_t> open;
  Time last{};
  for (const Edge& edge : edges) {
    const double passed = to_seconds(edge.at - last);
    const auto at_once = static_cast<double>(open.size());
    if (passed > 0) {
      for (const std::size_t i : open) {
        auto& seconds = runs[i].seconds_at;
        if (seconds.empty() || seconds.back().first != at_once) seconds.emplace_back(at_once, 0);
        seconds.back().second += passed;
      }
    }
    last = edge.at;
    if (edge.begins)
      open.insert(edge.of);
    else
      open.erase(edge.of);
  }
  return runs;
}

/// Those with a size.
std::vector<Run> runs_of(const std::vector<Interval>& intervals) {
  std::vector<Run> runs = swept(intervals), sized;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (!(intervals[i].size > 0) || runs[i].seconds_at.empty()) continue;
    double all = 0;
    for (const auto& [at_once, seconds] : runs[i].seconds_at) {
      runs[i].level += at_once * seconds;
      all += seconds;
    }
    runs[i].level /= all;
    sized.push_back(std::move(runs[i]));
  }
  return sized;
}

double work(const Run& run, const Slowing& slowing) {
  double sum = 0;
  for (const auto& [at_once, seconds] : run.seconds_at) {
    const double beyond = std::max(0.0, at_once - static_cast<double>(slowing.beyond));
    sum += seconds / (1 + slowing.by * beyond);
  }
  return sum;
}

double median_of(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

/// The mean absolute deviation that a knee, a slope and a power leave.
class Judge {
 public:
  explicit Judge(const std::vector<Run>& runs) : runs_(runs) {
    std::size_t groups = 0;
    for (const Run& it : runs) groups = std::max(groups, it.group + 1);
    works_.resize(groups);
  }

  double deviation(const Slowing& slowing) {
    double least = -1;
    std::vector<double> works(runs_.size());
    for (std::size_t i = 0; i < runs_.size(); ++i) works[i] = std::log(work(runs_[i], slowing));
    for (const double power : {0.0, 0.25, 0.5, 0.75, 1.0}) {
      const double it = deviation_at(works, power);
      if (least < 0 || it < least) least = it;
    }
    return least + kNoise;
  }

 private:
  double deviation_at(const std::vector<double>& works, double power) {
    for (auto& group : works_) group.clear();
    for (std::size_t i = 0; i < runs_.size(); ++i)
      works_[runs_[i].group].push_back(works[i] - power * runs_[i].log_size);
    double sum = 0;
    for (auto& group : works_) {
      if (group.empty()) continue;
      const double middle = median_of(group);
      for (const double it : group) sum += std::abs(it - middle);
    }
    return sum / static_cast<double>(runs_.size());
  }

  const std::vector<Run>& runs_;
  std::vector<std::vector<double>> works_;
};

/// The slope that leaves least for a knee: on a grid, and then finer around the best of it.
std::pair<double, double> best_slope(Judge& judge, std::int64_t beyond) {
  double best = 0, least = judge.deviation({beyond, 0});
  const auto try_one = [&](double by) {
    const double it = judge.deviation({beyond, by});
    if (it < least) least = it, best = by;
  };
  for (double by = 0.03; by < 12; by *= 1.3) try_one(by);
  for (double step = 1.14; step > 1.01; step = std::sqrt(step)) {
    const double around = best;
    try_one(around * step);
    try_one(around / step);
  }
  return {least, best};
}

}  // namespace

std::vector<Duration> work_of(const std::vector<Interval>& intervals, const Slowing& slowing) {
  std::vector<Duration> works;
  for (const Run& run : swept(intervals))
    works.emplace_back(std::llround(work(run, slowing) * 1e6));
  return works;
}

LearnedSlowing learn_slowing(const std::vector<Interval>& intervals) {
  const std::vector<Run> runs = runs_of(intervals);
  LearnedSlowing learned;
  learned.count = static_cast<std::uint32_t>(runs.size());
  if (runs.size() < kFewest) return learned;
  std::map<std::int64_t, std::size_t> levels;
  for (const Run& it : runs) ++levels[std::llround(it.level)];
  std::erase_if(levels, [](const auto& it) { return it.second < kFewestAtLevel; });
  learned.kind = LearnedSlowing::Kind::same_level;
  if (levels.empty()) return learned;
  learned.highest = static_cast<std::uint32_t>(levels.rbegin()->first);
  if (levels.size() < kFewestLevels) return learned;

  Judge judge(runs);
  const double flat = judge.deviation({1, 0});
  double least = flat;
  std::vector<std::pair<std::int64_t, double>> knees;
  for (std::int64_t beyond = levels.begin()->first; beyond < levels.rbegin()->first; ++beyond) {
    const auto [deviation, by] = best_slope(judge, beyond);
    knees.emplace_back(beyond, deviation);
    if (deviation < least) {
      least = deviation;
      learned.slowing = {beyond, by};
    }
  }
  const auto count = static_cast<double>(runs.size());
  constexpr double kMargin = 6, kLeastSlowdown = 0.1, kClear = 1;
  const double worst =
      learned.slowing.by * static_cast<double>(learned.highest - learned.slowing.beyond);
  const bool found =
      count * std::log(flat / least) > std::log(count) + kMargin && worst >= kLeastSlowdown;
  // Where the levels lie too far apart, many knees explain the same.
  const bool unclear = std::ranges::any_of(knees, [&](const auto& it) {
    return std::abs(it.first - learned.slowing.beyond) > 1 &&
           count * std::log(it.second / least) < kClear;
  });
  learned.kind = !found    ? LearnedSlowing::Kind::flat
                 : unclear ? LearnedSlowing::Kind::same_level
                           : LearnedSlowing::Kind::found;
  if (learned.kind != LearnedSlowing::Kind::found) learned.slowing = {};
  return learned;
}

}  // namespace interlock::history
