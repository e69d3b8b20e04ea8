#include "runs/open_store.h"

#include "journal/sqlite_store.h"

namespace interlock::runs {

Result<std::unique_ptr<journal::Store>> open_store(const StorePlace& place,
                                                   journal::Access access) {
  return journal::SqliteStore::open(place.state_folder, access);
}

}  // namespace interlock::runs
