#include <fmt/format.h>

#include "engine/engine.h"

// Tasks of a `foreach` over an output, once that is there.
namespace interlock::engine {

void Engine::expand_families() {
  for (std::uint32_t i = 0; i < plan_.families.size() && !broken_; ++i) {
    const plan::Family& family = plan_.families[i];
    if (run().expanded.contains(family.first) || !record(family.producer).went_well()) continue;
    // Any of its places may have been cancelled, the first too.
    if (const auto place = first_waiting(family)) expand_family(i, *place);
  }
}

std::optional<TaskId> Engine::first_waiting(const plan::Family& family) const {
  for (std::uint32_t i = 0; i < family.at_most; ++i) {
    const TaskId place(family.first.index() + i);
    if (record(place).state == TaskState::waiting) return place;
  }
  return std::nullopt;
}

/// Its places become tasks, in one turn with what let them: what is known of a family is known of
/// all of it.
void Engine::expand_family(std::uint32_t number, TaskId place) {
  const plan::Family& family = plan_.families[number];
  const auto skip_from = [&](std::uint32_t first, std::optional<TaskId> because,
                             const std::string& why) {
    for (std::uint32_t i = first; i < family.at_most; ++i) {
      const TaskId one(family.first.index() + i);
      if (record(one).state != TaskState::waiting) continue;
      batch_.record(TaskSkipped{one, because, why});
      if (!why.empty()) make_merges_with(one);
    }
  };
  const TaskRecord& producer = record(family.producer);
  if (producer.is_unneeded()) {
    return skip_from(0, std::nullopt,
                     fmt::format("its items are the output of `{}`, which was not needed",
                                 task(family.producer).id));
  }
  Result<std::string> output = std::string();
  if (producer.output) output = batch_.blob(*producer.output);
  if (!output) {
    broken_ = output.error();
    return;
  }
  auto expanded = setup_.growth == nullptr
                      ? Result<Expanded>(fail(Error::Kind::internal, "this run takes no tasks"))
                      : setup_.growth->expand(number, *output);
  if (!expanded) {
    const Error& error = expanded.error();
    fail_for_good(place, Outcome::not_started,
                  fmt::format("no tasks come of `{}`: {}{}", family.id, error.message,
                              error.hint.empty() ? "" : " (" + error.hint + ")"));
    return skip_from(0, place, {});
  }
  batch_.refine(family.first, std::move(expanded->jobs), std::move(expanded->links));
  batch_.record(FamilyExpanded{family.first, expanded->count, std::move(expanded->items)});
  skip_from(expanded->count, std::nullopt, std::string(kNoSuchItem));
}

/// A place that was cancelled before the items were known may be asked for again.
bool Engine::has_item(TaskId id) const {
  const auto& number = task(id).family;
  if (!number) return true;
  const TaskId first = plan_.families[*number].first;
  const auto known = run().expanded.find(first);
  return known == run().expanded.end() || id.index() - first.index() < known->second;
}

bool is_unused_place(const plan::Plan& plan, const RunState& run, TaskId id) {
  const auto& family = plan[id].family;
  if (!family) return false;
  if (run[id].unneeded == kNoSuchItem) return true;
  // Before its items are known, the first stands for all.
  const TaskId first = plan.families[*family].first;
  return id != first && !run.expanded.contains(first);
}

}  // namespace interlock::engine
