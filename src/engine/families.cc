#include <fmt/format.h>

#include "engine/engine.h"

// Tasks of a `foreach` over an output, once that is there.
namespace interlock::engine {

void Engine::expand_families() {
  for (std::uint32_t i = 0; i < plan_.families.size() && !broken_; ++i) {
    const plan::Family& family = plan_.families[i];
    const bool is_open =
        !run().expanded.contains(family.first) && record(family.first).state == TaskState::waiting;
    if (is_open && record(family.producer).went_well()) expand_family(i);
  }
}

/// Its places become tasks, in one turn with what let them: what is known of a family is known of
/// all of it.
void Engine::expand_family(std::uint32_t number) {
  const plan::Family& family = plan_.families[number];
  const auto skip_from = [&](std::uint32_t first, std::optional<TaskId> because,
                             const std::string& why) {
    for (std::uint32_t i = first; i < family.at_most; ++i) {
      const TaskId place(family.first.index() + i);
      if (record(place).state != TaskState::waiting) continue;
      batch_.record(TaskSkipped{place, because, why});
      if (!why.empty()) make_merges_with(place);
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
    fail_for_good(family.first, Outcome::not_started,
                  fmt::format("no tasks come of `{}`: {}{}", family.id, error.message,
                              error.hint.empty() ? "" : " (" + error.hint + ")"));
    return skip_from(1, family.first, {});
  }
  batch_.refine(family.first, std::move(expanded->jobs), std::move(expanded->links));
  batch_.record(FamilyExpanded{family.first, expanded->count, std::move(expanded->items)});
  skip_from(expanded->count, std::nullopt, std::string(kNoSuchItem));
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
