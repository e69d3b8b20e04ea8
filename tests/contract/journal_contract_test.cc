#include <fmt/format.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>

#include "journal/database.h"
#include "journal/sqlite_run_journal.h"
#include "journal/sqlite_store.h"
#include "support/fake_journal.h"

// What engine::Journal promises, held against the fake and against SQLite on this disk.
namespace interlock {
namespace {

namespace fs = std::filesystem;
using engine::Blob;
using engine::RecordedEvent;
using engine::Request;
using engine::StoredResult;

constexpr Time kNoon{std::chrono::hours(12)};

/// A journal, and what others do to it.
class World {
 public:
  virtual ~World() = default;
  virtual engine::Journal& journal() = 0;
  /// A person asks for something.
  virtual void post(const Request& request) = 0;
  /// The dispatcher dies and another opens the run.
  virtual void reopen() = 0;
  /// No further append of a megabyte fits.
  virtual void fill() = 0;
  virtual std::size_t event_count() = 0;
};

class FakeWorld final : public World {
 public:
  engine::Journal& journal() override { return journal_; }
  void post(const Request& request) override { journal_.post(request); }
  void reopen() override { journal_.reopen(); }
  void fill() override { journal_.refuse_next = "the disk is full"; }
  std::size_t event_count() override { return journal_.events().size(); }

 private:
  testing_support::FakeJournal journal_;
};

class RealWorld final : public World {
 public:
  RealWorld() : folder_(make_folder()) {
    store_ = *journal::SqliteStore::open(folder_, journal::Access::write);
    journal::RunHead head;
    head.workspace = "/site";
    head.created = kNoon;
    run_ = *store_->create_run(head, 1);
    reopen();
  }
  ~RealWorld() override { fs::remove_all(folder_); }

  engine::Journal& journal() override { return *journal_; }
  void post(const Request& request) override {
    ASSERT_TRUE(store_->post_request(run_, request, kNoon));
  }
  void reopen() override {
    database_ = *journal::Database::open(folder_, journal::Access::write);
    const std::vector<journal::TaskLabel> tasks{{"a", "sh", ""}, {"b", "sh", ""}};
    journal_ = std::make_unique<journal::SqliteRunJournal>(*database_, 1, 1, tasks);
  }
  void fill() override { database_->sqlite().exec("PRAGMA max_page_count = 60"); }
  std::size_t event_count() override { return store_->events(run_)->size(); }

 private:
  static std::string make_folder() {
    std::string name = (fs::temp_directory_path() / "interlock-XXXXXX").string();
    return ::mkdtemp(name.data());
  }

  std::string folder_;
  std::unique_ptr<journal::SqliteStore> store_;
  std::string run_;
  std::unique_ptr<journal::Database> database_;
  std::unique_ptr<journal::SqliteRunJournal> journal_;
};

class JournalContract : public testing::TestWithParam<std::string> {
 protected:
  JournalContract() {
    if (GetParam() == "fake")
      world_ = std::make_unique<FakeWorld>();
    else
      world_ = std::make_unique<RealWorld>();
  }

  engine::Journal& journal() { return world_->journal(); }
  Result<void> append(std::vector<RecordedEvent> events, std::vector<Blob> blobs = {},
                      std::vector<std::pair<std::string, StoredResult>> results = {}) {
    return journal().append(events, blobs, results);
  }
  static RecordedEvent done(std::uint64_t seq) { return {seq, kNoon, engine::TaskDone{}}; }
  static Blob blob_of(const std::string& bytes) { return {digest_of(bytes), bytes}; }
  static StoredResult result(const std::string& key, const std::string& wrote) {
    StoredResult result;
    result.key = digest_of(key);
    result.cache_key_parts = {{"prompt", digest_of(key)}};
    result.wrote = digest_of(wrote);
    return result;
  }
  std::string requests() {
    std::string text;
    const auto taken = journal().take_requests().value();
    for (const Request& one : taken)
      text += fmt::format("{} {} ", static_cast<int>(one.kind), one.task);
    return text;
  }

  std::unique_ptr<World> world_;
};

TEST_P(JournalContract, KeepsFactsAndContents) {
  ASSERT_TRUE(append({done(1), done(2)}, {blob_of("an answer"), blob_of("")}));
  world_->reopen();
  EXPECT_EQ(world_->event_count(), 2u);
  EXPECT_EQ(journal().blob(digest_of("an answer")).value(), "an answer");
  EXPECT_EQ(journal().blob(digest_of("")).value(), "");
  EXPECT_EQ(journal().blob(digest_of("never said")).error().kind, Error::Kind::missing);
}

TEST_P(JournalContract, KeepsTheSameContentTwiceAsOne) {
  ASSERT_TRUE(append({done(1)}, {blob_of("same"), blob_of("same")}));
  ASSERT_TRUE(append({done(2)}, {blob_of("same")}));
  EXPECT_EQ(journal().blob(digest_of("same")).value(), "same");
}

TEST_P(JournalContract, KeepsNothingOfAnAppendThatFailed) {
  ASSERT_TRUE(append({done(1)}));
  world_->fill();
  const std::string large(1u << 20, 'x');
  EXPECT_FALSE(append({done(2)}, {blob_of(large)}, {{"a", result("k", "w")}}));
  EXPECT_EQ(world_->event_count(), 1u);
  EXPECT_FALSE(journal().blob(digest_of(large)));
  EXPECT_FALSE(journal().latest_result("a").value());
  EXPECT_TRUE(append({done(2)})) << "what fits goes on";
}

TEST_P(JournalContract, FindsTheNewestResultByKeyAndWhateverItsKey) {
  ASSERT_TRUE(append({}, {}, {{"a", result("k1", "old")}, {"b", result("k1", "b")}}));
  ASSERT_TRUE(append({}, {}, {{"a", result("k2", "other")}}));
  ASSERT_TRUE(append({}, {}, {{"a", result("k1", "new")}}));
  EXPECT_EQ(journal().find_result("a", digest_of("k1")).value()->wrote, digest_of("new"));
  EXPECT_EQ(journal().find_result("a", digest_of("k2")).value()->wrote, digest_of("other"));
  EXPECT_EQ(journal().latest_result("a").value()->wrote, digest_of("new"));
  EXPECT_EQ(journal().latest_result("b").value()->cache_key_parts,
            result("k1", "b").cache_key_parts);
  EXPECT_FALSE(journal().find_result("b", digest_of("k2")).value());
  EXPECT_FALSE(journal().latest_result("c").value());
}

TEST_P(JournalContract, HandsOutEachRequestOnceAndInOrder) {
  world_->post({0, Request::Kind::retry, "a", "ann"});
  world_->post({0, Request::Kind::cancel_run, "", "ann"});
  EXPECT_EQ(requests(), "4 a 3  ");
  EXPECT_EQ(requests(), "");
  ASSERT_TRUE(append({done(1)}));
  world_->reopen();
  EXPECT_EQ(requests(), "");
}

TEST_P(JournalContract, ARequestOutlivesADispatcherThatDiedBeforeActingOnIt) {
  world_->post({0, Request::Kind::approve, "a", "ann"});
  EXPECT_EQ(requests(), "0 a ");
  world_->reopen();
  EXPECT_EQ(requests(), "0 a ");
}

TEST_P(JournalContract, ARequestThatCameAfterTheLastLookIsNotLostWithTheNextAppend) {
  EXPECT_EQ(requests(), "");
  world_->post({0, Request::Kind::approve, "a", "ann"});
  ASSERT_TRUE(append({done(1)}));
  EXPECT_EQ(requests(), "0 a ");
}

INSTANTIATE_TEST_SUITE_P(Of, JournalContract, testing::Values("fake", "sqlite"),
                         [](const auto& of) { return of.param; });

}  // namespace
}  // namespace interlock
