#pragma once

#include <string>
#include <utility>
#include <vector>

#include "contract/memory_store.h"
#include "journal/measurements.h"
#include "journal/projection.h"

namespace interlock::testing_support {

/// What a journal's events measured goes to the others.
void keep_measured(MemoryRows& rows, const journal::Measured& measured);

/// What earlier runs measured, as plain data.
class MemoryMeasurements final : public journal::Measurements {
 public:
  explicit MemoryMeasurements(MemoryRows& rows) : rows_(rows) {}

  using Measurements::add_samples;
  using Measurements::history;

  Result<decide::History> history(const std::string& workspace,
                                  const decide::SaidSlowings& said) override;
  Result<journal::Samples> samples(const journal::SampleFilter& filter) override;
  Result<void> add_samples(const std::vector<history::Sample>& samples,
                           const std::vector<history::Call>& calls) override;
  Result<std::vector<history::Call>> calls() override;
  Result<std::size_t> forget_samples(const journal::SampleFilter& filter) override;
  Result<std::vector<std::string>> unsampled_runs() override { return std::vector<std::string>(); }
  Result<void> sample_run(const std::string& run, std::vector<journal::TaskLabel> tasks) override;
  Result<std::vector<std::pair<std::string, Tokens>>> past_outputs(
      const std::string& account) override;
  Result<void> keep_regret(const history::Regret& regret) override;
  Result<std::vector<history::Regret>> regrets(const std::string& workspace) override;

 private:
  MemoryRows& rows_;
};

}  // namespace interlock::testing_support
