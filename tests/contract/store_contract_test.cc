#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>

#include "contract/store_worlds.h"
#include "journal/task_index.h"

// What the ports of a store promise (src/journal/run_store.h, blobs.h, requests.h, lease.h), held
// against the store in memory and against those that people use.
namespace interlock {
namespace {

using engine::Blob;
using engine::RecordedEvent;
using engine::Request;
using engine::StoredResult;
using journal::Holder;
using journal::RunFilter;
using journal::RunHead;
using testing_support::StoreWorld;

const Time kNoon{std::chrono::sys_days{std::chrono::year{2026} / 11 / 23} + std::chrono::hours(12)};

RunHead head_of(const std::string& plan, const std::string& workspace = "/home/ann/site") {
  RunHead head;
  head.plan_name = plan;
  head.plan_file = plan + ".yaml";
  head.workspace = workspace;
  head.plan_text = "interlock: 1\nname: caf\xe9\n";
  head.files = R"({"a": "b"})";
  head.options = R"({"here": ["/home/ann/plans"]})";
  head.decision = R"({"n": 2})";
  head.created = kNoon;
  return head;
}

RecordedEvent done(std::uint64_t seq) {
  return {seq, kNoon + std::chrono::seconds(seq), engine::TaskDone{}};
}
Blob blob_of(const std::string& bytes) { return {digest_of(bytes), bytes}; }
Holder holder_of(const std::string& run, std::int64_t pid = 4711) {
  return {run, "review", pid, "ann-laptop", kNoon};
}
StoredResult result_of(const std::string& key) {
  StoredResult result;
  result.key = digest_of(key);
  result.cache_key_parts = {{"prompt", digest_of(key)}};
  result.output = digest_of("output of " + key);
  result.wrote = digest_of("written by " + key);
  result.trace = digest_of("trace of " + key);
  return result;
}

std::vector<std::string> ids_of(const Result<std::vector<journal::RunSummary>>& runs) {
  std::vector<std::string> ids;
  for (const journal::RunSummary& run : runs.value()) ids.push_back(run.id);
  return ids;
}

/// What a dispatcher has that does not know yet that its lease ran out.
class FormerLease : public journal::Lease {
 public:
  explicit FormerLease(std::int64_t epoch) : epoch_(epoch) {}

  std::int64_t epoch() const override { return epoch_; }
  Result<void> held() const override { return {}; }
  void on_news(std::function<void()>) override {}

 private:
  std::int64_t epoch_;
};

class StoreContract : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    world_ = testing_support::store_world(GetParam());
    if (world_ == nullptr) GTEST_SKIP() << "there is no server of this store on this machine";
  }
  StoreWorld& world() { return *world_; }
  journal::TaskIndex& index() { return *journal::task_index_of(world().runs()); }
  /// A dispatcher of the run: its lease and its journal.
  struct Dispatcher {
    std::unique_ptr<journal::Lease> lease;
    std::unique_ptr<journal::RunJournal> journal;
    Result<void> append(std::vector<RecordedEvent> events, std::vector<Blob> blobs = {},
                        std::vector<std::pair<std::string, StoredResult>> results = {}) {
      return journal->append(events, blobs, results);
    }
    journal::TaskIndexWriter& facts() const { return *journal::task_index_writer_of(*journal); }
  };
  Dispatcher take(const std::string& run) {
    Dispatcher taken;
    taken.lease = world().leases().lease_run(holder_of(run)).value();
    taken.journal = world()
                        .runs()
                        .open_run(run, *taken.lease, {{"lint", "sh", ""}, {"audit", "sh", ""}})
                        .value();
    return taken;
  }

  std::unique_ptr<StoreWorld> world_;
};

TEST_P(StoreContract, GivesBackARunAsItWasMade) {
  const RunHead head = head_of("review");
  const std::string id = world().runs().create_run(head, 0x7f3a).value();
  EXPECT_EQ(id, "r-20261123-7f3a");
  world().reopen();
  const RunHead read = world().runs().head(id).value();
  EXPECT_EQ(read.id, id);
  EXPECT_EQ(read.plan_name, head.plan_name);
  EXPECT_EQ(read.plan_file, head.plan_file);
  EXPECT_EQ(read.workspace, head.workspace);
  EXPECT_EQ(read.plan_text, head.plan_text);
  EXPECT_EQ(read.files, head.files);
  EXPECT_EQ(read.options, head.options);
  EXPECT_EQ(read.decision, head.decision);
  EXPECT_EQ(read.created, head.created);
  EXPECT_EQ(world().runs().find_run("7f3a").value(), id);
  EXPECT_EQ(world().runs().create_run(head, 0x7f3a).value(), "r-20261123-7f3b");
}

TEST_P(StoreContract, SaysThatThereIsNoSuchRun) {
  const std::string none = "r-20261123-0000";
  EXPECT_EQ(world().runs().head(none).error().kind, Error::Kind::missing);
  EXPECT_EQ(world().runs().summary(none).error().kind, Error::Kind::missing);
  EXPECT_EQ(world().runs().events(none).error().kind, Error::Kind::missing);
  EXPECT_EQ(world().runs().prune(none).error().kind, Error::Kind::missing);
  EXPECT_EQ(world().requests().post_request(none, {}, kNoon).error().kind, Error::Kind::missing);
  EXPECT_FALSE(world().leases().holder_of_run(none).value());
}

TEST_P(StoreContract, ListsTheNewestRunsOfAWorkspaceOrAFolder) {
  const std::string site = world().runs().create_run(head_of("a"), 1).value();
  const std::string inner =
      world().runs().create_run(head_of("b", "/home/ann/site/inner"), 2).value();
  RunHead elsewhere = head_of("c", "/srv");
  elsewhere.options = "{}";
  const std::string srv = world().runs().create_run(elsewhere, 3).value();
  EXPECT_THAT(ids_of(world().runs().runs()), testing::ElementsAre(srv, inner, site));
  const auto listed = [&](RunFilter filter) { return ids_of(world().runs().runs(filter)); };
  EXPECT_THAT(listed({.most = 2}), testing::ElementsAre(srv, inner));
  EXPECT_THAT(listed({.workspace = "/home/ann/site"}), testing::ElementsAre(site));
  EXPECT_THAT(listed({.folder = "/home/ann/site/inner/deep"}), testing::ElementsAre(inner));
  EXPECT_THAT(listed({.folder = "/home/ann/plans"}), testing::ElementsAre(inner, site));
  EXPECT_THAT(listed({.begun = true}), testing::ElementsAre());
  ASSERT_TRUE(take(site).append({done(1)}));
  EXPECT_THAT(listed({.begun = true}), testing::ElementsAre(site));
}

TEST_P(StoreContract, ReplaysEventsInOrderFromAPlaceOnAndSaysHowTheRunEnded) {
  const std::string run = world().runs().create_run(head_of("review"), 1).value();
  EXPECT_EQ(world().runs().summary(run)->events, 0U);
  engine::TaskFailed failed;
  failed.detail = "no such file: caf\xe9";
  Dispatcher first = take(run);
  ASSERT_TRUE(first.append({done(1), {2, kNoon, failed}}));
  EXPECT_FALSE(world().runs().summary(run)->ended);
  const engine::RunEnded ended{engine::RunEnded::How::finished, "d1"};
  ASSERT_TRUE(first.append({{3, kNoon + std::chrono::hours(1), ended}}));
  world().reopen();
  const auto events = world().runs().events(run, 1).value();
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(std::get<engine::TaskFailed>(events[0].event).detail, failed.detail);
  EXPECT_EQ(events[1].at, kNoon + std::chrono::hours(1));
  const auto summary = world().runs().summary(run).value();
  EXPECT_EQ(summary.events, 3U);
  EXPECT_EQ(summary.last, kNoon + std::chrono::hours(1));
  EXPECT_EQ(summary.ended->digest, "d1");
}

/// How the tasks of a run stand, as the store keeps it beside the events.
std::string standings(journal::TaskIndex& store, const std::string& run,
                      const journal::TaskFilter& filter) {
  std::string text;
  const auto rows = store.task_rows(run, filter).value();
  for (const journal::TaskRow& row : rows)
    text += fmt::format("{} {} {}{} {}\n", row.task.index(), row.id, name_of(row.state),
                        row.at_gate ? " at a gate" : "", row.facts);
  return text;
}
const journal::TaskFilter kAll{.tasks = {TaskId(0), TaskId(1), TaskId(2), TaskId(3)}};

engine::GateReached gate_of(std::size_t task) { return {TaskId(task), engine::GateKind::before}; }
engine::AttemptStarted start_of(std::size_t task) {
  engine::AttemptStarted started;
  started.task = TaskId(task);
  return started;
}
engine::TaskDone done_of(std::size_t task) {
  engine::TaskDone event;
  event.task = TaskId(task);
  return event;
}

TEST_P(StoreContract, KeepsHowTasksStandBesideTheirEvents) {
  auto& store = index();
  const std::string run = world().runs().create_run(head_of("review"), 1).value();
  EXPECT_FALSE(store.outline(run).value());
  {
    Dispatcher first = take(run);
    first.facts().keep_facts(0, {{"lint", "L"}, {"caf\xe9", "A"}}, "R");
    EXPECT_FALSE(store.outline(run).value()) << "it comes with the next append";
    ASSERT_TRUE(first.append({{1, kNoon, engine::RunBegan{}}, {2, kNoon, start_of(0)}}));
    EXPECT_EQ(standings(store, run, kAll), "0 lint running L\n1 caf\xe9 waiting A\n");
    ASSERT_TRUE(first.append({{3, kNoon, gate_of(1)}, {4, kNoon, done_of(0)}}));
    first.facts().keep_facts(2, {{"added", "D"}}, "R+");
    ASSERT_TRUE(first.append({{5, kNoon, engine::TasksAdded{}}, {6, kNoon, start_of(2)}}));
  }
  world().reopen();
  const journal::RunOutline outline = index().outline(run).value().value();
  EXPECT_EQ(outline.facts, "R+");
  EXPECT_EQ(outline.head.id, run);
  EXPECT_EQ(outline.head.workspace, head_of("review").workspace);
  EXPECT_EQ(outline.head.options, head_of("review").options);
  EXPECT_EQ(outline.head.plan_text, "");
  const auto seen = [&](const journal::TaskFilter& filter) {
    return standings(index(), run, filter);
  };
  const std::string lint = "0 lint done L\n", audit = "1 caf\xe9 waiting at a gate A\n",
                    added = "2 added running D\n";
  EXPECT_EQ(seen(kAll), lint + audit + added);
  EXPECT_EQ(seen({.ids = {"added", "caf\xe9", "none"}}), audit + added);
  EXPECT_EQ(seen({.at_gates = true}), audit);
  EXPECT_EQ(seen({.at_gates = true, .most_at_gates = 0}), "");
  EXPECT_EQ(seen({.tasks = {TaskId(1)}, .first_unsettled = true}), audit);
  EXPECT_EQ(seen({.first_pending = true}), audit);
  EXPECT_EQ(seen({}), "");
}

TEST_P(StoreContract, FindsTheEventsOfATaskAmongTheRunsOwn) {
  const std::string run = world().runs().create_run(head_of("review"), 1).value();
  engine::ChangesLost lost;
  lost.tasks = {TaskId(0)};
  ASSERT_TRUE(take(run).append({{1, kNoon, engine::RunBegan{}},
                                {2, kNoon, start_of(0)},
                                {3, kNoon, start_of(1)},
                                {4, kNoon, engine::MergeMade{}},
                                {5, kNoon, lost},
                                {6, kNoon, done_of(0)},
                                {7, kNoon, engine::RunEnded{}}}));
  const auto numbers = [&](std::optional<TaskId> task) {
    std::string text;
    const auto events = index().events_of(run, task).value();
    for (const RecordedEvent& one : events)
      text += fmt::format("{} {}, ", one.seq, name_of(one.event));
    return text;
  };
  EXPECT_EQ(numbers(TaskId(0)),
            "1 run_began, 2 attempt_started, 5 changes_lost, 6 task_done, 7 run_ended, ");
  EXPECT_EQ(numbers({}), "1 run_began, 5 changes_lost, 7 run_ended, ");
}

TEST_P(StoreContract, WhoTakesARunUpTellsItsFactsAnewAndTheStatesStay) {
  auto& store = index();
  const std::string run = world().runs().create_run(head_of("review"), 1).value();
  {
    Dispatcher first = take(run);
    first.facts().keep_facts(0, {{"lint", "L"}, {"audit", "A"}}, "R");
    ASSERT_TRUE(first.append({{1, kNoon, start_of(0)}}));
  }
  {
    Dispatcher second = take(run);
    second.facts().keep_facts(0, {{"lint", "L2"}, {"audit", "A"}, {"more", "M"}}, "R2");
    ASSERT_TRUE(second.append({{2, kNoon, start_of(1)}}));
  }
  EXPECT_EQ(standings(store, run, kAll),
            "0 lint running L2\n1 audit running A\n2 more waiting M\n");
  EXPECT_EQ(store.outline(run).value()->facts, "R2");
  Dispatcher third = take(run);
  third.facts().keep_facts(0, {{"lint", "L2"}}, {});
  ASSERT_TRUE(third.append({{3, kNoon, done_of(0)}}));
  EXPECT_FALSE(store.outline(run).value()) << "its tasks cannot be looked at alone any more";
}

TEST_P(StoreContract, ARunThatBeganWithoutFactsHasNoOutline) {
  auto& store = index();
  const std::string run = world().runs().create_run(head_of("review"), 1).value();
  ASSERT_TRUE(take(run).append({{1, kNoon, start_of(0)}}));
  Dispatcher second = take(run);
  second.facts().keep_facts(0, {{"lint", "L"}}, "R");
  ASSERT_TRUE(second.append({{2, kNoon, done_of(0)}}));
  EXPECT_FALSE(store.outline(run).value()) << "how its tasks stood before is not known";
}

TEST_P(StoreContract, AFencedAppendChangesNothingOfHowTasksStand) {
  auto& store = index();
  const std::string run = world().runs().create_run(head_of("review"), 1).value();
  Dispatcher first = take(run);
  first.facts().keep_facts(0, {{"lint", "L"}}, "R");
  ASSERT_TRUE(first.append({{1, kNoon, start_of(0)}}));
  ASSERT_FALSE(first.append({{3, kNoon, done_of(0)}}));
  EXPECT_EQ(standings(store, run, kAll), "0 lint running L\n");
}

TEST_P(StoreContract, AVisitorOfEventsMayAskTheStore) {
  const std::string run = world().runs().create_run(head_of("review"), 1).value();
  ASSERT_TRUE(take(run).append({done(1), done(2)}));
  std::uint64_t inner = 0;
  ASSERT_TRUE(world().runs().replay(run, 0, [&](RecordedEvent&&) {
    inner += world().runs().summary(run)->events;
    inner += world().runs().events(run)->size();
  }));
  EXPECT_EQ(inner, 8U);
}

TEST_P(StoreContract, ReplacesThePlanThatIsKept) {
  const std::string run = world().runs().create_run(head_of("review"), 1).value();
  ASSERT_TRUE(world().runs().replace_plan(run, "interlock: 1 # edited", "{}"));
  const RunHead read = world().runs().head(run).value();
  EXPECT_EQ(read.plan_text, "interlock: 1 # edited");
  EXPECT_EQ(read.files, "{}");
  EXPECT_EQ(read.decision, head_of("review").decision);
}

TEST_P(StoreContract, OnlyOneHoldsARunAndOthersAreToldWho) {
  const std::string run = world().runs().create_run(head_of("review"), 1).value();
  const std::string other = world().runs().create_run(head_of("other"), 2).value();
  EXPECT_FALSE(world().leases().holder_of_run(run).value());
  {
    const auto lease = world().leases().lease_run(holder_of(run)).value();
    EXPECT_TRUE(lease->held());
    const auto second = world().leases().lease_run(holder_of(run, 12));
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().kind, Error::Kind::refused);
    EXPECT_THAT(second.error().message, testing::HasSubstr("run `" + run + "` of plan `review`"));
    EXPECT_EQ(world().leases().holder_of_run(run).value(), holder_of(run));
    EXPECT_TRUE(world().leases().lease_run(holder_of(other)));
    EXPECT_TRUE(lease->held()) << "to be asked about takes nothing away";
  }
  EXPECT_FALSE(world().leases().holder_of_run(run).value());
  EXPECT_TRUE(world().leases().lease_run(holder_of(run, 12)));
}

TEST_P(StoreContract, RefusesEventsThatDoNotFollowAndKeepsNothingOfThem) {
  const std::string run = world().runs().create_run(head_of("review"), 1).value();
  Dispatcher first = take(run);
  ASSERT_TRUE(first.append({done(1)}));
  EXPECT_FALSE(first.append({done(3)}, {blob_of("of a gap")}));
  EXPECT_FALSE(first.append({done(1)}, {blob_of("of a repetition")}));
  EXPECT_EQ(world().runs().events(run)->size(), 1U);
  EXPECT_FALSE(world().blobs().blob(digest_of("of a gap")));
  EXPECT_FALSE(world().blobs().blob(digest_of("of a repetition")));
  EXPECT_TRUE(first.append({done(2)}));
}

TEST_P(StoreContract, ADispatcherThatLostItsRunToAnotherWritesNothingMore) {
  const std::string run = world().runs().create_run(head_of("review"), 1).value();
  Dispatcher first;
  first.lease = world().leases().lease_run(holder_of(run)).value();
  const FormerLease former(first.lease->epoch());
  first.journal = world().runs().open_run(run, former, {{"lint", "sh", ""}}).value();
  ASSERT_TRUE(first.append({done(1)}));
  first.lease.reset();
  Dispatcher second = take(run);
  ASSERT_TRUE(second.append({done(2)}));
  const auto late = first.append({done(2)}, {blob_of("late")}, {{"lint", result_of("late")}});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().kind, Error::Kind::refused);
  EXPECT_FALSE(world().blobs().blob(digest_of("late")));
  EXPECT_FALSE(second.journal->latest_result("lint").value());
  EXPECT_EQ(world().runs().events(run)->size(), 2U);
  EXPECT_TRUE(second.append({done(3)}));
}

TEST_P(StoreContract, KeepsContentsOfAnySizeOnce) {
  const std::string run = world().runs().create_run(head_of("review"), 1).value();
  std::string large(std::size_t{3} << 20U, '\0');
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i * 7 + (i >> 9U));
  Dispatcher first = take(run);
  ASSERT_TRUE(first.append({done(1)}, {blob_of(large), blob_of(""), blob_of("same")}));
  ASSERT_TRUE(first.append({done(2)}, {blob_of("same"), blob_of("same"), blob_of(large)}));
  world().reopen();
  EXPECT_EQ(world().blobs().blob(digest_of(large)).value(), large);
  EXPECT_EQ(world().blobs().blob(digest_of("")).value(), "");
  EXPECT_EQ(world().blobs().blob(digest_of("same")).value(), "same");
  EXPECT_EQ(world().blobs().blob(digest_of("none")).error().kind, Error::Kind::missing);
}

TEST_P(StoreContract, FindsTheNewestResultOfAWorkspaceByKeyAndWhateverItsKey) {
  const std::string run = world().runs().create_run(head_of("review"), 1).value();
  const std::string next = world().runs().create_run(head_of("review"), 2).value();
  const std::string foreign = world().runs().create_run(head_of("review", "/srv"), 3).value();
  ASSERT_TRUE(
      take(run).append({done(1)}, {}, {{"lint", result_of("k1")}, {"audit", result_of("k1")}}));
  ASSERT_TRUE(take(run).append({done(2)}, {}, {{"lint", result_of("k2")}}));
  Dispatcher later = take(next);
  const auto by_key = later.journal->find_result("lint", digest_of("k1")).value();
  ASSERT_TRUE(by_key);
  EXPECT_EQ(by_key->wrote, result_of("k1").wrote);
  EXPECT_EQ(by_key->output, result_of("k1").output);
  EXPECT_EQ(by_key->trace, result_of("k1").trace);
  EXPECT_EQ(by_key->cache_key_parts, result_of("k1").cache_key_parts);
  EXPECT_EQ(later.journal->latest_result("lint").value()->key, digest_of("k2"));
  ASSERT_TRUE(later.append({done(1)}, {}, {{"lint", result_of("k1")}}));
  EXPECT_EQ(later.journal->latest_result("lint").value()->key, digest_of("k1"));
  EXPECT_FALSE(later.journal->find_result("audit", digest_of("k2")).value());
  EXPECT_FALSE(take(foreign).journal->find_result("lint", digest_of("k1")).value());
}

TEST_P(StoreContract, HandsOutARequestOnceAndAgainOnlyWhenNothingCameOfIt) {
  const std::string run = world().runs().create_run(head_of("review"), 1).value();
  Dispatcher first = take(run);
  EXPECT_TRUE(first.journal->take_requests()->empty());
  const auto posted = world().requests().post_request(
      run, {0, Request::Kind::retune, "lint", "ann", R"({"parallel": 3})"}, kNoon);
  ASSERT_TRUE(posted);
  ASSERT_TRUE(
      world().requests().post_request(run, {0, Request::Kind::retry, "audit", "bob"}, kNoon));
  ASSERT_EQ(world().requests().open_requests(run)->size(), 2U);
  const auto taken = first.journal->take_requests().value();
  ASSERT_EQ(taken.size(), 2U);
  EXPECT_EQ(taken[0].id, *posted);
  EXPECT_EQ(taken[0].kind, Request::Kind::retune);
  EXPECT_EQ(taken[0].task, "lint");
  EXPECT_EQ(taken[0].by, "ann");
  EXPECT_EQ(taken[0].body, R"({"parallel": 3})");
  EXPECT_TRUE(first.journal->take_requests()->empty());
  first = {};
  Dispatcher second = take(run);
  EXPECT_EQ(second.journal->take_requests()->size(), 2U) << "nothing had come of them";
  ASSERT_TRUE(second.append({done(1)}));
  EXPECT_TRUE(world().requests().open_requests(run)->empty());
  second = {};
  EXPECT_TRUE(take(run).journal->take_requests()->empty());
}

TEST_P(StoreContract, PruningForgetsARunAndWhatOnlyItHas) {
  const std::string run = world().runs().create_run(head_of("review"), 1).value();
  const std::string other = world().runs().create_run(head_of("review"), 2).value();
  ASSERT_TRUE(take(run).append({done(1)}, {blob_of("own"), blob_of("shared")}));
  ASSERT_TRUE(take(other).append({done(1)}, {blob_of("shared")}));
  ASSERT_TRUE(world().runs().prune(run));
  EXPECT_THAT(ids_of(world().runs().runs()), testing::ElementsAre(other));
  EXPECT_FALSE(world().blobs().blob(digest_of("own")));
  EXPECT_EQ(world().blobs().blob(digest_of("shared")).value(), "shared");
}

INSTANTIATE_TEST_SUITE_P(Of, StoreContract, testing::ValuesIn(testing_support::store_names()),
                         [](const auto& of) { return of.param; });

}  // namespace
}  // namespace interlock
