#include <fmt/format.h>

#include <algorithm>

#include "sim/world.h"

namespace interlock::sim {

namespace {

const std::vector<std::string> kPatterns = {"a",    "b",    "c",    "d/x", "d/y",    "d/**",
                                            "*.md", "e.md", "f.md", "new", "new/**", "**"};

footprint::PatternSet draw_patterns(Dice& dice) {
  std::vector<std::string> patterns;
  for (auto count = dice.below(3); count > 0; --count) patterns.push_back(dice.one_of(kPatterns));
  // `**` is rare, or hardly anything would ever overlap in time.
  if (dice.chance(800)) std::erase(patterns, "**");
  if (!patterns.empty() && dice.chance(100)) patterns.emplace_back("!a");
  return footprint::PatternSet::parse(patterns).value();
}

void draw_needs(Dice& dice, plan::Task& task, std::size_t place) {
  if (place == 0) return;
  for (auto count = dice.below(3); count > 0; --count) {
    const TaskId needed(dice.below(place));
    if (std::find(task.needs.begin(), task.needs.end(), needed) == task.needs.end())
      task.needs.push_back(needed);
  }
  std::sort(task.needs.begin(), task.needs.end());
  for (const TaskId needed : task.needs) {
    if (dice.chance(500)) task.output_of.push_back(needed);
  }
}

plan::Task draw_task(Dice& dice, std::size_t place) {
  plan::Task task;
  task.id = fmt::format("t{}", place);
  task.run.arguments = {"agent"};
  task.footprint.unknown = dice.chance(60);
  if (!task.footprint.unknown) {
    task.footprint.reads = draw_patterns(dice);
    task.footprint.writes = draw_patterns(dice);
  }
  draw_needs(dice, task, place);
  task.prompt = "work";
  for (const TaskId needed : task.output_of)
    task.prompt += fmt::format(" {{outputs.t{}}}", needed.index());
  task.output.form = dice.chance(300) ? plan::OutputSpec::Form::json : plan::OutputSpec::Form::text;
  if (task.output.form == plan::OutputSpec::Form::json) task.output.schema = "good";
  if (dice.chance(250)) task.uses.push_back({ResourceId(0)});
  if (dice.chance(350)) task.uses.push_back({ResourceId(1), dice.between(1, 3)});
  task.gate_before = dice.chance(60);
  task.gate_after = dice.chance(60);
  if (dice.chance(200)) task.verify.arguments = {"check"};
  task.retries = static_cast<int>(dice.below(4));
  task.timeout = std::chrono::seconds(dice.between(60, 300));
  if (dice.chance(300)) task.idle_timeout = std::chrono::seconds(dice.between(55, 90));
  task.grace = std::chrono::seconds(dice.between(0, 10));
  task.backoff = std::chrono::seconds(1);
  return task;
}

}  // namespace

plan::Plan draw_plan(Dice& dice, std::size_t tasks_max) {
  plan::Plan plan;
  plan.name = "made up";
  plan.workspace = "/workspace";
  plan::Agent agent;
  agent.name = "sh";
  plan.agents.push_back(agent);
  plan::Resource lock;
  lock.name = "database";
  plan::Resource slots;
  slots.name = "gpu";
  slots.kind = plan::Resource::Kind::slots;
  slots.capacity = 3;
  plan.resources = {lock, slots};
  const std::size_t count = 1 + dice.below(tasks_max);
  for (std::size_t i = 0; i < count; ++i) plan.tasks.push_back(draw_task(dice, i));
  if (dice.chance(300)) {
    plan::Merge merge;
    merge.name = "all";
    merge.with = plan::Merge::With::lines;
    for (std::size_t i = 0; i < count; ++i) {
      if (plan.tasks[i].output.form == plan::OutputSpec::Form::text)
        merge.from.push_back(TaskId(i));
    }
    if (!merge.from.empty()) plan.merges.push_back(merge);
  }
  if (dice.chance(150)) plan.limits.gate_every = dice.between(2, 5);
  if (dice.chance(200)) plan.limits.on_failure.kind = plan::OnFailure::Kind::stop;
  return plan;
}

void draw_isolation(Dice& dice, plan::Plan& plan) {
  using plan::Isolation;
  const bool all = dice.chance(500);
  for (plan::Task& task : plan.tasks) {
    task.isolation = all || dice.chance(500) ? Isolation::view
                     : dice.chance(300)      ? Isolation::worktree
                                             : Isolation::direct;
    // Views are there for those of whom nobody knows what they will touch.
    if (task.isolation != Isolation::direct && dice.chance(400)) {
      task.footprint = {};
      task.footprint.unknown = true;
    }
    task.merge_text = false;
  }
}

void draw_models(Dice& dice, plan::Plan& plan) {
  plan::Agent agent;
  agent.name = "claude";
  agent.kind = plan::AgentKind::claude_code;
  plan.agents.push_back(agent);
  for (plan::Task& task : plan.tasks) {
    if (!dice.chance(700)) continue;
    task.agent = AgentId(plan.agents.size() - 1);
    task.run = {};
    task.model = dice.chance(500) ? "m-1" : "";
    if (dice.chance(150)) task.budget_tokens = dice.between(500, 9000);
  }
  if (dice.chance(300)) plan.limits.tokens = dice.between(2000, 20'000);
}

void draw_batches(Dice& dice, plan::Plan& plan) {
  const auto most = static_cast<std::uint32_t>(dice.between(2, 5));
  for (plan::Task& task : plan.tasks) {
    if (dice.chance(150)) continue;
    task.batch = most;
    task.agent = AgentId(plan.agents.size() - 1);
    task.run = {};
    task.model = "";
    if (dice.chance(700)) task.verify = {};
    task.footprint.writes = {};
    task.footprint.unknown = false;
    if (!task.footprint.reads.exclude.empty()) task.footprint.reads = {};
    task.output = {};
    task.output.form = plan::OutputSpec::Form::text;
    task.gate_before = task.gate_after = false;
    task.budget_tokens.reset();
    task.uses.clear();
    task.idle_timeout = {};
    task.grace = std::chrono::seconds(5);
    if (task.isolation != plan::Isolation::direct) task.verify = {};
    if (dice.chance(850)) task.needs.clear(), task.output_of.clear(), task.prompt = "work";
  }
  plan.limits.tokens.reset();
  // What was JSON before is joined as text now, and the other way round.
  plan.merges.clear();
  plan.limits.gate_every.reset();
}

ModelFaults draw_model_faults(Dice& dice) {
  const auto rate = [&dice](std::uint64_t most) { return dice.chance(400) ? 0 : dice.below(most); };
  ModelFaults faults;
  faults.lies = rate(300);
  faults.cut = rate(300);
  faults.lingers = rate(500);
  faults.told_to_wait = rate(200);
  faults.forgets = rate(500);
  faults.misses_none = dice.chance(50) ? 1000 : rate(200);
  faults.names_another = rate(300);
  faults.stops_oddly = rate(300);
  faults.call_breaks = rate(200);
  return faults;
}

}  // namespace interlock::sim
