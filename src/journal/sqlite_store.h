#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "journal/sqlite_measurements.h"
#include "journal/task_index.h"

namespace interlock::journal {

/// The state folder's journal of all runs: SQLite in WAL mode, with the kernel's file locks as
/// leases, which end with the process that has them.
class SqliteStore final : public SqliteMeasurements, public TaskIndex {
 public:
  static Result<std::unique_ptr<SqliteStore>> open(const std::string& state_folder, Access access);

  using RunStore::runs;

  Result<std::string> create_run(const RunHead& head, std::uint16_t random) override;
  Result<std::vector<RunSummary>> runs(const RunFilter& filter) override;
  Result<std::string> find_run(std::string_view name) override;
  Result<RunSummary> summary(const std::string& run) override;
  Result<RunHead> head(const std::string& run) override;
  Result<void> replace_plan(const std::string& run, const std::string& plan_text,
                            const std::string& files) override;
  Result<void> prune(const std::string& run) override;
  Result<void> replay(const std::string& run, std::uint64_t after,
                      const std::function<void(engine::RecordedEvent&&)>& visit) override;
  Result<std::optional<RunOutline>> outline(const std::string& run) override;
  Result<std::vector<TaskRow>> task_rows(const std::string& run, const TaskFilter& filter) override;
  Result<std::vector<engine::RecordedEvent>> events_of(const std::string& run,
                                                       std::optional<TaskId> task) override;
  Result<std::unique_ptr<RunJournal>> open_run(const std::string& run, const Lease& lease,
                                               std::vector<TaskLabel> tasks) override;

  Result<std::string> blob(const Digest& digest) override;

  Result<std::int64_t> post_request(const std::string& run, const engine::Request& request,
                                    Time at) override;
  Result<std::vector<engine::Request>> open_requests(const std::string& run) override;

  Result<std::unique_ptr<Lease>> lease_run(const Holder& holder) override;
  Result<std::optional<Holder>> holder_of_run(const std::string& run) override;

 private:
  SqliteStore(std::string state_folder, std::unique_ptr<Database> database);

  std::string state_folder_;
};

}  // namespace interlock::journal
