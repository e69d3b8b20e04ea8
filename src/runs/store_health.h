#pragma once

#include "postgres/health.h"
#include "runs/open_store.h"

namespace interlock::runs {

using postgres::StoreHealth;

/// Of a store on a server; the one in the state folder is as good as this machine.
Result<StoreHealth> health_of(const StorePlace& place);

}  // namespace interlock::runs
