#include "runs/start.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <filesystem>
#include <iterator>
#include <random>
#include <set>

#include "base/json.h"
#include "base/text.h"
#include "process/clock.h"
#include "runs/decision_record.h"
#include "runs/isolation.h"
#include "runs/learning.h"
#include "runs/plan_checks.h"
#include "runs/powers.h"
#include "runs/run_models.h"
#include "runs/windows.h"
#include "runs/workers.h"
#include "workspace/local_files.h"
#include "workspace/recorded_files.h"

namespace interlock::runs {

namespace {

/// The folders whose `last` the run may be, beside its workspace: where a person stood when they
/// started it, and where its plan lies.
json::array places_of(const Where& where, const Document& document) {
  json::array places;
  if (!where.folder.empty()) places.push_back(json::string(where.folder));
  std::error_code trouble;
  const auto folder = std::filesystem::canonical(document.folder, trouble);
  if (!trouble && folder != where.folder) places.push_back(json::string(folder.string()));
  return places;
}

/// What passes the gateway can be recorded and answered from a recording, and nothing else.
Result<void> check_recording(ChosenRun& run) {
  if (!run.request.record && run.request.replay.empty()) return {};
  std::set<std::string> direct;
  // What is read of a live topic is in the journal, and read again as it was.
  bool some_pass = std::ranges::any_of(run.plan().topics, [](const plan::Topic& topic) {
    return topic.kind == plan::TopicKind::live;
  });
  for (const plan::Task& task : run.plan().tasks) {
    const plan::Agent& agent = run.plan().agents[task.agent.index()];
    const bool passes = asks_through_gateway(run.plan(), task);
    some_pass |= passes;
    if (!passes && agent.kind != plan::AgentKind::command) direct.insert("`" + agent.name + "`");
  }
  const std::string who = join_words(std::vector<std::string>(direct.begin(), direct.end()), 4);
  const auto refuse = [](std::string what) {
    return fail(Error::Kind::refused, std::move(what),
                "give it a key and leave `gateway: false` out, or leave the option out");
  };
  if (!run.request.replay.empty() && !direct.empty())
    return refuse(
        fmt::format("calls of {} do not pass the gateway, so they cannot be answered from "
                    "a recording: they would be made, and paid",
                    who));
  if (run.request.record && !some_pass)
    return refuse(direct.empty() ? std::string("no task of the plan asks a model through the "
                                               "gateway: there is nothing to record")
                                 : fmt::format("calls of {} do not pass the gateway: there is "
                                               "nothing to record",
                                               who));
  if (!direct.empty())
    run.planned.plan.notes.push_back(
        fmt::format("calls of {} do not pass the gateway, and are not recorded", who));
  return {};
}

/// The id of a run that kept what models answered.
Result<std::string> recorded_run(const StartingPlace& place, const std::string& name) {
  const auto id = run_named(place.store, place.where, name);
  if (!id) return std::unexpected(id.error());
  auto run = choose_run(place.store, *id);
  if (!run) return std::unexpected(run.error());
  std::error_code trouble;
  if (std::filesystem::is_directory(recording_folder(place.state_folder, (*run)->id()), trouble))
    return (*run)->id();
  return fail(Error::Kind::invalid, fmt::format("run {} has no recording", (*run)->id()),
              "record one with `interlock run --record`");
}

}  // namespace

void note_powers(Planned& planned) {
  PowersSaid said = say_powers(planned.plan);
  auto& notes = planned.plan.notes;
  notes.insert(notes.begin(), said.notes.begin(), said.notes.end());
  auto& warnings = planned.decision.warnings;
  warnings.insert(warnings.begin(), said.warnings.begin(), said.warnings.end());
}

void note_machine(Planned& planned) {
  std::ranges::move(unmatched_reads(planned.plan), std::back_inserter(planned.plan.notes));
  std::ranges::move(absent_commands(planned.plan, own_environment()),
                    std::back_inserter(planned.plan.notes));
  std::ranges::move(say_unshared_prompts(planned.plan, ::geteuid() == 0),
                    std::back_inserter(planned.plan.notes));
}

Result<std::unique_ptr<ChosenRun>> start(const StartingPlace& place, const Document& document,
                                         const PlanRequest& request) {
  journal::Store& store = place.store;
  workspace::LocalFiles local;
  workspace::RecordingFiles files(local);
  auto plan = read_plan_or_complain(document, request, files);
  if (!plan) return std::unexpected(plan.error());

  sample_old_runs(store);
  auto history = store.history(plan->workspace, said_slowings(*plan));
  if (!history) return std::unexpected(history.error());
  if (auto settled = settle_isolation(*plan, place.state_folder); !settled)
    return std::unexpected(settled.error());
  if (auto shared = settle_workers(*plan, own_environment()); !shared)
    return std::unexpected(shared.error());
  auto made = std::make_unique<ChosenRun>(
      ChosenRun{{},
                request,
                plan_it(std::move(*plan), request, *history, place.state_folder),
                engine::RunState(plan::Plan{})});
  ChosenRun& run = *made;
  if (auto able = check_can_run(run.planned); !able) return std::unexpected(able.error());
  process::SystemClock clock;
  // Nobody is asked where a recording answers.
  if (run.request.replay.empty()) {
    if (auto enough = check_windows(run.planned, place.state_folder, clock.now()); !enough)
      return std::unexpected(enough.error());
  }
  if (auto able = check_recording(run); !able) return std::unexpected(able.error());
  if (!run.request.replay.empty()) {
    auto recorded = recorded_run(place, run.request.replay);
    if (!recorded) return std::unexpected(recorded.error());
    run.request.replay = std::move(*recorded);
  } else if (auto access = check_access(run.plan(), own_environment()); !access) {
    return std::unexpected(access.error());
  }
  if (auto there = check_programs(run.plan(), own_environment()); !there)
    return std::unexpected(there.error());
  note_powers(run.planned);
  note_machine(run.planned);
  note_windows(run.planned, place.state_folder, clock.now());

  run.head.plan_name = run.plan().name;
  run.head.plan_file = document.file;
  run.head.workspace = run.plan().workspace;
  run.head.plan_text = document.text;
  run.head.files = files.text();
  run.request.folder = document.folder;
  json::object options = to_json(run.request);
  options["here"] = places_of(place.where, document);
  run.head.options = json::serialize(options);
  run.head.decision = json::serialize(to_json(record_of(run.planned.decision)));
  run.head.created = clock.now();
  auto id = store.create_run(run.head, static_cast<std::uint16_t>(std::random_device{}()));
  if (!id) return std::unexpected(id.error());
  run.head.id = *id;
  run.state = engine::RunState(run.plan());
  return made;
}

void forget_unbegun(journal::Store& store, const std::string& state_folder,
                    const std::string& run) {
  const auto summary = store.summary(run);
  if (!summary || summary->events > 0) return;
  // Where this fails too it stays without events, and is passed over wherever `last` is meant.
  static_cast<void>(store.prune(run));
  std::error_code ignored;
  std::filesystem::remove_all(run_folder(state_folder, run), ignored);
}

}  // namespace interlock::runs
