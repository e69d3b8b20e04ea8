#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "engine/engine.h"
#include "merge/merge.h"

// Joining outputs, and letting go of the run.
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

void Engine::make_merges_with(TaskId id) {
  for (const std::uint32_t merge : merges_of_[id.index()]) {
    const plan::Merge& one = plan_.merges[merge];
    const bool all_there = std::all_of(one.from.begin(), one.from.end(),
                                       [this](TaskId from) { return record(from).went_well(); });
    const bool joined = !one.coordinator || record(*one.coordinator).went_well();
    if (all_there && joined) make_merge(merge);
  }
}

void Engine::make_merge(std::uint32_t merge) {
  const plan::Merge& one = plan_.merges[merge];
  if (one.coordinator && record(*one.coordinator).state == TaskState::done) {
    batch_.record(MergeMade{merge, record(*one.coordinator).output.value_or(Digest{})});
    return;
  }
  std::vector<merge::Part> parts;
  bool of_json = one.of_json;
  for (const TaskId from : one.from) {
    of_json |= task(from).output.form == plan::OutputSpec::Form::json;
    if (record(from).is_unneeded() || has_later_round(plan_, run(), from)) continue;
    merge::Part part{task(from).id, {}};
    if (const auto& digest = record(from).output) {
      auto bytes = batch_.blob(*digest);
      if (!bytes) {
        broken_ = bytes.error();
        return;
      }
      part.content = std::move(*bytes);
    }
    parts.push_back(std::move(part));
  }
  plan::Merge way = one;
  way.of_json = of_json;
  auto joined = merge::join(way, parts);
  if (!joined) {
    batch_.record(MergeFailed{merge, joined.error().message});
    return;
  }
  const Digest digest = digest_of(*joined);
  batch_.keep(Blob{digest, std::move(*joined)});
  batch_.record(MergeMade{merge, digest});
}

void Engine::name_missing_merges() {
  for (std::uint32_t merge = 0; merge < plan_.merges.size(); ++merge) {
    const MergeRecord& made = run().merges[merge];
    if (made.output || !made.failure.empty()) continue;
    // No task's end makes the merge of nothing.
    if (plan_.merges[merge].from.empty() && !plan_.merges[merge].coordinator) {
      make_merge(merge);
      continue;
    }
    std::vector<std::string> missing;
    for (const TaskId from : plan_.merges[merge].from) {
      if (!record(from).went_well()) missing.push_back(fmt::format("`{}`", task(from).id));
    }
    if (missing.empty()) missing.push_back("its coordinator");
    batch_.record(MergeFailed{merge, fmt::format("no output of {}", join_words(missing))});
  }
}

void Engine::finish(RunEnded::How how) {
  std::string digest;
  if (how == RunEnded::How::finished || how == RunEnded::How::failed) {
    std::vector<merge::TaskResult> tasks;
    for (std::uint32_t i = 0; i < plan_.tasks.size(); ++i) {
      const TaskRecord& one = run().tasks[i];
      tasks.push_back({plan_.tasks[i].id, std::string(name_of(one.state)),
                       one.output.value_or(Digest{}), one.wrote});
    }
    std::vector<merge::MergeResult> merges;
    for (std::uint32_t i = 0; i < plan_.merges.size(); ++i) {
      merges.push_back({plan_.merges[i].name, run().merges[i].output.value_or(Digest{})});
    }
    digest = merge::digest_of_run(tasks, merges).hex();
  }
  batch_.record(RunEnded{how, digest});
}

}  // namespace interlock::engine
