#include "journal/sqlite_store.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <unistd.h>

#include <boost/json/serialize.hpp>
#include <filesystem>
#include <fstream>

#include "journal/database.h"
#include "journal/format.h"
#include "journal/run_id.h"
#include "journal/sqlite_run_journal.h"

namespace interlock::journal {
namespace {

namespace fs = std::filesystem;

const Time kNoon{std::chrono::sys_days{std::chrono::year{2026} / 11 / 23} + std::chrono::hours(12)};

/// A folder that goes with the test.
class TempFolder {
 public:
  TempFolder() {
    std::string name = (fs::temp_directory_path() / "interlock-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TempFolder() { fs::remove_all(path_); }
  std::string path(const std::string& name = "") const {
    return name.empty() ? path_ : path_ + "/" + name;
  }

 private:
  std::string path_;
};

RunHead head_of(const std::string& plan) {
  RunHead head;
  head.plan_name = plan;
  head.plan_file = plan + ".yaml";
  head.workspace = "/home/ann/site";
  head.plan_text = "interlock: 1\n";
  head.created = kNoon;
  return head;
}

engine::RecordedEvent ended(std::uint64_t seq, std::size_t task, Duration elapsed,
                            engine::Usage usage = {}) {
  engine::AttemptEnded event;
  event.task = TaskId(task);
  event.elapsed = elapsed;
  event.usage = usage;
  return {seq, kNoon + std::chrono::seconds(seq), event};
}

engine::RecordedEvent done(std::uint64_t seq, std::size_t task, std::optional<Digest> output = {}) {
  engine::TaskDone event;
  event.task = TaskId(task);
  event.attempt = 1;
  event.output = output;
  return {seq, kNoon + std::chrono::seconds(seq), event};
}

engine::RecordedEvent run_ended(std::uint64_t seq) {
  return {seq, kNoon + std::chrono::seconds(seq),
          engine::RunEnded{engine::RunEnded::How::finished, "d1"}};
}

engine::Blob blob_of(const std::string& bytes) { return {digest_of(bytes), bytes}; }

/// Of whoever dispatches here, alone.
class TestLease final : public Lease {
 public:
  std::int64_t epoch() const override { return 0; }
  Result<void> held() const override { return {}; }
  void on_news(std::function<void()>) override {}
};
const TestLease kLease;

/// A store with one run of two tasks, open for writing.
class StoreTest : public testing::Test {
 protected:
  StoreTest()
      : opened_(SqliteStore::open(folder_.path(), Access::write).value()), store_(*opened_) {
    run_ = store_.create_run(head_of("review"), 0x7f3a).value();
    journal_ =
        store_.open_run(run_, kLease, {{"lint", "sh", ""}, {"audit", "claude", "sonnet"}}).value();
  }

  Result<void> append(std::vector<engine::RecordedEvent> events,
                      std::vector<engine::Blob> blobs = {},
                      std::vector<std::pair<std::string, engine::StoredResult>> results = {}) {
    return journal_->append(events, blobs, results);
  }
  std::string names_of_events() {
    std::string text;
    const auto events = store_.events(run_).value();
    for (const engine::RecordedEvent& recorded : events) {
      text += fmt::format("{} {}\n", recorded.seq, engine::name_of(recorded.event));
    }
    return text;
  }

  TempFolder folder_;
  std::unique_ptr<Store> opened_;
  Store& store_;
  std::string run_;
  std::unique_ptr<RunJournal> journal_;
};

TEST_F(StoreTest, GivesBackARunsHeadAsItWasWritten) {
  RunHead head = head_of("nightly");
  head.files = R"({"read":{}})";
  head.options = R"({"parallel":2})";
  head.decision = R"({"pattern":"queue"})";
  const std::string id = store_.create_run(head, 1).value();
  const RunHead found = store_.head(id).value();
  EXPECT_EQ(id, "r-20261123-0001");
  EXPECT_EQ(found.plan_text, head.plan_text);
  EXPECT_EQ(found.files, head.files);
  EXPECT_EQ(found.options, head.options);
  EXPECT_EQ(found.decision, head.decision);
  EXPECT_EQ(found.workspace, head.workspace);
  EXPECT_EQ(found.created, kNoon);
}

TEST_F(StoreTest, GivesTwoRunsWithTheSameRandomNumberDifferentIds) {
  EXPECT_EQ(store_.create_run(head_of("review"), 0x7f3a).value(), "r-20261123-7f3b");
}

TEST_F(StoreTest, ListsRunsNewestFirstWithHowTheyEnded) {
  const std::string newer = store_.create_run(head_of("nightly"), 1).value();
  ASSERT_TRUE(append({done(1, 0), run_ended(2)}));
  std::string text;
  const auto runs = store_.runs().value();
  for (const RunSummary& one : runs) {
    text += fmt::format("{} {} {} {}\n", one.id, one.plan_name, one.events,
                        one.ended ? one.ended->digest : "open");
  }
  EXPECT_EQ(text, newer + " nightly 0 open\n" + run_ + " review 2 d1\n");
  EXPECT_EQ(store_.runs({"/elsewhere", 0}).value().size(), 0u);
  EXPECT_EQ(store_.runs({"", 1}).value().size(), 1u);
}

TEST_F(StoreTest, ReplaysEventsInOrderAndFromAPlaceOn) {
  ASSERT_TRUE(append({done(1, 0), done(2, 1)}));
  ASSERT_TRUE(append({run_ended(3)}));
  EXPECT_EQ(names_of_events(), "1 task_done\n2 task_done\n3 run_ended\n");
  const auto later = store_.events(run_, 2).value();
  ASSERT_EQ(later.size(), 1u);
  EXPECT_EQ(later[0].at, kNoon + std::chrono::seconds(3));
}

TEST_F(StoreTest, KeepsFactsWhoseTextIsNoUtf8) {
  engine::TaskFailed event;
  event.detail = "no such file: caf\xe9";
  ASSERT_TRUE(append({{1, kNoon, event}}));
  EXPECT_EQ(std::get<engine::TaskFailed>(store_.events(run_).value()[0].event).detail,
            event.detail);
}

TEST_F(StoreTest, SaysWhenAnEventIsMissing) {
  ASSERT_TRUE(append({done(1, 0), done(2, 1), run_ended(3)}));
  SQLite::Database(folder_.path(kFileName), SQLite::OPEN_READWRITE)
      .exec("DELETE FROM events WHERE seq = 2");
  EXPECT_EQ(store_.events(run_).error().message,
            "the journal is damaged: event 2 of run `r-20261123-7f3a` is missing");
}

TEST_F(StoreTest, RefusesASecondDispatchersEventWithTheSameNumberAndKeepsNothingOfThatTurn) {
  ASSERT_TRUE(append({done(1, 0)}));
  const auto second = append({done(2, 1), done(1, 0)}, {blob_of("late")});
  EXPECT_FALSE(second);
  EXPECT_EQ(names_of_events(), "1 task_done\n");
  EXPECT_FALSE(store_.blob(digest_of("late")));
}

TEST_F(StoreTest, ReadsBesideAWritingDispatcher) {
  const auto opened = SqliteStore::open(folder_.path(), Access::read).value();
  Store& reader = *opened;
  ASSERT_TRUE(append({done(1, 0)}));
  EXPECT_EQ(reader.events(run_).value().size(), 1u);
  ASSERT_TRUE(append({done(2, 1)}));
  EXPECT_EQ(reader.events(run_).value().size(), 2u);
}

TEST_F(StoreTest, FindsResultsByKeyAndTheLatestWhateverItsKey) {
  const Digest first = digest_of("prompt 1"), second = digest_of("prompt 2");
  const engine::Blob output = blob_of("[]");
  ASSERT_TRUE(append({}, {output},
                     {{"lint", {"", first, {{"prompt", first}}, output.digest, digest_of("w")}}}));
  ASSERT_TRUE(append({}, {}, {{"lint", {"", second, {{"prompt", second}}, {}, digest_of("w")}}}));
  const auto found = journal_->find_result("lint", first).value();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->run, run_);
  EXPECT_EQ(found->output, output.digest);
  EXPECT_EQ(found->cache_key_parts, (std::vector<engine::CacheKeyPart>{{"prompt", first}}));
  const auto latest = journal_->latest_result("lint").value();
  ASSERT_TRUE(latest);
  EXPECT_EQ(latest->key, second);
  EXPECT_FALSE(latest->output);
  EXPECT_FALSE(journal_->find_result("audit", first).value());
  EXPECT_FALSE(journal_->latest_result("audit").value());
}

TEST_F(StoreTest, DoesNotReuseAResultOfAnotherWorkspace) {
  ASSERT_TRUE(append({}, {}, {{"lint", {"", digest_of("k"), {}, {}, {}}}}));
  RunHead elsewhere = head_of("review");
  elsewhere.workspace = "/home/bob/site";
  const std::string run = store_.create_run(elsewhere, 2).value();
  EXPECT_FALSE(store_.open_run(run, kLease, {}).value()->latest_result("lint").value());
}

TEST_F(StoreTest, HandsOutEachRequestOnce) {
  const engine::Request request{0, engine::Request::Kind::retry, "lint", "ann"};
  ASSERT_TRUE(store_.post_request(run_, request, kNoon));
  const auto taken = journal_->take_requests().value();
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0].kind, request.kind);
  EXPECT_EQ(taken[0].task, "lint");
  EXPECT_EQ(taken[0].by, "ann");
  EXPECT_TRUE(journal_->take_requests().value().empty());
  ASSERT_TRUE(append({done(1, 0)}));
  EXPECT_TRUE(store_.open_requests(run_).value().empty());
}

TEST_F(StoreTest, GivesARequestAgainWhenItsDispatcherDiedBeforeAnythingCameOfIt) {
  ASSERT_TRUE(store_.post_request(run_, {0, engine::Request::Kind::approve, "", "ann"}, kNoon));
  ASSERT_EQ(journal_->take_requests().value().size(), 1u);
  journal_ = store_.open_run(run_, kLease, {}).value();
  EXPECT_EQ(journal_->take_requests().value().size(), 1u);
}

TEST_F(StoreTest, HistoryKnowsWhatHandingATaskOutTookApartFromItsWork) {
  engine::RecordedEvent recorded =
      ended(1, 1, std::chrono::seconds(40), {1000, 200, 3000, 0, 5000});
  auto& attempt = std::get<engine::AttemptEnded>(recorded.event);
  attempt.spawn_tokens = 2500;
  attempt.return_tokens = 100;
  ASSERT_TRUE(append({recorded}));
  const auto seen = store_.history("/home/ann/site").value().by_task.at("audit\nclaude\nsonnet");
  EXPECT_EQ(seen.spawn_tokens, 2500);
  EXPECT_EQ(seen.return_tokens, 100);
  EXPECT_EQ(seen.tokens, 1600);
}

TEST_F(StoreTest, HistoryDoesNotTakeAnUnknownPartForNothing) {
  ASSERT_TRUE(append({ended(1, 1, std::chrono::seconds(40), {1000, 200, {}, {}, 5000})}));
  const auto seen = store_.history("/home/ann/site").value().by_task.at("audit\nclaude\nsonnet");
  EXPECT_EQ(seen.tokens, std::nullopt);
}

TEST_F(StoreTest, HistoryIsOfTheLastTwentyAttemptsAndHoldsFailuresApart) {
  std::vector<engine::RecordedEvent> events;
  // Three slow attempts that twenty later ones push out.
  for (std::uint64_t i = 1; i <= 3; ++i) events.push_back(ended(i, 0, std::chrono::hours(1)));
  for (std::uint64_t i = 4; i <= 23; ++i) {
    events.push_back(ended(i, 0, std::chrono::seconds(i)));
    if (i % 4 == 0)
      std::get<engine::AttemptEnded>(events.back().event).outcome = engine::Outcome::timed_out;
  }
  events.push_back(ended(24, 1, std::chrono::seconds(40), {1000, 200, 0, 0, 5000}));
  ASSERT_TRUE(append(events));
  const decide::History history = store_.history("/home/ann/site").value();
  std::string text;
  const auto show = [&](const auto& seen) {
    for (const auto& [key, one] : seen) {
      std::string name = key;
      std::ranges::replace(name, '\n', '|');
      text += fmt::format("{}: {} s of {}, tokens {}, cost {}, failures {:.2f} of {}\n", name,
                          to_seconds(one.time), one.count, one.tokens.value_or(-1),
                          one.cost.value_or(-1), one.failures.value_or(-1), one.tried);
    }
  };
  show(history.by_task);
  show(history.by_agent);
  EXPECT_EQ(text,
            "audit|claude|sonnet: 40 s of 1, tokens 1200, cost 5000, failures -1.00 of 1\n"
            "lint|sh|: 14 s of 15, tokens -1, cost -1, failures 0.23 of 20\n"
            "claude|sonnet: 40 s of 1, tokens 1200, cost 5000, failures -1.00 of 1\n"
            "sh|: 14 s of 15, tokens -1, cost -1, failures 0.23 of 20\n");
  EXPECT_TRUE(store_.history("/elsewhere").value().by_task.empty());
}

TEST_F(StoreTest, SamplesOutliveTheirRunAndSayWhatTheAttemptWaitedFor) {
  engine::AttemptStarted started;
  started.task = TaskId(1);
  started.waited.slot = std::chrono::seconds(3);
  engine::ModelCalled called;
  called.task = TaskId(1);
  called.call.elapsed = std::chrono::seconds(4);
  called.call.waited_quota = std::chrono::seconds(1);
  called.call.usage.output = 300;
  journal_ = store_
                 .open_run(run_, kLease,
                           {{"lint", "sh", ""}, {"audit", "claude", "sonnet", "au*", "acme", 77}})
                 .value();
  ASSERT_TRUE(append({{1, kNoon, engine::RunBegan{"ann@box", {}, false}},
                      {2, kNoon, started},
                      {3, kNoon + std::chrono::seconds(6), called},
                      ended(4, 1, std::chrono::seconds(7))}));
  ASSERT_TRUE(store_.prune(run_));
  const Samples samples = store_.samples({}).value();
  ASSERT_EQ(samples.good.size(), 1u);
  const history::Sample& it = samples.good.front();
  EXPECT_EQ(it.task, "audit");
  EXPECT_EQ(it.shape, "au*");
  EXPECT_EQ(it.host, "box");
  EXPECT_EQ(it.run, run_);
  EXPECT_EQ(it.size, 77);
  EXPECT_EQ(it.waits.slot, std::chrono::seconds(3));
  EXPECT_EQ(it.waits.calls_quota, std::chrono::seconds(1));
  EXPECT_EQ(it.startup, std::chrono::seconds(2));
}

TEST_F(StoreTest, ADamagedSampleIsLeftOutAndCounted) {
  ASSERT_TRUE(append({ended(1, 0, std::chrono::seconds(1)), ended(2, 0, std::chrono::seconds(2)),
                      ended(3, 1, std::chrono::seconds(3))}));
  SQLite::Database sqlite(folder_.path(kFileName), SQLite::OPEN_READWRITE);
  sqlite.exec("UPDATE samples SET body = 'half a li' WHERE number = 1");
  sqlite.exec("UPDATE samples SET body = json_set(body, '$.elapsed_s', -5) WHERE number = 2");
  const Samples samples = store_.samples({}).value();
  EXPECT_EQ(samples.damaged, 2u);
  EXPECT_EQ(samples.good.size(), 1u);
  EXPECT_EQ(store_.history("/home/ann/site").value().by_task.size(), 1u);
}

TEST_F(StoreTest, WhatWasExportedIsKnownAgainWhenItIsImported) {
  ASSERT_TRUE(append({ended(1, 0, std::chrono::microseconds(1234567)),
                      ended(2, 1, std::chrono::seconds(3), {10, 20, 30, {}, 40})}));
  const Samples before = store_.samples({}).value();
  std::vector<history::Sample> read;
  for (const history::Sample& it : before.good) {
    const auto value = parse_json(json::serialize(history::to_json(it)));
    read.push_back(history::sample_from_json(*value).value());
  }
  EXPECT_EQ(read, before.good);
  ASSERT_TRUE(store_.add_samples(read));
  EXPECT_EQ(store_.samples({}).value().good, before.good);
  SampleFilter filter;
  filter.agent = "sh";
  EXPECT_EQ(store_.forget_samples(filter).value(), 1u);
  EXPECT_EQ(store_.samples({}).value().good.size(), 1u);
}

TEST_F(StoreTest, PruningForgetsARunAndOnlyWhatNoOtherRunNeeds) {
  const engine::Blob own = blob_of("own"), shared = blob_of("shared");
  ASSERT_TRUE(append({done(1, 0, own.digest), done(2, 1, shared.digest)}, {own, shared},
                     {{"lint", {"", digest_of("k"), {}, own.digest, {}}}}));
  const std::string other = store_.create_run(head_of("nightly"), 1).value();
  auto journal = store_.open_run(other, kLease, {{"audit", "sh", ""}}).value();
  const std::vector<engine::RecordedEvent> reused{done(1, 0, shared.digest)};
  ASSERT_TRUE(journal->append(reused, {}, {}));

  ASSERT_TRUE(store_.prune(run_));
  EXPECT_EQ(store_.find_run("").value(), other);
  EXPECT_EQ(store_.blob(own.digest).error().kind, Error::Kind::missing);
  EXPECT_EQ(store_.blob(shared.digest).value(), "shared");
  EXPECT_FALSE(journal->latest_result("lint").value());
}

TEST_F(StoreTest, SaysWhenTheDatabaseWasDeletedUnderIt) {
  fs::remove_all(folder_.path());
  const auto refused = append({done(1, 0)});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message,
            fmt::format("cannot write the journal `{}`: it was moved or deleted",
                        folder_.path(kFileName)));
}

TEST_F(StoreTest, AContentThatWasChangedOnDiskIsNotGivenOut) {
  const engine::Blob blob = blob_of("answer");
  ASSERT_TRUE(append({}, {blob}));
  SQLite::Database(folder_.path(kFileName), SQLite::OPEN_READWRITE)
      .exec("UPDATE blobs SET bytes = x'00'");
  EXPECT_EQ(store_.blob(blob.digest).error().message,
            fmt::format("the journal is damaged: content `{}` is not what was stored",
                        blob.digest.brief()));
}

TEST(OpenStore, AFullDatabaseIsOneErrorAndNothingIsHalfWritten) {
  TempFolder folder;
  const auto opened = SqliteStore::open(folder.path(), Access::write).value();
  Store& store = *opened;
  const std::string run = store.create_run(head_of("review"), 1).value();
  auto database = Database::open(folder.path(), Access::write).value();
  database->sqlite().exec("PRAGMA max_page_count = 60");
  SqliteRunJournal journal(*database, 1, 1, {{"lint", "sh", ""}});
  const std::vector<engine::RecordedEvent> events{done(1, 0)};
  const std::vector<engine::Blob> blobs{blob_of(std::string(1u << 20, 'x'))};
  const auto refused = journal.append(events, blobs, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message,
            fmt::format("cannot write the journal `{}`: the disk is full", folder.path(kFileName)));
  EXPECT_EQ(refused.error().hint, "free some space, then `interlock resume`");
  EXPECT_TRUE(store.events(run).value().empty());
  EXPECT_TRUE(journal.append(events, {}, {})) << "what fits can still be written";
}

TEST(OpenStore, AFullDiskIsOneErrorAndNothingIsHalfWritten) {
  TempFolder folder;
  if (::mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=2m") != 0)
    GTEST_SKIP() << "mounting a small disk takes root";
  {
    const auto opened = SqliteStore::open(folder.path(), Access::write).value();
    Store& store = *opened;
    const std::string run = store.create_run(head_of("review"), 1).value();
    auto journal = store.open_run(run, kLease, {{"lint", "sh", ""}}).value();
    const std::vector<engine::RecordedEvent> events{done(1, 0)};
    const std::vector<engine::Blob> blobs{blob_of(std::string(4u << 20, 'x'))};
    const auto refused = journal->append(events, blobs, {});
    EXPECT_FALSE(refused);
    if (!refused) {
      EXPECT_EQ(
          refused.error().message,
          fmt::format("cannot write the journal `{}`: the disk is full", folder.path(kFileName)));
    }
    EXPECT_TRUE(store.events(run).value().empty());
    EXPECT_TRUE(journal->append(events, {}, {}));
  }
  ::umount(folder.path().c_str());
}

TEST(OpenStore, ANewerFormatIsRefusedWithAWayOut) {
  TempFolder folder;
  ASSERT_TRUE(SqliteStore::open(folder.path(), Access::write));
  SQLite::Database(folder.path(kFileName), SQLite::OPEN_READWRITE)
      .exec(fmt::format("PRAGMA user_version = {}", kFormatVersion + 1));
  const Error error = SqliteStore::open(folder.path(), Access::read).error();
  EXPECT_EQ(error.kind, Error::Kind::refused);
  EXPECT_EQ(error.message,
            fmt::format("the journal `{}` has format {}, and this Interlock knows formats up to {}",
                        folder.path(kFileName), kFormatVersion + 1, kFormatVersion));
}

/// Takes away what format 10 added.
constexpr const char* kWithoutFormat10 =
    "DROP INDEX events_of_tasks; ALTER TABLE events DROP COLUMN task; DROP TABLE tasks; ";

TEST(OpenStore, AJournalOfFormat4IsWrittenOnWithAllItHolds) {
  TempFolder folder;
  std::string run;
  {
    const auto opened = SqliteStore::open(folder.path(), Access::write).value();
    Store& store = *opened;
    run = store.create_run(head_of("nightly"), 1).value();
  }
  SQLite::Database(folder.path(kFileName), SQLite::OPEN_READWRITE)
      .exec(std::string(kWithoutFormat10) +
            "ALTER TABLE requests DROP COLUMN body; PRAGMA user_version = 4");
  EXPECT_EQ(SqliteStore::open(folder.path(), Access::read).value()->runs().value().size(), 1U);
  const auto opened = SqliteStore::open(folder.path(), Access::write).value();
  Store& store = *opened;
  EXPECT_EQ(store.runs().value().at(0).id, run);
  EXPECT_TRUE(store.samples({}).value().good.empty());
}

/// A journal of format 3 with one run whose one task took eight seconds, and a measurement of
/// another run that was pruned.
void make_format_3(const TempFolder& folder) {
  std::string run;
  {
    const auto opened = SqliteStore::open(folder.path(), Access::write).value();
    Store& store = *opened;
    run = store.create_run(head_of("review"), 1).value();
    auto journal = store.open_run(run, kLease, {{"lint", "sh", ""}}).value();
    const std::vector<engine::RecordedEvent> events{ended(1, 0, std::chrono::seconds(8))};
    ASSERT_TRUE(journal->append(events, {}, {}));
  }
  SQLite::Database sqlite(folder.path(kFileName), SQLite::OPEN_READWRITE);
  constexpr const char* kKey =
      "(workspace INTEGER NOT NULL, task TEXT NOT NULL, agent TEXT NOT NULL, model TEXT NOT NULL, "
      "at INTEGER NOT NULL, seq INTEGER NOT NULL, ";
  sqlite.exec(kWithoutFormat10);
  sqlite.exec(
      "DROP TABLE samples; DROP TABLE calls; DROP TABLE regrets; DROP TABLE sampled; "
      "ALTER TABLE results DROP COLUMN trace; ALTER TABLE requests DROP COLUMN body;");
  sqlite.exec(
      fmt::format("CREATE TABLE measurements{}elapsed INTEGER, tokens INTEGER, cost "
                  "INTEGER);",
                  kKey));
  sqlite.exec(fmt::format("CREATE TABLE meetings{}met INTEGER);", kKey));
  sqlite.exec(fmt::format("CREATE TABLE taxes{}spawn INTEGER, back INTEGER);", kKey));
  const auto at = (kNoon + std::chrono::seconds(1)).time_since_epoch().count();
  sqlite.exec(
      fmt::format("INSERT INTO measurements VALUES(1, 'lint', 'sh', '', {}, 1, 8000000, "
                  "NULL, NULL), (1, 'old', 'claude', 'm', 5, 1, 3000000, 700, 9)",
                  at));
  sqlite.exec("INSERT INTO taxes VALUES(1, 'old', 'claude', 'm', 5, 1, 200, 100)");
  sqlite.exec("PRAGMA user_version = 3");
}

TEST(OpenStore, AnOlderFormatIsReadAsItIsAndBroughtUpWhenItIsWritten) {
  TempFolder folder;
  make_format_3(folder);
  const auto times = [](Store& store) {
    std::string text;
    const decide::History history = store.history("/home/ann/site").value();
    for (const auto& [key, seen] : history.by_task)
      text += fmt::format("{} {} s of {}, {} tokens, tax {}\n", key.substr(0, key.find('\n')),
                          to_seconds(seen.time), seen.count, seen.tokens.value_or(-1),
                          seen.spawn_tokens.value_or(-1));
    return text;
  };
  constexpr const char* kBoth =
      "lint 8 s of 1, -1 tokens, tax -1\nold 3 s of 1, 700 tokens, tax 200\n";
  {
    auto reading = SqliteStore::open(folder.path(), Access::read);
    ASSERT_TRUE(reading);
    EXPECT_EQ(times(**reading), kBoth);
    EXPECT_TRUE((*reading)->samples({}).value().good.empty());
  }
  const auto opened = SqliteStore::open(folder.path(), Access::write).value();
  Store& store = *opened;
  EXPECT_EQ(times(store), kBoth);
  const auto runs = store.unsampled_runs().value();
  ASSERT_EQ(runs.size(), 1u);
  ASSERT_TRUE(store.sample_run(runs[0], {{"lint", "sh", ""}}));
  EXPECT_TRUE(store.unsampled_runs().value().empty());
  EXPECT_EQ(times(store), kBoth) << "its measurement is the same as the sample of its event";
  SQLite::Database sqlite(folder.path(kFileName), SQLite::OPEN_READONLY);
  EXPECT_EQ(sqlite.execAndGet("PRAGMA user_version").getInt(), kFormatVersion);
  EXPECT_TRUE(sqlite.tableExists("measurements")) << "an older dispatcher may be writing to it";
}

TEST(OpenStore, AnotherProgramsDatabaseIsLeftAlone) {
  TempFolder folder;
  SQLite::Database(folder.path(kFileName), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE)
      .exec("CREATE TABLE songs(name)");
  EXPECT_EQ(SqliteStore::open(folder.path(), Access::write).error().message,
            fmt::format("`{}` is the database of another program", folder.path(kFileName)));
}

TEST(OpenStore, AFileThatIsNoDatabaseIsLeftAlone) {
  TempFolder folder;
  std::ofstream(folder.path(kFileName)) << std::string(5000, 'x');
  EXPECT_EQ(SqliteStore::open(folder.path(), Access::write).error().message,
            fmt::format("cannot open the journal `{}`: it is not a SQLite database",
                        folder.path(kFileName)));
}

TEST(OpenStore, ReadingWhereNothingWasRunYetSaysSo) {
  TempFolder folder;
  EXPECT_EQ(SqliteStore::open(folder.path(), Access::read).error().kind, Error::Kind::missing);
  EXPECT_FALSE(fs::exists(folder.path(kFileName)));
}

TEST(OpenStore, ReadsInAFolderThatMayNotBeWritten) {
  TempFolder folder;
  const std::string state = folder.path("a ?state#50%");
  {
    ASSERT_TRUE(SqliteStore::open(state, Access::write).value()->create_run(head_of("review"), 1));
  }
  if (::mount(state.c_str(), state.c_str(), nullptr, MS_BIND, nullptr) != 0)
    GTEST_SKIP() << "a read-only mount takes root";
  ::mount(nullptr, state.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr);
  {
    auto store = SqliteStore::open(state, Access::read);
    EXPECT_TRUE(store) << store.error().message;
    if (store) {
      EXPECT_EQ((*store)->runs().value().size(), 1u);
    }
    const auto refused = SqliteStore::open(state, Access::write);
    EXPECT_FALSE(refused);
    if (!refused) {
      EXPECT_EQ(
          refused.error().message,
          fmt::format("cannot open the journal `{}/{}`: Read-only file system", state, kFileName));
    }
  }
  ::umount(state.c_str());
}

std::string chosen(std::string_view name) {
  const std::vector<std::string> ids{"r-20261124-7f01", "r-20261123-7f3a", "r-20261123-0c11"};
  auto id = choose_run(name, ids);
  return id ? *id : id.error().message + " (" + id.error().hint + ")";
}

TEST(ChooseRun, TakesWhatAPersonWouldType) {
  EXPECT_EQ(chosen(""), "r-20261124-7f01");
  EXPECT_EQ(chosen("last"), "r-20261124-7f01");
  EXPECT_EQ(chosen("r-20261123-0c11"), "r-20261123-0c11");
  EXPECT_EQ(chosen("r-20261124"), "r-20261124-7f01");
  EXPECT_EQ(chosen("0c"), "r-20261123-0c11");
  EXPECT_EQ(chosen("7f3a"), "r-20261123-7f3a");
  EXPECT_EQ(chosen("7f"),
            "`7f` could be any of 2 runs (one of `r-20261124-7f01` and `r-20261123-7f3a`)");
  EXPECT_EQ(chosen("9"), "there is no run `9` (`interlock runs` lists them)");
}

}  // namespace
}  // namespace interlock::journal
