#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "journal/store.h"
#include "runs/chosen_run.h"
#include "runs/open_store.h"

// The way from what a person said to the run they meant.
namespace interlock::runs {

/// A store, and the id of a run in it.
struct NamedRun {
  std::unique_ptr<journal::Store> store;
  std::string id;
};
/// `name` as in `run_named`.
Result<NamedRun> open_named(const StorePlace& place, const Where& where, const std::string& name,
                            journal::Access access = journal::Access::read);

/// A run to look at, and the store it is in.
struct OpenedRun {
  std::unique_ptr<journal::Store> store;  ///< Outlives the run.
  std::unique_ptr<ChosenRun> run;
};
Result<OpenedRun> open_run(const StorePlace& place, const Where& where, const std::string& name,
                           journal::Access access = journal::Access::read);

}  // namespace interlock::runs
