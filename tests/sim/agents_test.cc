#include "sim/agents.h"

#include <gtest/gtest.h>

#include <set>

#include "changes/stale.h"
#include "sim/world.h"
#include "support/fake_snapshots.h"

// The agents and their oracle, and with them the fake of views and the rule of staleness: a small
// optimistic dispatcher without an engine has to come to what the sequential run comes to.
namespace interlock::sim {
namespace {

using engine::AttemptName;
using testing_support::FakeSnapshot;
using testing_support::FakeTree;

plan::Plan plan_in_views(Dice& dice, std::size_t tasks_max) {
  plan::Plan plan = draw_plan(dice, tasks_max);
  draw_isolation(dice, plan);
  return plan;
}

FakeTree tree_of(const Files& files) {
  FakeTree tree;
  for (const auto& [path, content] : files) tree.write(path, content);
  return tree;
}

TEST(Agents, DoTheSameAgainWhereNothingTheyReadIsStale) {
  std::size_t stale = 0, same = 0;
  for (std::uint64_t seed = 1; seed <= 1500; ++seed) {
    Dice dice(seed);
    const plan::Plan plan = plan_in_views(dice, 6);
    const FakeTree first = tree_of(first_files());
    FakeSnapshot others(first);
    for (std::size_t i = 1; i < plan.tasks.size(); ++i) work(plan.tasks[i], "", others);
    FakeSnapshot early(first), late(others.now());
    const std::string answer = work(plan.tasks[0], "", early);
    const std::string answer_later = work(plan.tasks[0], "", late);
    const changes::Changeset between = difference(first, others.now());
    const changes::Changeset* since[] = {&between};
    const auto own = difference(first, early.now());
    if (!changes::stale(early.reads(), own, since).empty()) {
      ++stale;
      continue;
    }
    ++same;
    ASSERT_EQ(answer, answer_later) << seed;
    // The changeset, made upon what the others left, gives what the agent would have left there.
    FakeTree made = others.now();
    for (const changes::Change& change : own.changes) {
      if (change.after.kind == changes::Kind::absent) made.erase(change.path);
      if (change.after.kind == changes::Kind::file)
        made.write(change.path, *early.now().find(change.path));
    }
    ASSERT_EQ(made.files(), late.now().files()) << seed;
  }
  EXPECT_GT(stale, 200U);
  EXPECT_GT(same, 200U);
}

/// Runs some tasks at once, each in a snapshot, and commits in plan order; who comes too late does
/// it again. Folds now and then.
class Optimist {
 public:
  Optimist(const plan::Plan& plan, std::uint64_t seed) : plan_(plan), dice_(seed) {
    workspace_.files = first_files();
    attempts_.resize(plan.tasks.size());
    answers_.resize(plan.tasks.size());
  }

  void run() {
    while (done_ < plan_.tasks.size() && !testing::Test::HasFailure()) {
      start_some();
      if (!running_.empty() && dice_.chance(400)) end_one();
      commit_what_may();
      if (snapshots_.snapshots_open() == 0 && dice_.chance(300)) checkpoint();
    }
    if (testing::Test::HasFailure()) return;
    checkpoint();
  }

  const Files& files() const { return workspace_.files; }
  const std::vector<std::string>& answers() const { return answers_; }
  std::size_t done_again() const { return done_again_; }

 private:
  struct Harvested {
    engine::Snapshots::Harvest harvest;
    std::size_t seen = 0;  ///< How many commits its snapshot showed.
    std::string answer;
  };

  void start_some() {
    for (std::size_t i = done_; i < std::min(done_ + 4, plan_.tasks.size()); ++i) {
      const TaskId id(i);
      if (running_.contains(id) || harvested_.contains(id) || !dice_.chance(500)) continue;
      // Answers come from tasks that are done for good.
      const auto& others = plan_.tasks[i].output_of;
      if (std::ranges::any_of(others, [&](TaskId other) { return other.index() >= done_; }))
        continue;
      engine::Snapshots::SnapshotSpec spec;
      spec.name = {id, ++attempts_[i], 0};
      spec.footprint = &plan_.tasks[i].footprint;
      ASSERT_TRUE(snapshots_.open(spec));
      running_[id] = commits_.size();
    }
  }

  void end_one() {
    auto at = running_.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(dice_.below(running_.size())));
    const auto [id, seen] = *at;
    const plan::Task& task = plan_[id];
    const AttemptName name{id, attempts_[id.index()], 0};
    const std::string answer = work(task, question_of(task, answers_), snapshots_.snapshot(name));
    auto harvest = snapshots_.harvest(name, {}, task.footprint);
    ASSERT_TRUE(harvest);
    ASSERT_EQ(changes::outside(harvest->changes, task.footprint), std::vector<std::string>{});
    harvested_[id] = {std::move(*harvest), seen, answer};
    running_.erase(id);
  }

  void commit_what_may() {
    const TaskId id(done_);
    const auto found = harvested_.find(id);
    if (found == harvested_.end()) return;
    const AttemptName name{id, attempts_[done_], 0};
    Harvested& one = found->second;
    std::vector<const changes::Changeset*> since;
    for (std::size_t i = one.seen; i < commits_.size(); ++i) since.push_back(&commits_[i]);
    if (!changes::stale(one.harvest.reads, one.harvest.changes, since).empty()) {
      snapshots_.discard(name);
      ++done_again_;
    } else {
      ASSERT_TRUE(snapshots_.commit({name, &one.harvest.changes}, "run/task"));
      commits_.push_back(one.harvest.changes);
      answers_[done_++] = one.answer;
    }
    harvested_.erase(found);
  }

  void checkpoint() {
    const auto checkpointed = snapshots_.checkpoint();
    ASSERT_TRUE(checkpointed);
    ASSERT_EQ(*checkpointed, std::vector<std::string>{});
  }

  const plan::Plan& plan_;
  Dice dice_;
  testing_support::FakeWorkspace workspace_;
  testing_support::FakeSnapshots snapshots_{workspace_};
  std::vector<std::uint32_t> attempts_;
  std::map<TaskId, std::size_t> running_;
  std::map<TaskId, Harvested> harvested_;
  std::vector<changes::Changeset> commits_;
  std::vector<std::string> answers_;
  std::size_t done_ = 0, done_again_ = 0;
};

TEST(Agents, InViewsComeToWhatTheSequentialRunComesTo) {
  std::size_t done_again = 0, different = 0;
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    Dice dice(seed);
    const plan::Plan plan = plan_in_views(dice, 12);
    Optimist optimist(plan, seed);
    optimist.run();
    const Sequential expected = one_by_one(plan, first_files());
    ASSERT_EQ(optimist.files(), expected.files) << seed;
    ASSERT_EQ(optimist.answers(), expected.answers) << seed;
    done_again += optimist.done_again();
    different += expected.files != first_files();
  }
  EXPECT_GT(done_again, 200U) << "hardly anybody met anybody";
  EXPECT_GT(different, 200U) << "hardly anything was written";
}

TEST(Agents, MindTheOrderOfTheTasks) {
  std::size_t minded = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    Dice dice(seed);
    plan::Plan plan = plan_in_views(dice, 8);
    for (plan::Task& task : plan.tasks) task.output_of.clear();
    const Files forward = one_by_one(plan, first_files()).files;
    std::ranges::reverse(plan.tasks);
    minded += one_by_one(plan, first_files()).files != forward;
  }
  EXPECT_GT(minded, 30U);
}

TEST(DrawnPlans, HaveAllOrSomeTasksInViews) {
  std::set<plan::Isolation> seen;
  std::size_t wholly = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Dice dice(seed);
    const plan::Plan plan = plan_in_views(dice, 8);
    for (const plan::Task& task : plan.tasks) {
      seen.insert(task.isolation);
      EXPECT_FALSE(task.merge_text);
    }
    wholly += std::ranges::all_of(
        plan.tasks, [](const plan::Task& task) { return task.isolation == plan::Isolation::view; });
  }
  EXPECT_EQ(seen,
            (std::set{plan::Isolation::direct, plan::Isolation::view, plan::Isolation::worktree}));
  EXPECT_GT(wholly, 50U);
  EXPECT_LT(wholly, 180U);
}

}  // namespace
}  // namespace interlock::sim
