// What would have to change for more to overlap, the most valuable first.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/text.h"
#include "decide/explain.h"
#include "decide/shown_id.h"
#include "decide/speculation.h"
#include "decide/verdicts.h"
#include "decide/words.h"

namespace interlock::decide {
namespace {

using footprint::Edge;
using footprint::Why;

struct Change {
  std::string text;
  Duration gain{};
};

/// Where a forecast is cheap, every proposal is tried.
constexpr std::size_t kCheapTasks = 300;
constexpr std::size_t kMostTried = 24;
constexpr std::size_t kMostShown = 6;

class Proposals {
 public:
  Proposals(const Asked& asked, const schedule::Problem& problem, const Decision& decision)
      : asked_(asked), problem_(problem), decision_(decision), plan_(asked.plan) {}

  std::vector<std::string> best() {
    speculate();
    declare_footprints();
    give_form();
    part_conflicts();
    split_giants();
    raise_cap();
    add_capacity();
    const auto rest = changes_.begin() + (decision_.offer ? 1 : 0);
    std::stable_sort(rest, changes_.end(),
                     [](const Change& a, const Change& b) { return a.gain > b.gain; });
    ask_for_less();
    std::vector<std::string> texts;
    for (const Change& change : changes_) {
      if (texts.size() == kMostShown) break;
      const bool gains = change.gain > Duration::zero();
      texts.push_back(gains
                          ? fmt::format("{} (saves {})", change.text, show_time_taken(change.gain))
                          : change.text);
    }
    return texts;
  }

 private:
  /// Adds the proposal with what `change`, made to a copy of the problem, would gain.
  template <typename Make>
  void propose(std::string text, std::uint32_t slots, Make change) {
    Duration gain{};
    if (plan_.tasks.size() <= kCheapTasks && changes_.size() < kMostTried) {
      schedule::Problem changed = problem_;
      change(changed);
      gain = decision_.chosen().elapsed - played(changed, slots);
    }
    changes_.push_back({std::move(text), gain});
  }

  void ask_for_less() {
    const Saving& saving = decision_.saving;
    if (decision_.worthwhile.holds || saving.saved <= Duration::zero() ||
        saving.required != plan_.limits.min_saving)
      return;
    changes_.insert(changes_.begin(),
                    {fmt::format("saving {} is under the {} that `limits.min_saving` asks for: "
                                 "lower it, or ask with `--pattern parallel`",
                                 show_time_taken(saving.saved), show_time_taken(saving.required)),
                     {}});
  }

  void speculate() {
    if (!decision_.offer) return;
    const Offer& it = *decision_.offer;
    Range waste;
    waste.redone = it.redone;
    waste.wasted_tokens = it.wasted_tokens;
    changes_.push_back(
        {fmt::format(
             "`limits: {{speculate: true}}` would let {} start beside what {} might meet: {} on "
             "average instead of {}, with {:.1f} attempts done again{}",
             count_of(it.tasks, "task"), it.tasks == 1 ? "it" : "they", show_time_taken(it.mean),
             show_time_taken(it.instead), it.redone, say_waste(waste)),
         {}});
  }

  void declare_footprints() {
    const std::vector<TaskId> tasks =
        exclusive_where([&](TaskId task) { return touches_the_unknown(plan_[task]); });
    if (tasks.empty()) return;
    const bool one = tasks.size() == 1;
    propose(fmt::format("{} {} neither reads nor writes, so {} alone: declare them",
                        names_of(plan_, tasks), one ? "declares" : "declare",
                        one ? "it runs" : "each runs"),
            asked_.cap, [&](schedule::Problem& problem) { lift(problem, tasks); });
  }

  /// What that took before.
  std::string say_coordinating() const {
    const auto& it = asked_.options.coordinating;
    if (!it) return {};
    const std::string tokens =
        it->tokens ? fmt::format(" and {} tokens", show_count(*it->tokens)) : std::string();
    return fmt::format(" (agents took {}{} an output, from {})", show_time_taken(it->each), tokens,
                       count_of(it->attempts, "attempt"));
  }

  void give_form() {
    std::vector<TaskId> tasks;
    for (std::size_t i = 0; i < decision_.verdicts.size(); ++i) {
      if (decision_.verdicts[i].join > Duration::zero()) tasks.push_back(TaskId(i));
    }
    if (tasks.empty()) return;
    const bool one = tasks.size() == 1;
    propose(fmt::format("{} {} prose that nobody merges: give {} an output schema, or join {} with "
                        "a `with: agent` merge{}",
                        names_of(plan_, tasks), one ? "returns" : "return", one ? "it" : "each",
                        one ? "it" : "them", say_coordinating()),
            asked_.cap, [&](schedule::Problem& problem) { lift(problem, tasks); });
    if (changes_.back().gain > Duration::zero() || decision_.chosen().join > Duration::zero())
      changes_.back().gain += decision_.chosen().join;
  }

  /// One proposal for all that meet on the same thing in the same way.
  void part_conflicts() {
    std::map<std::pair<Why, std::string>, std::vector<const Edge*>> groups;
    for (const Edge& edge : asked_.interlocking.edges) {
      if (!footprint::is_said(edge.why) && edge.why != Why::unknown)
        groups[{edge.why, edge.on}].push_back(&edge);
    }
    for (const auto& [what, edges] : groups) {
      if (is_real(edges)) continue;
      propose(say_parting(edges), asked_.cap,
              [&](schedule::Problem& problem) { cut(problem, edges); });
    }
  }

  std::string say_parting(const std::vector<const Edge*>& edges) const {
    const Edge& first = *edges.front();
    std::vector<TaskId> tasks;
    for (const Edge* edge : edges) tasks.insert(tasks.end(), {edge->before, edge->after});
    std::ranges::sort(tasks);
    tasks.erase(std::ranges::unique(tasks).begin(), tasks.end());
    const std::string names = names_of(plan_, tasks);
    const std::string_view both = tasks.size() == 2 ? "both" : "all";
    switch (first.why) {
      case Why::write_write:
        return fmt::format("{} {} write `{}`: give each its own file{}", names, both, first.on,
                           tasks.size() > 2 ? ", and let a merge or one task join them" : "");
      case Why::lock:
        return fmt::format("{} {} use the lock `{}`: make it `slots` if it can serve more than one",
                           names, both, first.on);
      case Why::write_read:
        return fmt::format(
            "`{}` reads `{}`, which takes in what {}: if it does not need that, name "
            "the files that it reads",
            shown_id(plan_, first.after), first.on, say_writers(edges));
      default:
        return fmt::format(
            "{}: let it write elsewhere{}", say_edge(plan_, first),
            is_vague(plan_[first.before].footprint.reads)
                ? fmt::format(", or name the files that `{}` reads", shown_id(plan_, first.before))
                : "");
    }
  }

  static bool is_vague(const footprint::PatternSet& patterns) {
    return std::ranges::any_of(patterns.include,
                               [](const footprint::Glob& glob) { return !glob.is_literal(); });
  }

  /// Who reads what another writes needs it: no rewording makes them independent. Only a pattern
  /// from further above than the folder that is written to may take in what is not meant.
  bool is_real(const std::vector<const Edge*>& edges) const {
    if (edges.front()->why != Why::write_read) return false;
    const std::string& read = edges.front()->on;
    const std::size_t wild = read.find_first_of("*?[{");
    if (wild == std::string::npos) return true;
    const auto above =
        std::count(read.begin(), read.begin() + static_cast<std::ptrdiff_t>(wild), '/');
    return std::ranges::none_of(edges, [&](const Edge* edge) {
      return std::ranges::any_of(plan_[edge->before].footprint.writes.include,
                                 [&](const footprint::Glob& glob) {
                                   return std::ranges::count(glob.text(), '/') > above;
                                 });
    });
  }

  std::string say_writers(const std::vector<const Edge*>& edges) const {
    std::vector<TaskId> writers;
    for (const Edge* edge : edges) writers.push_back(edge->before);
    std::ranges::sort(writers);
    writers.erase(std::ranges::unique(writers).begin(), writers.end());
    return fmt::format("{} write{}", names_of(plan_, writers), writers.size() == 1 ? "s" : "");
  }

  /// At least twice the median task and a quarter of the whole, longest first.
  std::vector<TaskId> giants() const {
    constexpr std::size_t kMostSplit = 4;
    std::vector<Duration> times;
    for (const Expected& it : asked_.expected) times.push_back(it.time);
    const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
    std::ranges::nth_element(times, middle);
    std::vector<TaskId> found;
    for (std::size_t i = 0; i < plan_.tasks.size(); ++i) {
      const Duration time = asked_.expected[i].time;
      if (time >= *middle * 2 && time * 4 >= decision_.chosen().elapsed &&
          !plan_.tasks[i].coordinates)
        found.emplace_back(i);
    }
    std::ranges::stable_sort(found, std::ranges::greater(),
                             [&](TaskId task) { return asked_.expected[task.index()].time; });
    found.resize(std::min(found.size(), kMostSplit));
    return found;
  }

  /// In how many parts to cut the giant that gains most. A part takes as long as its share, and
  /// what waits for the task waits for all of them.
  void split_giants() {
    if (plan_.tasks.empty() || plan_.tasks.size() > kCheapTasks || asked_.cap < 2) return;
    const Duration whole = decision_.chosen().elapsed;
    Change best;
    for (const TaskId task : giants()) {
      for (const std::uint32_t parts : {2U, 3U, 4U}) {
        const schedule::Problem changed = split(problem_, task, parts);
        const Duration gain = whole - played(changed, asked_.cap);
        // One more part has to bring something.
        if (gain <= best.gain + whole / 20) continue;
        const Tokens tax = asked_.expected[task.index()].overhead_tokens.value_or(0) * (parts - 1);
        best = {
            fmt::format("`{}` takes {} of {}: cut it into {} tasks that touch different files{}",
                        shown_id(plan_, task), show_time_taken(asked_.expected[task.index()].time),
                        show_time_taken(whole), parts,
                        tax > 0 ? fmt::format(", for {} tokens of tax more", show_count(tax)) : ""),
            gain};
      }
    }
    if (!best.text.empty() && best.gain >= plan_.limits.min_saving)
      changes_.push_back(std::move(best));
  }

  static schedule::Problem split(const schedule::Problem& problem, TaskId task,
                                 std::uint32_t parts) {
    schedule::Problem made = problem;
    const auto at = static_cast<std::ptrdiff_t>(task.index());
    schedule::Job part = problem.jobs[task.index()];
    part.expected /= parts;
    for (schedule::Cost& draw : part.costs) {
      draw.input_tokens /= parts;
      draw.output_tokens /= parts;
      draw.usd /= parts;
    }
    made.jobs[task.index()] = part;
    made.jobs.insert(made.jobs.begin() + at, parts - 1, part);
    const auto moved = [&](TaskId old) {
      return TaskId(old.index() + (old.index() > task.index() ? parts - 1 : 0));
    };
    made.links.clear();
    for (const schedule::Link& link : problem.links) {
      const std::uint32_t from = link.before == task ? parts : 1,
                          to = link.after == task ? parts : 1;
      for (std::uint32_t i = 0; i < from; ++i) {
        for (std::uint32_t j = 0; j < to; ++j)
          made.links.push_back({TaskId(moved(link.before).index() + i),
                                TaskId(moved(link.after).index() + j), link.needs});
      }
    }
    std::ranges::sort(made.links, {}, [](const schedule::Link& link) {
      return std::pair(link.after, link.before);
    });
    return made;
  }

  static Duration played(const schedule::Problem& problem, std::uint32_t slots) {
    const schedule::Policy policy{
        .parallel = slots, .plan_order = false, .gate_every = {}, .on_failure = {}};
    return schedule::simulate(problem, policy, {}).elapsed;
  }

  void raise_cap() {
    if (!asked_.natural_width || *asked_.natural_width <= asked_.cap) return;
    propose(fmt::format("{} could run at once: raise `limits.parallel` from {}",
                        *asked_.natural_width, asked_.cap),
            *asked_.natural_width, [](schedule::Problem&) {});
  }

  void add_capacity() {
    for (std::size_t i = 0; i < plan_.resources.size(); ++i) {
      const plan::Resource& resource = plan_.resources[i];
      const bool limits =
          problem_.capacities[i] < schedule::kUnlimited || problem_.quotas[i].limits();
      if (!limits || decision_.parallel.elapsed <= decision_.saving.critical_path) continue;
      const std::size_t before = changes_.size();
      propose(fmt::format("`{}` holds tasks back: it would have to {}", resource.name,
                          resource.kind == plan::Resource::Kind::slots
                              ? fmt::format("have a capacity above {}", resource.capacity)
                              : "admit more at a time"),
              asked_.cap, [&](schedule::Problem& problem) {
                problem.capacities[i] = schedule::kUnlimited;
                problem.quotas[i] = {};
              });
      if (changes_[before].gain <= Duration::zero()) changes_.pop_back();
    }
  }

  template <typename Is>
  std::vector<TaskId> exclusive_where(Is is) const {
    std::vector<TaskId> tasks;
    for (std::size_t i = 0; i < decision_.verdicts.size(); ++i) {
      if (decision_.verdicts[i].exclusive && is(TaskId(i))) tasks.push_back(TaskId(i));
    }
    return tasks;
  }

  static void lift(schedule::Problem& problem, const std::vector<TaskId>& tasks) {
    for (const TaskId task : tasks) problem.jobs[task.index()].exclusive = false;
  }

  static void cut(schedule::Problem& problem, const std::vector<const Edge*>& edges) {
    std::erase_if(problem.links, [&](const schedule::Link& link) {
      return !link.needs && std::ranges::any_of(edges, [&](const Edge* edge) {
        return edge->before == link.before && edge->after == link.after;
      });
    });
  }

  const Asked& asked_;
  const schedule::Problem& problem_;
  const Decision& decision_;
  const plan::Plan& plan_;
  std::vector<Change> changes_;
};

}  // namespace

std::vector<std::string> changes_of(const Asked& asked, const schedule::Problem& problem,
                                    const Decision& decision) {
  return Proposals(asked, problem, decision).best();
}

}  // namespace interlock::decide
