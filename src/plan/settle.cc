// From names to tasks, and from document order to plan order.

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <unordered_map>

#include "base/check.h"
#include "plan/conditions.h"
#include "plan/id_index.h"
#include "plan/merge_fit.h"
#include "plan/order.h"
#include "plan/read_board.h"
#include "plan/tasks.h"

namespace interlock::plan {

namespace {

constexpr std::size_t kMostNeeds = 20'000'000;
/// A cycle longer than this is shown by its beginning.
constexpr std::size_t kMostShownOfCycle = 8;

bool is_output(const Task& task) { return task.output.form != OutputSpec::Form::exit_status; }

class Settling {
 public:
  Settling(Reading& reading, TaskList& list)
      : reading_(reading), list_(list), ids_(reading, list) {}

  void find_mentions();
  void find_conditions();
  void find_families();
  void bring_in_order();
  void find_merged(std::vector<MergeDraft>& merges);
  void note_empty(MergeDraft& draft);
  void finish(std::vector<MergeDraft> merges);

 private:
  /// As ConditionInput, before plan order is known.
  struct Looked {
    std::uint32_t task = 0;
    std::uint32_t steps = 1;
    bool is_outcome = false;
  };

  std::vector<std::uint32_t> named(const std::string& name, Span where, bool may_be_pattern);
  const LoopDraft* loop_named(std::string_view id) const {
    const auto found = std::ranges::find(list_.loops, id, &LoopDraft::id);
    return found == list_.loops.end() ? nullptr : &*found;
  }
  /// Of a loop, its last round.
  std::optional<std::uint32_t> last_named(std::string_view id) const {
    const LoopDraft* const loop = loop_named(id);
    return loop == nullptr ? ids_.find(id) : std::optional(loop->rounds.back());
  }
  bool excused(std::string_view name, bool pattern) const;
  void find_tries();
  /// A try, or the judge of some: others name the task whose they are.
  bool is_try(std::uint32_t task) const { return !hidden_.empty() && hidden_[task]; }
  void report_try(Span where, std::string_view name) {
    reading_.problems.add(
        where, fmt::format("{} is a try, which may not be the one that counts", quoted(name)),
        "name the task that has the tries");
  }
  bool too_many(Span where);
  void require_output(std::uint32_t task, Span where);
  void report_cycle(const std::vector<std::uint32_t>& cycle);
  void note_moves();
  void number(std::vector<std::uint32_t>& tasks, std::vector<TaskId>& into) const;
  void complete_prompt(const Merge& merge);

  Reading& reading_;
  TaskList& list_;
  IdIndex ids_;
  std::size_t total_ = 0;  ///< Needs and merged outputs, to bound them.
  NeedLists needs_, outputs_, after_;
  std::vector<bool> hidden_;  ///< Tries and their judges; empty: there are none.
  std::unordered_map<std::uint32_t, std::vector<Looked>> inputs_;  ///< Of conditions, by task.
  std::unordered_map<std::uint32_t, NeedLists> groups_;            ///< `any_of`, by task.
  std::vector<std::vector<std::uint32_t>> merged_;
  std::vector<std::uint32_t> sequence_;  ///< Plan order: document positions.
  std::vector<std::uint32_t> position_;  ///< The other way round.
};

/// A name is no mistake of its own where the task it may mean has one, or where a `foreach` found
/// nothing.
bool Settling::excused(std::string_view name, bool pattern) const {
  // Where so much is wrong, nobody misses one more.
  if (list_.wrong_ids.size() > Problems::kShown || list_.unmatched.size() > Problems::kShown)
    return true;
  const auto meant = [&](const std::string& id) { return may_name(id, name); };
  return std::ranges::any_of(list_.wrong_ids, meant) ||
         (pattern && std::ranges::any_of(list_.unmatched, meant, &Unmatched::id));
}

std::vector<std::uint32_t> Settling::named(const std::string& name, Span where,
                                           bool may_be_pattern) {
  if (!may_be_pattern || !is_pattern(name)) {
    if (const LoopDraft* const loop = loop_named(name)) {
      std::vector<std::uint32_t> all = loop->rounds;
      all.push_back(loop->until);
      return all;
    }
    if (const auto found = ids_.find(name)) return {*found};
    if (!excused(name, false))
      reading_.problems.add(where, fmt::format("no task {}", quoted(name)), ids_.hint(name));
    return {};
  }
  const auto pattern = footprint::Glob::parse(name);
  if (!pattern) {
    reading_.problems.add(where, pattern.error().message, pattern.error().hint);
    return {};
  }
  const auto& found = ids_.matching(*pattern);
  if (ids_.gave_up()) {
    reading_.problems.add(where, "too many patterns over too many ids",
                          "let patterns begin with letters: `summary-*`");
    return {};
  }
  // Which of its tasks will have such an id nobody knows yet: all of a family that may.
  std::vector<std::uint32_t> all = found;
  std::erase_if(all, [this](std::uint32_t task) { return is_try(task); });
  for (const FamilyDraft& draft : list_.families) {
    if (!may_name(draft.family.id, name)) continue;
    for (std::uint32_t i = 0; i < draft.family.at_most; ++i)
      all.push_back(draft.family.first.index() + i);
  }
  std::ranges::sort(all);
  all.erase(std::ranges::unique(all).begin(), all.end());
  if (all.empty() && !excused(name, true)) {
    reading_.problems.add(where, fmt::format("no task id matches {}", quoted(name)));
  }
  return all;
}

bool Settling::too_many(Span where) {
  if (++total_ <= kMostNeeds) return false;
  reading_.problems.add(
      where,
      fmt::format("the tasks need each other in more than {} million ways", kMostNeeds / 1'000'000),
      "let many tasks need one that needs the others");
  return true;
}

void Settling::require_output(std::uint32_t task, Span where) {
  if (is_output(list_.tasks[task])) return;
  reading_.problems.add(
      where,
      fmt::format("task {} gives no output but its exit status", quoted(list_.tasks[task].id)),
      "give it `output: text` or a schema");
}

void Settling::find_mentions() {
  needs_.resize(list_.tasks.size());
  after_.resize(list_.tasks.size());
  outputs_.resize(list_.tasks.size());
  find_tries();
  for (const auto& mention : list_.mentions) {
    const bool by_pattern = mention.may_be_pattern && is_pattern(mention.name);
    const auto one = by_pattern ? std::nullopt : ids_.find(mention.name);
    const auto several = one ? std::vector<std::uint32_t>()
                             : named(mention.name, mention.where, mention.may_be_pattern);
    for (const auto found : one ? std::span(&*one, 1) : std::span(several)) {
      if (found == mention.task && by_pattern) continue;
      if (is_try(found)) {
        report_try(mention.where, mention.name);
        continue;
      }
      if (found == mention.task) {
        reading_.problems.add(mention.where,
                              fmt::format("task {} needs itself", quoted(mention.name)));
        continue;
      }
      if (mention.any_of > 0) {
        auto& groups = groups_[mention.task];
        if (groups.size() < mention.any_of) groups.resize(mention.any_of);
        groups[mention.any_of - 1].push_back(found);
        after_[mention.task].push_back(found);
        continue;
      }
      // Of a loop, what its rounds gave; whether they were enough, one more says.
      const bool is_until = list_.tasks[found].must_hold;
      if (mention.of_output && !is_until) {
        require_output(found, mention.where);
        outputs_[mention.task].push_back(found);
      }
      needs_[mention.task].push_back(found);
      if (too_many(mention.where)) return;
    }
  }
  find_conditions();
  find_families();
  link_rounds(reading_, list_, after_);
  for (auto* lists : {&needs_, &outputs_, &after_}) {
    for (auto& each : *lists) {
      std::ranges::sort(each);
      each.erase(std::ranges::unique(each).begin(), each.end());
    }
  }
}

/// The judge looks at all of them once they have ended; the task at what it picked.
void Settling::find_tries() {
  if (!list_.tries.empty()) hidden_.resize(list_.tasks.size());
  for (const TriesDraft& draft : list_.tries) {
    for (const std::uint32_t one : draft.tries) {
      hidden_[one] = true;
      after_[draft.task].push_back(one);
      if (draft.judge) after_[*draft.judge].push_back(one);
    }
    if (!draft.judge) continue;
    hidden_[*draft.judge] = true;
    needs_[draft.task].push_back(*draft.judge);
  }
}

void Settling::find_conditions() {
  for (const auto& mention : list_.conditions) {
    const auto found =
        named_by(mention.reference, [this](std::string_view id) { return last_named(id); });
    const std::string id = shown_id(mention.reference);
    if (!found && !excused(id, false))
      reading_.problems.add(mention.where, fmt::format("no task {}", quoted(id)), ids_.hint(id));
    if (!found) continue;
    if (found->task == mention.task) {
      reading_.problems.add(mention.where,
                            fmt::format("the condition of task {} looks at itself", quoted(id)));
      continue;
    }
    if (is_try(found->task)) report_try(mention.where, id);
    check_input(reading_, mention, *found, list_.tasks[found->task]);
    inputs_[mention.task].push_back({found->task, found->steps, mention.reference.is_outcome});
    if (const LoopDraft* const loop = loop_named(shown_id(mention.reference)))
      needs_[mention.task].push_back(loop->until);
    if (too_many(mention.where)) return;
  }
  for (const auto& [task, inputs] : inputs_) divide_inputs(inputs, needs_[task], after_[task]);
}

/// All places of a family need the task whose output says what they are.
void Settling::find_families() {
  for (FamilyDraft& draft : list_.families) {
    const auto found =
        named_by(draft.reference, [this](std::string_view id) { return ids_.find(id); });
    const std::string id = shown_id(draft.reference);
    if (!found) {
      if (!excused(id, false))
        reading_.problems.add(draft.where, fmt::format("no task {}", quoted(id)), ids_.hint(id));
      continue;
    }
    const Family& family = draft.family;
    const Task& producer = list_.tasks[found->task];
    check_input(reading_, {family.first.index(), draft.reference, draft.where}, *found, producer);
    const auto& steps = draft.reference.steps;
    draft.family.producer = TaskId(found->task);
    draft.family.path = {steps.begin() + found->steps, steps.end()};
    for (std::uint32_t i = 0; i < family.at_most; ++i) {
      const std::uint32_t place = family.first.index() + i;
      if (place == found->task) {
        reading_.problems.add(draft.where, "its items would come of its own output");
        break;
      }
      needs_[place].push_back(found->task);
      if (too_many(draft.where)) return;
    }
  }
}

void Settling::report_cycle(const std::vector<std::uint32_t>& cycle) {
  std::string text;
  for (std::size_t at = 0; at < std::min(cycle.size(), kMostShownOfCycle); ++at) {
    const auto& task = list_.tasks[cycle[at]];
    text += fmt::format("{} (line {}) -> ", quoted(task.id), task.place.line);
  }
  if (cycle.size() > kMostShownOfCycle)
    text += fmt::format("{} more -> ", cycle.size() - kMostShownOfCycle);
  text += quoted(list_.tasks[cycle.front()].id);
  auto where = list_.id_spans[cycle.front()];
  for (const auto& mention : list_.mentions) {
    if (mention.task == cycle.front() && mention.name == list_.tasks[cycle[1]].id)
      where = mention.where;
  }
  reading_.problems.add(where, "tasks need each other in a circle: " + text,
                        "take one of these needs out");
}

void Settling::bring_in_order() {
  NeedLists with_after;
  const bool any_after =
      !inputs_.empty() || !groups_.empty() || !list_.tries.empty() || !reading_.plan.topics.empty();
  if (any_after) {
    with_after = needs_;
    for (std::size_t task = 0; task < with_after.size(); ++task)
      with_after[task].insert(with_after[task].end(), after_[task].begin(), after_[task].end());
  }
  auto order = order_of(any_after ? with_after : needs_);
  for (const auto& cycle : order.cycles) {
    if (reading_.problems.reported() > Problems::kShown) break;
    report_cycle(cycle);
  }
  sequence_ = std::move(order.sequence);
  position_.resize(sequence_.size());
  for (std::uint32_t at = 0; at < sequence_.size(); ++at) position_[sequence_[at]] = at;
  if (order.cycles.empty()) note_moves();
}

/// Tells that plan order is not the document's.
void Settling::note_moves() {
  std::size_t moved = 0;
  std::string first;
  for (std::uint32_t task = 0; task < needs_.size(); ++task) {
    const auto later = std::ranges::find_if(needs_[task], [&](auto need) { return need > task; });
    if (later == needs_[task].end()) continue;
    if (moved++ == 0) {
      first = fmt::format("{} needs {}, which stands after it", quoted(list_.tasks[task].id),
                          quoted(list_.tasks[*later].id));
    }
  }
  if (moved == 0) return;
  if (moved > 1) first += fmt::format(", and {} more tasks are like it", moved - 1);
  reading_.plan.notes.push_back(first + ": plan order puts needed tasks first");
}

void Settling::find_merged(std::vector<MergeDraft>& merges) {
  std::vector<std::string> families;
  for (const FamilyDraft& family : list_.families) families.push_back(family.family.id);
  MergeFit fit(std::move(families));
  for (auto& draft : merges) {
    auto& merged = merged_.emplace_back();
    const auto reported = reading_.problems.reported();
    for (const auto& item : draft.from) {
      for (const auto task : named(item.text, item.node.span(), true)) {
        if (list_.tasks[task].must_hold) continue;
        if (is_try(task)) report_try(item.node.span(), item.text);
        require_output(task, item.node.span());
        merged.push_back(task);
        if (too_many(item.node.span())) return;
      }
    }
    if (reading_.problems.reported() != reported || draft.from.empty()) continue;
    if (merged.empty()) {
      note_empty(draft);
      continue;
    }
    std::vector<const Task*> tasks;
    for (const auto task : merged) tasks.push_back(&list_.tasks[task]);
    if (auto misfit = fit.misfit(draft.merge, tasks)) {
      reading_.problems.add(draft.from.front().node.span(), std::move(misfit->message),
                            std::move(misfit->hint));
    }
  }
}

/// There is nothing to join, because no file is there for it: the result is empty, in the form it
/// would have.
void Settling::note_empty(MergeDraft& draft) {
  draft.merge.of_json = std::ranges::any_of(list_.unmatched, [&](const Unmatched& one) {
    return one.json && std::ranges::any_of(draft.from, [&](const Item& from) {
             return may_name(one.id, from.text);
           });
  });
  reading_.plan.notes.push_back(
      fmt::format("merge {} joins nothing, as no file is there for {}: its result is empty",
                  quoted(draft.merge.name), quoted(draft.from.front().text)));
}

/// Document positions become places in plan order, each once, sorted.
void Settling::number(std::vector<std::uint32_t>& tasks, std::vector<TaskId>& into) const {
  for (auto& task : tasks) task = position_[task];
  std::ranges::sort(tasks);
  tasks.erase(std::ranges::unique(tasks).begin(), tasks.end());
  into.reserve(tasks.size());
  for (const auto task : tasks) into.emplace_back(task);
}

void Settling::complete_prompt(const Merge& merge) {
  auto& task = reading_.plan.tasks[merge.coordinator->index()];
  std::string sections;
  for (const auto from : merge.from) {
    const auto& id = reading_.plan[from].id;
    sections += fmt::format("## {}\n\n{{outputs.{}}}\n\n", id, id);
  }
  while (sections.ends_with('\n')) sections.pop_back();
  const auto names = placeholders(task.prompt);
  if (std::ranges::find(names, "outputs") == names.end()) {
    task.prompt += "\n\n" + sections + "\n";
    return;
  }
  // Not `fill`: these sections hold placeholders that are still to be filled.
  task.prompt = replace_placeholder(task.prompt, "outputs", sections);
}

void Settling::finish(std::vector<MergeDraft> merges) {
  auto& plan = reading_.plan;
  // Most plans are written in plan order: their tasks stay where they are.
  if (std::ranges::is_sorted(sequence_)) {
    plan.tasks = std::move(list_.tasks);
  } else {
    plan.tasks.reserve(sequence_.size());
    for (const auto at : sequence_) plan.tasks.push_back(std::move(list_.tasks[at]));
  }
  for (std::size_t at = 0; at < sequence_.size(); ++at) {
    number(needs_[sequence_[at]], plan.tasks[at].needs);
    number(outputs_[sequence_[at]], plan.tasks[at].output_of);
    number(after_[sequence_[at]], plan.tasks[at].after);
    if (const auto groups = groups_.find(sequence_[at]); groups != groups_.end()) {
      for (auto& group : groups->second) number(group, plan.tasks[at].any_of.emplace_back());
    }
    const auto inputs = inputs_.find(sequence_[at]);
    if (inputs == inputs_.end()) continue;
    for (const Looked& one : inputs->second)
      plan.tasks[at].when_inputs.push_back(
          {TaskId(position_[one.task]), one.steps, one.is_outcome});
  }
  link_ordered(plan);
  for (const LoopDraft& draft : list_.loops) {
    Loop& loop = plan.loops.emplace_back(Loop{draft.id, {}});
    for (const std::uint32_t round : draft.rounds) {
      loop.rounds.emplace_back(position_[round]);
      plan.tasks[position_[round]].loop = static_cast<std::uint32_t>(plan.loops.size() - 1);
    }
  }
  for (const TriesDraft& draft : list_.tries) {
    const TaskId task(position_[draft.task]);
    for (const std::uint32_t one : draft.tries) {
      plan.tasks[task.index()].tries.emplace_back(position_[one]);
      plan.tasks[position_[one]].try_of = task;
    }
    if (!draft.judge) continue;
    plan.tasks[task.index()].judge = TaskId(position_[*draft.judge]);
    plan.tasks[position_[*draft.judge]].judge_of = task;
  }
  for (FamilyDraft& draft : list_.families) {
    Family& family = plan.families.emplace_back(std::move(draft.family));
    const std::uint32_t first = position_[family.first.index()];
    for (std::uint32_t i = 0; i < family.at_most; ++i)
      check(position_[family.first.index() + i] == first + i, "a family stands together");
    family.first = TaskId(first);
    family.producer = TaskId(position_[family.producer.index()]);
  }
  for (std::size_t at = 0; at < merges.size(); ++at) {
    auto& merge = plan.merges.emplace_back(std::move(merges[at].merge));
    number(merged_[at], merge.from);
    if (!merge.coordinator) continue;
    merge.coordinator = TaskId(position_[merge.coordinator->index()]);
    complete_prompt(merge);
  }
}

}  // namespace

bool names_nothing(const TaskList& list, const std::vector<Item>& names) {
  if (list.unmatched.empty()) return false;
  return std::ranges::all_of(names, [&](const Item& name) {
    const auto pattern = footprint::Glob::parse(name.text);
    const bool found = !pattern || std::ranges::any_of(list.tasks, [&](const Task& task) {
      return !task.coordinates && (task.id == name.text || pattern->matches(task.id));
    });
    return !found && std::ranges::any_of(list.unmatched, [&](const Unmatched& one) {
      return is_pattern(name.text) && may_name(one.id, name.text);
    });
  });
}

void settle(Reading& reading, TaskList list, std::vector<MergeDraft> merges) {
  Settling settling(reading, list);
  settling.find_mentions();
  settling.find_merged(merges);
  settling.bring_in_order();
  if (reading.problems.reported() == 0) settling.finish(std::move(merges));
}

}  // namespace interlock::plan
