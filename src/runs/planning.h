#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "decide/conditions.h"
#include "decide/decision.h"
#include "engine/setup.h"
#include "footprint/interlocking.h"
#include "plan/plan.h"
#include "plan/read.h"

namespace interlock::runs {

/// What the command line wants of a plan; kept with the run, so that `resume` wants the same.
struct PlanRequest {
  std::optional<decide::Pattern> pattern;
  std::optional<std::uint32_t> parallel;
  std::vector<plan::Isolation>
      isolation;  ///< What is wanted, then what will do; empty: the plan's.
  Duration effort = std::chrono::milliseconds(100);
  std::map<std::string, std::string> set;
  bool reuse = true;
  bool wait_at_gates = false;
  std::string folder;   ///< The plan's own, once it is known.
  bool record = false;  ///< Keep what models are asked and answer.
  bool stands = false;  ///< Tasks are added while it goes on: it is not over when all are.
  std::string queue;    ///< The name it is found by, of one that stands.
  std::string replay;   ///< The run whose recording answers instead of models; empty: none.

  bool operator==(const PlanRequest&) const = default;
};
json::object to_json(const PlanRequest& request);
Result<PlanRequest> request_from_json(const std::string& text);

/// A plan read, interlocked and decided.
struct Planned {
  plan::Plan plan;
  footprint::Interlocking interlocking;
  std::vector<decide::Expected> expected;
  decide::Decision decision;
  std::size_t added = 0;  ///< So many of the last tasks were added while a run went on.
  /// By agent: how its tasks slow each other, where history knows and the plan does not say.
  std::map<std::string, decide::LearnedFrom> learned{};
  /// Of the decision's warnings, those of a log-in's window that is nearly used up.
  std::vector<std::string> window_warnings{};

  /// The part of the interlocking that is waited for; what the rest would catch, snapshots do.
  const footprint::Interlocking& waits() const { return decision.speculation.waits; }
};

/// A plan document and where it lies. `folder` is the base of its relative paths.
struct Document {
  std::string file;
  std::string folder;
  std::string text;
};
/// `named` empty: `interlock.yaml` where one stands.
Result<Document> read_document(const std::string& named);

/// All problems of a plan come as one error, rendered.
Result<plan::Plan> read_plan_or_complain(
    const Document& document, const PlanRequest& request, plan::Files& files,
    const std::map<std::uint32_t, std::vector<std::string>>& items = {});
/// `state_folder`: where the accounts of its quotas lie; empty: they are taken to be full.
/// `conditions`: as if the world were so.
Planned plan_it(plan::Plan plan, const PlanRequest& request, const decide::History& history,
                const std::string& state_folder, const decide::Conditions& conditions = {});

/// Whether its model calls pass the gateway.
bool asks_through_gateway(const plan::Plan& plan, const plan::Task& task);

/// Why the plan may not run, though it can be read.
Result<void> check_can_run(const Planned& planned);

/// What nobody is going to check: the declarations of tasks that work in the workspace itself.
/// Nothing when there are none, or nothing rests on them.
std::optional<std::string> unchecked_note(const plan::Plan& plan);

/// `sequential`, `parallel`, `queue(2)`.
std::string pattern_text(const decide::Decision& decision);

/// Whether every schema of the plan can be held against outputs; notes what of them is not.
Result<void> check_schemas(plan::Plan& plan);

/// What the task is expected to use, with the dispatch tax; nothing where nobody stated or measured
/// it.
std::optional<Tokens> tokens_to_come(const decide::Expected& one);
/// The gateway admits each of a task's calls as the quota allows; to hold the task back as well
/// would use up half of it.
void leave_quotas_to_gateway(const plan::Plan& plan, const plan::Task& task, schedule::Job& job);

/// What the engine needs to know. The caller adds the surroundings and who dispatches.
engine::Setup setup_for(const Planned& planned, const std::string& run);

}  // namespace interlock::runs
