#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "base/usage.h"
#include "plan/plan.h"

namespace interlock::engine {

// Several tasks in one attempt: what it is asked, and what becomes of its answer. The parts are
// numbered from 1, in the order of `tasks`.

/// The prompt of an attempt that does the work of all, each with its own prompt filled in.
std::string batch_prompt(const std::vector<std::string>& prompts);

/// The JSON Schema of its answer: one property a task, its own schema inside; text is a string.
std::string batch_schema(const std::vector<const plan::Task*>& tasks);

/// What all of them may read; none of them writes.
footprint::Footprint batch_footprint(const std::vector<const plan::Task*>& tasks);

/// Each task's part of the answer, as the task alone would have answered; nothing where it is
/// missing or of the wrong kind. An error when the answer is no JSON object.
Result<std::vector<std::optional<std::string>>> take_batch_apart(
    const std::vector<const plan::Task*>& tasks, std::string_view answer);

/// Even parts of what the attempt used; what does not divide goes to the first ones, so that the
/// parts add up exactly. What is unknown is unknown in each.
std::vector<Usage> even_parts(const Usage& whole, std::size_t count);
std::vector<Duration> even_parts(Duration whole, std::size_t count);

}  // namespace interlock::engine
