#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "history/sample.h"
#include "journal/blobs.h"
#include "journal/lease.h"
#include "journal/requests.h"
#include "journal/run_store.h"
#include "journal/task_index.h"

namespace interlock::testing_support {

/// What a store keeps, and dispatchers on any machine share.
struct MemoryRun {
  journal::RunHead head;
  std::vector<engine::RecordedEvent> events;
  std::map<std::pair<std::string, Digest>, std::pair<std::int64_t, engine::StoredResult>> results;
  std::vector<engine::Request> requests;
  std::optional<journal::Holder> holder;
  std::int64_t epoch = 0;  ///< Of the last lease.
  std::string facts;       ///< Not empty: how its tasks stand is kept.
  std::vector<journal::TaskRow> tasks;
};
struct MemoryRows {
  std::vector<MemoryRun> runs;                                               ///< Oldest first.
  std::map<Digest, std::pair<std::string, std::vector<std::string>>> blobs;  ///< With their runs.
  std::int64_t last_number = 0;
  std::vector<history::Sample> samples;  ///< In the order of their coming, as what follows.
  std::vector<history::Call> calls;
  std::vector<history::Regret> regrets;

  MemoryRun* find(const std::string& id);
};

/// The store's ports as plain data: what they promise, readable in one sitting.
class MemoryStore final : public journal::RunStore,
                          public journal::TaskIndex,
                          public journal::Blobs,
                          public journal::Requests,
                          public journal::Leases {
 public:
  explicit MemoryStore(MemoryRows& rows) : rows_(rows) {}

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
  Result<std::optional<journal::Holder>> holder_of_run(const std::string& run) override;

 private:
  MemoryRows& rows_;
};

}  // namespace interlock::testing_support
