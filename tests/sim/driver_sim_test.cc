#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "sim/seeds.h"
#include "sim/world.h"

// The real engine in worlds in which many tasks enter themselves in one list, and a merge driver
// joins their versions of it.
namespace interlock::sim {
namespace {

plan::Plan make_plan(std::uint64_t seed) {
  Dice dice(seed * 15'485'863);
  plan::Plan plan = draw_plan(dice, 10);
  draw_isolation(dice, plan);
  for (plan::Task& task : plan.tasks) {
    if (!is_in_view(task)) continue;
    if (dice.chance(200)) task.repair.arguments = {"mend"};
    if (dice.chance(300)) task.run.arguments.emplace_back("moody");
  }
  draw_drivers(dice, plan);
  return plan;
}

std::size_t joined_in(const World& world) {
  return static_cast<std::size_t>(std::ranges::count_if(world.events(), [](const auto& one) {
    return std::holds_alternative<engine::ChangesMerged>(one.event);
  }));
}

std::size_t not_joined_in(const World& world) {
  return static_cast<std::size_t>(std::ranges::count_if(world.events(), [](const auto& one) {
    const auto* const refused = std::get_if<engine::CommitRefused>(&one.event);
    return refused != nullptr && refused->detail.contains("the merge driver of `list`");
  }));
}

TEST(SimulationOfMergeDrivers, WhateverGoesWrongTheListHoldsAllThatTheSequentialRunEntersInIt) {
  std::size_t joined = 0, failed = 0, crashes = 0, compared = 0;
  const auto [first, count] = seeds(200);
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    const plan::Plan plan = make_plan(seed);
    Dice dice(seed);
    Faults faults = dice.chance(300) ? Faults::none() : Faults::draw(dice);
    if (dice.chance(600)) faults.driver_fails = dice.below(600);
    if (dice.chance(200)) faults.loses_kept = 500;
    World world(seed, plan, faults, static_cast<std::uint32_t>(dice.between(2, 6)));
    world.live();
    ASSERT_EQ(world.broken(), "") << "SIM_SEED=" << seed << ", and SIM_STORY=1 tells how it came";
    joined += joined_in(world);
    failed += not_joined_in(world);
    crashes += world.crashes();
    compared += world.in_views().was_compared();
  }
  fmt::print("{} worlds, {} times joined, {} times not, {} crashes, {} compared\n", count, joined,
             failed, crashes, compared);
  if (count > 1) {
    EXPECT_GT(joined, count / 2) << "hardly any two met in the list";
    EXPECT_GT(failed, count / 20) << "hardly any driver came to nothing";
    EXPECT_GT(crashes, count / 10) << "the worlds are too kind";
    EXPECT_GT(compared, count / 4) << "the worlds are too cruel";
  }
}

TEST(SimulationOfMergeDrivers, FindsDriversThatThrowAwayWhatIsThere) {
  std::string broken;
  for (std::uint64_t seed = 1; seed <= 100 && broken.empty(); ++seed) {
    const plan::Plan plan = make_plan(seed);  // The world looks at it for as long as it lives.
    World world(seed, plan, Faults::none(), 4);
    world.let_drivers_lie();
    world.live();
    broken = world.broken();
  }
  EXPECT_THAT(broken, testing::AnyOf(testing::HasSubstr("the files are those of the sequential"),
                                     testing::HasSubstr("read in `list` what the tasks before")));
}

}  // namespace
}  // namespace interlock::sim
