#pragma once

#include <memory>
#include <string>
#include <vector>

#include "journal/blobs.h"
#include "journal/lease.h"
#include "journal/measurements.h"
#include "journal/requests.h"
#include "journal/run_store.h"

namespace interlock::testing_support {

/// An empty store, and those who open it.
class StoreWorld {
 public:
  virtual ~StoreWorld() = default;
  virtual journal::RunStore& runs() = 0;
  virtual journal::Blobs& blobs() = 0;
  virtual journal::Requests& requests() = 0;
  virtual journal::Leases& leases() = 0;
  virtual journal::Measurements& measurements() = 0;
  /// Another process opens it.
  virtual void reopen() = 0;
};

std::vector<std::string> store_names();
/// Nothing where this machine lacks what it takes.
std::unique_ptr<StoreWorld> store_world(const std::string& name);

}  // namespace interlock::testing_support
