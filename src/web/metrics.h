#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/event.h"
#include "journal/store.h"
#include "runs/chosen_run.h"

namespace interlock::web {

/// A page of metrics in the text format 0.0.4 of Prometheus: each family once, with its HELP and
/// TYPE, in the order of names.
class MetricsPage {
 public:
  using Labels = std::vector<std::pair<std::string_view, std::string>>;

  /// `name` without the prefix `interlock_`; of a counter it ends in `_total`.
  void counter(std::string_view name, std::string_view help, const Labels& labels, double value) {
    add(name, "counter", help, labels, value);
  }
  void gauge(std::string_view name, std::string_view help, const Labels& labels, double value) {
    add(name, "gauge", help, labels, value);
  }
  std::string text() const;

 private:
  struct Family {
    std::string type, help, lines;
  };
  void add(std::string_view name, std::string_view type, std::string_view help,
           const Labels& labels, double value);
  std::map<std::string, Family> families_;
};

/// Counts what happens in all runs of a journal since it began. Labels are bounded by what
/// plans name: no run and no task is one.
class RunCounters {
 public:
  /// What has happened so far is not counted. `store`: none where there is no journal yet.
  void begin(journal::Store* store);
  /// Reads what is new.
  Result<void> read(journal::Store& store);
  void write(MetricsPage& page) const;

 private:
  void take(const engine::Event& event);
  void take_usage(const std::string& model, const Usage& usage);

  struct Sum {
    std::uint64_t count = 0;
    Duration time{};
  };
  bool has_begun_ = false;
  std::map<std::string, std::uint64_t> seen_;                     ///< By run: its events.
  std::map<std::string, Sum> attempts_;                           ///< By outcome.
  std::map<std::string, std::uint64_t> runs_;                     ///< By how they ended.
  std::map<std::pair<std::string, std::string>, Tokens> tokens_;  ///< By model and kind.
  std::map<std::string, MicroUsd> cost_;                          ///< By model.
  std::map<std::pair<std::string, std::string>, Sum> calls_;      ///< By model and end.
  std::map<std::string, Duration> waited_;                        ///< By reason.
  std::uint64_t conflicts_ = 0;
};

/// How much is left of the quotas of a run's plan and of its log-ins' windows, and until when; of
/// those in `shown` already, nothing.
void write_quotas(MetricsPage& page, const runs::ChosenRun& run, const std::string& state_folder,
                  Time now, std::set<std::string>& shown);

}  // namespace interlock::web
