#include "engine/conditions.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "base/text.h"
#include "condition/expression.h"

// Tasks that are skipped because they are not needed.
namespace interlock::engine {

namespace {

using ReadBlob = std::function<Result<std::string>(const Digest&)>;

/// Of a task that is done in rounds the last that was, else itself.
TaskId last_round(const plan::Plan& plan, const RunState& run, TaskId id) {
  const auto& loop = plan[id].loop;
  if (!loop || run[id].state == TaskState::done) return id;
  const std::vector<TaskId>& rounds = plan.loops[*loop].rounds;
  // Rounds end as soon as one was enough, so that most plans have places that were not used.
  const auto last = std::find_if(rounds.rbegin(), rounds.rend(),
                                 [&](TaskId round) { return run[round].state == TaskState::done; });
  return last == rounds.rend() ? id : *last;
}

/// What a task gave, as a condition sees it: null where there is nothing.
Result<json::value> output_of(const plan::Task& task, const TaskRecord& record,
                              const ReadBlob& blob) {
  if (record.state != TaskState::done || !record.output) return json::value(nullptr);
  auto bytes = blob(*record.output);
  if (!bytes) return std::unexpected(bytes.error());
  if (task.output.form != plan::OutputSpec::Form::json) {
    // A command ends its line; whoever compares with a word did not mean that.
    while (bytes->ends_with('\n')) bytes->pop_back();
    return json::value(*bytes);
  }
  auto parsed = parse_json(*bytes);
  if (parsed) return parsed;
  // Judging has let nothing else pass, so this is of a journal that was changed.
  return fail(Error::Kind::invalid, fmt::format("the output of `{}` is not JSON", task.id));
}

/// What stands in the parentheses that `text` begins with, quoted texts with theirs left alone.
std::string_view first_group(std::string_view text) {
  int depth = 0;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '\'' || c == '"') {
      quote = c;
    } else if (c == '(') {
      ++depth;
    } else if (c == ')' && --depth == 0) {
      return text.substr(1, i - 1);
    }
  }
  return {};
}

/// The condition of a round behind the first: `not (UNTIL)` for each round before, and then its own
/// in parentheses, where it has one (plan/loops.cc).
struct RoundCondition {
  std::string_view until, own;
  std::size_t before = 0;  ///< Rounds. None: it is no such condition.
};

RoundCondition round_condition(const plan::Plan& plan, const plan::Task& task) {
  constexpr std::string_view kNot = "not ", kAnd = " and ";
  // Written by hand it may look alike, but only rounds have a loop.
  if (!task.loop || !task.when.starts_with(kNot)) return {};
  const auto& rounds = plan.loops[*task.loop].rounds;
  const auto here = std::ranges::find(rounds, task.id, [&](TaskId one) { return plan[one].id; });
  RoundCondition made;
  std::string_view rest = task.when;
  for (auto round = rounds.begin(); round != here && round != rounds.end(); ++round) {
    if (!rest.starts_with(kNot)) return {};
    made.until = first_group(rest.substr(kNot.size()));
    ++made.before;
    rest.remove_prefix(std::min(rest.size(), kNot.size() + made.until.size() + 2));
    if (rest.starts_with(kAnd)) rest.remove_prefix(kAnd.size());
  }
  made.own = first_group(rest);
  return made;
}

/// Of a round that is left out because one before was enough: which, and what held there.
std::string why_enough(const RunState& run, const plan::Plan& plan, const plan::Task& task,
                       const RoundCondition& rounds, const ReadBlob& blob) {
  condition::Mistake mistake;
  const auto until = condition::Expression::parse(std::string(rounds.until), {}, mistake);
  if (!until) return {};
  const std::size_t asked = until->references().size();
  for (std::size_t round = 0; round < rounds.before; ++round) {
    // A condition that was written otherwise is told as it stands.
    if ((round + 1) * asked > task.when_inputs.size()) return {};
    const auto holds = until->holds([&](std::size_t i) -> Result<json::value> {
      const plan::ConditionInput& input = task.when_inputs[round * asked + i];
      const TaskRecord& record = run[input.task];
      if (input.is_outcome) return json::value(name_of(record.state));
      auto whole = output_of(plan[input.task], record, blob);
      if (!whole) return whole;
      return condition::member_at(*whole, until->references()[i].steps, input.steps);
    });
    if (!holds) return {};
    if (*holds)
      return fmt::format("round {} was enough: `{}` holds", round + 1, printable(rounds.until));
  }
  return {};
}

/// What a condition was told of one of its references.
struct SeenValue {
  std::size_t begin = 0;  ///< Where the reference stands in the condition.
  std::string reference;
  TaskId task;
  std::string value;
};

/// ` in round 2`, where other rounds were asked for the same; else empty.
std::string round_text(const plan::Plan& plan, const std::vector<SeenValue>& seen,
                       const SeenValue& one) {
  const auto is_other_round = [&](const SeenValue& other) {
    return other.reference == one.reference && other.task != one.task;
  };
  const auto& loop = plan[one.task].loop;
  if (!loop || std::ranges::none_of(seen, is_other_round)) return {};
  const auto& rounds = plan.loops[*loop].rounds;
  return fmt::format(" in round {}", std::ranges::find(rounds, one.task) - rounds.begin() + 1);
}

/// ``: `outputs.review.left` is 0``; empty: nothing was asked for. Each once, for a
/// condition may name the same value twice.
std::string seen_text(const plan::Plan& plan, const std::vector<SeenValue>& seen) {
  std::vector<std::string> words;
  for (const SeenValue& one : seen) {
    std::string said =
        fmt::format("`{}` is {}{}", one.reference, one.value, round_text(plan, seen, one));
    if (std::ranges::find(words, said) == words.end()) words.push_back(std::move(said));
  }
  return words.empty() ? "" : ": " + join_words(words, 4);
}

Result<std::string> why_condition_fails(const plan::Plan& plan, const RunState& run, TaskId id,
                                        const ReadBlob& blob) {
  const plan::Task& task = plan[id];
  condition::Mistake mistake;
  // Parsed anew each time: a plan of a million tasks keeps texts alone.
  const auto expression = condition::Expression::parse(task.when, {}, mistake);
  if (!expression || expression->references().size() != task.when_inputs.size())
    return fail(Error::Kind::invalid, "it is not the one that was read");
  std::vector<SeenValue> seen;
  const auto holds = expression->holds([&](std::size_t i) -> Result<json::value> {
    const plan::ConditionInput& input = task.when_inputs[i];
    const condition::Reference& reference = expression->references()[i];
    // In rounds of its own a task looks at one round; for others the last place stands for all.
    const TaskId seen_task =
        task.loop || task.must_hold ? input.task : last_round(plan, run, input.task);
    const TaskRecord& record = run[seen_task];
    json::value value(name_of(record.state));
    if (!input.is_outcome) {
      auto whole = output_of(plan[seen_task], record, blob);
      if (!whole) return whole;
      value = condition::member_at(*whole, reference.steps, input.steps);
    }
    seen.push_back({reference.begin, expression->text().substr(reference.begin, reference.length),
                    seen_task, condition::shown(value)});
    return value;
  });
  if (!holds) return std::unexpected(holds.error());
  if (*holds) return std::string();
  const RoundCondition rounds = round_condition(plan, task);
  if (std::string enough = why_enough(run, plan, task, rounds, blob); !enough.empty())
    return enough;
  if (rounds.own.empty())
    return fmt::format("its condition `{}` does not hold{}", printable(task.when),
                       seen_text(plan, seen));
  // That none of the rounds before was enough holds: what it asks for itself does not.
  const auto own = static_cast<std::size_t>(rounds.own.data() - task.when.data());
  std::erase_if(seen, [&](const SeenValue& one) { return one.begin < own; });
  return fmt::format("its condition `{}` does not hold{}", printable(rounds.own),
                     seen_text(plan, seen));
}

}  // namespace

Result<std::string> why_unneeded(const plan::Plan& plan, const RunState& run, TaskId id,
                                 const ReadBlob& blob) {
  const plan::Task& task = plan[id];
  // The scheduler lets it go on when one of them is over; whether any was needed is asked here.
  for (const auto& group : task.any_of) {
    const bool none =
        std::ranges::all_of(group, [&](TaskId other) { return run[other].is_unneeded(); });
    if (none) return std::string("none of those of which it needs one was needed");
  }
  const auto is_unneeded = [&](TaskId other) {
    return run[last_round(plan, run, other)].is_unneeded();
  };
  const auto missing = std::ranges::find_if(task.output_of, is_unneeded);
  // Who joins outputs joins those there are.
  const bool takes_what_is_there =
      task.coordinates && !std::ranges::all_of(task.output_of, is_unneeded);
  if (missing != task.output_of.end() && !takes_what_is_there)
    return fmt::format("it takes the output of `{}`, which was not needed", plan[*missing].id);
  // Last, as it may read outputs of any size.
  if (task.when.empty()) return std::string();
  return why_condition_fails(plan, run, id, blob);
}

bool can_be_judged(const plan::Plan& plan, const RunState& run, TaskId id) {
  const plan::Task& task = plan[id];
  return run[id].state == TaskState::waiting &&
         // Of a need that failed there is nothing to ask: it is skipped for that.
         std::ranges::all_of(task.needs, [&](TaskId one) { return run[one].went_well(); }) &&
         std::ranges::all_of(task.after,
                             [&](TaskId one) { return run[one].state >= TaskState::done; });
}

bool is_unused_place(const plan::Plan& plan, const RunState& run, TaskId id) {
  const auto& family = plan[id].family;
  if (!family) return false;
  if (run[id].unneeded == kNoSuchItem) return true;
  // Before its items are known, the first stands for all.
  const TaskId first = plan.families[*family].first;
  return id != first && !run.expanded.contains(first);
}

void Conditions::grow(const plan::Plan& plan) {
  for (; known_ < plan.tasks.size(); ++known_) {
    const TaskId id(known_);
    const plan::Task& task = plan[id];
    const bool may_lack_output = std::ranges::any_of(
        task.output_of, [&](TaskId other) { return may_be_unneeded_.contains(other); });
    // Nearly all tasks of nearly all plans: they cost nothing here.
    if (task.when.empty() && task.any_of.empty() && !may_lack_output && !task.judge_of) continue;
    // Whoever takes its output may be unneeded because of it; plan order brings those later.
    may_be_unneeded_.insert(id);
    open_.insert(id);
    for (const auto* others : {&task.needs, &task.after}) {
      for (const TaskId other : *others) asking_[other].push_back(id);
    }
  }
}

void Conditions::note_over(TaskId task) {
  // Only those that asked: not all of a plan with each end of a task.
  if (const auto found = asking_.find(task); found != asking_.end())
    open_.insert(found->second.begin(), found->second.end());
}

}  // namespace interlock::engine
