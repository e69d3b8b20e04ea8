#pragma once

#include "plan/order.h"
#include "plan/tasks.h"

// The board of a plan: its topics, what tasks do with them, and whom a reader waits for because of
// that (ADR 96).
namespace interlock::plan {

/// Reads `board` of the plan.
void read_topics(Reading& reading, Node node);
/// Reads `board` of a task.
BoardUse read_board_use(Reading& reading, Node node);

/// Whoever reads a topic of rounds comes after all that post to it in earlier rounds. `after`: by
/// document position.
void link_rounds(Reading& reading, const TaskList& list, NeedLists& after);
/// Whoever reads an ordered topic comes after all before it in plan order that post to it. Where
/// one of these reads it as well, it stands for those before it.
void link_ordered(Plan& plan);
/// Both, for tasks that come at the end of a plan.
void link_added(Reading& reading, TaskList& list, const Plan& plan);

/// What a reader of the plan should know of topics that nobody posts to, or nobody reads.
void note_idle_topics(Plan& plan);

}  // namespace interlock::plan
