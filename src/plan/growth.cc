#include "plan/growth.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "plan/conditions.h"
#include "plan/id_index.h"
#include "plan/keys.h"
#include "plan/read_board.h"
#include "plan/tasks.h"

namespace interlock::plan {

namespace {

/// Finds what the new tasks mention, among themselves and in the plan.
class NewNames {
 public:
  NewNames(Reading& reading, TaskList& list, const Plan& plan,
           const std::unordered_map<std::string, std::uint32_t>& known)
      : reading_(reading), list_(list), plan_(plan), known_(known) {}

  void check_ids();
  void find_mentions();

 private:
  std::vector<std::uint32_t> named(const Mention& mention);
  std::vector<std::uint32_t> matching(const Mention& mention);
  void link(const Mention& mention, std::uint32_t found);
  /// The task of that id, of the plan or added before `task`.
  std::optional<std::uint32_t> earlier(std::string_view id, std::uint32_t task) const {
    for (const auto* ids : {&known_, std::as_const(own_).empty() ? nullptr : &own_}) {
      if (ids == nullptr) continue;
      const auto found = ids->find(std::string(id));
      if (found != ids->end() && found->second < plan_.tasks.size() + task) return found->second;
    }
    return std::nullopt;
  }
  const Task& task(std::uint32_t index) const {
    const auto before = static_cast<std::uint32_t>(plan_.tasks.size());
    return index < before ? plan_.tasks[index] : list_.tasks[index - before];
  }

  Reading& reading_;
  TaskList& list_;
  const Plan& plan_;
  const std::unordered_map<std::string, std::uint32_t>& known_;
  std::unordered_map<std::string, std::uint32_t> own_;
};

void NewNames::check_ids() {
  for (std::uint32_t at = 0; at < list_.tasks.size(); ++at) {
    const std::string& id = list_.tasks[at].id;
    if (known_.contains(id)) {
      reading_.problems.add(list_.id_spans[at],
                            fmt::format("the plan has a task {} already", quoted(id)),
                            "give it another id");
    } else if (!own_.emplace(id, plan_.tasks.size() + at).second) {
      reading_.problems.add(list_.id_spans[at],
                            fmt::format("task id {} is given twice", quoted(id)));
    }
  }
}

std::vector<std::uint32_t> NewNames::matching(const Mention& mention) {
  const auto pattern = footprint::Glob::parse(mention.name);
  if (!pattern) {
    reading_.problems.add(mention.where, pattern.error().message, pattern.error().hint);
    return {};
  }
  std::vector<std::uint32_t> found;
  for (const auto* ids : {&known_, std::as_const(own_).empty() ? nullptr : &std::as_const(own_)}) {
    if (ids == nullptr) continue;
    for (const auto& [id, index] : *ids) {
      if (index < plan_.tasks.size() + mention.task && pattern->matches(id) && id != kRunCheck)
        found.push_back(index);
    }
  }
  if (found.empty())
    reading_.problems.add(mention.where,
                          fmt::format("no task id matches {}", quoted(mention.name)));
  return found;
}

std::vector<std::uint32_t> NewNames::named(const Mention& mention) {
  if (mention.may_be_pattern && is_pattern(mention.name)) return matching(mention);
  if (const auto found = known_.find(mention.name); found != known_.end()) return {found->second};
  if (const auto found = own_.find(mention.name); found != own_.end()) {
    if (found->second < plan_.tasks.size() + mention.task) return {found->second};
    reading_.problems.add(
        mention.where, fmt::format("task {} does not come before this one", quoted(mention.name)),
        "tasks that are added need earlier ones: put it first");
    return {};
  }
  std::vector<std::string> ids;
  for (const auto& [id, index] : known_) ids.push_back(id);
  for (const auto& [id, index] : own_) ids.push_back(id);
  std::ranges::sort(ids);
  reading_.problems.add(mention.where, fmt::format("no task {}", quoted(mention.name)),
                        did_you_mean(reading_, mention.name, ids));
  return {};
}

void NewNames::link(const Mention& mention, std::uint32_t found) {
  Task& own = list_.tasks[mention.task];
  if (mention.any_of > 0) {
    if (own.any_of.size() < mention.any_of) own.any_of.resize(mention.any_of);
    own.any_of[mention.any_of - 1].emplace_back(found);
    own.after.emplace_back(found);
    return;
  }
  if (mention.of_output) {
    if (task(found).output.form == OutputSpec::Form::exit_status) {
      reading_.problems.add(
          mention.where,
          fmt::format("task {} gives no output but its exit status", quoted(task(found).id)),
          "give it `output: text` or a schema");
      return;
    }
    own.output_of.emplace_back(found);
  }
  own.needs.emplace_back(found);
}

void NewNames::find_mentions() {
  for (const Mention& mention : list_.mentions) {
    for (const std::uint32_t found : named(mention)) link(mention, found);
  }
  for (const ConditionMention& mention : list_.conditions) {
    Task& own = list_.tasks[mention.task];
    const auto found =
        named_by(mention.reference, [&](std::string_view id) { return earlier(id, mention.task); });
    if (!found) {
      reading_.problems.add(
          mention.where, fmt::format("no task {} before it", quoted(shown_id(mention.reference))));
      continue;
    }
    check_input(reading_, mention, *found, task(found->task));
    own.when_inputs.push_back({TaskId(found->task), found->steps, mention.reference.is_outcome});
  }
  for (Task& one : list_.tasks) {
    divide_inputs(one.when_inputs, one.needs, one.after);
    for (auto* tasks : {&one.needs, &one.output_of, &one.after}) {
      std::ranges::sort(*tasks);
      tasks->erase(std::ranges::unique(*tasks).begin(), tasks->end());
    }
  }
}

}  // namespace

Growth::Growth(const Plan& plan) {
  by_id_.reserve(plan.tasks.size());
  for (std::uint32_t at = 0; at < plan.tasks.size(); ++at) by_id_.emplace(plan.tasks[at].id, at);
}

std::vector<Problem> Growth::add(std::string_view text, const ReadOptions& options, Files& files,
                                 Plan& plan) {
  const SourceText source(text);
  Problems problems(source, options.set);
  if (text.size() > Document::kMaxBytes || first_bad_utf8(text) || text.contains('\0')) {
    problems.add({0, 1}, "this is not a list of tasks: not UTF-8 text, or too large");
    return problems.finish();
  }
  const auto document = Document::parse(source, problems);
  if (!document) return problems.finish();
  // What the reader looks up in a plan, without its tasks.
  Plan head;
  head.name = plan.name;
  head.workspace = plan.workspace;
  head.agents = plan.agents;
  head.services = plan.services;
  head.topics = plan.topics;
  head.resources = plan.resources;
  Reading reading{options, files, problems, head,
                  [&](std::string_view name) -> std::optional<std::string> {
                    const auto found = options.set.find(std::string(name));
                    return found == options.set.end() ? std::nullopt : std::optional(found->second);
                  }};
  TaskList list = read_tasks(reading, document->root(), plan.defaults);
  if (plan.tasks.size() + list.tasks.size() > kMostTasks)
    problems.add(document->root().span(), "the plan would have more than a million tasks");
  if (!list.families.empty())
    problems.add(list.families.front().where, "a task that is added cannot go through an output",
                 "add the tasks one by one when the output is there");
  if (!list.tries.empty())
    problems.add(list.id_spans[list.tries.front().task], "a task that is added has no `tries`",
                 "tries are for plans that are run as a whole");
  NewNames names(reading, list, plan, by_id_);
  names.check_ids();
  if (problems.reported() == 0) names.find_mentions();
  if (problems.reported() == 0) link_added(reading, list, plan);
  if (problems.reported() > 0) return problems.finish();
  for (std::string& note : head.notes) plan.notes.push_back(std::move(note));
  for (Task& one : list.tasks) {
    by_id_.emplace(one.id, static_cast<std::uint32_t>(plan.tasks.size()));
    plan.tasks.push_back(std::move(one));
  }
  return {};
}

}  // namespace interlock::plan
