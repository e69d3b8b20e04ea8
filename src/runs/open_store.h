#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "journal/store.h"

namespace interlock::runs {

/// Where runs are kept. What belongs to this machine alone (logs, attempt folders, snapshots) lies
/// in the state folder in any case.
struct StorePlace {
  std::string state_folder;
  /// `postgres://USER@HOST/DATABASE`, with all that libpq takes in one; empty: the journal in the
  /// state folder. May hold a password: it is shown nowhere.
  std::string store = {};
};

/// The one place that knows which stores there are.
Result<std::unique_ptr<journal::Store>> open_store(const StorePlace& place, journal::Access access);

}  // namespace interlock::runs
