#include "engine/merges.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "merge/merge.h"

namespace interlock::engine {

namespace {

/// Whether a later round of the same task was done, whose output counts instead.
bool has_later_round(const plan::Plan& plan, const RunState& run, TaskId id) {
  const auto& loop = plan[id].loop;
  return loop && std::ranges::any_of(plan.loops[*loop].rounds, [&](TaskId other) {
           return other > id && run[other].state == TaskState::done;
         });
}

}  // namespace

Merges::Merges(Turn& turn) : turn_(turn), merges_of_(turn.plan.tasks.size()) {
  for (std::uint32_t merge = 0; merge < turn.plan.merges.size(); ++merge) {
    const plan::Merge& one = turn.plan.merges[merge];
    // A coordinator joins what the others gave: its end is the last of them.
    if (one.coordinator) {
      merges_of_[one.coordinator->index()].push_back(merge);
    } else {
      for (const TaskId from : one.from) merges_of_[from.index()].push_back(merge);
    }
  }
}

Result<void> Merges::make_with(TaskId id) {
  // Whoever ends last makes it: no merge is looked at but with a task that is part of it.
  for (const std::uint32_t merge : merges_of_[id.index()]) {
    const plan::Merge& one = turn_.plan.merges[merge];
    const bool all_there = std::all_of(one.from.begin(), one.from.end(), [this](TaskId from) {
      return turn_.record_of(from).went_well();
    });
    const bool joined = !one.coordinator || turn_.record_of(*one.coordinator).went_well();
    // One that failed may be asked for again; when the run is over, `fail_missing` says so.
    if (!all_there || !joined) continue;
    if (auto made = make(merge); !made) return made;
  }
  return {};
}

Result<void> Merges::make(std::uint32_t merge) {
  const plan::Merge& one = turn_.plan.merges[merge];
  // Its answer is the merge; joining by rule is for where it was not needed.
  if (one.coordinator && turn_.record_of(*one.coordinator).state == TaskState::done) {
    turn_.record(MergeMade{merge, turn_.record_of(*one.coordinator).output.value_or(Digest{})});
    return {};
  }
  std::vector<merge::Part> parts;
  bool of_json = one.of_json;
  for (const TaskId from : one.from) {
    // The plan cannot say it of a task that is added, or of a family.
    of_json |= turn_.task(from).output.form == plan::OutputSpec::Form::json;
    // What was not needed gives nothing, and is missed by nobody.
    if (turn_.record_of(from).is_unneeded() || has_later_round(turn_.plan, turn_.run(), from))
      continue;
    merge::Part part{turn_.task(from).id, {}};
    // A task that gives an exit status alone is an empty part: it did its work.
    if (const auto& digest = turn_.record_of(from).output) {
      auto bytes = turn_.batch.blob(*digest);
      if (!bytes) return std::unexpected(bytes.error());
      part.content = std::move(*bytes);
    }
    parts.push_back(std::move(part));
  }
  plan::Merge way = one;
  way.of_json = of_json;
  auto joined = merge::join(way, parts);
  // Outputs that do not fit together are no failure of a task: each kept its own promise.
  if (!joined) {
    turn_.record(MergeFailed{merge, joined.error().message});
    return {};
  }
  const Digest digest = digest_of(*joined);
  turn_.batch.keep(Blob{digest, std::move(*joined)});
  turn_.record(MergeMade{merge, digest});
  return {};
}

Result<void> Merges::fail_missing() {
  for (std::uint32_t merge = 0; merge < turn_.plan.merges.size(); ++merge) {
    const MergeRecord& made = turn_.run().merges[merge];
    // A dispatcher before may have said it already.
    if (made.output || !made.failure.empty()) continue;
    // No task's end makes the merge of nothing.
    if (turn_.plan.merges[merge].from.empty() && !turn_.plan.merges[merge].coordinator) {
      if (auto joined = make(merge); !joined) return joined;
      continue;
    }
    std::vector<std::string> missing;
    for (const TaskId from : turn_.plan.merges[merge].from) {
      if (!turn_.record_of(from).went_well())
        missing.push_back(fmt::format("`{}`", turn_.task(from).id));
    }
    // All parts are there, and who was to join them failed.
    if (missing.empty()) missing.push_back("its coordinator");
    turn_.record(MergeFailed{merge, fmt::format("no output of {}", join_words(missing))});
  }
  return {};
}

}  // namespace interlock::engine
