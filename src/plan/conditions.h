#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "condition/expression.h"
#include "plan/tasks.h"

namespace interlock::plan {

/// Reads the `when` of a task: its text goes to `task.when`, what it looks at to `list`.
void read_when(Reading& reading, const Item& item, const Lookup& known, Task& task,
               std::uint32_t index, TaskList& list);

/// The task a reference names: where ids hold dots, the longest that is one.
struct NamedTask {
  std::uint32_t task = 0;
  std::uint32_t steps = 0;  ///< So many steps of the reference are its id.
};
std::optional<NamedTask> named_by(
    const condition::Reference& reference,
    const std::function<std::optional<std::uint32_t>(std::string_view id)>& find);

/// As a person would write the task's id, where none has it.
std::string shown_id(const condition::Reference& reference);

/// Tells what the condition cannot look at in `target`.
void check_input(Reading& reading, const ConditionMention& mention, const NamedTask& named,
                 const Task& target);

/// Divides what a condition looks at, whose numbers are those of its references, into tasks it
/// needs and tasks it only waits for: one whose outcome it asks need not succeed.
template <typename Inputs, typename Lists>
void divide_inputs(const Inputs& inputs, Lists& needs, Lists& after) {
  for (const auto& input : inputs) {
    if (input.is_outcome) after.push_back(input.task);
  }
  for (const auto& input : inputs) {
    if (std::find(after.begin(), after.end(), input.task) == after.end())
      needs.push_back(input.task);
  }
}

}  // namespace interlock::plan
