#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "schedule/problem.h"

namespace interlock::engine {

/// What came of tasks that were added: the plan and its interlocking hold them already.
struct GrownBy {
  std::uint32_t count = 0;
  std::string tasks;                ///< As they were asked for, with the ids they were given.
  std::string files;                ///< What reading them saw, for `TasksAdded`.
  std::vector<schedule::Job> jobs;  ///< One for each.
  std::vector<schedule::Link> links;
  std::vector<Duration> expected;
  std::vector<std::optional<Tokens>> expected_tokens;
};

/// What came of a family whose items are known: the plan and its interlocking hold its tasks.
struct Expanded {
  std::uint32_t count = 0;
  std::string items;                  ///< For `FamilyExpanded`.
  std::vector<schedule::Job> jobs;    ///< One for each place.
  std::vector<schedule::Link> links;  ///< All of the plan's, as they are now.
};

/// Makes tasks of what people and agents ask for while a run goes on.
///
/// Contract:
///   - `add` either refuses and changes nothing, or has put all of the tasks at the end of the plan
///   and of the interlocking that the engine was given;
///   - the same texts, added to the same plan in the same order, give the same tasks.
class PlanGrowth {
 public:
  virtual ~PlanGrowth() = default;

  /// `tasks`: a list of tasks as in a plan document; those without an id are given one. An error
  /// says what is wrong with them, for the one who asked.
  virtual Result<GrownBy> add(const std::string& tasks) = 0;

  /// Makes the tasks of `plan.families[family]` of the output of its producer. An error says what
  /// is wrong with that; nothing is changed then.
  virtual Result<Expanded> expand(std::uint32_t family, const std::string& output) = 0;
};

}  // namespace interlock::engine
