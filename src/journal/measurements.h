#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "decide/decision.h"
#include "history/sample.h"
#include "journal/run_store.h"

namespace interlock::journal {

/// Which samples; empty members mean any.
struct SampleFilter {
  std::string workspace, task, agent, model, plan;
  std::optional<Time> before;  ///< Older than that.
  std::size_t most = 0;        ///< The newest so many; 0: all.
};
struct Samples {
  std::vector<history::Sample> good;  ///< Newest first.
  std::size_t damaged = 0;            ///< Rows that cannot be read, and are left out.
};

/// What is known of earlier runs: projections of their events that outlive them.
class Measurements {
 public:
  virtual ~Measurements() = default;

  /// What is known of this workspace's tasks, and of agents anywhere, from the newest samples.
  virtual Result<decide::History> history(const std::string& workspace,
                                          const decide::SaidSlowings& said) = 0;
  Result<decide::History> history(const std::string& workspace) { return history(workspace, {}); }
  virtual Result<Samples> samples(const SampleFilter& filter) = 0;
  /// All of them or none. A sample of the same task, agent, model and moment is replaced.
  virtual Result<void> add_samples(const std::vector<history::Sample>& samples,
                                   const std::vector<history::Call>& calls) = 0;
  Result<void> add_samples(const std::vector<history::Sample>& samples) {
    return add_samples(samples, {});
  }
  /// When model calls were in flight, oldest first.
  virtual Result<std::vector<history::Call>> calls() = 0;
  /// Returns how many there were.
  virtual Result<std::size_t> forget_samples(const SampleFilter& filter) = 0;
  /// Runs of earlier formats, of which there are no samples yet, and the samples of one of them.
  virtual Result<std::vector<std::string>> unsampled_runs() = 0;
  virtual Result<void> sample_run(const std::string& run, std::vector<TaskLabel> tasks) = 0;
  /// What calls of the account put out, oldest first, by model.
  virtual Result<std::vector<std::pair<std::string, Tokens>>> past_outputs(
      const std::string& account) = 0;
  virtual Result<void> keep_regret(const history::Regret& regret) = 0;
  /// Newest first; `workspace` empty: any.
  virtual Result<std::vector<history::Regret>> regrets(const std::string& workspace) = 0;
};

}  // namespace interlock::journal
