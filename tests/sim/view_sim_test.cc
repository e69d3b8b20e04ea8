#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>

#include "sim/seeds.h"
#include "sim/world.h"

// The real engine in worlds whose tasks work in views, start together whatever they touch, and are
// sorted out when they commit.
namespace interlock::sim {
namespace {

using Flaw = World::Flaw;

/// Reads of a list of files that are named one by one can be declared completely.
void draw_declared(Dice& dice, plan::Task& task) {
  static const std::vector<std::string> kFiles = {"a", "b", "d/x", "e.md", "new/1"};
  std::vector<std::string> read, written;
  for (const std::string& file : kFiles) {
    if (dice.chance(600)) read.push_back(file);
    if (!read.empty() && read.back() == file && dice.chance(500)) written.push_back(file);
  }
  task.observe = plan::Observe::declared;
  task.footprint.unknown = false;
  task.footprint.reads = footprint::PatternSet::parse(read).value();
  task.footprint.writes = footprint::PatternSet::parse(written).value();
}

/// Who mends, who merges, and who only says what it reads.
void draw_ways(Dice& dice, plan::Plan& plan) {
  const bool merges = dice.chance(200);
  for (plan::Task& task : plan.tasks) {
    if (!is_in_view(task)) continue;
    task.merge_text = merges && dice.chance(700);
    if (dice.chance(200)) task.repair.arguments = {"mend"};
    if (dice.chance(500)) task.run.arguments.emplace_back("moody");
    if (dice.chance(100)) draw_declared(dice, task);
  }
}

struct Made {
  plan::Plan plan;
  Faults faults;
  std::uint32_t parallel = 1;
};

Made make(std::uint64_t seed) {
  Dice dice(seed * 104'729);
  Made made{draw_plan(dice, 12), {}, 1};
  draw_isolation(dice, made.plan);
  draw_ways(dice, made.plan);
  made.faults = dice.chance(300) ? Faults::none() : Faults::draw(dice);
  // Without a view a task takes back what it did before, and people's doings with it.
  const bool all = std::ranges::all_of(made.plan.tasks, is_in_view);
  if (all && dice.chance(250)) {
    made.faults.person_edits = 20 + dice.below(300);
    made.faults.person_saves = 50 + dice.below(400);
  }
  if (dice.chance(200)) made.faults.loses_kept = 500;
  made.parallel = static_cast<std::uint32_t>(dice.between(2, 6));
  return made;
}

TEST(SimulationOfViews, WhateverGoesWrongThePromisesHoldAndWhatIsDoneEqualsTheSequentialRun) {
  std::size_t crashes = 0, turns = 0, compared = 0, conflicts = 0, ahead = 0, failures = 0;
  const auto [first, count] = seeds(150);
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    const Made made = make(seed);
    World world(seed, made.plan, made.faults, made.parallel);
    world.live();
    ASSERT_EQ(world.broken(), "") << "SIM_SEED=" << seed << ", and SIM_STORY=1 tells how it came";
    crashes += world.crashes();
    turns += world.turns();
    compared += world.in_views().was_compared();
    conflicts += world.in_views().conflicts();
    ahead += world.in_views().went_ahead();
    failures += world.in_views().failures_compared();
  }
  fmt::print(
      "{} worlds, {} turns, {} crashes, {} conflicts, {} went ahead, {} compared, {} failures\n",
      count, turns, crashes, conflicts, ahead, compared, failures);
  if (count > 100) {
    EXPECT_GT(crashes, count / 10) << "the worlds are too kind";
    EXPECT_GT(compared, count / 4) << "the worlds are too cruel";
    EXPECT_GT(conflicts, count / 4) << "hardly anybody met anybody";
    EXPECT_GT(ahead, count / 20) << "hardly anybody went ahead";
    EXPECT_GT(failures, count / 10) << "hardly anybody failed at what it had found";
  }
}

/// Who declares is taken at their word: what a task reads of what it writes is among its `reads`.
void declare_what_is_read(plan::Plan& plan) {
  for (plan::Task& task : plan.tasks) {
    if (task.footprint.unknown) continue;
    footprint::PatternSet& reads = task.footprint.reads;
    std::ranges::copy(task.footprint.writes.include, std::back_inserter(reads.include));
    reads.exclude.clear();
  }
}

TEST(SimulationOfViews, ASecondRunTakesWhatIsUnchangedAndStillEqualsTheSequentialRun) {
  std::size_t reused = 0, compared = 0;
  const auto [first, count] = seeds(50);
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    Dice dice(seed * 7'919);
    Made made = make(seed);
    made.faults.person_edits = made.faults.person_saves = 0;
    // A task without a view that is done again takes back what it did, after its reads were looked
    // at.
    if (!std::ranges::all_of(made.plan.tasks, is_in_view)) made.faults = Faults::none();
    declare_what_is_read(made.plan);
    auto before = std::make_unique<World>(seed, made.plan, made.faults, made.parallel);
    before->live();
    ASSERT_EQ(before->broken(), "") << "SIM_SEED=" << seed;
    // Again until the tree holds still, now and then with a person in between.
    for (int round = 0; round < 3; ++round) {
      auto world = std::make_unique<World>(
          seed + 1, made.plan, dice.chance(300) ? made.faults : Faults::none(), made.parallel);
      world->follow(*before, dice.chance(300)
                                 ? dice.one_of(std::vector<std::string>{"a", "d/x", "e.md"})
                                 : "");
      world->live();
      ASSERT_EQ(world->broken(), "") << "SIM_SEED=" << seed << ", round " << round;
      reused += world->reused();
      compared += world->in_views().was_compared();
      before = std::move(world);
    }
  }
  fmt::print("{} worlds, {} results reused, {} runs compared\n", count, reused, compared);
  if (count > 30) {
    EXPECT_GT(reused, count / 4) << "hardly anything was reused";
    EXPECT_GT(compared, count) << "the worlds are too cruel";
  }
}

/// The first promise that is broken in worlds without or with people, whose views do not keep the
/// contract.
std::string broken_with(Flaw flaw) {
  // People meet a checkpoint in few worlds: more are looked through for them.
  const std::uint64_t last = flaw == Flaw::goes_over_saves ? 1000 : 150;
  for (std::uint64_t seed = 1; seed <= last; ++seed) {
    Made made = make(seed);
    const bool of_people = flaw == Flaw::sees_nobody || flaw == Flaw::goes_over_saves;
    if (!of_people) made.faults = Faults::none();
    if (of_people && made.faults.person_edits == 0) continue;
    World world(seed, made.plan, made.faults, made.parallel, flaw);
    world.live();
    if (!world.broken().empty()) return world.broken();
  }
  return {};
}

TEST(SimulationOfViews, FindsViewsThatTellNoReads) {
  EXPECT_NE(broken_with(Flaw::reports_no_reads), "");
}

TEST(SimulationOfViews, FindsViewsWhoseFoldsDeleteNothing) {
  EXPECT_NE(broken_with(Flaw::keeps_deleted), "");
}

TEST(SimulationOfViews, FindsViewsThatSeeNobodyElse) {
  EXPECT_NE(broken_with(Flaw::sees_nobody), "");
}

TEST(SimulationOfViews, FindsViewsThatFoldTheLastCommitFirst) {
  EXPECT_NE(broken_with(Flaw::checkpoints_backwards), "");
}

TEST(SimulationOfViews, FindsViewsThatFoldOverWhatAPersonSavesMeanwhile) {
  EXPECT_NE(broken_with(Flaw::goes_over_saves), "");
}

TEST(SimulationOfViews, FindsViewsThatForgetMissingFolders) {
  EXPECT_NE(broken_with(Flaw::forgets_missing_folders), "");
}

/// Likewise, with a journal that keeps something else of events than it was given.
std::string broken_by(const std::function<void(engine::Event&)>& spoils) {
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    Made made = make(seed);
    World world(seed, made.plan, made.faults, made.parallel);
    world.spoil_journal(spoils);
    world.live();
    if (!world.broken().empty()) return world.broken();
  }
  return {};
}

TEST(SimulationOfViews, FindsJournalsThatForgetWhenATaskIsTriedAgain) {
  const std::string broken = broken_by([](engine::Event& event) {
    if (auto* const again = std::get_if<engine::RetryPlanned>(&event))
      again->not_before += std::chrono::seconds(1);
  });
  EXPECT_THAT(broken, testing::HasSubstr("the scheduler is what the journal makes of it"));
}

TEST(SimulationOfViews, FindsJournalsThatForgetWhatAFailedAttemptRead) {
  const std::string broken = broken_by([](engine::Event& event) {
    auto* const ended = std::get_if<engine::AttemptEnded>(&event);
    if (ended != nullptr && ended->outcome != engine::Outcome::succeeded) ended->reads.reset();
  });
  EXPECT_THAT(broken, testing::HasSubstr("what waits and was committed is what the journal says"));
}

TEST(SimulationOfViews, FindsNothingInViewsThatKeepTheContract) {
  EXPECT_EQ(broken_with(Flaw::none), "");
}

TEST(SimulationOfViews, OneSeedIsOneStory) {
  const auto transcript = [](std::uint64_t seed) {
    const Made made = make(seed);
    World world(seed, made.plan, made.faults, made.parallel);
    world.live();
    std::string text;
    for (const engine::RecordedEvent& recorded : world.events()) text += line_of(recorded);
    return text;
  };
  for (const std::uint64_t seed : {3, 17, 44}) EXPECT_EQ(transcript(seed), transcript(seed));
}

}  // namespace
}  // namespace interlock::sim
