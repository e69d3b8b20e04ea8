#pragma once

#include <cstdint>
#include <optional>

#include "base/result.h"
#include "engine/task_endings.h"
#include "engine/turn.h"

namespace interlock::engine {

/// Makes tasks of a `foreach` over an output, once that is there.
class FamilyExpander {
 public:
  FamilyExpander(Turn& turn, TaskEndings& tasks) : turn_(turn), tasks_(tasks) {}

  /// All families whose items are known by now, and that were not expanded yet.
  [[nodiscard]] Result<void> expand_all();
  /// A place that was cancelled before the items were known may be asked for again.
  bool has_item(TaskId task) const;

 private:
  std::optional<TaskId> first_waiting(const plan::Family& family) const;
  [[nodiscard]] Result<void> expand(std::uint32_t family, TaskId place);
  [[nodiscard]] Result<void> skip_from(const plan::Family& family, std::uint32_t first,
                                       std::optional<TaskId> because, const std::string& why);

  Turn& turn_;
  TaskEndings& tasks_;
};

}  // namespace interlock::engine
