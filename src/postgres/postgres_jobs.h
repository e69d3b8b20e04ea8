#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/job_queue.h"
#include "postgres/connection.h"
#include "postgres/row_lease.h"

namespace interlock::postgres {

/// Files of one run's jobs, as rows. A file is one row: at most what PostgreSQL takes in one.
class RowFiles final : public engine::JobFiles {
 public:
  RowFiles(Connection& connection, std::int64_t run) : connection_(connection), run_(run) {}

  Result<std::set<Digest>> missing(const std::vector<Digest>& digests) override;
  Result<void> put(const Digest& digest, std::string_view bytes) override;
  Result<std::string> get(const Digest& digest) override;

 private:
  Connection& connection_;
  std::int64_t run_;
};

/// A run's jobs as rows, for its dispatcher.
class PostgresJobs final : public engine::JobQueue {
 public:
  /// `run`: its id; `epoch`: of the caller's lease. Jobs of its earlier dispatchers are gone.
  static Result<std::unique_ptr<PostgresJobs>> open(const std::string& url, const std::string& run,
                                                    std::int64_t epoch);
  /// Takes all of the run's jobs and their files away.
  ~PostgresJobs() override;

  Result<std::size_t> free_workers(const std::vector<std::string>& labels) override;
  Result<std::int64_t> offer(const engine::JobOffer& offer) override;
  Result<void> withdraw(std::int64_t job) override;
  Result<void> ask_to_stop(std::int64_t job, Duration grace) override;
  Result<std::vector<engine::JobState>> look() override;
  engine::JobFiles& files() override { return files_; }

 private:
  PostgresJobs(std::unique_ptr<Connection> connection, std::int64_t run, std::int64_t epoch)
      : connection_(std::move(connection)), run_(run), epoch_(epoch), files_(*connection_, run) {}
  Result<void> clear();

  std::unique_ptr<Connection> connection_;
  std::int64_t run_, epoch_;
  RowFiles files_;
};

/// What a worker says of itself.
struct WorkerSelf {
  std::string id;  ///< `host:pid/slot`.
  std::string host;
  std::string version;
  std::vector<std::string> labels;  ///< None has a comma in it.
  Time started{};
};

/// Rows, for one worker. Its lease is that of `lease_times`.
class PostgresWorker final : public engine::JobSource {
 public:
  static Result<std::unique_ptr<PostgresWorker>> open(const std::string& url, WorkerSelf self);
  /// It does not live any more.
  ~PostgresWorker() override;

  Result<void> report_alive() override;
  Result<std::optional<engine::ClaimedJob>> claim() override;
  Result<Renewed> renew(const engine::ClaimedJob& claimed,
                        const engine::JobProgress& progress) override;
  Result<bool> finish(const engine::ClaimedJob& claimed, const std::string& result) override;
  Result<void> decline(const engine::ClaimedJob& claimed, const std::string& why) override;
  Result<void> give_back(const engine::ClaimedJob& claimed) override;
  engine::JobFiles& files(const engine::ClaimedJob& claimed) override;

 private:
  PostgresWorker(std::unique_ptr<Connection> connection, std::unique_ptr<Connection> for_files,
                 WorkerSelf self, LeaseTimes times)
      : connection_(std::move(connection)),
        for_files_(std::move(for_files)),
        self_(std::move(self)),
        times_(times) {}
  Result<bool> end(const engine::ClaimedJob& claimed, std::int64_t state, const std::string& text);

  std::unique_ptr<Connection> connection_, for_files_;
  WorkerSelf self_;
  LeaseTimes times_;
  std::int64_t run_ = 0;  ///< Of the job it has.
  std::optional<RowFiles> files_;
};

/// One that lives, as others see it.
struct WorkerStatus {
  WorkerSelf self;
  std::string runs;       ///< The label of its job; empty: none.
  Duration lease_left{};  ///< As the server counts.
};
/// Those whose lease has not run out, by id.
Result<std::vector<WorkerStatus>> list_workers(const std::string& url);

}  // namespace interlock::postgres
