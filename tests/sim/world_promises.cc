#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "sim/world.h"

// What must hold in any simulated world, written from the design.
namespace interlock::sim {

using engine::TaskState;

void World::promise(bool holds, const std::string& what) {
  if (!holds && broken_.empty()) broken_ = what;
}

std::set<TaskId> World::tasks_alive() const {
  std::vector<std::string> labels = processes_.running();
  for (std::string& label : processes_.leftovers()) labels.push_back(std::move(label));
  std::set<TaskId> alive;
  for (const std::string& label : labels) {
    alive.insert(*plan_.find(label.substr(4, label.find('#') - 4)));  // Between `sim/` and `#`.
  }
  return alive;
}

/// What must hold when a process starts, written from the design.
void World::check_start(const engine::SpawnSpec& spec) {
  check_journal();
  const TaskId id = spec.name.task;
  const plan::Task& task = plan_[id];
  const engine::RunState& durable = state_of_journal();
  const engine::TaskRecord& record = durable[id];
  // The check of merged files, or a merge driver, of work that is over.
  const bool is_committing = spec.name.phase >= 2;
  const auto state = is_committing ? TaskState::committing : TaskState::running;
  promise(record.state == state && record.attempts.back().number == spec.name.attempt,
          fmt::format("`{}` starts only once that is durable", task.id));
  promise(!done_[id.index()], fmt::format("`{}` is finished and not done again", task.id));
  for (const TaskId needed : task.needs) {
    promise(done_[needed.index()] || durable[needed].is_unneeded(),
            fmt::format("`{}` starts after `{}`, which it needs", task.id, plan_[needed].id));
  }
  if (spec.name.phase == 0)
    promise(!durable.held || record.attempts.back().started <= held_at_,
            fmt::format("`{}` does not start while the run is paused", task.id));
  // They have left the queue of those that work.
  if (!is_committing) check_beside(task, id, durable);
  if (spec.name.phase == engine::kDriverPhase) check_driver(spec, durable);
  if (task.gate_before)
    promise(record.gate_before_approved, fmt::format("`{}` starts when it is approved", task.id));
}

/// What must hold between it and those that work meanwhile.
void World::check_beside(const plan::Task& task, TaskId id, const engine::RunState& durable) {
  std::int64_t gpu = 0;
  std::size_t beside = 0;
  for (const plan::Use& use : task.uses) gpu += use.resource == ResourceId(1) ? use.amount : 0;
  for (const TaskId other : tasks_alive()) {
    if (other == id || durable[other].state != TaskState::running) continue;
    ++beside;
    const auto& earlier = claims_[std::min(id, other).index()];
    const auto& later = claims_[std::max(id, other).index()];
    promise(!footprint::conflicts(earlier, later),
            fmt::format("`{}` and `{}` conflict and do not overlap", task.id, plan_[other].id));
    for (const plan::Task* one : {&task, &plan_[other]}) {
      promise(is_in_view(*one) || !(has_views_ || one->footprint.unknown),
              fmt::format("`{}` may touch what others see, and runs alone", one->id));
    }
    for (const plan::Use& use : plan_[other].uses)
      gpu += use.resource == ResourceId(1) ? use.amount : 0;
  }
  promise(gpu <= 3, "no more slots are used than there are");
  promise(beside < most_at_once_, "no more attempts run at once than are allowed");
}

/// What must hold of the events themselves.
void World::check_journal() {
  const auto& events = journal_.events();
  for (; events_checked_ < events.size(); ++events_checked_) {
    if (tells_) fmt::print("{}", line_of(events[events_checked_]));
    if (has_views_) views_promised_.see(events[events_checked_]);
    if (const auto* lost = std::get_if<engine::ChangesLost>(&events[events_checked_].event)) {
      for (const TaskId id : lost->tasks) done_[id.index()] = false;
    }
    if (std::holds_alternative<engine::RunHeld>(events[events_checked_].event))
      held_at_ = events[events_checked_].at;
    const auto* done = std::get_if<engine::TaskDone>(&events[events_checked_].event);
    if (done == nullptr) continue;
    promise(!done_[done->task.index()], fmt::format("`{}` is done once", plan_[done->task].id));
    const bool modelled =
        plan_.agents[plan_[done->task].agent.index()].kind != plan::AgentKind::command;
    promise(!modelled || done->attempt == 0 || mended_by_command(done->task) ||
                models_.ended_well({done->task, done->attempt, 0}),
            fmt::format("`{}` is done by an attempt that came to its end", plan_[done->task].id));
    done_[done->task.index()] = true;
  }
}

/// Whether nobody asked for a task again, which then works behind later ones.
bool World::in_plan_order() const {
  return std::ranges::none_of(journal_.events(), [](const engine::RecordedEvent& recorded) {
    return std::holds_alternative<engine::TaskRevived>(recorded.event);
  });
}

/// Those that nobody wants are no concern of a checkpoint's, gone or not; whoever hashes files is.
void World::let_go_of_snapshots() {
  is_brought_in_ = true;
  while (!beside_.empty()) {
    const auto work = std::move(beside_.front());
    beside_.pop_front();
    work();
  }
  is_brought_in_ = false;
}

/// What was hashed of the files a task reads is what it is going to find: nothing came in between.
/// Of people who write at any time that cannot be said.
void World::check_keys() {
  const bool people_write = faults_.person_edits != 0 || faults_.person_saves != 0;
  const auto& events = journal_.events();
  testing_support::FakeWorkspace now;
  now.files = workspace_.files;
  now.committed = workspace_.committed;
  now.committed_folders = workspace_.committed_folders;
  for (; keys_checked_ < events.size(); ++keys_checked_) {
    const auto* started = std::get_if<engine::AttemptStarted>(&events[keys_checked_].event);
    // What a try did is taken up as it was; and more may be committed later in the same turn.
    if (started == nullptr || started->from || people_write ||
        started->snapshot_version != state_of_journal().commits.size())
      continue;
    std::map<std::string, Digest> hashed;
    for (const engine::CacheKeyPart& part : started->cache_key_parts) {
      if (part.name.starts_with("reads `")) hashed.emplace(part.name, part.digest);
    }
    std::map<std::string, Digest> found;
    const auto reads = now.fingerprints(grown_[started->task].footprint.reads);
    for (const engine::CacheKeyPart& part : *reads)
      found.emplace(fmt::format("reads `{}`", part.name), part.digest);
    promise(hashed == found,
            fmt::format("`{}` finds what its key was made of", plan_[started->task].id));
  }
}

/// Whether its last attempt was its `repair` command, which asks no model.
bool World::mended_by_command(TaskId task) const {
  const engine::RunState& durable = state_of_journal();
  const auto& attempts = durable[task].attempts;
  return !attempts.empty() && !plan_[task].repair.empty() &&
         attempts.back().because == engine::AttemptStarted::Trigger::repair;
}

/// Whatever clients, ports and people do, a task is not tried without end: since a person last
/// asked for it there is an attempt for each retry, one correction, so many waits for a provider,
/// so many conflicts, a session that was gone for each correction and repair, and one for each
/// dispatcher.
void World::check_attempts() {
  std::vector<std::uint64_t> tried(plan_.tasks.size());
  std::uint64_t dispatchers = 0;
  for (const engine::RecordedEvent& recorded : journal_.events()) {
    if (const auto* revived = std::get_if<engine::TaskRevived>(&recorded.event))
      tried[revived->task.index()] = 0;
    if (const auto* started = std::get_if<engine::AttemptStarted>(&recorded.event))
      ++tried[started->task.index()];
    if (std::holds_alternative<engine::RunBegan>(recorded.event)) ++dispatchers;
    if (const auto* failed = std::get_if<engine::TaskFailed>(&recorded.event)) {
      promise(!failed->detail.ends_with(std::strerror(EINTR)),
              fmt::format("`{}` does not fail because a signal came", plan_[failed->task].id));
    }
  }
  constexpr std::uint64_t kFree = 1 + 1 + 9 + 8 + 9;
  for (std::size_t i = 0; i < tried.size(); ++i) {
    const auto retries = static_cast<std::uint64_t>(plan_.tasks[i].retries);
    promise(tried[i] <= kFree + retries + 2 * dispatchers,
            fmt::format("attempts are bounded: `{}` had {}", plan_.tasks[i].id, tried[i]));
  }
}

/// What must hold of what was used, when all is over.
void World::check_books() {
  promise(gateway_.all_closed(), "no door of the gateway is open when the run is over");
  promise(models_.broken().empty(), models_.broken());
  // What tasks used in one attempt is booked in parts to each of them.
  Tokens told_in_all = 0, booked_in_all = 0;
  for (const engine::TaskRecord& task : run_->tasks) booked_in_all += engine::spent_by(task).tokens;
  for (const auto& [task, tokens] : gateway_.books()) {
    const auto lost = gateway_.unreported().find(task);
    const Tokens told = tokens - (lost == gateway_.unreported().end() ? 0 : lost->second);
    const Tokens booked = engine::spent_by((*run_)[task]).tokens;
    told_in_all += told;
    const bool shared =
        std::ranges::any_of((*run_)[task].attempts, &engine::AttemptRecord::is_batched);
    promise(shared || booked == told,
            fmt::format("`{}` used {} tokens, and {} are booked", plan_[task].id, told, booked));
  }
  promise(told_in_all == booked_in_all,
          fmt::format("{} tokens were used, and {} are booked", told_in_all, booked_in_all));
}

void World::check_spending(const engine::Engine& engine) {
  if (limit_)
    promise(engine::spent_by(engine.run()).tokens <= *limit_, "the run's budget is not passed");
  for (std::size_t i = 0; i < engine.run().tasks.size(); ++i) {
    const auto& budget = plan_.tasks[i].budget_tokens;
    promise(!budget || engine::spent_by(engine.run().tasks[i]).tokens <= *budget,
            fmt::format("the budget of `{}` is not passed", plan_.tasks[i].id));
  }
}

/// A dispatcher that came now would find what this one has: nothing is true of a run but what its
/// events say.
void World::check_projections(const engine::Engine& engine) {
  const engine::Replay& replay = followed();
  const std::string live = engine.scheduler().text();
  const std::string again = engine::scheduler_of(setup(), replay.changes, clock_.now()).text();
  promise(
      live == again,
      fmt::format("the scheduler is what the journal makes of it, not\n{}but\n{}", live, again));
  engine::Commits commits = replay.commits;
  const auto loaded = commits.load([this](const Digest& digest) -> Result<std::string> {
    const std::string* const bytes = journal_.find_blob(digest);
    if (bytes == nullptr) return fail(Error::Kind::missing, "no blob " + digest.brief());
    return *bytes;
  });
  promise(loaded.has_value(), "what the journal names it keeps");
  promise(engine.commits().text() == commits.text(),
          fmt::format("what waits and was committed is what the journal says, not\n{}but\n{}",
                      engine.commits().text(), commits.text()));
  const std::string spent = engine::Budgets(replay.run).text();
  promise(engine.budgets().text() == spent,
          fmt::format("what is spent is what the journal says, not\n{}but\n{}",
                      engine.budgets().text(), spent));
}

/// What must hold of what people are shown after a turn.
void World::check_state(const engine::Engine& engine) {
  check_spending(engine);
  const engine::RunStatus view = engine.view();
  const std::vector<std::string> running = processes_.running();
  for (const engine::TaskStatus& task : view.tasks) {
    if (task.state == TaskState::waiting && !view.ended) {
      promise(!task.waits_for.empty(), fmt::format("`{}` waits for a reason", task.id));
    }
  }
  const engine::RunState& durable = state_of_journal();
  check_growth(engine);
  for (std::size_t i = 0; i < durable.tasks.size(); ++i) {
    promise(durable.tasks[i].state == engine.run().tasks[i].state, "what is shown is durable");
    const engine::TaskRecord& record = engine.run().tasks[i];
    if (engine.over())
      promise(record.state != TaskState::running, "nothing runs when the run is over");
    promise(record.retries_used <= plan_.tasks[i].retries, "no more retries than the plan allows");
    promise(record.corrections_used <= 1, "one correction at most");
    const engine::AttemptName work{TaskId(i), static_cast<std::uint32_t>(record.attempts.size()),
                                   0};
    // What nobody wants may be on its way out.
    if (record.state == TaskState::committing && beside_.empty())
      promise(!snapshots_.is_open(work), "who waits for its turn works no more");
  }
  if (engine.over())
    promise(snapshots_.snapshots_open() == 0, "no snapshot is open when the run is over");
  promise(views_promised_.broken().empty(), views_promised_.broken());
}

}  // namespace interlock::sim
