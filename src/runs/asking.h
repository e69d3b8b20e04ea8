#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "engine/ports.h"
#include "journal/store.h"
#include "runs/chosen_run.h"
#include "runs/open_store.h"

// What people ask of a run, whoever shows them the answer.
namespace interlock::runs {

/// A run with its plan and its state alone: who waits for whom and what was decided are left out,
/// as nothing that is asked depends on them. `planned` holds the plan and nothing else.
Result<std::unique_ptr<ChosenRun>> choose_run_as_kept(journal::Store& store,
                                                      const std::string& name);

/// A run as `choose_run` gave it, as it is now: of one that is dispatched, only the events since
/// are read.
Result<std::unique_ptr<ChosenRun>> read_on(journal::Store& store, std::unique_ptr<ChosenRun> run);

/// What something is asked of.
struct Asked {
  std::unique_ptr<journal::Store> store;
  std::unique_ptr<ChosenRun> run;
  std::string task;  ///< Empty: none was named.
};
/// `run` and `task` as in `choose_meant`, of which the run is as `choose_run_as_kept` has it.
Result<Asked> open_for_asking(const StorePlace& place, const Where& where, const std::string& run,
                              const std::string& task);

/// Lets its dispatcher, if it lives, look for requests.
void poke(const ChosenRun& run);
/// Durable first; then the dispatcher is poked. Returns the request's number.
Result<std::int64_t> post(journal::Store& store, const ChosenRun& run, engine::Request::Kind kind,
                          const std::string& task, const std::string& body = {});
Result<void> ask(Asked& asked, engine::Request::Kind kind, const std::string& task,
                 const std::string& body = {});

}  // namespace interlock::runs
