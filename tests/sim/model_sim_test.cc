#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "sim/seeds.h"
#include "sim/world.h"

// The real engine in worlds whose tasks are done by agents that ask models.
namespace interlock::sim {
namespace {

struct Made {
  plan::Plan plan;
  Faults faults;
  std::uint32_t parallel = 1;
};

Made make(std::uint64_t seed) {
  Dice dice(seed * 611'953);
  Made made{draw_plan(dice, 12), {}, 1};
  if (dice.chance(400)) draw_isolation(dice, made.plan);
  draw_models(dice, made.plan);
  made.faults = dice.chance(250) ? Faults::none() : Faults::draw(dice);
  if (dice.chance(700)) made.faults.models = draw_model_faults(dice);
  made.parallel = static_cast<std::uint32_t>(dice.between(1, 6));
  return made;
}

TEST(SimulationOfModels, EveryTokenIsBookedNoBudgetIsPassedAndNoClaimIsTakenForAResult) {
  std::size_t crashes = 0, limits = 0, resumed = 0, lingered = 0, done = 0, total = 0;
  const auto [first, count] = seeds(120);
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    const Made made = make(seed);
    World world(seed, made.plan, made.faults, made.parallel);
    world.live();
    ASSERT_EQ(world.broken(), "") << "SIM_SEED=" << seed << ", and SIM_STORY=1 tells how it came";
    crashes += world.crashes();
    for (const engine::RecordedEvent& recorded : world.events()) {
      if (const auto* ended = std::get_if<engine::RunEnded>(&recorded.event))
        limits += ended->how == engine::RunEnded::How::limit_reached ? 1 : 0;
      const auto* attempt = std::get_if<engine::AttemptEnded>(&recorded.event);
      if (attempt == nullptr) continue;
      lingered += std::ranges::any_of(attempt->remarks, [](const std::string& remark) {
        return remark.starts_with("it stayed");
      });
    }
    resumed += world.sessions_taken_up();
    total += made.plan.tasks.size();
    for (const engine::TaskRecord& task : world.run().tasks)
      done += task.state == engine::TaskState::done ? 1 : 0;
  }
  fmt::print(
      "{} worlds, {} crashes, {} limits reached, {} sessions taken up, {} lingered, {} of {} "
      "tasks done\n",
      count, crashes, limits, resumed, lingered, done, total);
  if (count > 100) {
    EXPECT_GT(crashes, count / 10) << "the worlds are too kind";
    EXPECT_GT(limits, count / 20) << "hardly any limit was reached";
    EXPECT_GT(resumed, count / 20) << "hardly any session was taken up";
    EXPECT_GT(lingered, count / 20) << "hardly anybody lingered";
    EXPECT_GT(done, total / 3) << "the worlds are too cruel";
  }
}

TEST(SimulationOfModels, WhatWasPaidBeforeTheLimitIsNotPaidAgainInASession) {
  std::size_t limits = 0, parked = 0;
  const auto [first, count] = seeds(100);
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    Dice dice(seed * 433'494'437);
    plan::Plan plan = draw_plan(dice, 12);
    draw_models(dice, plan);
    for (plan::Task& task : plan.tasks) task.budget_tokens.reset();
    plan.limits.tokens = dice.between(1000, 9000);
    World world(seed, plan, Faults::none(), static_cast<std::uint32_t>(dice.between(1, 6)));
    world.live();
    ASSERT_EQ(world.broken(), "") << "SIM_SEED=" << seed;
    ASSERT_EQ(world.books(), world.first_needs()) << "SIM_SEED=" << seed;
    for (const engine::RecordedEvent& recorded : world.events()) {
      if (const auto* ended = std::get_if<engine::RunEnded>(&recorded.event))
        limits += ended->how == engine::RunEnded::How::limit_reached ? 1 : 0;
      if (const auto* called = std::get_if<engine::ModelCalled>(&recorded.event))
        parked += called->call.parked ? 1 : 0;
    }
  }
  fmt::print("{} worlds, {} limits reached, {} attempts parked\n", count, limits, parked);
  if (count > 50) {
    EXPECT_GT(parked, count / 4) << "hardly anybody was parked";
  }
}

TEST(SimulationOfModels, TasksThatShareAttemptsAreEachDoneOnceAndAsTheirTwins) {
  std::size_t shared = 0, apart = 0, again = 0, compared = 0;
  const auto [first, count] = seeds(120);
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    Made made = make(seed);
    Dice dice(seed * 77'003);
    draw_batches(dice, made.plan);
    World world(seed, made.plan, made.faults, made.parallel);
    world.live();
    ASSERT_EQ(world.broken(), "") << "SIM_SEED=" << seed << ", and SIM_STORY=1 tells how it came";
    plan::Plan single = made.plan;
    for (plan::Task& task : single.tasks) task.batch = 1;
    World twin(seed, single, Faults::none(), made.parallel);
    twin.live();
    // What failed for good, was edited or asked for again lets later tasks find other files.
    const auto all_done = [](const World& one) {
      return std::ranges::all_of(one.run().tasks, [](const engine::TaskRecord& task) {
        return task.state == engine::TaskState::done && !task.revived;
      });
    };
    const bool is_comparable = made.faults.person_edits == 0 && all_done(world) && all_done(twin);
    compared += is_comparable ? 1 : 0;
    for (std::size_t i = 0; i < made.plan.tasks.size(); ++i) {
      const engine::TaskRecord& task = world.run().tasks[i];
      for (const engine::AttemptRecord& attempt : task.attempts) {
        if (!attempt.is_batched()) continue;
        ++shared;
        ++(attempt.outcome == engine::Outcome::succeeded ? apart : again);
        ASSERT_EQ(attempt.number, 1u) << "only first attempts are shared";
      }
      if (is_comparable) {
        ASSERT_EQ(task.output, twin.run().tasks[i].output) << "SIM_SEED=" << seed << " t" << i;
      }
    }
  }
  fmt::print("{} tasks in shared attempts, {} of them done, {} not; {} of {} worlds compared\n",
             shared, apart, again, compared, count);
  if (count > 100) {
    EXPECT_GT(apart, count) << "hardly anything was shared";
    EXPECT_GT(compared, count / 10);
    EXPECT_GT(again, count / 4) << "hardly anything failed in company";
  }
}

TEST(SimulationOfModels, WithoutFailuresEveryTaskIsDone) {
  const auto [first, count] = seeds(100);
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    Made made = make(seed);
    made.plan.limits.tokens.reset();
    for (plan::Task& task : made.plan.tasks) task.budget_tokens.reset();
    World world(seed, made.plan, Faults::none(), made.parallel);
    world.live();
    ASSERT_EQ(world.broken(), "") << "SIM_SEED=" << seed;
    ASSERT_TRUE(std::ranges::all_of(
        world.run().tasks,
        [](const engine::TaskRecord& one) { return one.state == engine::TaskState::done; }))
        << "SIM_SEED=" << seed;
  }
}

}  // namespace
}  // namespace interlock::sim
