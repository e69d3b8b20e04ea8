#include "runs/store_health.h"

namespace interlock::runs {

Result<StoreHealth> health_of(const StorePlace& place) { return postgres::health_of(place.store); }

}  // namespace interlock::runs
