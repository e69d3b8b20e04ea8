#pragma once

#include <string>

#include "base/id.h"
#include "plan/plan.h"

namespace interlock::decide {

/// The `foreach` over an output whose place it is, as long as nobody knows which item it gets;
/// null: it is a task of its own.
const plan::Family* family_of_place(const plan::Plan& plan, TaskId task);

/// The id a person knows it by: such a place has that of its `foreach`, as the plan writes it.
const std::string& shown_id(const plan::Plan& plan, TaskId task);

}  // namespace interlock::decide
