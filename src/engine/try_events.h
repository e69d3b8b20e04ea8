#pragma once

#include <string>
#include <string_view>

#include "engine/judge.h"
#include "engine/turn.h"

namespace interlock::engine {

/// The end of a try that is good: its changes are complete. For a judge they are made a text.
TryEnded good_try(Turn& turn, TaskId task);
/// Of one that is not, or is not wanted any more.
TryEnded bad_try(const RunState& run, TaskId task, std::string why);

/// Whether it is known of that task's tries which one counts, or that none does.
bool is_picked(const RunState& run, TaskId of);
/// Why the others are not wanted any more, once that is known.
std::string why_not_wanted(const plan::Plan& plan, const RunState& run, TaskId of);

/// What a judge answered: which try, from 1, and why. `answer` keeps to the schema of judges.
struct Picked {
  std::size_t number = 0;
  std::string why;
};
Result<Picked> picked_in(std::string_view answer);
/// Whether a judge has picked one that was good.
Judgement judge_pick(const plan::Plan& plan, const RunState& run, TaskId judge,
                     std::string_view answer);

}  // namespace interlock::engine
