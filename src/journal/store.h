#pragma once

#include "journal/blobs.h"
#include "journal/lease.h"
#include "journal/measurements.h"
#include "journal/requests.h"
#include "journal/run_store.h"

namespace interlock::journal {

enum class Access : unsigned char {
  read,   ///< Works beside a writing dispatcher, and in a folder that may not be written.
  write,  ///< Makes the folder and the journal when they are not there.
};

/// Where runs are kept, with all that is known of them: docs/journal.md. `runs::open_store` opens
/// it; whoever needs less takes the port with that.
class Store : public RunStore, public Blobs, public Requests, public Leases, public Measurements {};

}  // namespace interlock::journal
