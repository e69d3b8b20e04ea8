#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "contract/store_worlds.h"

// What a store promises of what earlier runs measured (src/journal/measurements.h), held against
// the same stores as its other ports.
namespace interlock {
namespace {

using history::Call;
using history::Regret;
using history::Sample;
using journal::SampleFilter;
using testing::ElementsAre;
using testing_support::StoreWorld;
using namespace std::chrono_literals;

const Time kNoon{std::chrono::sys_days{std::chrono::year{2026} / 11 / 23} + std::chrono::hours(12)};
const std::string kSite = "/home/ann/site";

Sample sample_of(const std::string& task, std::int64_t second, Duration elapsed = 10s) {
  Sample it;
  it.at = kNoon + std::chrono::seconds(second);
  it.workspace = kSite;
  it.plan = "review";
  it.run = "r-1";
  it.attempt = 1;
  it.task = it.shape = task;
  it.agent = "claude";
  it.model = "sonnet";
  it.outcome = "succeeded";
  it.elapsed = elapsed;
  return it;
}

Call call_of(std::int64_t second, std::optional<Tokens> output, const std::string& model = "m") {
  return {"acme",
          model,
          "r-1",
          kNoon + std::chrono::seconds(second),
          kNoon + std::chrono::seconds(second + 2),
          output};
}

Regret regret_of(const std::string& run, std::int64_t second, const std::string& workspace) {
  Regret it;
  it.at = kNoon + std::chrono::seconds(second);
  it.workspace = workspace;
  it.plan = "review";
  it.run = run;
  it.pattern = "queue(3)";
  it.best = "queue(2)";
  it.took = 12s;
  it.best_took = 10s;
  it.one_by_one = 30s;
  it.real = 13s;
  it.not_counted = "what people took";
  return it;
}

engine::RecordedEvent ended(std::uint64_t seq, std::size_t task, Duration elapsed) {
  engine::AttemptEnded event;
  event.task = TaskId(task);
  event.attempt = 1;
  event.elapsed = elapsed;
  event.usage = {100, 20, 0, 0, 5000};
  return {seq, kNoon + std::chrono::seconds(seq), event};
}

class MeasurementsContract : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    world_ = testing_support::store_world(GetParam());
    if (world_ == nullptr) GTEST_SKIP() << "there is no server of this store on this machine";
  }
  journal::Measurements& measurements() { return world_->measurements(); }
  StoreWorld& world() { return *world_; }

  /// A run of the plan `review` with two tasks, and its events.
  std::string run_with(std::vector<engine::RecordedEvent> events) {
    journal::RunHead head;
    head.plan_name = "review";
    head.workspace = kSite;
    head.files = head.options = head.decision = "{}";
    head.created = kNoon;
    const std::string run = world().runs().create_run(head, 0x7f3a).value();
    const auto lease = world().leases().lease_run({run, "review", 4711, "ann", kNoon}).value();
    const auto kept = world().runs().open_run(run, *lease, labels()).value();
    EXPECT_TRUE(kept->append(events, {}, {}));
    return run;
  }
  static std::vector<journal::TaskLabel> labels() {
    return {{"lint", "sh", ""}, {"audit", "claude", "sonnet"}};
  }
  /// By task and second, in the order in which they are told.
  std::string listed(const SampleFilter& filter = {}) {
    std::string text;
    const auto samples = measurements().samples(filter).value();
    for (const Sample& it : samples.good)
      text += fmt::format("{}@{} ", it.task, to_seconds(it.at - kNoon));
    EXPECT_EQ(samples.damaged, 0u);
    return text;
  }

 private:
  std::unique_ptr<StoreWorld> world_;
};

TEST_P(MeasurementsContract, GivesBackASampleAsItWasAdded) {
  Sample all = sample_of("audit caf\xc3\xa9", 1, 1234567us);
  all.origin = Sample::Origin::imported;
  all.shape = "audit *";
  all.host = "box";
  all.account = "acme";
  all.outcome = "timed-out";
  all.startup = 2s;
  all.size = 77;
  all.usage = {100, 20, 3000, {}, 5000};
  all.spawn_tokens = 2500;
  all.return_tokens = 100;
  all.waits.slot = 3s;
  all.waits.calls_quota = 1s;
  all.join = 60s;
  all.met = true;
  Sample bare;
  bare.at = kNoon;
  bare.task = bare.shape = "lint";
  bare.agent = "sh";
  ASSERT_TRUE(measurements().add_samples({bare, all}));
  world().reopen();
  EXPECT_THAT(measurements().samples({})->good, ElementsAre(all, bare));
}

TEST_P(MeasurementsContract, TellsTheNewestFirstAndOnlyWhatIsAskedFor) {
  Sample elsewhere = sample_of("lint", 4);
  elsewhere.workspace = "/srv";
  elsewhere.plan = "nightly";
  elsewhere.agent = "sh";
  elsewhere.model = "";
  ASSERT_TRUE(measurements().add_samples(
      {sample_of("audit", 2), sample_of("lint", 3), elsewhere, sample_of("audit", 1)}));
  EXPECT_EQ(listed(), "lint@4 lint@3 audit@2 audit@1 ");
  EXPECT_EQ(listed({.workspace = kSite}), "lint@3 audit@2 audit@1 ");
  EXPECT_EQ(listed({.task = "lint"}), "lint@4 lint@3 ");
  EXPECT_EQ(listed({.agent = "sh"}), "lint@4 ");
  EXPECT_EQ(listed({.model = "sonnet"}), "lint@3 audit@2 audit@1 ");
  EXPECT_EQ(listed({.plan = "nightly"}), "lint@4 ");
  EXPECT_EQ(listed({.before = kNoon + 3s}), "audit@2 audit@1 ");
  EXPECT_EQ(listed({.most = 2}), "lint@4 lint@3 ");
  EXPECT_EQ(listed({.task = "audit", .before = kNoon + 2s}), "audit@1 ");
}

TEST_P(MeasurementsContract, ASampleOfTheSameMomentIsReplaced) {
  ASSERT_TRUE(measurements().add_samples({sample_of("audit", 1, 10s), sample_of("lint", 1, 10s)}));
  const Sample again = sample_of("audit", 1, 20s);
  ASSERT_TRUE(measurements().add_samples({again}));
  EXPECT_THAT(measurements().samples({.task = "audit"})->good, ElementsAre(again));
  EXPECT_EQ(measurements().samples({})->good.size(), 2u);
}

TEST_P(MeasurementsContract, KeepsTheLastTwentyOfATaskAndAgent) {
  std::vector<Sample> many;
  for (int i = 1; i <= 23; ++i) many.push_back(sample_of("audit", i));
  ASSERT_TRUE(measurements().add_samples(many));
  ASSERT_TRUE(measurements().add_samples({sample_of("lint", 1)}));
  const auto kept = measurements().samples({.task = "audit"})->good;
  ASSERT_EQ(kept.size(), 20u);
  EXPECT_EQ(kept.back(), many[3]);
  EXPECT_EQ(listed({.task = "lint"}), "lint@1 ") << "another task's are no reason to forget it";
}

TEST_P(MeasurementsContract, KeepsTheLastFourHundredCallsOldestFirst) {
  std::vector<Call> many;
  for (int i = 402; i >= 1; --i) many.push_back(call_of(i, i));
  many.push_back(call_of(0, std::nullopt, "other"));
  ASSERT_TRUE(measurements().add_samples({}, many));
  ASSERT_TRUE(measurements().add_samples({}, {call_of(402, 7)}));
  world().reopen();
  const auto kept = measurements().calls().value();
  ASSERT_EQ(kept.size(), 401u);
  EXPECT_EQ(kept[0], call_of(0, std::nullopt, "other"));
  EXPECT_EQ(kept[1], call_of(3, 3));
  EXPECT_EQ(kept.back(), call_of(402, 7)) << "the same call is told once";
}

TEST_P(MeasurementsContract, TellsWhatCallsOfAnAccountPutOut) {
  Call foreign = call_of(4, 40);
  foreign.account = "else";
  ASSERT_TRUE(measurements().add_samples(
      {}, {call_of(3, 30, "big"), call_of(1, 10), call_of(2, std::nullopt), foreign}));
  EXPECT_THAT(measurements().past_outputs("acme").value(),
              ElementsAre(std::pair<std::string, Tokens>("m", 10),
                          std::pair<std::string, Tokens>("big", 30)));
  EXPECT_TRUE(measurements().past_outputs("none")->empty());
}

TEST_P(MeasurementsContract, ForgetsWhatFitsAndCallsOnlyByAgeAndModel) {
  ASSERT_TRUE(measurements().add_samples({sample_of("audit", 1), sample_of("lint", 9)},
                                         {call_of(1, 10), call_of(9, 90)}));
  ASSERT_TRUE(measurements().keep_regret(regret_of("r-1", 1, kSite)));
  ASSERT_TRUE(measurements().keep_regret(regret_of("r-9", 9, kSite)));
  EXPECT_EQ(measurements().forget_samples({.task = "nobody"}).value(), 0u);
  EXPECT_EQ(measurements().forget_samples({.task = "audit"}).value(), 1u);
  EXPECT_EQ(listed(), "lint@9 ");
  EXPECT_EQ(measurements().calls()->size(), 2u) << "calls are of no task";
  EXPECT_EQ(measurements().forget_samples({.before = kNoon + 5s}).value(), 0u);
  EXPECT_THAT(measurements().calls().value(), ElementsAre(call_of(9, 90)));
  EXPECT_THAT(measurements().regrets({}).value(), ElementsAre(regret_of("r-9", 9, kSite)));
  EXPECT_EQ(measurements().forget_samples({.model = "m"}).value(), 0u);
  EXPECT_TRUE(measurements().calls()->empty());
  EXPECT_EQ(measurements().regrets({})->size(), 1u) << "regrets are of no model";
  EXPECT_EQ(measurements().forget_samples({}).value(), 1u);
  EXPECT_TRUE(measurements().regrets({})->empty());
}

TEST_P(MeasurementsContract, KeepsOneRegretOfEachRunNewestFirst) {
  Regret again = regret_of("r-1", 3, kSite);
  again.took = 11s;
  ASSERT_TRUE(measurements().keep_regret(regret_of("r-1", 1, kSite)));
  ASSERT_TRUE(measurements().keep_regret(regret_of("r-2", 2, "/srv")));
  ASSERT_TRUE(measurements().keep_regret(again));
  world().reopen();
  EXPECT_THAT(measurements().regrets({}).value(), ElementsAre(again, regret_of("r-2", 2, "/srv")));
  EXPECT_THAT(measurements().regrets("/srv").value(), ElementsAre(regret_of("r-2", 2, "/srv")));
}

TEST_P(MeasurementsContract, AJournalsEventsAreSamplesAndOutliveTheRun) {
  const std::string run = run_with({ended(1, 0, 4s), ended(2, 1, 40s)});
  EXPECT_TRUE(measurements().unsampled_runs()->empty());
  ASSERT_TRUE(world().runs().prune(run));
  const auto kept = measurements().samples({}).value().good;
  ASSERT_EQ(kept.size(), 2u);
  EXPECT_EQ(kept[0].task, "audit");
  EXPECT_EQ(kept[0].agent, "claude");
  EXPECT_EQ(kept[0].model, "sonnet");
  EXPECT_EQ(kept[0].workspace, kSite);
  EXPECT_EQ(kept[0].plan, "review");
  EXPECT_EQ(kept[0].run, run);
  EXPECT_EQ(kept[0].elapsed, 40s);
  EXPECT_EQ(kept[1].task, "lint");
}

TEST_P(MeasurementsContract, ARunSampledAgainGivesTheSame) {
  const std::string run = run_with({ended(1, 0, 4s), ended(2, 1, 40s)});
  const auto before = measurements().samples({}).value().good;
  ASSERT_TRUE(measurements().forget_samples({}));
  ASSERT_TRUE(measurements().sample_run(run, labels()));
  EXPECT_EQ(measurements().samples({})->good, before);
  ASSERT_TRUE(measurements().sample_run(run, labels()));
  EXPECT_EQ(measurements().samples({})->good, before);
  EXPECT_EQ(measurements().sample_run("r-20261123-0000", {}).error().kind, Error::Kind::missing);
}

TEST_P(MeasurementsContract, HistoryIsOfTheWorkspacesTasksAndOfAgentsAnywhere) {
  Sample elsewhere = sample_of("audit", 3, 60s);
  elsewhere.workspace = "/srv";
  Sample failed = sample_of("audit", 4, 99s);
  failed.outcome = "timed-out";
  ASSERT_TRUE(measurements().add_samples({sample_of("audit", 1, 10s), sample_of("audit", 2, 20s),
                                          sample_of("audit", 5, 15s), elsewhere, failed}));
  const decide::History known = measurements().history(kSite).value();
  const auto& task = known.by_task.at("audit\nclaude\nsonnet");
  EXPECT_EQ(task.time, 15s);
  EXPECT_EQ(task.count, 3u);
  EXPECT_EQ(task.tried, 4u);
  EXPECT_EQ(known.by_agent.at("claude\nsonnet").count, 4u);
  EXPECT_TRUE(measurements().history("/elsewhere")->by_task.empty());
}

INSTANTIATE_TEST_SUITE_P(Of, MeasurementsContract,
                         testing::ValuesIn(testing_support::store_names()),
                         [](const auto& of) { return of.param; });

}  // namespace
}  // namespace interlock
