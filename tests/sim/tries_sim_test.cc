#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "sim/seeds.h"
#include "sim/world.h"

// The real engine in worlds in which several tries are made at some tasks.
namespace interlock::sim {
namespace {

plan::Plan make_plan(std::uint64_t seed) {
  Dice dice(seed * 49'979'687);
  plan::Plan plan = draw_plan(dice, 9);
  draw_isolation(dice, plan);
  for (plan::Task& task : plan.tasks) {
    // Some tries fail at what they find, and not all of them: each goes its own way.
    if (is_in_view(task) && dice.chance(400)) task.run.arguments.emplace_back("moody");
  }
  draw_tries(dice, plan);
  return plan;
}

template <typename Event>
std::size_t count_of(const World& world) {
  return static_cast<std::size_t>(std::ranges::count_if(
      world.events(), [](const auto& one) { return std::holds_alternative<Event>(one.event); }));
}

TEST(SimulationOfTries, WhateverGoesWrongWhatIsDoneEqualsTheSequentialRunOfThePickedAlone) {
  std::size_t picked = 0, dropped = 0, none_good = 0, crashes = 0, compared = 0;
  const auto [first, count] = seeds(200);
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    const plan::Plan plan = make_plan(seed);
    Dice dice(seed);
    Faults faults = dice.chance(300) ? Faults::none() : Faults::draw(dice);
    if (dice.chance(200)) faults.loses_kept = 500;
    World world(seed, plan, faults, static_cast<std::uint32_t>(dice.between(1, 6)));
    world.live();
    ASSERT_EQ(world.broken(), "") << "SIM_SEED=" << seed << ", and SIM_STORY=1 tells how it came";
    picked += count_of<engine::TryPicked>(world);
    dropped += count_of<engine::TryDropped>(world);
    crashes += world.crashes();
    compared += world.in_views().was_compared();
    for (const engine::RecordedEvent& recorded : world.events()) {
      const auto* const started = std::get_if<engine::AttemptStarted>(&recorded.event);
      none_good += started != nullptr && !started->from &&
                   started->because == engine::AttemptStarted::Trigger::tries;
    }
  }
  fmt::print(
      "{} worlds, {} picked, {} good ones dropped, {} times none was good, {} crashes, {} "
      "compared\n",
      count, picked, dropped, none_good, crashes, compared);
  if (count > 1) {
    EXPECT_GT(picked, count) << "hardly any try is good";
    EXPECT_GT(dropped, count / 10) << "hardly ever two are good";
    EXPECT_GT(none_good, count / 20) << "there is always a good one";
    EXPECT_GT(compared, count / 4) << "the worlds are too cruel";
  }
}

/// The first promise that is broken by a journal that keeps something else of events.
std::string broken_by(const std::function<void(engine::Event&)>& spoils) {
  for (std::uint64_t seed = 1; seed <= 80; ++seed) {
    const plan::Plan plan = make_plan(seed);
    World world(seed, plan, Faults::none(), 3);
    world.spoil_journal(spoils);
    world.live();
    if (!world.broken().empty()) return world.broken();
  }
  return {};
}

TEST(SimulationOfTries, FindsJournalsThatTakeATryThatWasNotGoodForOneThatWas) {
  EXPECT_THAT(broken_by([](engine::Event& event) {
                if (auto* const ended = std::get_if<engine::TryEnded>(&event);
                    ended != nullptr && ended->attempt > 0)
                  ended->good = true;
              }),
              testing::HasSubstr("what is shown is durable"));
}

TEST(SimulationOfTries, FindsJournalsThatForgetThatATryWasDropped) {
  EXPECT_THAT(broken_by([](engine::Event& event) {
                if (const auto* const dropped = std::get_if<engine::TryDropped>(&event))
                  event = engine::RunReleased{dropped->why};
              }),
              testing::HasSubstr("what is shown is durable"));
}

TEST(SimulationOfTries, FindsJournalsThatSayNotWhoseWorkATaskTookUp) {
  EXPECT_NE(broken_by([](engine::Event& event) {
              if (auto* const started = std::get_if<engine::AttemptStarted>(&event))
                started->from.reset();
            }),
            "");
}

}  // namespace
}  // namespace interlock::sim
