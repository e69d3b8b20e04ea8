#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "sim/seeds.h"
#include "sim/world.h"

// The real engine in worlds made from seeds: see `Seeds`.
namespace interlock::sim {
namespace {

bool all_done(const engine::RunState& run) {
  return std::all_of(run.tasks.begin(), run.tasks.end(), [](const engine::TaskRecord& one) {
    return one.state == engine::TaskState::done;
  });
}

std::string transcript_of(const World& world) {
  std::string text;
  for (const engine::RecordedEvent& recorded : world.events()) text += line_of(recorded);
  return text;
}

/// A task that a person asked for again runs behind later ones that meanwhile ended: that is
/// another order.
bool in_plan_order(const World& world) {
  return std::none_of(world.events().begin(), world.events().end(),
                      [](const engine::RecordedEvent& recorded) {
                        return std::holds_alternative<engine::TaskRevived>(recorded.event);
                      });
}

TEST(Simulation, WhateverGoesWrongThePromisesHoldAndWhatFinishesEqualsTheSequentialRun) {
  std::size_t crashes = 0, turns = 0, finished = 0;
  const auto [first, count] = seeds(240);
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    Dice dice(seed);
    const plan::Plan plan = draw_plan(dice, 14);
    const Faults faults = Faults::draw(dice);
    World world(seed, plan, faults, static_cast<std::uint32_t>(dice.between(1, 5)));
    world.live();
    ASSERT_EQ(world.broken(), "") << "SIM_SEED=" << seed << ", and SIM_STORY=1 tells how it came";
    crashes += world.crashes();
    turns += world.turns();
    if (!all_done(world.run()) || !in_plan_order(world)) continue;
    ++finished;
    World alone(seed, plan, Faults::none(), 1);
    alone.live();
    ASSERT_EQ(alone.broken(), "") << "SIM_SEED=" << seed;
    ASSERT_TRUE(all_done(alone.run())) << "SIM_SEED=" << seed;
    ASSERT_EQ(world.files(), alone.files()) << "SIM_SEED=" << seed;
    ASSERT_EQ(world.run().digest, alone.run().digest) << "SIM_SEED=" << seed;
  }
  fmt::print("{} worlds, {} turns, {} crashes, {} compared with the sequential run\n", count, turns,
             crashes, finished);
  if (count > 1) {
    EXPECT_GT(crashes, count / 10) << "the worlds are too kind";
    EXPECT_GT(finished, count / 4) << "the worlds are too cruel";
  }
}

/// Who adds tasks names only those before them, and outputs that a merge has are known before.
plan::Plan plan_that_grows(Dice& dice, std::size_t tasks_max) {
  plan::Plan plan = draw_plan(dice, tasks_max);
  plan.merges.clear();
  plan.limits.gate_every.reset();
  return plan;
}

TEST(Simulation, TasksThatAreAddedWhileItRunsGiveWhatThePlanWithAllOfThemGives) {
  std::size_t crashes = 0, added = 0, finished = 0;
  const auto [first, count] = seeds(240);
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    Dice dice(seed * 31);
    const plan::Plan plan = plan_that_grows(dice, 16);
    Faults faults = Faults::draw(dice);
    faults.person_holds = dice.chance(500) ? 60 : 0;
    const std::size_t later = dice.below(plan.tasks.size() + 1);
    World world(seed, plan, faults, static_cast<std::uint32_t>(dice.between(1, 5)),
                World::Flaw::none, later);
    world.live();
    ASSERT_EQ(world.broken(), "") << "SIM_SEED=" << seed << ", and SIM_STORY=1 tells how it came";
    crashes += world.crashes();
    added += world.run().tasks.size() + later - plan.tasks.size();
    const bool whole = world.run().tasks.size() == plan.tasks.size();
    if (!whole || !all_done(world.run()) || !in_plan_order(world)) continue;
    ++finished;
    World alone(seed, plan, Faults::none(), 1);
    alone.live();
    ASSERT_EQ(alone.broken(), "") << "SIM_SEED=" << seed;
    ASSERT_EQ(world.files(), alone.files()) << "SIM_SEED=" << seed;
    ASSERT_EQ(world.run().digest, alone.run().digest) << "SIM_SEED=" << seed;
  }
  fmt::print("{} worlds, {} tasks added, {} crashes, {} compared with the sequential run\n", count,
             added, crashes, finished);
  if (count > 1) {
    EXPECT_GT(added, count) << "the plans hardly grow";
    EXPECT_GT(finished, count / 4) << "the worlds are too cruel";
  }
}

TEST(Simulation, APlanWithoutFailuresFinishes) {
  const auto [first, count] = seeds(240);
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    Dice dice(seed * 7919);
    const plan::Plan plan = draw_plan(dice, 20);
    World world(seed, plan, Faults::none(), static_cast<std::uint32_t>(dice.between(1, 6)));
    world.live();
    ASSERT_EQ(world.broken(), "") << "SIM_SEED=" << seed;
    ASSERT_TRUE(all_done(world.run())) << "SIM_SEED=" << seed;
  }
}

TEST(Simulation, OneSeedIsOneStory) {
  const auto transcript = [](std::uint64_t seed) {
    Dice dice(seed);
    const plan::Plan plan = draw_plan(dice, 10);
    const Faults faults = Faults::draw(dice);
    World world(seed, plan, faults, 3);
    world.live();
    return transcript_of(world);
  };
  for (const std::uint64_t seed : {3, 17, 99}) EXPECT_EQ(transcript(seed), transcript(seed));
}

}  // namespace
}  // namespace interlock::sim
