// How good the decisions are beside rules that need no thought.
//
//   decision_bench [PLANS OF EACH FAMILY]
//
// Plans of some families, of which the plan says all that decides but how long its tasks take:
// their times are the estimates times a lognormal factor of two. Each rule is played in the same
// world by the scheduler that runs plans, joining included. Regret: the time it took over that of
// the best of all widths up to the cap and of one by one, with the order of the critical path.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <optional>
#include <string>
#include <vector>

#include "decide/decision.h"
#include "decide/host_bounds.h"
#include "decide/verdicts.h"
#include "plan/read.h"
#include "workspace/local_files.h"

namespace {

using namespace interlock;

/// SplitMix64 (Steele, Lea & Flood 2014).
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15 + 1) {}
  double unit() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return (static_cast<double>((z ^ (z >> 31)) >> 11) + 0.5) * 0x1.0p-53;
  }
  int from(int least, int most) {
    return least + static_cast<int>(unit() * static_cast<double>(most - least + 1));
  }
  double normal() {
    return std::sqrt(-2 * std::log(unit())) * std::cos(2 * std::numbers::pi * unit());
  }
  /// Lognormal about `median`, in milliseconds.
  int milliseconds(double median, double spread) {
    return static_cast<int>(1000 * std::clamp(median * std::exp(spread * normal()), 1.0, 900.0));
  }

 private:
  std::uint64_t state_;
};

std::string head(Dice& dice, const std::string& limits = {}) {
  static constexpr int kCaps[] = {4, 4, 8, 16};
  return fmt::format("interlock: 1\nname: made\nlimits: {{parallel: {}{}}}\n",
                     kCaps[dice.from(0, 3)], limits);
}
std::string task(int i, int time, const std::string& more) {
  return fmt::format(
      "  - {{id: t{0}, run: ['true'], writes: [out/{0}], estimate: {{time: {1}ms}}{2}}}\n", i, time,
      more);
}

std::string independent(Dice& dice) {
  std::string text = head(dice) + "tasks:\n";
  for (int i = 0, n = dice.from(2, 30); i < n; ++i) text += task(i, dice.milliseconds(40, 0.8), "");
  return text;
}
std::string layers(Dice& dice) {
  std::string text = head(dice) + "tasks:\n";
  for (int i = 0, n = dice.from(6, 40); i < n; ++i) {
    const std::string need =
        i < 3 ? "" : fmt::format(", needs: [t{}, t{}]", i - 1 - dice.from(1, 2), i - 1);
    text += task(i, dice.milliseconds(20, 1), dice.unit() < 0.5 ? need : "");
  }
  return text;
}
std::string quota(Dice& dice) {
  std::string text = head(dice) + fmt::format(
                                      "resources: {{api: {{kind: quota, requests: {}/min}}}}\n"
                                      "tasks:\n",
                                      dice.from(4, 30));
  for (int i = 0, n = dice.from(5, 30); i < n; ++i)
    text += task(i, dice.milliseconds(30, 0.5), ", uses: [api]");
  return text;
}
std::string slots(Dice& dice) {
  std::string text = head(dice) + "resources: {gpu: {kind: slots, capacity: 3}}\ntasks:\n";
  for (int i = 0, n = dice.from(8, 30); i < n; ++i)
    text += task(i, dice.milliseconds(40, 0.8),
                 dice.unit() < 0.6 ? fmt::format(", uses: {{gpu: {}}}", dice.from(1, 3)) : "");
  return text;
}
std::string slowing(Dice& dice) {
  static constexpr double kBy[] = {0.15, 0.35, 0.6, 1, 1.5};
  std::string text =
      head(dice) + fmt::format(
                       "agents: {{sh: {{kind: command, slowing: {{beyond: {}, by: {}}}}}}}\n"
                       "defaults: {{agent: sh}}\ntasks:\n",
                       dice.from(1, 4), kBy[dice.from(0, 4)]);
  for (int i = 0, n = dice.from(3, 20); i < n; ++i) text += task(i, dice.milliseconds(60, 0.5), "");
  return text;
}
std::string prose(Dice& dice) {
  std::string text = head(dice) + fmt::format(
                                      "agents: {{m: {{kind: command, run: ['true']}}}}\n"
                                      "defaults: {{agent: m, join: {}s}}\ntasks:\n",
                                      dice.from(2, 60));
  for (int i = 0, n = dice.from(3, 20); i < n; ++i)
    text += fmt::format(
        "  - {{id: t{}, prompt: look, reads: [], writes: [], estimate: {{time: {}ms}}}}\n", i,
        dice.milliseconds(60, 0.7));
  return text;
}
std::string gates(Dice& dice) {
  std::string text = head(dice, fmt::format(", gate_every: {}, answer: {}s", dice.from(3, 6),
                                            dice.from(30, 200))) +
                     "tasks:\n";
  for (int i = 0, n = dice.from(5, 20); i < n; ++i) text += task(i, dice.milliseconds(60, 0.6), "");
  return text;
}

std::string views(Dice& dice) {
  static constexpr int kOdds[] = {5, 15, 30, 50};
  std::string text = head(dice, ", speculate: true") + "tasks:\n";
  const int odds = kOdds[dice.from(0, 3)];
  for (int i = 0, n = dice.from(4, 14); i < n; ++i)
    text += fmt::format(
        "  - {{id: t{0}, run: ['true'], writes: ['src/**'], isolation: view, estimate: "
        "{{time: {1}ms, conflicts: {2}%}}}}\n",
        i, dice.milliseconds(70, 0.6), odds);
  return text;
}

/// A plan, its world, and what each way takes there.
class Case {
 public:
  /// `processors`: of the host, which the tasks are known to keep busy.
  Case(plan::Plan plan, Dice& dice, std::optional<double> processors)
      : plan_(std::move(plan)),
        interlocking_(plan::interlocking_of(plan_)),
        expected_(decide::expect(plan_, {})),
        overlapping_(
            decide::decide(plan_, interlocking_, expected_, {.pattern = decide::Pattern::parallel})
                .speculation) {
    options_.host.processors = processors;
    for (decide::Expected& it : expected_) {
      if (processors) it.machine = {.cores = 0.2 + 1.8 * dice.unit(), .attempts = 5};
    }
    for (const decide::Risk& risk : overlapping_.risks)
      world_.conflicts.push_back({risk.before, risk.after, dice.unit() < risk.p});
    for (const decide::Expected& it : expected_) {
      const double factor = std::exp(std::numbers::ln2 * dice.normal());
      world_.fates.push_back(
          {.takes = Duration(std::llround(static_cast<double>(it.time.count()) * factor)),
           .failures = {}});
    }
    if (plan_.limits.answer) {
      for (std::size_t i = 0; i < plan_.tasks.size(); ++i) {
        const double factor = std::exp(std::numbers::ln2 * dice.normal());
        world_.reviews.push_back(
            Duration(std::llround(static_cast<double>(plan_.limits.answer->count()) * factor)));
      }
    }
  }

  std::uint32_t cap() const {
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(
        plan_.limits.parallel, 1, static_cast<std::int64_t>(plan_.tasks.size())));
  }
  double one_by_one() const {
    return played(decide::verdicts_of(plan_), interlocking_, 1, true, {});
  }
  double at_most(std::uint32_t n) const {
    return played(decide::verdicts_of(plan_), overlapping_.waits, std::min(n, cap()), false, {});
  }
  double decided() const {
    const decide::Decision it = decide::decide(plan_, interlocking_, expected_, options_);
    return played(it.verdicts, it.speculation.waits, it.policy.parallel, it.policy.plan_order,
                  it.priorities);
  }

 private:
  double played(const std::vector<decide::Verdict>& verdicts, const footprint::Interlocking& waits,
                std::uint32_t n, bool plan_order,
                const std::vector<std::int64_t>& priorities) const {
    schedule::Problem problem = decide::problem_of(plan_, waits, expected_, verdicts);
    decide::share_processors(plan_, expected_, options_, problem);
    schedule::Policy policy{
        .parallel = n, .plan_order = plan_order, .gate_every = {}, .on_failure = {}};
    if (plan_.limits.gate_every)
      policy.gate_every = static_cast<std::uint32_t>(*plan_.limits.gate_every);
    const schedule::Timeline timeline =
        schedule::Simulator(problem, policy, priorities).play(world_);
    Duration join{};
    for (std::size_t i = 0; i < verdicts.size(); ++i) {
      if (timeline.overlapped[i]) join += verdicts[i].join;
    }
    return to_seconds(timeline.elapsed + join);
  }

  plan::Plan plan_;
  footprint::Interlocking interlocking_;
  std::vector<decide::Expected> expected_;
  decide::Options options_;
  decide::Speculation overlapping_;  ///< What is waited for where tasks in views overlap.
  schedule::World world_;
};

struct Rule {
  std::string name;
  double (*takes)(const Case&);
};

const Rule kRules[] = {
    {"decided", [](const Case& it) { return it.decided(); }},
    {"one by one", [](const Case& it) { return it.one_by_one(); }},
    {"all slots", [](const Case& it) { return it.at_most(it.cap()); }},
    {"four", [](const Case& it) { return it.at_most(4); }},
    {"queue(2)", [](const Case& it) { return it.at_most(2); }},
    {"queue(3)", [](const Case& it) { return it.at_most(3); }},
    {"queue(8)", [](const Case& it) { return it.at_most(8); }},
};

double best_of(const Case& it) {
  double best = it.one_by_one();
  for (std::uint32_t n = 1; n <= it.cap(); ++n) best = std::min(best, it.at_most(n));
  for (const Rule& rule : kRules) best = std::min(best, rule.takes(it));
  return best;
}

void measure(const std::string& family, std::string (*make)(Dice&), int plans,
             const std::vector<double>& processors = {}) {
  workspace::LocalFiles files;
  std::vector<double> mean(std::size(kRules)), worst(std::size(kRules));
  for (int k = 0; k < plans; ++k) {
    Dice dice(std::hash<std::string>{}(family) + static_cast<std::uint64_t>(k));
    const std::string text = make(dice);
    plan::ReadResult read = plan::read_plan(text, {.file = family, .folder = "."}, files);
    if (!read.problems.empty()) {
      fmt::print(stderr, "{}\n{}", text, plan::render(read.problems, family));
      std::exit(1);
    }
    std::optional<double> of_host;
    if (!processors.empty()) of_host = processors[static_cast<std::size_t>(k) % processors.size()];
    const Case it(std::move(read.plan), dice, of_host);
    const double best = best_of(it);
    for (std::size_t r = 0; r < std::size(kRules); ++r) {
      const double regret = kRules[r].takes(it) / best - 1;
      mean[r] += regret / plans;
      worst[r] = std::max(worst[r], regret);
    }
  }
  std::string row = fmt::format("{:<12}", family);
  for (std::size_t r = 0; r < std::size(kRules); ++r)
    row += fmt::format("{:>7.1f} {:>6.0f}", 100 * mean[r], 100 * worst[r]);
  fmt::print("{}\n", row);
}

}  // namespace

int main(int argc, char** argv) {
  const int plans = argc > 1 ? std::stoi(argv[1]) : 40;
  std::string head = fmt::format("{:<12}", "");
  for (const Rule& rule : kRules) head += fmt::format("{:>14}", rule.name);
  fmt::print("Regret in percent, mean and worst, {} plans of each family\n{}\n", plans, head);
  measure("independent", independent, plans);
  measure("layers", layers, plans);
  measure("quota", quota, plans);
  measure("slots", slots, plans);
  measure("slowing", slowing, plans);
  measure("prose", prose, plans);
  measure("gates", gates, plans);
  measure("views", views, plans);
  measure("processors", independent, plans, {1, 2, 4, 8});
}
