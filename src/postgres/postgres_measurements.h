#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "journal/projection.h"
#include "journal/store.h"
#include "postgres/connection.h"

namespace interlock::postgres {

/// Adds to samples and calls; within the caller's transaction.
Outcome<void> write_measured(Connection& connection, const journal::Measured& measured);

/// Whose samples a run's are. `number`: of its row.
Result<journal::SampleOwner> owner_of(Connection& connection, std::int64_t number);

/// What a store on a PostgreSQL server has measured.
class PostgresMeasurements : public journal::Store {
 public:
  using Measurements::add_samples;
  using Measurements::history;

  Result<decide::History> history(const std::string& workspace,
                                  const decide::SaidSlowings& said) override;
  Result<journal::Samples> samples(const journal::SampleFilter& filter) override;
  Result<void> add_samples(const std::vector<history::Sample>& samples,
                           const std::vector<history::Call>& calls) override;
  Result<std::vector<history::Call>> calls() override;
  Result<std::size_t> forget_samples(const journal::SampleFilter& filter) override;
  /// None: there are no earlier formats of this store.
  Result<std::vector<std::string>> unsampled_runs() override;
  Result<void> sample_run(const std::string& run, std::vector<journal::TaskLabel> tasks) override;
  Result<std::vector<std::pair<std::string, Tokens>>> past_outputs(
      const std::string& account) override;
  Result<void> keep_regret(const history::Regret& regret) override;
  Result<std::vector<history::Regret>> regrets(const std::string& workspace) override;

 protected:
  explicit PostgresMeasurements(std::unique_ptr<Connection> connection)
      : connection_(std::move(connection)) {}
  Connection& connection() const { return *connection_; }

 private:
  std::unique_ptr<Connection> connection_;
};

}  // namespace interlock::postgres
