#include "engine/families.h"

#include <fmt/format.h>

#include "engine/conditions.h"

namespace interlock::engine {

Result<void> FamilyExpander::expand_all() {
  for (std::uint32_t i = 0; i < turn_.plan.families.size(); ++i) {
    const plan::Family& family = turn_.plan.families[i];
    // Once: what an output meant is in the journal, whatever becomes of that output.
    if (turn_.run().expanded.contains(family.first) ||
        !turn_.record_of(family.producer).went_well())
      continue;
    // Any of its places may have been cancelled, the first too.
    const auto place = first_waiting(family);
    if (!place) continue;
    if (auto expanded = expand(i, *place); !expanded) return expanded;
  }
  return {};
}

std::optional<TaskId> FamilyExpander::first_waiting(const plan::Family& family) const {
  for (std::uint32_t i = 0; i < family.at_most; ++i) {
    const TaskId place(family.first.index() + i);
    if (turn_.record_of(place).state == TaskState::waiting) return place;
  }
  return std::nullopt;
}

/// Its places become tasks, in one turn with what let them: what is known of a family is known of
/// all of it.
Result<void> FamilyExpander::expand(std::uint32_t number, TaskId place) {
  const plan::Family& family = turn_.plan.families[number];
  const TaskRecord& producer = turn_.record_of(family.producer);
  if (producer.is_unneeded()) {
    return skip_from(family, 0, std::nullopt,
                     fmt::format("its items are the output of `{}`, which was not needed",
                                 turn_.task(family.producer).id));
  }
  // A producer that gives an exit status alone has no items: that is for the plan to say.
  Result<std::string> output = std::string();
  if (producer.output) output = turn_.batch.blob(*producer.output);
  if (!output) return std::unexpected(output.error());
  auto expanded = turn_.setup.growth == nullptr
                      ? Result<Expanded>(fail(Error::Kind::internal, "this run takes no tasks"))
                      : turn_.setup.growth->expand(number, *output);
  if (!expanded) {
    const Error& error = expanded.error();
    tasks_.fail_for_good(place, Outcome::not_started,
                         fmt::format("no tasks come of `{}`: {}{}", family.id, error.message,
                                     error.hint.empty() ? "" : " (" + error.hint + ")"));
    return skip_from(family, 0, place, {});
  }
  // Their footprints are known now: who waits for whom may be less, and never more.
  turn_.batch.refine(family.first, std::move(expanded->jobs), std::move(expanded->links));
  turn_.record(FamilyExpanded{family.first, expanded->count, std::move(expanded->items)});
  // There are more places than items, most of the time.
  return skip_from(family, expanded->count, std::nullopt, std::string(kNoSuchItem));
}

/// `because`: it needed that one, which failed; none: it is not needed, which merges can do
/// without.
Result<void> FamilyExpander::skip_from(const plan::Family& family, std::uint32_t first,
                                       std::optional<TaskId> because, const std::string& why) {
  for (std::uint32_t i = first; i < family.at_most; ++i) {
    const TaskId one(family.first.index() + i);
    if (turn_.record_of(one).state != TaskState::waiting) continue;
    if (because) {
      turn_.record(TaskSkipped{one, because, why});
    } else if (auto skipped = tasks_.skip_unneeded(one, why); !skipped) {
      return skipped;
    }
  }
  return {};
}

bool FamilyExpander::has_item(TaskId id) const {
  const auto& number = turn_.task(id).family;
  if (!number) return true;
  const TaskId first = turn_.plan.families[*number].first;
  const auto known = turn_.run().expanded.find(first);
  return known == turn_.run().expanded.end() || id.index() - first.index() < known->second;
}

}  // namespace interlock::engine
