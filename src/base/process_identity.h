#pragma once

#include <cstdint>
#include <string>

namespace interlock {

/// Names one process for good: a pid is used again, this never is.
struct ProcessIdentity {
  std::string boot_id;
  std::int64_t pid = 0;
  std::int64_t start_ticks = 0;  ///< Field 22 of /proc/PID/stat.

  bool operator==(const ProcessIdentity&) const = default;
};

}  // namespace interlock
