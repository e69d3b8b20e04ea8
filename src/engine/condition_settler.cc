#include "engine/condition_settler.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"

namespace interlock::engine {

namespace {

/// What did not succeed of a group of which one has to; nothing: one did, or none was needed.
std::optional<TaskId> failed_of_all(const plan::Task& task, const RunState& run) {
  for (const auto& group : task.any_of) {
    const bool any = std::ranges::any_of(
        group, [&](TaskId other) { return run[other].state == TaskState::done; });
    const auto failed =
        std::ranges::find_if(group, [&](TaskId other) { return !run[other].went_well(); });
    if (!any && failed != group.end()) return *failed;
  }
  return std::nullopt;
}

}  // namespace

Result<void> ConditionSettler::settle() {
  // A task that is skipped is over, too, and others may hang on that.
  for (;;) {
    // First, as items decide which places are tasks at all.
    if (auto expanded = families_.expand_all(); !expanded) return expanded;
    for (const TaskId over : turn_.batch.take_over()) conditions_.note_over(over);
    const std::set<TaskId> open = conditions_.take_open();
    if (open.empty()) return {};
    for (const TaskId id : open) {
      // Asked again when the next of those it names is over.
      if (!can_be_judged(turn_.plan, turn_.run(), id)) continue;
      if (auto skipped = skip_if_unneeded(id); !skipped) return std::unexpected(skipped.error());
    }
  }
}

bool ConditionSettler::is_choice(TaskId of) const {
  return std::ranges::count_if(turn_.task(of).tries, [this](TaskId one) {
           return turn_.record_of(one).state == TaskState::done;
         }) > 1;
}

Result<bool> ConditionSettler::skip_if_unneeded(TaskId id) {
  // True also where a failure was recorded: nothing of it is to be started.
  const auto is_over = [](const Result<void>& done) -> Result<bool> {
    if (!done) return std::unexpected(done.error());
    return true;
  };
  // Whatever its condition says: there is nothing it could be about.
  if (!families_.has_item(id)) return is_over(tasks_.skip_unneeded(id, std::string(kNoSuchItem)));
  const plan::Task& one = turn_.task(id);
  // The scheduler takes the end of one of them for enough; that one of them was good is known here
  // alone.
  if (const auto failed = failed_of_all(one, turn_.run())) {
    turn_.record(TaskSkipped{id, *failed, {}});
    return true;
  }
  if (one.judge_of && !is_choice(*one.judge_of))
    return is_over(tasks_.skip_unneeded(id, "of its tries no more than one was good"));
  const auto why = why_unneeded(turn_.plan, turn_.run(), id,
                                [this](const Digest& digest) { return turn_.batch.blob(digest); });
  // An output that cannot be read is the store's trouble, and no answer.
  if (!why && why.error().kind != Error::Kind::invalid) return std::unexpected(why.error());
  if (!why) {
    tasks_.fail_for_good(id, Outcome::not_started,
                         fmt::format("its condition `{}` cannot be told: {}", printable(one.when),
                                     why.error().message));
    return true;
  }
  if (why->empty()) return false;
  // The last round of a loop: beyond it nothing is left that could be tried.
  if (one.must_hold) {
    tasks_.fail_for_good(id, Outcome::not_started,
                         fmt::format("what is repeated was never enough: {}", *why));
    return true;
  }
  return is_over(tasks_.skip_unneeded(id, *why));
}

}  // namespace interlock::engine
