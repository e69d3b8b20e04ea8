#include "runs/opened_run.h"

#include <utility>

namespace interlock::runs {

Result<NamedRun> open_named(const StorePlace& place, const Where& where, const std::string& name,
                            journal::Access access) {
  auto store = open_store(place, access);
  if (!store) return std::unexpected(store.error());
  auto id = run_named(**store, where, name);
  if (!id) return std::unexpected(id.error());
  return NamedRun{std::move(*store), std::move(*id)};
}

Result<OpenedRun> open_run(const StorePlace& place, const Where& where, const std::string& name,
                           journal::Access access) {
  auto named = open_named(place, where, name, access);
  if (!named) return std::unexpected(named.error());
  auto run = choose_run(*named->store, named->id);
  if (!run) return std::unexpected(run.error());
  return OpenedRun{std::move(named->store), std::move(*run)};
}

}  // namespace interlock::runs
