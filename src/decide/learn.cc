#include "decide/learn.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>
#include <utility>

#include "decide/contention.h"
#include "history/estimate.h"

namespace interlock::decide {
namespace {

using history::Estimate;
using history::Observation;
using history::Sample;
using Measurements = History::Measurements;

constexpr double kLeastTime = 1;  ///< Microseconds; of tokens and costs one each.

/// An attempt in a snapshot that overlapped with others.
struct Overlap {
  double others = 0;  ///< Of those that could be in its way.
  bool met = false;
};

/// The odds of one pair that make the attempts that met as many as they were.
std::optional<double> odds_of_two(const std::vector<Overlap>& overlaps) {
  if (overlaps.empty()) return std::nullopt;
  const auto met = static_cast<double>(std::ranges::count(overlaps, true, &Overlap::met));
  double low = 0, high = 1;
  for (int i = 0; i < 30; ++i) {
    const double p = (low + high) / 2;
    double expected = 0;
    for (const Overlap& it : overlaps) expected += 1 - std::pow(1 - p, it.others);
    (expected < met ? low : high) = p;
  }
  return (low + high) / 2;
}

/// The measurements of one key.
struct Group {
  std::vector<Observation> times, tokens, outputs, costs, spawns, returns, joins, waits, startups;
  std::vector<Observation> cores, peaks, sizes;
  std::set<std::string> join_runs;
  double tried = 0, failed = 0, cached = 0, inputs = 0;
  std::vector<Overlap> overlaps;
  std::uint32_t tries = 0;
  std::uint32_t used = 0;  ///< Attempts that say what they took of their machine.
  bool asks = false;       ///< A model.

  /// `overlapped`: with how many others in snapshots of its run.
  void add(const Sample& sample, double weight, std::size_t overlapped) {
    asks |= !sample.account.empty();
    // Of two that overlap only the later one, in plan order, is done again.
    if (sample.met && overlapped > 0)
      overlaps.push_back({static_cast<double>(overlapped) / 2, *sample.met});
    if (sample.join) {
      put(joins, sample.join->count(), weight);
      join_runs.insert(sample.run.empty() ? fmt::format("{}", joins.size()) : sample.run);
    }
    add_use(sample, weight);
    const history::Verdict verdict = history::verdict_on(sample.outcome);
    if (verdict != history::Verdict::neither) {
      ++tries;
      tried += weight;
      if (verdict == history::Verdict::failed) failed += weight;
    }
    if (verdict == history::Verdict::succeeded) add_success(sample, weight);
  }

 private:
  static void put(std::vector<Observation>& into, std::int64_t value, double weight) {
    into.push_back({static_cast<double>(value), weight});
  }

  /// However it ended: it took that much at least.
  void add_use(const Sample& sample, double weight) {
    const bool timed = sample.cpu_time && sample.elapsed && *sample.elapsed > Duration::zero();
    if (timed)
      cores.push_back({to_seconds(*sample.cpu_time) / to_seconds(*sample.elapsed), weight});
    if (sample.memory_peak_bytes) put(peaks, *sample.memory_peak_bytes, weight);
    if (timed || sample.memory_peak_bytes) ++used;
  }

  void add_tax(const Sample& sample, double weight) {
    if (!sample.spawn_tokens || !sample.return_tokens) return;
    put(spawns, *sample.spawn_tokens, weight);
    put(returns, *sample.return_tokens, weight);
  }

  void add_success(const Sample& sample, double weight) {
    const Usage& usage = sample.usage;
    add_tax(sample, weight);
    // What a calibration asks for is no task.
    if (sample.origin == Sample::Origin::calibration) return;
    if (sample.elapsed) put(times, sample.elapsed->count(), weight);
    if (sample.size > 0) put(sizes, sample.size, weight);
    if (auto all = total_tokens(usage)) {
      if (sample.spawn_tokens && sample.return_tokens)
        all = std::max<Tokens>(0, *all - *sample.spawn_tokens - *sample.return_tokens);
      put(tokens, *all, weight);
    }
    // Of runs of earlier formats that are gone only the sum is known, and stands as input.
    const bool is_sum = sample.origin == Sample::Origin::run && sample.run.empty();
    if (usage.output && !is_sum) put(outputs, *usage.output, weight);
    if (usage.cost) put(costs, *usage.cost, weight);
    if (sample.startup) put(startups, sample.startup->count(), weight);
    if (!sample.account.empty()) put(waits, sample.waits.calls_quota.count(), weight);
    if (usage.input && usage.cache_read && !is_sum) {
      cached += weight * static_cast<double>(*usage.cache_read);
      inputs += weight * static_cast<double>(*usage.input + *usage.cache_read +
                                             usage.cache_write.value_or(0));
    }
  }
};

std::optional<std::int64_t> median(const std::vector<Observation>& observations) {
  // Nothing stays nothing: a logarithm would make one of it.
  const auto none = [](const Observation& it) { return it.value <= 0; };
  if (!observations.empty() && std::ranges::count_if(observations, none) * 2 >
                                   static_cast<std::ptrdiff_t>(observations.size()))
    return 0;
  const auto it = history::estimate(observations, 1);
  return it ? std::optional(std::llround(it->median)) : std::nullopt;
}

/// More than most attempts took: those that had to share the processors kept fewer of them busy
/// than they would have; and of memory what is now and then not enough is not enough.
MachineUse use_of(const Group& group) {
  constexpr double kMostOfCores = 0.75, kMostOfMemory = 0.9;
  MachineUse use;
  use.cores = history::quantile(group.cores, kMostOfCores);
  if (const auto peak = history::quantile(group.peaks, kMostOfMemory))
    use.memory_bytes = std::llround(*peak);
  use.attempts = group.used;
  return use;
}

/// What a group's estimates are drawn towards.
struct Kin {
  double median = 0;
  double between = 1;
};

Measurements measured_of(const Group& group, const std::optional<Kin>& kin,
                         double failures_elsewhere) {
  constexpr std::uint32_t kFewestTries = 3;
  Measurements measurements;
  if (const auto time = history::estimate(group.times, kLeastTime)) {
    const double middle =
        kin ? history::drawn_towards(*time, kin->median, kin->between) : time->median;
    measurements.time = Duration(std::llround(middle));
    measurements.count = time->count;
    if (time->count > 1) measurements.spread = time->spread;
  }
  measurements.tokens = median(group.tokens);
  measurements.output_tokens = median(group.outputs);
  measurements.cost = median(group.costs);
  measurements.spawn_tokens = median(group.spawns);
  measurements.return_tokens = median(group.returns);
  if (const auto join = median(group.joins))
    measurements.join =
        Joining{Duration(*join), static_cast<std::uint32_t>(group.join_runs.size())};
  measurements.machine = use_of(group);
  if (const auto waited = median(group.waits)) measurements.waited = Duration(*waited);
  if (const auto startup = median(group.startups)) measurements.startup = Duration(*startup);
  measurements.p_conflict = odds_of_two(group.overlaps);
  measurements.tried = group.tries;
  if (group.tries >= kFewestTries)
    measurements.failures = group.failed > 0 || failures_elsewhere > 0
                                ? history::rate(group.failed, group.tried, failures_elsewhere)
                                : 0;
  if (group.inputs > 0) measurements.cached = group.cached / group.inputs;
  return measurements;
}

using Groups = std::map<std::string, Group>;

/// The medians of the groups of tasks under each kin, by its key.
std::map<std::string, Kin> kin_of(const Groups& tasks,
                                  const std::function<std::string(const std::string&)>& key_of,
                                  std::size_t fewest) {
  std::map<std::string, std::vector<double>> medians;
  for (const auto& [key, group] : tasks) {
    if (const auto time = history::estimate(group.times, kLeastTime))
      medians[key_of(key)].push_back(time->median);
  }
  std::map<std::string, Kin> kin;
  for (auto& [key, all] : medians) {
    if (all.size() < fewest) continue;
    std::vector<Observation> observations;
    for (const double it : all) observations.push_back({it, 1});
    kin[key] = {history::estimate(observations, kLeastTime)->median,
                history::variance_between(all)};
  }
  return kin;
}

std::string agent_key(const Sample& it) { return it.agent + "\n" + it.model; }

std::string behind(const std::string& key, std::size_t parts) {
  std::size_t at = 0;
  for (; parts > 0; --parts) at = key.find('\n', at) + 1;
  return key.substr(at);
}

/// How what tasks of an agent take grows with their prompts, by agent. `everywhere`: tasks under
/// workspace, id and agent.
void learn_growths(const Groups& everywhere, History& made) {
  std::map<std::string, std::vector<history::Sized>> times, tokens;
  for (const auto& [key, group] : everywhere) {
    const auto size = static_cast<double>(median(group.sizes).value_or(0));
    const std::string agent = behind(key, 2);
    times[agent].push_back({size, static_cast<double>(median(group.times).value_or(0))});
    tokens[agent].push_back({size, static_cast<double>(median(group.tokens).value_or(0))});
  }
  const auto learn_each = [](auto& seen, auto& into) {
    for (auto& [agent, all] : seen) {
      if (const auto growth = history::learn_growth(std::move(all))) into[agent] = *growth;
    }
  };
  learn_each(times, made.times_by_size);
  learn_each(tokens, made.tokens_by_size);
}

/// Of agents that join outputs, in any workspace.
std::optional<Coordinating> coordinating_of(const std::vector<Sample>& samples, Time newest) {
  std::vector<Observation> times, tokens;
  for (const Sample& it : samples) {
    const bool counts = history::verdict_on(it.outcome) == history::Verdict::succeeded;
    if (!counts || !it.joined || *it.joined <= 0 || !it.elapsed) continue;
    const auto parts = static_cast<double>(*it.joined);
    const double weight = history::weight_of_age(newest - it.at);
    times.push_back({static_cast<double>(it.elapsed->count()) / parts, weight});
    if (const auto all = total_tokens(it.usage))
      tokens.push_back({static_cast<double>(*all) / parts, weight});
  }
  const auto each = median(times);
  if (!each) return std::nullopt;
  return Coordinating{Duration(*each), median(tokens), static_cast<std::uint32_t>(times.size())};
}

}  // namespace

History learn(const std::vector<Sample>& samples, const std::vector<history::Call>& calls,
              const std::string& workspace, const SaidSlowings& said) {
  Time newest{};
  std::vector<Sample> good;
  for (const Sample& it : samples) {
    if (!history::fault_of(it).empty()) continue;
    newest = std::max(newest, it.at);
    good.push_back(it);
  }
  History made;
  made.slowings = slowings_of(good, calls);
  const std::vector<std::size_t> overlapped = overlaps_of(good);
  take_out_the_others(good, made.slowings, said);
  made.coordinating = coordinating_of(good, newest);
  Groups everywhere, tasks, shapes, agents;
  Group people;
  std::map<std::string, std::string> shape_keys;  // By key of the task.
  for (std::size_t i = 0; i < good.size(); ++i) {
    const Sample& it = good[i];
    const double weight = history::weight_of_age(newest - it.at);
    if (it.agent == history::kPerson) {
      if (it.elapsed) people.joins.push_back({static_cast<double>(it.elapsed->count()), weight});
      continue;
    }
    const std::string agent = agent_key(it);
    agents[agent].add(it, weight, overlapped[i]);
    everywhere[it.workspace + "\n" + it.task + "\n" + agent].add(it, weight, overlapped[i]);
    if (it.workspace != workspace || it.task.empty()) continue;
    const std::string key = it.task + "\n" + agent;
    tasks[key].add(it, weight, overlapped[i]);
    if (it.shape.empty() || it.shape == it.task) continue;
    shape_keys[key] = it.shape + "\n" + agent;
    shapes[shape_keys[key]].add(it, weight, overlapped[i]);
  }

  constexpr std::size_t kFewestOfShape = 2, kFewestOfAgent = 3;
  const auto shape_kin = kin_of(
      tasks,
      [&](const std::string& key) {
        const auto found = shape_keys.find(key);
        return found == shape_keys.end() ? "\n" + key : found->second;
      },
      kFewestOfShape);
  const auto agent_kin =
      kin_of(everywhere, [](const std::string& key) { return behind(key, 2); }, kFewestOfAgent);
  const auto find = [](const auto& map, const std::string& key) {
    const auto found = map.find(key);
    return found == map.end() ? std::nullopt : std::optional(found->second);
  };
  // One command that fails says nothing of another.
  const auto failures_of = [&](const std::string& key) {
    const Group& it = agents[key];
    return it.failed > 0 && it.asks ? history::rate(it.failed, it.tried, 0) : 0;
  };

  for (const auto& [key, group] : agents) made.by_agent[key] = measured_of(group, {}, 0);
  for (const auto& [key, group] : shapes)
    made.by_shape[key] = measured_of(group, {}, failures_of(behind(key, 1)));
  for (const auto& [key, group] : tasks) {
    std::optional<Kin> kin;
    if (const auto shape = shape_keys.find(key); shape != shape_keys.end())
      kin = find(shape_kin, shape->second);
    if (!kin) kin = find(agent_kin, behind(key, 1));
    made.by_task[key] = measured_of(group, kin, failures_of(behind(key, 1)));
  }
  learn_growths(everywhere, made);
  if (const auto answer = median(people.joins)) {
    made.answer = Duration(*answer);
    made.answers = static_cast<std::uint32_t>(people.joins.size());
  }
  return made;
}

std::string shape_of(const plan::Task& task) {
  if (task.item.empty()) return task.id;
  const std::string& path = task.item;
  const std::size_t slash = path.rfind('/');
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  const std::size_t dot = name.rfind('.');
  const std::string stem = dot == std::string::npos || dot == 0 ? name : name.substr(0, dot);
  for (const std::string& part : {path, name, stem}) {
    const std::size_t at = task.id.find(part);
    if (part.empty() || at == std::string::npos) continue;
    return task.id.substr(0, at) + "*" + task.id.substr(at + part.size());
  }
  return task.id;
}

}  // namespace interlock::decide
