#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/units.h"

namespace interlock::journal {

/// Who holds a run or a workspace; what is not known is empty.
struct Holder {
  std::string run;
  std::string plan;
  std::int64_t pid = 0;
  std::string host;
  Time since{};

  bool operator==(const Holder&) const = default;
};

/// The right of one dispatcher to a run, for as long as this lives.
class Lease {
 public:
  virtual ~Lease() = default;

  /// Larger than that of every earlier holder of the run, where the store tells its holders apart;
  /// 0 where none can be outlived.
  virtual std::int64_t epoch() const = 0;
  /// An error once the run is no longer held, or cannot be known to be: whatever the holder started
  /// must have ended by then.
  virtual Result<void> held() const = 0;
  /// From now on `call` is called, on any thread, when a request may have come from another machine
  /// or the lease was lost. With an empty one no more; none is under way once this returns.
  virtual void on_news(std::function<void()> call) = 0;
};

/// Answers whether a run has a living dispatcher: the only place that is asked.
class Leases {
 public:
  virtual ~Leases() = default;

  /// Holds the run named by `holder`; refused, with the name of the holder, while another has it.
  virtual Result<std::unique_ptr<Lease>> lease_run(const Holder& holder) = 0;
  /// Who holds the run now; nothing when nobody does. Never makes another's `lease_run` fail.
  virtual Result<std::optional<Holder>> holder_of_run(const std::string& run) = 0;
};

/// ``run `r-1` is held by run `r-1` of plan `p` (process 7 on `host`, since ...)``, and what to do.
Error held_by(const std::string& what, const std::optional<Holder>& holder);
/// Of an append that does not follow the last event: the run has `there`, its dispatcher wrote up
/// to `last`.
Error went_on(std::uint64_t there, std::uint64_t last);

}  // namespace interlock::journal
