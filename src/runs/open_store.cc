#include "runs/open_store.h"

#include "journal/sqlite_store.h"
#include "postgres/postgres_store.h"

namespace interlock::runs {

Result<std::unique_ptr<journal::Store>> open_store(const StorePlace& place,
                                                   journal::Access access) {
  if (!place.store.empty()) return postgres::PostgresStore::open(place.store, access);
  return journal::SqliteStore::open(place.state_folder, access);
}

}  // namespace interlock::runs
