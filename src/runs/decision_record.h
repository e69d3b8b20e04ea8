#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/units.h"
#include "decide/decision.h"
#include "engine/event.h"
#include "runs/planning.h"

namespace interlock::runs {

struct ChosenRun;

/// What was decided when a run was made, as it is kept with the run: history goes on, and deciding
/// again later would tell what would be decided then.
struct DecisionRecord {
  /// One way to run the plan, as foretold then.
  struct Way {
    std::string name;  ///< `one agent`, `sequential`, `parallel`, `queue`.
    Duration elapsed{};
    std::optional<Duration> p50, p90;  ///< Over the draws, where any were made.
    Duration join{};                   ///< For joining outputs by hand, afterwards.
    std::optional<Tokens> tokens;
    std::optional<MicroUsd> cost;
    std::uint32_t n = 1;  ///< Attempts at once.
    bool chosen = false;

    bool operator==(const Way&) const = default;
  };
  struct Test {
    std::string name;
    bool holds = false;
    std::string why;

    bool operator==(const Test&) const = default;
  };

  std::string pattern;  ///< `sequential`, `parallel`, `queue(2)`.
  std::vector<Way> ways;
  std::vector<Test> tests;
  std::vector<std::string> reasons, changes, warnings, not_counted;

  bool operator==(const DecisionRecord&) const = default;
};

DecisionRecord record_of(const decide::Decision& decision);
json::object to_json(const DecisionRecord& record);
/// Nothing where the run was made by a version that kept the pattern only.
std::optional<DecisionRecord> decision_from_text(std::string_view text);

/// Takes in how many at once a person asked for since: the reason of a queue, which stands, says
/// so; else one more does.
void take_retuned(DecisionRecord& record, const engine::RunRetuned& retuned, bool stands);
/// As it was kept with the run, with what people changed since.
std::optional<DecisionRecord> kept_decision(const ChosenRun& run);

/// Wants the pattern that was decided when the run was made, as `decision` of its row has it, and
/// as many at once: history has learned from the run since, and would decide otherwise in the
/// middle. A standing queue, and what a person asked for, stay as they are.
void want_as_decided(PlanRequest& planning, std::string_view decision);

}  // namespace interlock::runs
