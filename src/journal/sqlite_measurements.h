#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "journal/store.h"

namespace interlock::journal {

class Database;

/// What the state folder's journal has measured.
class SqliteMeasurements : public Store {
 public:
  ~SqliteMeasurements() override;

  using Measurements::add_samples;
  using Measurements::history;

  Result<decide::History> history(const std::string& workspace,
                                  const decide::SaidSlowings& said) override;
  Result<Samples> samples(const SampleFilter& filter) override;
  Result<void> add_samples(const std::vector<history::Sample>& samples,
                           const std::vector<history::Call>& calls) override;
  Result<std::vector<history::Call>> calls() override;
  Result<std::size_t> forget_samples(const SampleFilter& filter) override;
  Result<std::vector<std::string>> unsampled_runs() override;
  Result<void> sample_run(const std::string& run, std::vector<TaskLabel> tasks) override;
  Result<std::vector<std::pair<std::string, Tokens>>> past_outputs(
      const std::string& account) override;
  Result<void> keep_regret(const history::Regret& regret) override;
  Result<std::vector<history::Regret>> regrets(const std::string& workspace) override;

 protected:
  explicit SqliteMeasurements(std::unique_ptr<Database> database);
  Database& database() const { return *database_; }

 private:
  std::unique_ptr<Database> database_;
};

}  // namespace interlock::journal
