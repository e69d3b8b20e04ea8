// Why the plan runs as it does, in sentences.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "base/text.h"
#include "decide/batches.h"
#include "decide/explain.h"
#include "decide/host_bounds.h"
#include "decide/shown_id.h"
#include "decide/speculation.h"
#include "decide/verdicts.h"
#include "decide/words.h"
#include "plan/keys.h"

namespace interlock::decide {
namespace {

std::string say_gain(const Decision& decision, const Forecast& forecast) {
  const Duration elapsed = forecast.elapsed + forecast.join;
  const std::string instead = fmt::format("{} instead of {}", show_time_taken(elapsed),
                                          show_time_taken(decision.sequential.elapsed));
  // What is done again is no part of the forecast where more tasks pass by each other than meet.
  if (decision.saving.conflict > Duration::zero()) {
    const Duration saved = decision.saving.saved;
    return saved > Duration::zero() ? fmt::format("{}; {} saved with what is done again", instead,
                                                  show_time_taken(saved))
                                    : instead;
  }
  const Duration gain = decision.sequential.elapsed - elapsed;
  return gain > Duration::zero() ? fmt::format("{}, {} saved", instead, show_time_taken(gain))
                                 : instead;
}

void add_options(const Asked& asked, const Decision& decision, std::vector<std::string>& reasons) {
  const Options& options = asked.options;
  if (!options.pattern) return;
  reasons.push_back(fmt::format("You asked for `--pattern {}`", name_of(*options.pattern)));
  if (*options.pattern == Pattern::sequential) return;
  if (decision.saving.merge > Duration::zero())
    reasons.push_back(fmt::format("The price: {}", decision.mergeable.why));
  if (!decision.worthwhile.holds)
    reasons.push_back(fmt::format("The price: {}", decision.worthwhile.why));
  const bool any_conflict = std::ranges::any_of(
      asked.interlocking.edges,
      [](const footprint::Edge& edge) { return !footprint::is_said(edge.why); });
  if (any_conflict)
    reasons.push_back("Proven conflicts stay: tasks that meet still wait for each other");
}

std::vector<std::string> failed_tests(const Decision& decision) {
  std::vector<std::string> failed;
  if (!decision.independent.holds) failed.push_back("not possible");
  if (!decision.mergeable.holds) failed.push_back("not mergeable");
  if (!decision.worthwhile.holds) failed.push_back("not worth it");
  return failed;
}

void add_pattern(const Asked& asked, const Decision& decision, std::vector<std::string>& reasons) {
  const std::size_t all = asked.plan.tasks.size();
  switch (decision.pattern) {
    case Pattern::sequential:
      if (asked.options.pattern) break;
      reasons.push_back(fmt::format("Tasks run one by one in plan order: overlapping is {}",
                                    join_words(failed_tests(decision))));
      break;
    case Pattern::parallel:
      reasons.push_back(fmt::format(
          "{} at once: {}",
          decision.n == all ? fmt::format("All {} run", count_of(all, "task"))
                            : fmt::format("Up to {} of {} run", decision.n, count_of(all, "task")),
          say_gain(decision, decision.parallel)));
      break;
    case Pattern::queue:
      reasons.push_back(fmt::format("At most {} of {} run at once: {}", decision.n,
                                    count_of(all, "task"), say_gain(decision, decision.queue)));
      break;
  }
}

/// Of what nobody wrote into the plan.
std::string say_learned(const Options& options, const std::string& name) {
  const auto found = options.learned.find(name);
  if (found == options.learned.end()) return {};
  const LearnedFrom& it = found->second;
  return fmt::format(" beyond {}, by {:.0f} % each (learned from {})", it.slowing.beyond,
                     100 * it.slowing.by, count_of(it.count, it.what));
}

/// Why it has fewer slots than it might.
void add_narrower(const Asked& asked, const Decision& decision, std::vector<std::string>& reasons) {
  const Narrower& it = decision.narrower;
  switch (it.why) {
    case Narrower::Why::nothing: break;
    case Narrower::Why::quota:
      reasons.push_back(fmt::format(
          "The quota `{}` admits no more: with {} slots instead of {} tasks would only wait for it",
          it.name, it.wider, decision.n));
      break;
    case Narrower::Why::slowing:
      reasons.push_back(fmt::format(
          "Tasks of `{}` slow each other{}: {} at once take {} on average, {} would take {}",
          it.name, say_learned(asked.options, it.name), decision.n, show_time_taken(it.mean),
          it.wider, show_time_taken(it.at_cap)));
      break;
    case Narrower::Why::processors:
      reasons.push_back(
          fmt::format("{}: {} at once take {} on average, {} would only share them ({})",
                      say_demand(asked.expected, asked.options.host.processors.value_or(1)),
                      decision.n, show_time_taken(it.mean), it.wider, show_time_taken(it.at_cap)));
      break;
    case Narrower::Why::conflict:
      reasons.push_back(fmt::format(
          "Tasks that meet are done again: {} at once take {} on average, {} would take {}",
          decision.n, show_time_taken(it.mean), it.wider, show_time_taken(it.at_cap)));
      break;
  }
}

/// `the largest took 2.1 GiB (from 12 attempts), and this host has 7.5 GiB to give`
std::string say_memory_bound(const MemoryBound& it) {
  return fmt::format("the largest takes {} (from {}), and this host has {} now",
                     say_memory(it.largest_bytes), count_of(it.attempts, "attempt"),
                     say_memory(it.free_bytes));
}

/// Why the cap is lower than the plan's.
void add_memory(const Asked& asked, const Decision& decision, std::vector<std::string>& reasons) {
  if (!decision.memory || asked.cap > decision.memory->at_once) return;
  reasons.push_back(fmt::format("Memory is there for {} at once: {}, of which a tenth stays free",
                                decision.memory->at_once, say_memory_bound(*decision.memory)));
}

/// Why it is a queue, and why it has as many slots as it has.
void add_queue(const Asked& asked, const Decision& decision, std::vector<std::string>& reasons) {
  if (decision.pattern != Pattern::queue) return;
  const bool by_memory = decision.memory && asked.cap <= decision.memory->at_once;
  if (!by_memory && asked.natural_width && *asked.natural_width > asked.cap) {
    reasons.push_back(fmt::format("{} could run at once, more than the {} that {} allows",
                                  *asked.natural_width, asked.cap,
                                  asked.options.parallel ? "`--parallel`" : "`limits.parallel`"));
  }
  if (decision.saving.quota > decision.saving.critical_path) {
    reasons.push_back(fmt::format(
        "The quotas admit the whole in {}, which is longer than the longest chain of tasks ({})",
        show_time_taken(decision.saving.quota), show_time_taken(decision.saving.critical_path)));
  }
  if (asked.plan.limits.gate_every) {
    reasons.push_back(fmt::format(
        "A person reviews after every {}",
        count_of(static_cast<std::size_t>(*asked.plan.limits.gate_every), "finished task")));
  }
  add_narrower(asked, decision, reasons);
}

void add_exclusive(const Asked& asked, const Decision& decision,
                   std::vector<std::string>& reasons) {
  constexpr std::size_t kMost = 4;
  std::size_t count = 0;
  std::string last;
  for (std::size_t i = 0; i < decision.verdicts.size(); ++i) {
    const Verdict& verdict = decision.verdicts[i];
    if (!verdict.exclusive) continue;
    const bool is_place = asked.plan.tasks[i].family.has_value();
    if (!is_place && ++count > kMost) continue;
    std::string text = fmt::format("`{}` runs alone, in plan order: {}",
                                   shown_id(asked.plan, TaskId(i)), verdict.why);
    // What holds of all places of a `foreach` is said once.
    if (is_place && (text == last || ++count > kMost)) continue;
    reasons.push_back(text);
    last = std::move(text);
  }
  if (count > kMost)
    reasons.push_back(
        fmt::format("{} more run alone for such reasons", count_of(count - kMost, "task")));
}

/// What all of these take, the tax of dispatching them included; nothing: not known of one.
std::optional<Tokens> tokens_of(const Asked& asked, const std::vector<TaskId>& tasks) {
  Tokens sum = 0;
  for (const TaskId task : tasks) {
    const Expected& it = asked.expected[task.index()];
    if (!it.tokens) return std::nullopt;
    sum += *it.tokens + it.overhead_tokens.value_or(0);
  }
  return sum;
}

/// What it costs that several do the same, and one counts.
void add_tries(const Asked& asked, std::vector<std::string>& reasons) {
  constexpr std::size_t kMost = 4;
  std::size_t count = 0;
  for (const plan::Task& task : asked.plan.tasks) {
    if (task.tries.empty() || ++count > kMost) continue;
    std::vector<TaskId> all = task.tries;
    if (task.judge) all.push_back(*task.judge);
    const auto tokens = tokens_of(asked, all);
    const auto one = tokens_of(asked, {task.tries.front()});
    std::string text =
        fmt::format("`{}` is tried {} times, and {} counts", task.id, task.tries.size(),
                    task.judge ? "the one its judge picks" : "the first that is good");
    if (!tokens || !one) {
      text += ": nobody knows what tokens that takes";
    } else if (*tokens > 0) {
      text +=
          fmt::format(": {} tokens, where one try takes {}", show_count(*tokens), show_count(*one));
    }
    reasons.push_back(std::move(text));
  }
  if (count > kMost)
    reasons.push_back(fmt::format("{} more have several tries", count_of(count - kMost, "task")));
}

/// `tasks` under `what`, for those that `is` picks.
template <typename Is>
std::vector<TaskId> tasks_where(const Asked& asked, Is is) {
  std::vector<TaskId> tasks;
  for (std::size_t i = 0; i < asked.expected.size(); ++i) {
    if (is(asked.expected[i], asked.plan.tasks[i])) tasks.push_back(TaskId(i));
  }
  return tasks;
}

/// The largest group of tasks that one agent could do in one go: the same agent and model, in the
/// same isolation, none that joins what others return.
std::vector<TaskId> like_tasks(const Asked& asked, const std::vector<TaskId>& of) {
  std::map<std::tuple<std::size_t, std::string, plan::Isolation>, std::vector<TaskId>> groups;
  for (const TaskId task : of) {
    const plan::Task& it = asked.plan[task];
    if (it.coordinates || it.try_of || it.judge_of || !it.output_of.empty()) continue;
    groups[{it.agent.index(), it.model, it.isolation}].push_back(task);
  }
  std::vector<TaskId> largest;
  for (auto& [key, tasks] : groups) {
    if (tasks.size() > largest.size()) largest = std::move(tasks);
  }
  return largest;
}

/// Whether `batch` would do that.
bool may_all_batch(const Asked& asked, const std::vector<TaskId>& tasks) {
  return std::ranges::all_of(
      tasks, [&](TaskId id) { return may_share_attempt(asked.plan, asked.plan[id]); });
}

void warn_of_tax(const Asked& asked, std::vector<std::string>& warnings) {
  const auto is_above_third = [](const Expected& it) {
    return it.tokens && it.overhead_tokens && *it.overhead_tokens > 0 &&
           *it.overhead_tokens * 2 > *it.tokens;
  };
  Tokens work = 0, tax = 0;
  for (const Expected& it : asked.expected) {
    if (!it.tokens || !it.overhead_tokens) continue;
    work += *it.tokens;
    tax += *it.overhead_tokens;
  }
  if (tax * 2 <= work) return;
  const std::vector<TaskId> dear =
      tasks_where(asked, [&](const Expected& it, const plan::Task&) { return is_above_third(it); });
  std::string text =
      fmt::format("The dispatch tax is {} of {} tokens ({} %)", show_count(tax),
                  show_count(work + tax), (100 * tax + (work + tax) / 2) / (work + tax));
  const std::vector<TaskId> alike = like_tasks(asked, dear);
  if (alike.size() > 1) {
    std::vector<Expected> each;
    for (const TaskId task : alike) each.push_back(asked.expected[task.index()]);
    std::ranges::sort(each, {}, &Expected::time);
    const Expected& usual = each[each.size() / 2];
    text += fmt::format(
        ": {} of {} pay {} of tax each: batch {} into fewer{}, or let one agent do "
        "them",
        count_of(alike.size(), "task"), show_time_taken(usual.time),
        show_count(*usual.overhead_tokens), names_of(asked.plan, alike),
        may_all_batch(asked, alike) ? " (`batch: auto`)" : "");
  } else if (dear.size() == 1) {
    text +=
        fmt::format(": most of it for `{}`, which is small", shown_id(asked.plan, dear.front()));
  }
  warnings.push_back(std::move(text));
}

/// Where nothing but what nobody said exactly keeps tasks apart.
void add_offer(const Decision& decision, std::vector<std::string>& reasons) {
  if (!decision.offer) return;
  const Offer& it = *decision.offer;
  Range waste;
  waste.redone = it.redone;
  waste.wasted_tokens = it.wasted_tokens;
  reasons.push_back(fmt::format(
      "Whether they really meet is not known: with `limits: {{speculate: true}}` {} on average "
      "instead of {}, {:.1f} attempts done again{}",
      show_time_taken(it.mean), show_time_taken(it.instead), it.redone, say_waste(waste)));
}

/// What sharing attempts saves and risks, or why none is shared.
void add_batches(const Asked& asked, const Decision& decision, std::vector<std::string>& reasons) {
  const Batching& it = decision.batching;
  if (it.asked == 0) return;
  std::size_t tasks = 0, largest = 0;
  for (const auto& batch : it.batches) {
    tasks += batch.size();
    largest = std::max(largest, batch.size());
  }
  const std::string rest =
      it.refused.empty() ? std::string()
                         : fmt::format("{} by {}: {}", count_of(it.asked - tasks, "task"),
                                       it.asked - tasks == 1 ? "itself" : "themselves", it.refused);
  if (it.batches.empty()) return reasons.push_back("No tasks share an attempt: " + it.refused);
  std::string text =
      fmt::format("{} share {} of up to {}: {} tokens of tax saved", count_of(tasks, "task"),
                  count_of(it.batches.size(), "attempt"), largest, show_count(it.saved));
  if (it.startup > Duration::zero())
    text += fmt::format(" and {} of starting agents", show_time_taken(it.startup));
  if (it.risk) {
    const bool is_stated = std::ranges::any_of(
        asked.expected, [](const Expected& one) { return one.p_failure.has_value(); });
    text +=
        fmt::format(", {} expected to be used again because one fails{}", show_count(*it.risk),
                    is_stated ? "" : fmt::format(" ({:.0f} % assumed)", 100 * kPriorBatchFailure));
  } else {
    text += ", what a failed one costs is not known";
  }
  if (!rest.empty() && it.asked > tasks) text += "; " + rest;
  reasons.push_back(std::move(text));
}

/// How many tasks come of an output nobody knows before it is there: the most that may is counted.
void add_places(const plan::Plan& plan, std::vector<std::string>& reasons) {
  constexpr std::size_t kMost = 3;
  for (std::size_t i = 0; i < plan.families.size() && i < kMost; ++i) {
    const plan::Family& family = plan.families[i];
    reasons.push_back(fmt::format(
        "`{}` is counted with {} that may come of the output of `{}`; how many do is known then",
        family.id,
        family.at_most == 1 ? "the one task" : fmt::format("all {} tasks", family.at_most),
        shown_id(plan, family.producer)));
  }
  if (plan.families.size() > kMost)
    reasons.push_back(
        fmt::format("So is every `foreach` over an output: {} more", plan.families.size() - kMost));
  for (std::size_t i = 0; i < plan.loops.size() && i < kMost; ++i)
    reasons.push_back(fmt::format("`{}` is counted with all its {} rounds", plan.loops[i].id,
                                  plan.loops[i].rounds.size()));
}

}  // namespace

std::vector<std::string> reasons_of(const Asked& asked, const Decision& decision) {
  std::vector<std::string> reasons;
  add_options(asked, decision, reasons);
  add_pattern(asked, decision, reasons);
  add_offer(decision, reasons);
  add_batches(asked, decision, reasons);
  add_tries(asked, reasons);
  add_memory(asked, decision, reasons);
  add_queue(asked, decision, reasons);
  for (std::string& line :
       say_speculation(asked.plan, decision.speculation, decision.chosen().range))
    reasons.push_back(std::move(line));
  if (decision.pattern != Pattern::sequential) add_exclusive(asked, decision, reasons);
  add_places(asked.plan, reasons);
  return reasons;
}

std::vector<std::string> warnings_of(const Asked& asked, const Decision& decision) {
  std::vector<std::string> warnings;
  if (decision.memory && asked.cap > decision.memory->at_once)
    warnings.push_back(fmt::format("{} at once may need more memory than there is: {}", asked.cap,
                                   say_memory_bound(*decision.memory)));
  if (decision.batching.batches.empty()) warn_of_tax(asked, warnings);
  for (const Duration prior : {kPriorAgentTime, kPriorCommandTime}) {
    const auto guessed = tasks_where(asked, [&](const Expected& it, const plan::Task&) {
      return it.time_from == From::prior && it.time == prior;
    });
    if (guessed.empty()) continue;
    warnings.push_back(fmt::format("{} {} no estimate and no history: {}{} is assumed",
                                   names_of(asked.plan, guessed),
                                   guessed.size() == 1 ? "has" : "have", show_time_taken(prior),
                                   guessed.size() == 1 ? "" : " each"));
  }
  const auto unmetered = tasks_where(asked, [&](const Expected& it, const plan::Task& task) {
    if (it.tokens) return false;  // Those are drawn.
    return std::ranges::any_of(task.uses, [&](const plan::Use& use) {
      const plan::QuotaRates& rates = asked.plan.resources[use.resource.index()].rates;
      return (rates.input_tokens && !use.input_tokens) ||
             (rates.output_tokens && !use.output_tokens);
    });
  });
  if (!unmetered.empty()) {
    warnings.push_back(
        fmt::format("{} {} a token quota without saying how much: the forecast counts none of it",
                    names_of(asked.plan, unmetered), unmetered.size() == 1 ? "uses" : "use"));
  }
  const bool none_is_joined = std::ranges::none_of(asked.plan.tasks, [](const plan::Task& task) {
    return is_caught(task) && task.id != plan::kRunCheck;
  });
  if (!asked.plan.drivers.empty() && none_is_joined)
    warnings.emplace_back("no merge driver is ever asked: no task works in a view or worktree");
  return warnings;
}

std::vector<std::string> left_out_of(const Asked& asked, const schedule::Problem& problem,
                                     const Decision& decision) {
  std::vector<std::string> lines;
  const plan::Plan& plan = asked.plan;
  const auto asks_model = [](const Expected& it) { return it.overhead_tokens.value_or(1) > 0; };
  bool unmeasured = false;
  for (std::size_t i = 0; i < problem.jobs.size(); ++i)
    unmeasured |= problem.jobs[i].slowing == schedule::kNotSlowed && asks_model(asked.expected[i]);
  if (decision.pattern != Pattern::sequential && unmeasured &&
      std::ranges::count_if(asked.expected, asks_model) > 1)
    lines.push_back("how calls at the same time slow each other (never measured)");
  const auto gates = std::ranges::count_if(
      plan.tasks, [](const plan::Task& task) { return task.gate_before || task.gate_after; });
  if (!plan.limits.answer && (gates > 0 || plan.limits.gate_every))
    lines.push_back("how long people take to answer (`limits.answer`)");
  const bool retries =
      std::ranges::any_of(plan.tasks, [](const plan::Task& it) { return it.retries > 0; });
  const bool no_failures = std::ranges::none_of(
      asked.expected, [](const Expected& it) { return it.p_failure.has_value(); });
  if (retries && no_failures) lines.push_back("attempts that fail and are made again");
  return lines;
}

}  // namespace interlock::decide
