#include "decide/breakeven.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "base/text.h"
#include "decide/forecast.h"
#include "decide/host_bounds.h"
#include "decide/shown_id.h"
#include "decide/speculation.h"
#include "decide/verdicts.h"
#include "decide/words.h"

namespace interlock::decide {
namespace {

constexpr std::uint32_t kTasks[] = {2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 20};
constexpr std::uint32_t kWidths[] = {2, 3, 4, 5, 6, 8, 10, 12, 16};

/// What all tasks are taken to be like.
struct Model {
  plan::Plan plan;  ///< With one task.
  Expected expected;
  double p_conflict = 0;  ///< Of any two.
  Options options;        ///< The host, and what was learned.

  /// Whether it is known what a task keeps of the host's processors.
  bool knows_processors() const { return expected.machine.cores && options.host.processors; }
};

TaskId median_task(const plan::Plan& plan, const std::vector<Expected>& expected) {
  std::vector<TaskId> tasks(plan.tasks.size());
  for (std::size_t i = 0; i < tasks.size(); ++i) tasks[i] = TaskId(i);
  // A coordinator comes once, however many there are.
  std::vector<TaskId> workers = tasks;
  std::erase_if(workers, [&](TaskId task) { return plan[task].coordinates.has_value(); });
  if (!workers.empty()) tasks = std::move(workers);
  std::ranges::stable_sort(tasks, {}, [&](TaskId task) { return expected[task.index()].time; });
  return tasks[tasks.size() / 2];
}

Model model_of(const plan::Plan& plan, const std::vector<Expected>& expected, TaskId like,
               const Options& options) {
  Model model{plan, expected[like.index()], 0, options};
  plan::Task task = plan[like];
  std::vector<Verdict> verdicts = verdicts_of(plan);
  price_joining(plan, expected, verdicts);
  task.join = verdicts[like.index()].join;
  if (is_caught(task) && task.estimate.conflicts) model.p_conflict = *task.estimate.conflicts;
  task.needs.clear();
  task.output_of.clear();
  task.gate_before = task.gate_after = false;
  task.footprint = {};
  task.coordinates.reset();
  // Locks would make the tasks wait for each other: then there is no question.
  std::erase_if(task.uses, [&](const plan::Use& use) {
    return plan.resources[use.resource.index()].kind == plan::Resource::Kind::lock;
  });
  model.plan.tasks = {std::move(task)};
  model.plan.merges.clear();
  model.plan.limits.gate_every.reset();
  return model;
}

/// `n` such tasks at once, as the forecaster wants them.
class Crowd {
 public:
  Crowd(const Model& model, std::uint32_t n) : plan_(model.plan), expected_(n, model.expected) {
    plan_.tasks.assign(n, model.plan.tasks.front());
    std::vector<Risk> risks;
    for (std::uint32_t j = 0; model.p_conflict > 0 && j < n; ++j) {
      for (std::uint32_t i = 0; i < j; ++i)
        risks.push_back({TaskId(i), TaskId(j), model.p_conflict});
    }
    verdicts_ = verdicts_of(plan_);
    problem_ = problem_of(plan_, {}, expected_, verdicts_);
    share_processors(plan_, expected_, model.options, problem_);
    draws_.emplace(plan_, expected_, risks, kFewerDraws);
    forecaster_.emplace(problem_, plan_.limits, expected_, verdicts_, *draws_);
  }
  Range sequential() const { return forecaster_->range(1, true, {}); }
  Range at_once(std::uint32_t width) const {
    return forecaster_->range(width, false, forecaster_->critical_path());
  }

 private:
  plan::Plan plan_;
  std::vector<Expected> expected_;
  std::vector<Verdict> verdicts_;
  schedule::Problem problem_;
  std::optional<Draws> draws_;
  std::optional<Forecaster> forecaster_;
};

Duration takes(const Range& range) { return range.mean + range.join; }

Crossings sweep(const Model& model) {
  Crossings found;
  for (const std::uint32_t n : kTasks) {
    const Crowd crowd(model, n);
    SweepPoint point{.tasks = n,
                     .sequential = crowd.sequential(),
                     .at_once = crowd.at_once(n),
                     .queue = {},
                     .queue_of = 1};
    point.queue = point.sequential;
    for (const std::uint32_t width : kWidths) {
      if (width >= n) break;
      const Range range = crowd.at_once(width);
      if (takes(range) < takes(point.queue)) point.queue = range, point.queue_of = width;
    }
    const Duration one_by_one = takes(point.sequential);
    const Duration least = std::min(takes(point.queue), takes(point.at_once));
    const Duration asked = std::max(model.plan.limits.min_saving, one_by_one / 10);
    if (!found.pays_from && one_by_one - least >= asked) found.pays_from = n;
    const bool queue_wins =
        point.queue_of > 1 && takes(point.queue) < takes(point.at_once) * 98 / 100;
    if (!found.queue_from && queue_wins) {
      found.queue_from = n;
      found.queue_of = point.queue_of;
    }
    found.points.push_back(point);
  }
  return found;
}

/// Changes one assumption after the other.
class Variations {
 public:
  Variations(const Model& model, const Crossings& base) : model_(model), base_(base) {}

  std::vector<Sensitivity> all() {
    times();
    failures();
    joins();
    conflicts();
    slowing();
    processors();
    quotas();
    tax();
    std::ranges::stable_sort(made_, std::ranges::greater(), [&](const Sensitivity& it) {
      return std::pair(moved(it.crossings), std::max(it.factor, 1 / it.factor));
    });
    return std::move(made_);
  }

 private:
  template <typename Change>
  void add(std::string assumption, std::string value, Change change) {
    Model changed = model_;
    change(changed);
    Sensitivity made{std::move(assumption), std::move(value), sweep(changed), 1};
    made.factor = to_seconds(made.crossings.points.back().least()) /
                  std::max(1e-6, to_seconds(base_.points.back().least()));
    made_.push_back(std::move(made));
  }

  /// How far the crossings move; one that comes or goes moves most.
  int moved(const Crossings& to) const {
    const auto far = [](std::optional<std::uint32_t> a, std::optional<std::uint32_t> b) {
      if (a.has_value() != b.has_value()) return 100;
      return a ? std::abs(static_cast<int>(*a) - static_cast<int>(*b)) : 0;
    };
    return far(to.pays_from, base_.pays_from) + far(to.queue_from, base_.queue_from);
  }

  void times() {
    const auto scaled = [&](int times, int over, const char* word) {
      const Duration time = model_.expected.time * times / over;
      add("task time", fmt::format("{} ({})", word, show_time_taken(time)),
          [&](Model& it) { it.expected.time = time; });
    };
    scaled(1, 4, "a quarter");
    scaled(4, 1, "four times");
    add("how sure the times are", "exact", [](Model& it) { it.expected.spread = 0; });
    add("how sure the times are", "a factor of four",
        [](Model& it) { it.expected.spread = 2 * kPriorSpread; });
  }
  void failures() {
    add("failing attempts", "20 %", [](Model& it) {
      it.expected.p_failure = 0.2;
      it.plan.tasks.front().retries = std::max(it.plan.tasks.front().retries, 3);
    });
  }
  void joins() {
    const Duration now = *model_.plan.tasks.front().join;
    const Duration other = now == Duration::zero() ? model_.expected.time / 3 : Duration::zero();
    add("joining an output by hand", show_time_taken(other),
        [&](Model& it) { it.plan.tasks.front().join = other; });
  }
  void conflicts() {
    add("two tasks meet", fmt::format("{:.0f} %", kPriorConflict * 100),
        [](Model& it) { it.p_conflict = kPriorConflict; });
  }
  void slowing() {
    const auto with = [&](std::int64_t beyond, double by) {
      add("slowing", fmt::format("beyond {} by {} %", beyond, 100 * by), [&](Model& it) {
        it.plan.agents[it.plan.tasks.front().agent.index()].slowing = plan::Slowing{beyond, by};
        for (plan::Resource& resource : it.plan.resources) resource.slowing.reset();
      });
    };
    with(3, 1);
    with(4, 0.5);
    with(3, 0.1);
  }
  void processors() {
    if (!model_.knows_processors()) return;
    for (const double times : {0.5, 2.0}) {
      const double count = *model_.options.host.processors * times;
      add("the host", say_processors(count),
          [&](Model& it) { it.options.host.processors = count; });
    }
  }
  void quotas() {
    for (const plan::Use& use : model_.plan.tasks.front().uses) {
      const plan::Resource& resource = model_.plan.resources[use.resource.index()];
      if (resource.kind != plan::Resource::Kind::quota) continue;
      for (const auto& [word, times] : {std::pair("half", 1), std::pair("twice", 4)}) {
        add(fmt::format("quota `{}`", resource.name), word, [&, times = times](Model& it) {
          plan::QuotaRates& rates = it.plan.resources[use.resource.index()].rates;
          for (auto* rate :
               {&rates.requests, &rates.input_tokens, &rates.output_tokens, &rates.usd}) {
            if (*rate) (*rate)->amount = std::max<std::int64_t>((*rate)->amount * times / 2, 1);
          }
        });
      }
    }
  }
  void tax() {
    if (model_.expected.overhead_tokens.value_or(0) == 0) return;
    add("dispatch tax", "three times as many tokens", [](Model& it) {
      it.expected.overhead_tokens = 3 * *it.expected.overhead_tokens;
      it.expected.overhead_from = From::history;  // Drawn from quotas as if it was measured.
    });
  }

  const Model& model_;
  const Crossings& base_;
  std::vector<Sensitivity> made_;
};

/// Why a queue is better from some number on, as far as the model knows.
std::string why_queue(const Model& model) {
  const plan::Task& task = model.plan.tasks.front();
  for (const plan::Use& use : task.uses) {
    const plan::Resource& resource = model.plan.resources[use.resource.index()];
    if (resource.slowing)
      return fmt::format("what uses `{}` slows beyond {} at once", resource.name,
                         resource.slowing->beyond);
  }
  const plan::Agent& agent = model.plan.agents[task.agent.index()];
  if (agent.slowing)
    return fmt::format("tasks of `{}` slow each other beyond {} at once", agent.name,
                       agent.slowing->beyond);
  if (model.knows_processors())
    return fmt::format("more only share the {}", say_processors(*model.options.host.processors));
  return "of how the draws fall";
}

std::string sentence_of(const Model& model, const Breakeven& it) {
  const std::string like =
      fmt::format("tasks like `{}` ({})", it.like, show_time_taken(it.expected.time));
  std::string text = it.crossings.pays_from ? fmt::format("Overlapping {} pays from {} on", like,
                                                          *it.crossings.pays_from)
                                            : fmt::format("Overlapping {} does not pay, up to {}",
                                                          like, kTasks[std::size(kTasks) - 1]);
  if (it.crossings.queue_from) {
    text += fmt::format("; a queue of {} is better than all at once from {} on, because {}",
                        it.crossings.queue_of, *it.crossings.queue_from, why_queue(model));
  } else {
    text += fmt::format("; a queue is never better than all at once, up to {}",
                        kTasks[std::size(kTasks) - 1]);
  }
  if (!it.not_measured.empty())
    text +=
        fmt::format("; never measured: {}", join_words(it.not_measured, it.not_measured.size()));
  return text + ".";
}

std::vector<std::string> not_measured(const Model& model) {
  std::vector<std::string> missing;
  const plan::Task& task = model.plan.tasks.front();
  const bool slowing_known =
      model.plan.agents[task.agent.index()].slowing ||
      std::ranges::any_of(task.uses, [&](const plan::Use& use) {
        return model.plan.resources[use.resource.index()].slowing.has_value();
      });
  const bool knows_sharing =
      model.plan.agents[task.agent.index()].kind == plan::AgentKind::command &&
      model.knows_processors();
  if (!slowing_known && !knows_sharing) missing.emplace_back("how they slow each other");
  if (model.expected.time_from == From::prior) missing.emplace_back("how long one takes");
  if (!model.expected.p_failure) missing.emplace_back("how often one fails");
  return missing;
}

}  // namespace

Duration SweepPoint::least() const {
  return std::min(
      {sequential.mean + sequential.join, at_once.mean + at_once.join, queue.mean + queue.join});
}

Breakeven breakeven(const plan::Plan& plan, const std::vector<Expected>& expected,
                    const Options& options) {
  Breakeven it;
  const TaskId like = median_task(plan, expected);
  const Model model = model_of(plan, expected, like, options);
  it.like = shown_id(plan, like);
  it.expected = model.expected;
  it.join = *model.plan.tasks.front().join;
  it.crossings = sweep(model);
  it.sensitivities = Variations(model, it.crossings).all();
  it.not_measured = not_measured(model);
  it.sentence = sentence_of(model, it);
  return it;
}

}  // namespace interlock::decide
