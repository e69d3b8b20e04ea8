#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "plan/plan.h"

// Tasks that are shown as one row: a plan may have ten thousand, and most of them are of a kind.
namespace interlock::web {

struct TaskGroup {
  enum class Kind : unsigned char {
    items,  ///< Of a `foreach`, over files or over an output.
    tries,  ///< Of a task, with their judge and the task itself.
  };
  Kind kind = Kind::items;
  std::string name;
};

struct TaskGroups {
  std::vector<TaskGroup> groups;                 ///< In plan order of their first tasks.
  std::vector<std::optional<std::uint32_t>> of;  ///< By task: its group, if any.
};

/// Each task is of one group at most: the tries of a `foreach`'s tasks are of the `foreach`.
TaskGroups groups_of(const plan::Plan& plan);

}  // namespace interlock::web
