#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/result.h"
#include "plan/plan.h"

namespace interlock::merge {

/// What one task gave back.
struct Part {
  std::string task;  ///< The task's id, for messages.
  std::string content;
};

/// Joins outputs into one text, by the rules of docs/merging.md. `parts` come in plan order,
/// whatever order the tasks finished in, so equal outputs give equal bytes. Two tasks that say
/// different things in one place are an error that names the place and both tasks: a merge never
/// chooses.
Result<std::string> join(const plan::Merge& merge, std::span<const Part> parts);

/// A task as the run's digest sees it.
struct TaskResult {
  std::string task;
  std::string state;
  Digest output;
  Digest wrote;
};
struct MergeResult {
  std::string merge;
  Digest output;
};

/// The run's digest: equal when all tasks, in plan order, ended alike, gave the same outputs and
/// left the same files.
Digest digest_of_run(std::span<const TaskResult> tasks, std::span<const MergeResult> merges);

}  // namespace interlock::merge
