#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/id.h"
#include "condition/expression.h"
#include "plan/place.h"

namespace interlock::plan {

/// The tasks of a `foreach` over an output. They have their places in plan order from the
/// beginning, as many as there may be; until the items are known each place stands for all of them.
struct Family {
  std::string id;                     ///< As it is written, with its placeholders.
  TaskId first;                       ///< Of its places.
  std::uint32_t at_most = 0;          ///< So many places there are.
  TaskId producer;                    ///< Whose output holds the items.
  std::vector<condition::Step> path;  ///< Where in it.
  Place place;

  bool operator==(const Family&) const = default;
};

/// A task that is done in rounds.
struct Loop {
  std::string id;              ///< As it is written.
  std::vector<TaskId> rounds;  ///< In their order; what it gave is what the last that ran gave.

  bool operator==(const Loop&) const = default;
};

}  // namespace interlock::plan
