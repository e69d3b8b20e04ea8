#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "engine/ports.h"

namespace interlock::journal {

/// What people ask of runs. A dispatcher takes them by engine::Journal::take_requests.
class Requests {
 public:
  virtual ~Requests() = default;

  /// Leaves a request for whoever dispatches the run now or next; returns its number. A dispatcher
  /// that is waiting on another machine is woken; one on this machine the caller wakes by a signal.
  virtual Result<std::int64_t> post_request(const std::string& run, const engine::Request& request,
                                            Time at) = 0;
  /// Requests nobody has taken yet, in order.
  virtual Result<std::vector<engine::Request>> open_requests(const std::string& run) = 0;
};

}  // namespace interlock::journal
