#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "sim/seeds.h"
#include "sim/world.h"

// The real engine in worlds whose tasks have conditions on what others gave and how they ended.
namespace interlock::sim {
namespace {

plan::Plan make_plan(std::uint64_t seed, bool in_views) {
  Dice dice(seed * 15'485'863);
  plan::Plan plan = draw_plan(dice, 14);
  draw_conditions(dice, plan);
  if (in_views) draw_isolation(dice, plan);
  return plan;
}

bool all_went_well(const engine::RunState& run) {
  return std::ranges::all_of(run.tasks,
                             [](const engine::TaskRecord& one) { return one.went_well(); });
}

bool was_revived(const World& world) {
  return std::ranges::any_of(world.events(), [](const engine::RecordedEvent& recorded) {
    return std::holds_alternative<engine::TaskRevived>(recorded.event);
  });
}

TEST(SimulationOfConditions, WhateverGoesWrongWhatFinishesEqualsTheSequentialRun) {
  std::size_t crashes = 0, unneeded = 0, finished = 0;
  const auto [first, count] = seeds(240);
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    const plan::Plan plan = make_plan(seed, false);
    Dice dice(seed);
    const Faults faults = Faults::draw(dice);
    World world(seed, plan, faults, static_cast<std::uint32_t>(dice.between(1, 5)));
    world.live();
    ASSERT_EQ(world.broken(), "") << "SIM_SEED=" << seed << ", and SIM_STORY=1 tells how it came";
    crashes += world.crashes();
    unneeded += world.unneeded();
    if (!all_went_well(world.run()) || was_revived(world)) continue;
    World alone(seed, plan, Faults::none(), 1);
    alone.live();
    ASSERT_EQ(alone.broken(), "") << "SIM_SEED=" << seed;
    if (!all_went_well(alone.run())) continue;
    ++finished;
    ASSERT_EQ(world.files(), alone.files()) << "SIM_SEED=" << seed;
    ASSERT_EQ(world.run().digest, alone.run().digest) << "SIM_SEED=" << seed;
  }
  fmt::print("{} worlds, {} tasks passed over, {} crashes, {} compared with the sequential run\n",
             count, unneeded, crashes, finished);
  if (count > 1) {
    EXPECT_GT(crashes, count / 10) << "the worlds are too kind";
    EXPECT_GT(unneeded, count) << "hardly any condition fails";
    EXPECT_GT(finished, count / 8) << "the worlds are too cruel";
  }
}

TEST(SimulationOfConditions, InViewsWhatIsDoneEqualsTheSequentialRun) {
  std::size_t unneeded = 0, compared = 0;
  const auto [first, count] = seeds(120);
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    const plan::Plan plan = make_plan(seed, true);
    Dice dice(seed);
    Faults faults = dice.chance(300) ? Faults::none() : Faults::draw(dice);
    if (dice.chance(200)) faults.loses_kept = 500;
    World world(seed, plan, faults, static_cast<std::uint32_t>(dice.between(2, 6)));
    world.live();
    ASSERT_EQ(world.broken(), "") << "SIM_SEED=" << seed << ", and SIM_STORY=1 tells how it came";
    unneeded += world.unneeded();
    compared += world.in_views().was_compared();
  }
  fmt::print("{} worlds, {} tasks passed over, {} compared\n", count, unneeded, compared);
  if (count > 1) {
    EXPECT_GT(unneeded, count / 2) << "hardly any condition fails";
    EXPECT_GT(compared, count / 4) << "the worlds are too cruel";
  }
}

plan::Plan plan_with_family(std::uint64_t seed, bool in_views) {
  Dice dice(seed * 32'452'843);
  plan::Plan plan = draw_plan(dice, 14);
  plan.merges.clear();
  draw_families(dice, plan);
  if (in_views) draw_isolation(dice, plan);
  return plan;
}

TEST(SimulationOfFamilies, WhateverGoesWrongWhatFinishesEqualsTheSequentialRun) {
  std::size_t crashes = 0, expanded = 0, finished = 0;
  const auto [first, count] = seeds(200);
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    const plan::Plan plan = plan_with_family(seed, false);
    Dice dice(seed);
    const Faults faults = Faults::draw(dice);
    World world(seed, plan, faults, static_cast<std::uint32_t>(dice.between(1, 5)));
    world.live();
    ASSERT_EQ(world.broken(), "") << "SIM_SEED=" << seed << ", and SIM_STORY=1 tells how it came";
    crashes += world.crashes();
    expanded += world.run().expanded.size();
    if (!all_went_well(world.run()) || was_revived(world)) continue;
    World alone(seed, plan, Faults::none(), 1);
    alone.live();
    ASSERT_EQ(alone.broken(), "") << "SIM_SEED=" << seed;
    if (!all_went_well(alone.run())) continue;
    ++finished;
    ASSERT_EQ(world.files(), alone.files()) << "SIM_SEED=" << seed;
    ASSERT_EQ(world.run().digest, alone.run().digest) << "SIM_SEED=" << seed;
  }
  fmt::print("{} worlds, {} families, {} crashes, {} compared with the sequential run\n", count,
             expanded, crashes, finished);
  if (count > 1) {
    EXPECT_GT(expanded, count / 4) << "hardly any family comes to be";
    EXPECT_GT(finished, count / 8) << "the worlds are too cruel";
  }
}

TEST(SimulationOfFamilies, InViewsWhatIsDoneEqualsTheSequentialRun) {
  std::size_t expanded = 0, compared = 0;
  const auto [first, count] = seeds(100);
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    const plan::Plan plan = plan_with_family(seed, true);
    Dice dice(seed);
    const Faults faults = dice.chance(300) ? Faults::none() : Faults::draw(dice);
    World world(seed, plan, faults, static_cast<std::uint32_t>(dice.between(2, 6)));
    world.live();
    ASSERT_EQ(world.broken(), "") << "SIM_SEED=" << seed << ", and SIM_STORY=1 tells how it came";
    expanded += world.run().expanded.size();
    compared += world.in_views().was_compared();
  }
  fmt::print("{} worlds, {} families, {} compared\n", count, expanded, compared);
  if (count > 1) {
    EXPECT_GT(expanded, count / 4);
    EXPECT_GT(compared, count / 4);
  }
}

TEST(SimulationOfFamilies, FindsFamiliesThatAreThoughtToTouchNothingAtFirst) {
  std::string broken;
  for (std::uint64_t seed = 1; seed <= 300 && broken.empty(); ++seed) {
    const plan::Plan plan = plan_with_family(seed, false);
    World world(seed, plan, Faults::none(), 4);
    world.forget_covers();
    world.live();
    broken = world.broken();
    if (!broken.empty() || !all_went_well(world.run())) continue;
    World alone(seed, plan, Faults::none(), 1);
    alone.live();
    if (world.files() != alone.files()) broken = "the files are others";
  }
  EXPECT_NE(broken, "");
}

/// The first promise that is broken by a journal that keeps something else of events.
std::string broken_by(const std::function<void(engine::Event&)>& spoils) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    const plan::Plan plan = make_plan(seed, false);
    World world(seed, plan, Faults::none(), 3);
    world.spoil_journal(spoils);
    world.live();
    if (!world.broken().empty()) return world.broken();
  }
  return {};
}

TEST(SimulationOfConditions, FindsJournalsThatTakeWhatIsNotNeededForFailed) {
  EXPECT_THAT(broken_by([](engine::Event& event) {
                if (auto* const skipped = std::get_if<engine::TaskSkipped>(&event))
                  skipped->unneeded.clear();
              }),
              testing::HasSubstr("the scheduler is what the journal makes of it"));
}

}  // namespace
}  // namespace interlock::sim
