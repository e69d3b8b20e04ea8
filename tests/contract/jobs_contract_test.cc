#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "postgres/postgres_jobs.h"
#include "postgres/postgres_store.h"
#include "support/fake_jobs.h"
#include "support/postgres_server.h"

// What engine::JobQueue and engine::JobSource promise, held against the fake and against rows on a
// PostgreSQL server.
namespace interlock {
namespace {

using engine::ClaimedJob;
using engine::JobSource;
using engine::JobState;
using State = engine::JobState::State;
using namespace std::chrono_literals;

class World {
 public:
  virtual ~World() = default;
  virtual engine::JobQueue& queue() = 0;
  virtual std::unique_ptr<JobSource> worker(const std::string& id,
                                            std::vector<std::string> labels) = 0;
  /// Nobody renews for so long that all leases of jobs end.
  virtual void end_leases() = 0;
};

class FakeWorld final : public World {
 public:
  engine::JobQueue& queue() override { return jobs_.queue(); }
  std::unique_ptr<JobSource> worker(const std::string& id,
                                    std::vector<std::string> labels) override {
    return jobs_.worker(id, std::move(labels));
  }
  void end_leases() override { clock_.go_to(clock_.now() + 61s); }

 private:
  testing_support::FakeClock clock_;
  testing_support::FakeJobs jobs_{clock_};
};

testing_support::PostgresServer* server() {
  static const auto kServer = testing_support::PostgresServer::start();
  return kServer.get();
}

class PostgresWorld final : public World {
 public:
  PostgresWorld() {
    static int made = 0;
    database_ = "jobs" + std::to_string(++made);
    url_ = server()->make_database(database_);
    store_ = postgres::PostgresStore::open(url_, journal::Access::write).value();
    journal::RunHead head;
    head.workspace = "/workspace";
    run_ = store_->create_run(head, 1).value();
    lease_ = store_->lease_run({run_, "plan", 1, "host", Time{}}).value();
    queue_ = postgres::PostgresJobs::open(url_, run_, lease_->epoch()).value();
  }
  engine::JobQueue& queue() override { return *queue_; }
  std::unique_ptr<JobSource> worker(const std::string& id,
                                    std::vector<std::string> labels) override {
    return postgres::PostgresWorker::open(url_, {id, "host", "1", std::move(labels), Time{}})
        .value();
  }
  void end_leases() override {
    server()->sql(database_,
                  "UPDATE interlock.jobs SET expires = clock_timestamp() - interval '1 second'");
  }
  /// Another dispatcher takes the run over.
  std::unique_ptr<postgres::PostgresJobs> take_over() {
    lease_.reset();
    lease_ = store_->lease_run({run_, "plan", 2, "other", Time{}}).value();
    return postgres::PostgresJobs::open(url_, run_, lease_->epoch()).value();
  }
  const std::string& url() const { return url_; }

 private:
  std::string database_, url_, run_;
  std::unique_ptr<postgres::PostgresStore> store_;
  std::unique_ptr<journal::Lease> lease_;
  std::unique_ptr<postgres::PostgresJobs> queue_;
};

class JobsContract : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (GetParam() == "fake") {
      world_ = std::make_unique<FakeWorld>();
    } else if (server() != nullptr) {
      world_ = std::make_unique<PostgresWorld>();
    } else {
      GTEST_SKIP() << "the programs of a PostgreSQL server are not here";
    }
  }
  engine::JobQueue& queue() { return world_->queue(); }
  std::unique_ptr<JobSource> worker(const std::string& id, std::vector<std::string> labels = {}) {
    return world_->worker(id, std::move(labels));
  }
  std::int64_t offer(const std::string& spec, std::vector<std::string> labels = {}) {
    return queue().offer({"r-1/t#1", std::move(labels), spec}).value();
  }
  JobState only_job() {
    const auto states = queue().look().value();
    EXPECT_EQ(states.size(), 1u);
    return states.empty() ? JobState{} : states.front();
  }

  std::unique_ptr<World> world_;
};

TEST_P(JobsContract, AJobGoesFromItsOfferToItsResult) {
  const auto one = worker("w1");
  const std::string spec("any\0bytes\xff", 10);
  const std::int64_t job = offer(spec);
  EXPECT_EQ(only_job().state, State::offered);
  const auto claimed = one->claim().value();
  ASSERT_TRUE(claimed);
  EXPECT_EQ(claimed->job, job);
  EXPECT_EQ(claimed->spec, spec);
  EXPECT_EQ(only_job().state, State::claimed);
  EXPECT_EQ(only_job().progress.process, std::nullopt);
  engine::JobProgress progress{ProcessIdentity{"boot", 7, 8}, 3s, "a line\xff"};
  EXPECT_TRUE(one->renew(*claimed, progress)->is_held);
  const JobState state = only_job();
  EXPECT_EQ(state.worker, "w1");
  EXPECT_EQ(state.progress.process, progress.process);
  EXPECT_EQ(state.progress.silent_for, 3s);
  EXPECT_EQ(state.progress.last_line, "a line\xff");
  EXPECT_TRUE(one->finish(*claimed, "result\xff").value());
  EXPECT_TRUE(one->finish(*claimed, "result\xff").value()) << "to say it twice is as once";
  EXPECT_EQ(only_job().state, State::finished);
  EXPECT_EQ(only_job().text, "result\xff");
  EXPECT_FALSE(one->claim().value()) << "it is done";
}

TEST_P(JobsContract, AJobIsHadByOneWorkerAtATime) {
  const auto one = worker("w1"), two = worker("w2");
  offer("a");
  ASSERT_TRUE(one->claim().value());
  EXPECT_FALSE(two->claim().value());
  offer("b");
  EXPECT_EQ(two->claim().value()->spec, "b");
}

TEST_P(JobsContract, OfWhoseLeaseEndedNothingIsAccepted) {
  const auto one = worker("w1"), two = worker("w2");
  offer("a");
  const ClaimedJob first = one->claim().value().value();
  world_->end_leases();
  EXPECT_EQ(only_job().state, State::offered);
  EXPECT_FALSE(one->finish(first, "late").value()) << "while it is nobody's";
  const ClaimedJob second = two->claim().value().value();
  EXPECT_GT(second.fence, first.fence);
  EXPECT_FALSE(one->renew(first, {})->is_held);
  EXPECT_FALSE(one->finish(first, "late").value());
  EXPECT_TRUE(one->decline(first, "late"));
  EXPECT_TRUE(one->give_back(first));
  EXPECT_EQ(only_job().state, State::claimed);
  EXPECT_EQ(only_job().worker, "w2");
  EXPECT_TRUE(two->finish(second, "good").value());
  EXPECT_EQ(only_job().text, "good");
}

TEST_P(JobsContract, OneThatIsRenewedIsKept) {
  const auto one = worker("w1");
  offer("a");
  const ClaimedJob claimed = one->claim().value().value();
  world_->end_leases();
  // Nobody looked in between, so nobody has it instead.
  EXPECT_TRUE(one->renew(claimed, {})->is_held);
  EXPECT_EQ(only_job().state, State::claimed);
}

TEST_P(JobsContract, WhatIsWithdrawnIsNobodys) {
  const auto one = worker("w1");
  const std::int64_t job = offer("a");
  const ClaimedJob claimed = one->claim().value().value();
  ASSERT_TRUE(queue().withdraw(job));
  EXPECT_TRUE(queue().look()->empty());
  EXPECT_FALSE(one->renew(claimed, {})->is_held);
  EXPECT_FALSE(one->finish(claimed, "late").value());
  EXPECT_TRUE(queue().withdraw(job)) << "it is not there";
  ASSERT_TRUE(queue().withdraw(offer("b")));
  EXPECT_FALSE(one->claim().value());
}

TEST_P(JobsContract, WhoHasItIsToldToStop) {
  const auto one = worker("w1");
  const std::int64_t job = offer("a");
  const ClaimedJob claimed = one->claim().value().value();
  EXPECT_EQ(one->renew(claimed, {})->grace, std::nullopt);
  ASSERT_TRUE(queue().ask_to_stop(job, 4s));
  EXPECT_EQ(one->renew(claimed, {})->grace, Duration(4s));
}

TEST_P(JobsContract, WhatIsDeclinedStaysSoAndWhatIsGivenBackIsOffered) {
  const auto one = worker("w1"), two = worker("w2");
  offer("a");
  const ClaimedJob first = one->claim().value().value();
  ASSERT_TRUE(one->give_back(first));
  EXPECT_EQ(only_job().state, State::offered);
  const ClaimedJob second = two->claim().value().value();
  EXPECT_GT(second.fence, first.fence);
  ASSERT_TRUE(two->decline(second, "no such program"));
  EXPECT_EQ(only_job().state, State::declined);
  EXPECT_EQ(only_job().text, "no such program");
  EXPECT_FALSE(one->claim().value());
}

TEST_P(JobsContract, AJobGoesToWhoHasItsLabels) {
  const auto plain = worker("w1"), able = worker("w2", {"big", "gpu"});
  EXPECT_EQ(queue().free_workers({}).value(), 2u);
  EXPECT_EQ(queue().free_workers({"gpu"}).value(), 1u);
  EXPECT_EQ(queue().free_workers({"gpu", "tape"}).value(), 0u);
  offer("a", {"gpu"});
  EXPECT_EQ(queue().free_workers({"gpu"}).value(), 0u) << "it will be that one's";
  EXPECT_FALSE(plain->claim().value());
  ASSERT_TRUE(able->claim().value());
  EXPECT_EQ(queue().free_workers({}).value(), 1u);
}

TEST_P(JobsContract, AWorkerThatIsGoneIsNotFree) {
  auto one = worker("w1");
  EXPECT_EQ(queue().free_workers({}).value(), 1u);
  one.reset();
  EXPECT_EQ(queue().free_workers({}).value(), 0u);
}

TEST_P(JobsContract, FilesGoBothWaysByContent) {
  const auto one = worker("w1");
  offer("a");
  const ClaimedJob claimed = one->claim().value().value();
  const std::string bytes("a\0\xff", 3);
  const Digest there = digest_of(bytes), gone = digest_of("gone");
  EXPECT_EQ(queue().files().missing({there, gone})->size(), 2u);
  ASSERT_TRUE(queue().files().put(there, bytes));
  ASSERT_TRUE(queue().files().put(there, bytes));
  EXPECT_EQ(queue().files().missing({there, gone}).value(), std::set<Digest>{gone});
  EXPECT_EQ(one->files(claimed).get(there).value(), bytes);
  EXPECT_EQ(one->files(claimed).get(gone).error().kind, Error::Kind::missing);
  ASSERT_TRUE(one->files(claimed).put(gone, "gone"));
  EXPECT_EQ(queue().files().get(gone).value(), "gone");
}

INSTANTIATE_TEST_SUITE_P(Of, JobsContract, testing::Values("fake", "postgres"),
                         [](const auto& of) { return of.param; });

TEST(PostgresJobs, ADispatcherThatLostItsRunOffersNothingMore) {
  if (server() == nullptr) GTEST_SKIP() << "the programs of a PostgreSQL server are not here";
  PostgresWorld world;
  const auto worker = world.worker("w1", {});
  ASSERT_TRUE(world.queue().offer({"r-1/t#1", {}, "a"}));
  const auto claimed = worker->claim().value().value();
  const auto next = world.take_over();
  EXPECT_TRUE(next->look()->empty()) << "those of the one before are gone";
  EXPECT_FALSE(worker->finish(claimed, "late").value());
  const auto refused = world.queue().offer({"r-1/t#2", {}, "b"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Error::Kind::refused);
  ASSERT_TRUE(next->offer({"r-1/t#2", {}, "c"}));
  EXPECT_EQ(worker->claim().value()->spec, "c");
}

TEST(PostgresJobs, WhoLivesIsListed) {
  if (server() == nullptr) GTEST_SKIP() << "the programs of a PostgreSQL server are not here";
  PostgresWorld world;
  auto one = world.worker("w1", {"gpu", "big"});
  const auto two = world.worker("w2", {});
  ASSERT_TRUE(world.queue().offer({"r-1/t#1", {}, "a"}));
  ASSERT_TRUE(two->claim().value());
  const auto workers = postgres::list_workers(world.url()).value();
  ASSERT_EQ(workers.size(), 2u);
  EXPECT_EQ(workers[0].self.id, "w1");
  EXPECT_THAT(workers[0].self.labels, testing::ElementsAre("gpu", "big"));
  EXPECT_EQ(workers[0].runs, "");
  EXPECT_EQ(workers[1].runs, "r-1/t#1");
  EXPECT_THAT(workers[1].self.labels, testing::IsEmpty());
  one.reset();
  EXPECT_EQ(postgres::list_workers(world.url())->size(), 1u);
}

}  // namespace
}  // namespace interlock
