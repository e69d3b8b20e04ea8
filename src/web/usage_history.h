#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/units.h"
#include "engine/event.h"
#include "runs/chosen_run.h"

// What a run used of its quotas and windows over time: the lines below the page's axis.
namespace interlock::web {

struct UsedAt {
  Time at{};
  std::int64_t amount = 0;
};
/// From each moment on, until the next, so much.
using Steps = std::vector<std::pair<Time, std::int64_t>>;

/// At each moment what was used in the `per` before it, as a rate of so much in `per` counts.
Steps used_in_last(const std::vector<UsedAt>& used, Duration per);
/// At each moment all that was used until then.
Steps used_until(std::vector<UsedAt> used);
/// At most `most` of them and the last, in each of which the highest of those it stands for is
/// kept.
Steps thinned(const Steps& steps, std::size_t most);

/// A run's model calls and beginnings of attempts, taken out of its journal as it grows.
class UsageHistory {
 public:
  void take(const engine::RecordedEvent& recorded);
  /// Of the events that were taken, the last; 0: none yet.
  std::uint64_t last() const { return last_; }
  /// `tokens`, `quotas` and `windows`, each with `steps`: `[ms since the run began, level, ...]`.
  /// A quota's calls are those of this run alone; a window is what its provider told, of all.
  json::object curves(const runs::ChosenRun& run, const std::string& state_folder, Time now) const;

 private:
  struct Call {
    Time admitted{}, ended{};
    TaskId task;
    Usage usage;
  };
  struct Attempt {
    Time at{};
    TaskId task;
  };
  struct Ended {
    Time at{};
    TaskId task;
    std::uint32_t attempt = 0;
    Usage usage;
  };

  json::array quotas(const runs::ChosenRun& run, Time began) const;
  std::vector<UsedAt> tokens() const;

  std::uint64_t last_ = 0;
  std::vector<Call> calls_;
  std::vector<Attempt> started_;
  std::vector<Ended> ended_;
  std::set<std::pair<TaskId, std::uint32_t>> called_;  ///< Attempts of which calls are known.
};

}  // namespace interlock::web
