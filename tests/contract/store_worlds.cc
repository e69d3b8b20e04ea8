#include "contract/store_worlds.h"

#include <stdlib.h>

#include <filesystem>

#include "contract/memory_measurements.h"
#include "contract/memory_store.h"
#include "journal/sqlite_store.h"
#include "postgres/postgres_store.h"
#include "support/postgres_server.h"

namespace interlock::testing_support {
namespace {

namespace fs = std::filesystem;

class MemoryWorld final : public StoreWorld {
 public:
  journal::RunStore& runs() override { return store_; }
  journal::Blobs& blobs() override { return store_; }
  journal::Requests& requests() override { return store_; }
  journal::Leases& leases() override { return store_; }
  journal::Measurements& measurements() override { return measurements_; }
  void reopen() override {}

 private:
  MemoryRows rows_;
  MemoryStore store_{rows_};
  MemoryMeasurements measurements_{rows_};
};

class SqliteWorld final : public StoreWorld {
 public:
  SqliteWorld() {
    folder_ = (fs::temp_directory_path() / "interlock-XXXXXX").string();
    static_cast<void>(::mkdtemp(folder_.data()));
    reopen();
  }
  ~SqliteWorld() override { fs::remove_all(folder_); }
  journal::RunStore& runs() override { return *store_; }
  journal::Blobs& blobs() override { return *store_; }
  journal::Requests& requests() override { return *store_; }
  journal::Leases& leases() override { return *store_; }
  journal::Measurements& measurements() override { return *store_; }
  void reopen() override {
    earlier_.push_back(std::move(store_));  // Its journals may still be there.
    store_ = journal::SqliteStore::open(folder_, journal::Access::write).value();
  }

 private:
  std::string folder_;
  std::vector<std::unique_ptr<journal::Store>> earlier_;
  std::unique_ptr<journal::Store> store_;
};

/// One server for all tests of this process; each has a database of its own.
testing_support::PostgresServer* server() {
  static const std::unique_ptr<PostgresServer> kServer = PostgresServer::start();
  return kServer.get();
}

class PostgresWorld final : public StoreWorld {
 public:
  PostgresWorld() {
    static int made = 0;
    url_ = server()->make_database("world" + std::to_string(++made));
    reopen();
  }
  journal::RunStore& runs() override { return *store_; }
  journal::Blobs& blobs() override { return *store_; }
  journal::Requests& requests() override { return *store_; }
  journal::Leases& leases() override { return *store_; }
  journal::Measurements& measurements() override { return *store_; }
  void reopen() override {
    earlier_.push_back(std::move(store_));
    store_ = postgres::PostgresStore::open(url_, journal::Access::write).value();
  }

 private:
  std::string url_;
  std::vector<std::unique_ptr<journal::Store>> earlier_;
  std::unique_ptr<journal::Store> store_;
};

}  // namespace

std::vector<std::string> store_names() { return {"memory", "sqlite", "postgres"}; }

std::unique_ptr<StoreWorld> store_world(const std::string& name) {
  if (name == "memory") return std::make_unique<MemoryWorld>();
  if (name == "sqlite") return std::make_unique<SqliteWorld>();
  return server() == nullptr ? nullptr : std::make_unique<PostgresWorld>();
}

}  // namespace interlock::testing_support
