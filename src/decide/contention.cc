#include "decide/contention.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <set>

namespace interlock::decide {

using history::Sample;

namespace {

/// Under what key, and by how much, others slowed a sample.
struct Slowed {
  std::string key;
  history::Slowing by;
};

std::optional<Slowed> slowed(const std::map<std::string, history::LearnedSlowing>& slowings,
                             const SaidSlowings& said, const Sample& it) {
  if (it.account.empty() && it.host.empty()) return std::nullopt;
  const std::string whose = it.account.empty() ? "host:" + it.host : it.account;
  if (const auto found = said.find(whose); found != said.end()) return Slowed{whose, found->second};
  const auto learned = [&](const auto& found) -> std::optional<Slowed> {
    if (found == slowings.end() || found->second.kind != history::LearnedSlowing::Kind::found)
      return std::nullopt;
    return Slowed{found->first, found->second.slowing};
  };
  const auto exact = slowings.find(whose + "\n" + (it.account.empty() ? "" : it.model));
  if (exact != slowings.end() || !it.model.empty()) return learned(exact);
  // The client chose its model itself.
  const auto first = slowings.lower_bound(whose + "\n");
  if (first == slowings.end() || !first->first.starts_with(whose + "\n")) return std::nullopt;
  return learned(first);
}

}  // namespace

std::map<std::string, history::LearnedSlowing> slowings_of(
    const std::vector<Sample>& samples, const std::vector<history::Call>& calls) {
  std::map<std::string, std::vector<history::Interval>> intervals;
  for (const history::Call& it : calls) {
    const auto size = static_cast<double>(it.output_tokens.value_or(0));
    intervals[it.account + "\n" + it.model].push_back({it.began, it.ended, "", size});
  }
  for (const Sample& it : samples) {
    if (!it.account.empty() || it.host.empty() || !it.elapsed) continue;
    const bool counts = history::verdict_on(it.outcome) == history::Verdict::succeeded;
    intervals["host:" + it.host + "\n"].push_back(
        {it.at - *it.elapsed, it.at, it.workspace + "\n" + it.task, counts ? 1.0 : 0.0});
  }
  constexpr std::ptrdiff_t kMost = 400;  // The newest: it grows with their number times the levels.
  std::map<std::string, history::LearnedSlowing> learned;
  for (auto& [key, all] : intervals) {
    std::ranges::sort(all, std::greater<>(), &history::Interval::ended);
    if (std::ssize(all) > kMost) all.erase(all.begin() + kMost, all.end());
    learned[key] = history::learn_slowing(all);
  }
  return learned;
}

std::vector<std::size_t> overlaps_of(const std::vector<Sample>& samples) {
  std::map<std::string, std::vector<std::size_t>> runs;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const Sample& it = samples[i];
    if (it.met && it.elapsed && !it.run.empty()) runs[it.workspace + "\n" + it.run].push_back(i);
  }
  std::vector<std::size_t> overlapped(samples.size());
  for (const auto& [run, members] : runs) {
    for (const std::size_t i : members) {
      const Sample& one = samples[i];
      std::set<std::string> others;
      for (const std::size_t j : members) {
        const Sample& it = samples[j];
        if (it.task != one.task && it.at > one.at - *one.elapsed && one.at > it.at - *it.elapsed)
          others.insert(it.task);
      }
      overlapped[i] = others.size();
    }
  }
  return overlapped;
}

void take_out_the_others(std::vector<Sample>& samples,
                         const std::map<std::string, history::LearnedSlowing>& slowings,
                         const SaidSlowings& said) {
  constexpr int kLeastPart =
      20;  // Waits of several calls at once may add up to more than there was.
  std::map<std::string, std::vector<history::Interval>> intervals;
  std::map<std::string, std::vector<std::size_t>> places;
  std::map<std::string, history::Slowing> by;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    Sample& it = samples[i];
    if (!it.elapsed) continue;
    it.elapsed = std::max(*it.elapsed - it.waits.calls_quota, *it.elapsed / kLeastPart);
    const auto slow = slowed(slowings, said, it);
    if (!slow) continue;
    intervals[slow->key].push_back({it.at - *it.elapsed, it.at, "", 1});
    places[slow->key].push_back(i);
    by[slow->key] = slow->by;
  }
  for (const auto& [key, all] : intervals) {
    const auto exclusive = history::work_of(all, by.at(key));
    for (std::size_t j = 0; j < exclusive.size(); ++j)
      samples[places[key][j]].elapsed = exclusive[j];
  }
}

}  // namespace interlock::decide
