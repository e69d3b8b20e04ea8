#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "journal/task_index.h"
#include "postgres/postgres_measurements.h"
#include "postgres/row_lease.h"

namespace interlock::postgres {

/// The journal of all runs on a PostgreSQL server, for dispatchers on several machines
/// (docs/cluster.md). Reading goes on where the server is lost for a moment; a dispatcher writes on
/// for as long as its lease lasts.
class PostgresStore final : public PostgresMeasurements, public journal::TaskIndex {
 public:
  static Result<std::unique_ptr<PostgresStore>> open(const std::string& url,
                                                     journal::Access access);

  using RunStore::runs;

  Result<std::string> create_run(const journal::RunHead& head, std::uint16_t random) override;
  Result<std::vector<journal::RunSummary>> runs(const journal::RunFilter& filter) override;
  Result<std::string> find_run(std::string_view name) override;
  Result<journal::RunSummary> summary(const std::string& run) override;
  Result<journal::RunHead> head(const std::string& run) override;
  Result<void> replace_plan(const std::string& run, const std::string& plan_text,
                            const std::string& files) override;
  Result<void> prune(const std::string& run) override;
  Result<void> replay(const std::string& run, std::uint64_t after,
                      const std::function<void(engine::RecordedEvent&&)>& visit) override;
  Result<std::optional<journal::RunOutline>> outline(const std::string& run) override;
  Result<std::vector<journal::TaskRow>> task_rows(const std::string& run,
                                                  const journal::TaskFilter& filter) override;
  Result<std::vector<engine::RecordedEvent>> events_of(const std::string& run,
                                                       std::optional<TaskId> task) override;
  Result<std::unique_ptr<journal::RunJournal>> open_run(
      const std::string& run, const journal::Lease& lease,
      std::vector<journal::TaskLabel> tasks) override;

  Result<std::string> blob(const Digest& digest) override;

  Result<std::int64_t> post_request(const std::string& run, const engine::Request& request,
                                    Time at) override;
  Result<std::vector<engine::Request>> open_requests(const std::string& run) override;

  Result<std::unique_ptr<journal::Lease>> lease_run(const journal::Holder& holder) override;
  /// What is answered may be a quarter of a second old.
  Result<std::optional<journal::Holder>> holder_of_run(const std::string& run) override;

 private:
  explicit PostgresStore(std::unique_ptr<Connection> connection);
  Result<std::int64_t> number_of(const std::string& run);
  Result<std::vector<journal::RunSummary>> summaries(const char* sql, const Parameters& parameters);
  Result<std::string> workspace_around(const std::string& folder);

  struct Known {
    std::string run;
    std::chrono::microseconds at{};
    std::optional<journal::Holder> holder;
  };
  std::optional<Known> known_;
  std::vector<std::unique_ptr<LeaseTerm>> terms_;
};

}  // namespace interlock::postgres
