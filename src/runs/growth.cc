#include "runs/growth.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <utility>

#include "base/json.h"
#include "decide/speculation.h"
#include "plan/families.h"
#include "runs/isolation.h"
#include "runs/plan_checks.h"
#include "workspace/local_files.h"
#include "workspace/recorded_files.h"

namespace interlock::runs {

GrowthMeans growth_means(const plan::Plan& plan, const std::string& state_folder, bool all,
                         std::set<std::string> providers) {
  using plan::Isolation;
  GrowthMeans means;
  means.providers = std::move(providers);
  means.environment = own_environment();
  for (const Isolation one :
       {Isolation::direct, Isolation::guard, Isolation::view, Isolation::worktree}) {
    const bool is_used = std::ranges::any_of(
        plan.tasks, [&](const plan::Task& task) { return task.isolation == one; });
    if (is_used || one == Isolation::direct) {
      means.isolations[one] = std::nullopt;
    } else if (!all) {
      means.isolations[one] =
          Error{Error::Kind::refused, "no task of the run had it when it began", {}};
    } else {
      const auto able = can_isolate(one, plan.workspace, state_folder);
      means.isolations[one] = able ? std::nullopt : std::optional(able.error());
    }
  }
  return means;
}

RunGrowth::RunGrowth(Planned& planned, const PlanRequest& request, decide::History history)
    : planned_(planned), request_(request), history_(std::move(history)) {}

void RunGrowth::dispatch_with(GrowthMeans means) { means_ = std::move(means); }

RunGrowth::Index& RunGrowth::index() {
  if (!index_) {
    std::vector<std::vector<ResourceId>> locks;
    const auto claims = plan::claims_of(planned_.plan, locks);
    std::vector<std::string> names;
    for (const auto& resource : planned_.plan.resources) names.push_back(resource.name);
    index_ = std::make_unique<Index>(
        Index{plan::Growth(planned_.plan), footprint::GrowingInterlocking(claims, std::move(names)),
              decide::AddedVerdicts(planned_.plan, planned_.decision.verdicts)});
  }
  return *index_;
}

/// Those without an id get the next that is free: `t7` where it is the seventh task.
Result<std::string> RunGrowth::with_ids(const std::string& tasks) {
  auto parsed = parse_json(tasks);
  if (!parsed || !parsed->is_array() || parsed->get_array().empty())
    return fail(Error::Kind::invalid, "what is to be added is not a list of tasks");
  std::size_t next = planned_.plan.tasks.size();
  for (json::value& one : parsed->get_array()) {
    ++next;
    if (!one.is_object())
      return fail(Error::Kind::invalid, "what is to be added is not a list of tasks");
    if (one.get_object().contains("id")) continue;
    std::size_t number = next;
    while (index().reader.has(fmt::format("t{}", number))) ++number;
    one.get_object()["id"] = fmt::format("t{}", number);
  }
  return json::serialize(*parsed);
}

Result<void> RunGrowth::read(const std::string& tasks, plan::Files& files) {
  plan::ReadOptions options;
  options.file = "tasks";
  options.folder = request_.folder;
  options.set = request_.set;
  options.isolation = request_.isolation;
  const auto problems = index().reader.add(tasks, options, files, planned_.plan);
  if (problems.empty()) return {};
  // Whoever added them has no file to look at: the words alone say it.
  const plan::Problem& first = problems.front();
  return fail(Error::Kind::invalid, first.message, first.hint);
}

/// Some tasks as a plan of their own, for what looks at tasks one by one.
plan::Plan RunGrowth::part_from(std::size_t first, std::size_t count) const {
  plan::Plan part;
  part.name = planned_.plan.name;
  part.workspace = planned_.plan.workspace;
  part.agents = planned_.plan.agents;
  part.resources = planned_.plan.resources;
  part.limits = planned_.plan.limits;
  part.tasks.assign(planned_.plan.tasks.begin() + static_cast<std::ptrdiff_t>(first),
                    planned_.plan.tasks.begin() + static_cast<std::ptrdiff_t>(first + count));
  for (plan::Task& task : part.tasks)
    task.family.reset(), task.needs.clear(), task.output_of.clear(), task.after.clear(),
        task.when_inputs.clear();
  return part;
}

Result<void> RunGrowth::settle(std::size_t first) {
  if (!means_) return {};
  for (std::size_t i = first; i < planned_.plan.tasks.size(); ++i) {
    if (auto settled = settle(planned_.plan.tasks[i]); !settled) return settled;
  }
  return {};
}

Result<void> RunGrowth::settle(plan::Task& task) const {
  const auto& why_not = means_->isolations.at(task.isolation);
  if (!why_not) return {};
  for (const plan::Isolation other : task.isolation_else) {
    if (means_->isolations.at(other)) continue;
    task.isolation = other;
    return {};
  }
  return fail(Error::Kind::refused,
              fmt::format("task `{}` wants isolation `{}`, which is not available here: {}",
                          task.id, plan::name_of(task.isolation), why_not->message),
              why_not->hint);
}

/// Whether the new tasks can run here.
Result<void> RunGrowth::check(std::size_t first) const {
  if (!means_) return {};
  for (std::size_t i = first; i < planned_.plan.tasks.size(); ++i) {
    const plan::Task& task = planned_.plan.tasks[i];
    const std::string& agent = planned_.plan.agents[task.agent.index()].name;
    if (!asks_through_gateway(planned_.plan, task)) continue;
    if (!means_->providers.contains(agent))
      return fail(Error::Kind::refused,
                  fmt::format("agent `{}` had no key when the run's dispatcher began", agent),
                  "give it one and let another dispatcher go on with the run");
  }
  plan::Plan part = part_from(first, planned_.plan.tasks.size() - first);
  if (auto usable = check_schemas(part); !usable) return usable;
  return check_programs(part, means_->environment);
}

void RunGrowth::take_back(std::size_t first) {
  planned_.plan.tasks.erase(planned_.plan.tasks.begin() + static_cast<std::ptrdiff_t>(first),
                            planned_.plan.tasks.end());
  index_.reset();  // It knows their names; made anew with the next.
}

engine::GrownBy RunGrowth::interlock_from(std::size_t first) {
  engine::GrownBy grown;
  const plan::Plan part = part_from(first, planned_.plan.tasks.size() - first);
  grown.count = static_cast<std::uint32_t>(part.tasks.size());
  const auto expected = decide::expect(part, history_);
  decide::Decision& decision = planned_.decision;
  std::vector<decide::Verdict> verdicts;
  for (std::size_t i = first; i < planned_.plan.tasks.size(); ++i) {
    const plan::Task& task = planned_.plan.tasks[i];
    verdicts.push_back(index().verdicts.add(task));
    std::vector<ResourceId> locks;
    for (const auto& use : task.uses) {
      if (planned_.plan.resources[use.resource.index()].kind == plan::Resource::Kind::lock)
        locks.push_back(use.resource);
    }
    std::ranges::sort(locks);
    const auto edges =
        index().conflicts.add({&task.footprint, task.needs, task.output_of, locks, task.after});
    for (const footprint::Edge& edge : edges) {
      const bool needs = edge.why == footprint::Why::needs;
      auto& links = grown.links;
      const bool same =
          !links.empty() && links.back().before == edge.before && links.back().after == edge.after;
      if (same) {
        links.back().needs |= needs;
      } else {
        links.push_back({edge.before, edge.after, needs});
      }
    }
    for (footprint::Interlocking* graph : {&planned_.interlocking, &decision.speculation.waits}) {
      graph->edges.insert(graph->edges.end(), edges.begin(), edges.end());
      if (graph->first.empty()) graph->first.push_back(0);
      graph->first.push_back(static_cast<std::uint32_t>(graph->edges.size()));
    }
  }
  grown.jobs = decide::problem_of(part, {}, expected, verdicts).jobs;
  for (std::size_t i = 0; i < part.tasks.size(); ++i) {
    leave_quotas_to_gateway(part, part.tasks[i], grown.jobs[i]);
    grown.expected.push_back(expected[i].time);
    grown.expected_tokens.push_back(tokens_to_come(expected[i]));
  }
  planned_.expected.insert(planned_.expected.end(), expected.begin(), expected.end());
  decision.verdicts.insert(decision.verdicts.end(), verdicts.begin(), verdicts.end());
  planned_.added += grown.count;
  decision.priorities.resize(planned_.plan.tasks.size(), engine::kLastPriority);
  decision.speculation.lifted.resize(planned_.plan.tasks.size(), false);
  return grown;
}

Result<engine::GrownBy> RunGrowth::add(const std::string& tasks) {
  const std::size_t first = planned_.plan.tasks.size();
  workspace::LocalFiles local;
  workspace::RecordingFiles files(local);
  auto named = with_ids(tasks);
  if (!named) return std::unexpected(named.error());
  // Tasks are kept as they are written, and a journal holds no key.
  if (means_ && means_->secrets.apply(*named) != *named)
    return fail(Error::Kind::refused, "a task that is added may not hold a key",
                "pass it on by its variable: `pass_env` of the agent");
  if (auto done = read(*named, files); !done) return std::unexpected(done.error());
  auto able = settle(first);
  if (able) able = check(first);
  if (!able) {
    take_back(first);
    return std::unexpected(able.error());
  }
  engine::GrownBy grown = interlock_from(first);
  grown.tasks = std::move(*named);
  grown.files = files.text();
  if (on_grown) on_grown(planned_.plan, first);
  return grown;
}

/// The tasks of the family, as the document says them with these items. All else of the plan stays
/// as it is; so does what this host and history made of the places.
Result<void> RunGrowth::put_in_place(std::uint32_t number, const std::vector<std::string>& items) {
  auto read = read_again({{number, items}});
  if (!read) return std::unexpected(read.error());
  const plan::Family& family = planned_.plan.families[number];
  for (std::uint32_t i = 0; i < items.size(); ++i) {
    plan::Task& place = planned_.plan.tasks[family.first.index() + i];
    plan::Task made = std::move(read->tasks[family.first.index() + i]);
    made.isolation = place.isolation;
    made.isolation_else = place.isolation_else;
    made.timeout = place.timeout;
    made.batch = place.batch;
    place = std::move(made);
  }
  return {};
}

/// Who waits for whom, now that the footprints of the family's tasks are known.
void RunGrowth::interlock_again() {
  decide::Decision& decision = planned_.decision;
  if (decision.verdicts.size() != planned_.plan.tasks.size()) return;  // It is only looked at.
  planned_.interlocking = plan::interlocking_of(planned_.plan);
  decision.speculation.waits =
      decide::waits_of(planned_.plan, planned_.interlocking, decision.speculation.lifted);
  index_.reset();  // It knows other footprints, and ids; made anew with the next.
}

Result<engine::Expanded> RunGrowth::expand(std::uint32_t number, const std::string& output) {
  const plan::Family family = planned_.plan.families[number];
  auto items = plan::items_of(planned_.plan, family, output);
  if (!items) return std::unexpected(items.error());
  json::array list;
  for (const std::string& item : *items) list.emplace_back(json::string(item));
  engine::Expanded expanded;
  expanded.count = static_cast<std::uint32_t>(items->size());
  expanded.items = json::serialize(list);
  if (means_ && means_->secrets.apply(expanded.items) != expanded.items)
    return fail(Error::Kind::refused, "an item may not hold a key");
  const auto first = planned_.plan.tasks.begin() + family.first.index();
  const std::vector<plan::Task> before(first, first + family.at_most);
  auto done = put_in_place(number, *items);
  if (done && means_) {
    plan::Plan part = part_from(family.first.index(), items->size());
    done = check_schemas(part);
    if (done) done = check_programs(part, means_->environment);
  }
  if (!done) {
    std::ranges::copy(before, planned_.plan.tasks.begin() + family.first.index());
    return std::unexpected(done.error());
  }
  interlock_again();
  schedule::Problem problem = decide::problem_of(planned_.plan, planned_.waits(), planned_.expected,
                                                 planned_.decision.verdicts);
  for (std::uint32_t i = 0; i < family.at_most; ++i) {
    const TaskId place(family.first.index() + i);
    leave_quotas_to_gateway(planned_.plan, planned_.plan[place], problem.jobs[place.index()]);
    expanded.jobs.push_back(std::move(problem.jobs[place.index()]));
  }
  expanded.links = std::move(problem.links);
  return expanded;
}

Result<void> RunGrowth::replay(const engine::FamilyExpanded& event) {
  for (std::uint32_t i = 0; i < planned_.plan.families.size(); ++i) {
    const plan::Family family = planned_.plan.families[i];
    if (family.first != event.task) continue;
    const auto parsed = parse_json(event.items);
    std::vector<std::string> items;
    if (parsed && parsed->is_array()) {
      for (const json::value& one : parsed->get_array())
        items.emplace_back(one.is_string() ? std::string_view(one.get_string()) : "");
    }
    if (items.size() != event.count || items.size() > family.at_most) break;
    if (auto done = put_in_place(i, items); !done)
      return within(done.error(), "the tasks that came of an output cannot be read");
    interlock_again();
    return {};
  }
  return fail(Error::Kind::io, "tasks that came of an output are not the plan's");
}

Result<void> RunGrowth::replay(const engine::TasksAdded& event) {
  const std::size_t first = planned_.plan.tasks.size();
  auto files = workspace::RecordedFiles::parse(event.files);
  if (!files) return std::unexpected(files.error());
  if (auto done = read(event.tasks, *files); !done)
    return within(done.error(), "tasks that were added to the run cannot be read");
  if (auto settled = settle(first); !settled) return settled;
  interlock_from(first);
  if (planned_.plan.tasks.size() - first != event.count)
    return fail(Error::Kind::io, "tasks that were added to the run are others now");
  return {};
}

}  // namespace interlock::runs
