#include "engine/event_words.h"

#include "engine/event.h"

namespace interlock::engine {

std::string_view name_of(Outcome outcome) { return word(kOutcomes, outcome); }

std::optional<Outcome> outcome_named(std::string_view name) {
  for (std::size_t i = 0; i < kOutcomes.size(); ++i) {
    if (kOutcomes[i] == name) return static_cast<Outcome>(i);
  }
  return std::nullopt;
}

std::string_view name_of(TaskMoved::Place place) { return word(kMovePlaces, place); }

std::string_view name_of(AttemptStarted::Trigger because) { return word(kTriggers, because); }

}  // namespace interlock::engine
