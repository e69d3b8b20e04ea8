#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "decide/speculation.h"
#include "decide/verdicts.h"
#include "sim/world.h"

// Worlds whose plan grows while it is run, and people who pause runs and change how many go at
// once.
namespace interlock::sim {

namespace {

footprint::Interlocking waits_of(const plan::Plan& plan) {
  decide::Options options;
  options.pattern = decide::Pattern::parallel;
  return decide::lift(
             plan, plan::interlocking_of(plan), decide::expect(plan, {}), options,
             plan.limits.speculate ? decide::SpeculationScope::all : decide::SpeculationScope::none)
      .waits;
}

}  // namespace

void World::interlock_again() {
  interlocking_ = waits_of(grown_);
  verdicts_ = decide::verdicts_of(grown_);
}

/// As a dispatcher does that takes the run up: the plan as it was, and what the journal added.
void World::read_plan_again() {
  grown_ = plan_;
  grown_.tasks.erase(grown_.tasks.end() - static_cast<std::ptrdiff_t>(later_), grown_.tasks.end());
  cover_families();
  interlock_again();
  std::vector<std::vector<ResourceId>> locks;
  std::vector<std::string> names;
  for (const plan::Resource& resource : grown_.resources) names.push_back(resource.name);
  conflicts_ = std::make_unique<footprint::GrowingInterlocking>(plan::claims_of(grown_, locks),
                                                                std::move(names));
  alone_ = std::make_unique<decide::AddedVerdicts>(grown_, verdicts_);
  for (const engine::RecordedEvent& recorded : journal_.events()) {
    if (const auto* added = std::get_if<engine::TasksAdded>(&recorded.event)) grow(added->count);
  }
}

engine::GrownBy World::grow(std::size_t count) {
  engine::GrownBy grown;
  plan::Plan part;
  part.agents = plan_.agents;
  part.resources = plan_.resources;
  const std::size_t first = grown_.tasks.size();
  std::vector<decide::Verdict> verdicts;
  for (std::size_t i = first; i < first + count; ++i) {
    const plan::Task& task = grown_.tasks.emplace_back(plan_.tasks[i]);
    part.tasks.push_back(task);
    part.tasks.back().needs.clear();
    part.tasks.back().output_of.clear();
    verdicts.push_back(alone_->add(task));
    const auto edges =
        conflicts_->add({&task.footprint, task.needs, task.output_of, locks_[i], task.after});
    for (const footprint::Edge& edge : edges) {
      const bool needs = edge.why == footprint::Why::needs;
      const bool same = !grown.links.empty() && grown.links.back().before == edge.before &&
                        grown.links.back().after == edge.after;
      if (same) {
        grown.links.back().needs |= needs;
      } else {
        grown.links.push_back({edge.before, edge.after, needs});
      }
      interlocking_.edges.push_back(edge);
    }
    interlocking_.first.push_back(static_cast<std::uint32_t>(interlocking_.edges.size()));
  }
  grown.count = static_cast<std::uint32_t>(count);
  grown.jobs = decide::problem_of(part, {}, decide::expect(part, {}), verdicts).jobs;
  grown.expected.assign(count, std::chrono::seconds(10));
  grown.expected_tokens.resize(count);
  verdicts_.insert(verdicts_.end(), verdicts.begin(), verdicts.end());
  return grown;
}

Result<engine::GrownBy> World::add(const std::string& tasks) {
  std::size_t count = 0;
  std::from_chars(tasks.data(), tasks.data() + tasks.size(), count);
  if (count == 0 || grown_.tasks.size() + count > plan_.tasks.size())
    return fail(Error::Kind::invalid, "these are not tasks of the plan");
  engine::GrownBy grown = grow(count);
  grown.tasks = tasks;
  return grown;
}

/// One or a few at a time; now and then what is no task.
void World::people_grow() {
  if (closed_ || later_ == 0) return;
  if (faults_are_on() && !dice_.chance(300)) return;
  if (posted_ == later_) {
    journal_.post({0, engine::Request::Kind::close, {}, "sim"});
    closed_ = true;
  } else if (faults_are_on() && dice_.chance(100)) {
    journal_.post({0, engine::Request::Kind::add, {}, "sim", "nothing of the kind"});
  } else {
    const std::size_t count = std::min(later_ - posted_, 1 + dice_.below(3));
    posted_ += count;
    journal_.post({0, engine::Request::Kind::add, {}, "sim", fmt::format("{}", count)});
  }
  processes_.poke();
}

void World::people_hold() {
  const bool over = !faults_are_on();
  if (over ? !perhaps_held_ : !dice_.chance(faults_.person_holds)) return;
  if (over || perhaps_held_) {
    journal_.post({0, engine::Request::Kind::release, {}, "sim"});
    perhaps_held_ = false;
  } else if (dice_.chance(500)) {
    const auto parallel = static_cast<std::uint32_t>(dice_.between(1, 6));
    most_at_once_ = std::max(most_at_once_, parallel);
    journal_.post({0,
                   engine::Request::Kind::retune,
                   {},
                   "sim",
                   fmt::format("{{\"parallel\":{}}}", parallel)});
  } else {
    journal_.post({0, engine::Request::Kind::hold, {}, "sim", dice_.chance(500) ? "calls" : ""});
    perhaps_held_ = true;
  }
  processes_.poke();
}

/// What is in the journal is what the dispatcher has, and in the order in which it came.
void World::check_growth(const engine::Engine& engine) {
  promise(grown_.tasks.size() == engine.run().tasks.size(), "the plan has grown as the run has");
  promise(interlocking_.first.size() == grown_.tasks.size() + 1,
          "it is known of every task whom it waits for");
  promise(engine.run().held == gateway_.is_held || !engine.run().calls_held,
          "the gateway holds calls while the run is paused with them");
  if (later_ > 0 && engine.over() && engine.run().ended == engine::RunEnded::How::finished)
    promise(engine.run().additions_closed && grown_.tasks.size() == plan_.tasks.size(),
            "a run that stands is not over before it is closed");
}

}  // namespace interlock::sim
