#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "journal/store.h"
#include "runs/chosen_run.h"
#include "runs/planning.h"

// Standing queues: runs that are not over while they stand, found by a name.
namespace interlock::runs {

inline constexpr std::string_view kUsualQueue = "default";

/// The latest run of the queue that belongs to where a person stands; a run's whole id means its
/// queue, wherever that is. `open`: only one that takes tasks, or will when it is taken up.
Result<std::optional<std::string>> find_queue(journal::Store& store, const Where& where,
                                              const std::string& name, bool open);

/// Whether tasks may still be added to it, now or when a dispatcher takes it up.
bool takes_tasks(const ChosenRun& run);

/// The tasks of a queue that wait, in the order in which those that may start do.
std::vector<TaskId> waiting_order(const ChosenRun& run);

/// A name that a queue may have: it stands where a run's id may stand too.
Result<void> check_queue_name(const std::string& name);

/// What one agent is called in plans that are made without a file: `claude` is `claude-code`.
std::string_view kind_of_agent(std::string_view name);
/// A queue without a plan of its own: all clients by their names, and no task. Isolation `view` or
/// `guard` for all tasks, where the host has them.
Document queue_document(const std::string& name, const Where& where,
                        const std::string& state_folder);

/// What came of a request to add tasks.
struct AddAnswer {
  std::vector<std::string> ids;  ///< Of the tasks that were added; else it was refused.
  std::string refused;
};
/// Nothing while no dispatcher has looked at it. `after`: an event before the request was posted.
Result<std::optional<AddAnswer>> answer_to(journal::Store& store, const std::string& run,
                                           std::uint64_t after, std::int64_t request);

/// The task of this id as it was asked for; nothing where it was not added while the run went on.
Result<std::optional<json::object>> added_task(journal::Store& store, const std::string& run,
                                               const std::string& id);

}  // namespace interlock::runs
