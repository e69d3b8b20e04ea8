#pragma once

#include <vector>

#include "decide/decision.h"

namespace interlock::decide {

/// Which tasks share an attempt, where the plan asks for it (`batch`).
///
/// Together may be tasks that could as well run at the same time: of one agent, model and
/// environment, waiting for the same tasks and not for each other, that change no file, give back
/// text or JSON as their answer, and ask no person. With `batch: N` at most N; with `auto` so many
/// that every slot (`slots`) is still in use, only tasks whose tax is above a third, and only where
/// the tax saved is more than what is expected to be used again because a batch or a part of one
/// failed.
Batching batches_of(const plan::Plan& plan, const footprint::Interlocking& interlocking,
                    const std::vector<Expected>& expected, std::uint32_t slots);

/// Whether a task could be in one, whatever it asks for.
bool may_share_attempt(const plan::Plan& plan, const plan::Task& task);

/// The same expectations with the work of each batch in the attempt of its first task.
std::vector<Expected> with_batches(std::vector<Expected> expected, const Batching& batching);

}  // namespace interlock::decide
