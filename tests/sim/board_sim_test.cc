#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "sim/seeds.h"
#include "sim/world.h"

// The real engine in worlds whose tasks leave notes for each other, and whose people put tasks into
// another order.
namespace interlock::sim {
namespace {

plan::Plan make_plan(std::uint64_t seed, bool linked) {
  Dice dice(seed * 32'452'843);
  plan::Plan plan = draw_plan(dice, 12);
  if (dice.chance(400)) draw_isolation(dice, plan);
  draw_board(dice, plan, linked);
  return plan;
}

TEST(SimulationOfTheBoard, WhateverGoesWrongEveryTaskSeesWhatTheSerialRunShowsIt) {
  std::size_t crashes = 0, seen = 0, dropped = 0, moves = 0;
  const auto [first, count] = seeds(200);
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    const plan::Plan plan = make_plan(seed, true);
    Dice dice(seed);
    Faults faults = Faults::draw(dice);
    faults.person_speaks = dice.chance(700) ? 150 : 0;
    World world(seed, plan, faults, static_cast<std::uint32_t>(dice.between(1, 5)));
    world.live();
    ASSERT_EQ(world.broken(), "") << "SIM_SEED=" << seed << ", and SIM_STORY=1 tells how it came";
    crashes += world.crashes();
    seen += world.notes_seen();
    dropped += world.notes_dropped();
    moves += world.run().moves.size();
  }
  fmt::print("{} worlds, {} notes seen, {} dropped with their attempts, {} moves, {} crashes\n",
             count, seen, dropped, moves, crashes);
  if (count > 1) {
    EXPECT_GT(crashes, count / 10) << "the worlds are too kind";
    EXPECT_GT(seen, count) << "hardly anybody is heard";
    EXPECT_GT(dropped, count / 10) << "hardly any attempt fails after it posted";
    EXPECT_GT(moves, count / 4) << "people hardly speak";
  }
}

TEST(SimulationOfTheBoard, ReadersThatDoNotWaitForThoseTheyHearAreFoundOut) {
  std::size_t found = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    const plan::Plan plan = make_plan(seed, false);
    World world(seed, plan, Faults::none(), 4);
    world.live();
    found += world.broken().contains("what the serial run shows it") ? 1 : 0;
  }
  EXPECT_GT(found, 10u) << "the promise is never broken without it";
}

}  // namespace
}  // namespace interlock::sim
