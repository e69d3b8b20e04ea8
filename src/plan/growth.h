#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "plan/read.h"

namespace interlock::plan {

/// Adds tasks to a plan that was read before.
class Growth {
 public:
  /// Costs the plan's tasks, once.
  explicit Growth(const Plan& plan);

  bool has(const std::string& id) const { return by_id_.contains(id); }

  /// `text` is a list of tasks as it stands in a plan document, YAML or JSON. It is read with the
  /// plan's agents, resources and defaults; its tasks come at the end of the plan, in their order.
  /// They may need any task before them, by id or pattern. All of them or none: where the answer is
  /// not empty the plan is as it was. `options.file` names the text in messages. Costs what is new,
  /// and for patterns over ids all ids.
  std::vector<Problem> add(std::string_view text, const ReadOptions& options, Files& files,
                           Plan& plan);

 private:
  std::unordered_map<std::string, std::uint32_t> by_id_;
};

}  // namespace interlock::plan
