#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/units.h"

namespace interlock::postgres {

/// What is to be known of a store before runs are put there.
struct StoreHealth {
  std::string name;                    ///< As messages name it: host and database.
  std::string version;                 ///< Of the server, as it tells it.
  std::optional<std::int64_t> schema;  ///< Nothing: no tables were made yet.
  std::int64_t known_schema = 0;       ///< Of this Interlock.
  bool may_write = false;              ///< No standby, and the user may.
  bool commits_durably = false;  ///< A commit is on the disk, or on the standby's, when it returns.
  Duration round_trip{};
  Duration clock_ahead{};  ///< Of the server's clock before this machine's, to half the round trip.
};

Result<StoreHealth> health_of(const std::string& url);

}  // namespace interlock::postgres
