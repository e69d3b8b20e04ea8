#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "decide/standing.h"
#include "engine/engine.h"
#include "footprint/growing_interlocking.h"
#include "sim/dice.h"
#include "sim/models.h"
#include "sim/view_promises.h"
#include "support/fake_clock.h"
#include "support/fake_gateway.h"
#include "support/fake_journal.h"
#include "support/fake_processes.h"
#include "support/fake_snapshots.h"
#include "support/fake_workspace.h"

namespace interlock::sim {

/// How often what goes wrong, in thousandths; drawn anew for each world, some zero and some
/// extreme, so that rare combinations come up (swarm testing).
struct Faults {
  std::uint64_t crash_per_call = 0;  ///< The dispatcher dies between two port calls.
  std::uint64_t attempt_fails = 0;
  std::uint64_t attempt_hangs = 0;
  std::uint64_t attempt_ignores_term = 0;
  std::uint64_t attempt_leaves_strays = 0;
  std::uint64_t output_is_invalid = 0;
  std::uint64_t cannot_start = 0;       ///< For good: the task fails.
  std::uint64_t journal_refuses = 0;    ///< Per turn.
  std::uint64_t person_interrupts = 0;  ///< Per turn.
  std::uint64_t person_cancels = 0;     ///< Per turn: some task.
  std::uint64_t retries_what_failed = 0;
  ModelFaults models = {};
  std::uint64_t runs_short = 0;  ///< Per start: no descriptor, process or memory is left for it.
  std::uint64_t port_fails = 0;  ///< Per call of a port that can fail.
  std::uint64_t signal_in_call = 0;  ///< Per call that can be long: a signal breaks it off.
  std::uint64_t loses_kept = 0;      ///< Per crash: what was kept of an attempt is spoilt.
  std::uint64_t person_edits = 0;    ///< Per turn: a file. Only where all tasks are in views.
  std::uint64_t person_holds = 0;    ///< Per turn: pauses, goes on, or changes how many at once.
  std::uint64_t person_speaks = 0;   ///< Per turn: moves a task, posts, or says something to one.
  std::uint64_t person_saves = 0;    ///< Likewise, per path that is brought in.
  std::uint64_t driver_fails = 0;    ///< Per merge driver that is asked.

  static Faults none() { return {}; }
  static Faults draw(Dice& dice);
};

/// Thrown out of a port call: the dispatcher is dead from here on.
struct Crash {};
/// Thrown out of one that was called against its contract.
struct Misuse {
  std::string what;
};

/// A made-up world in which the real engine dispatches a made-up plan, all from one seed. Agents
/// are functions of what they read: they write a digest of it to all they may write, and answer
/// with it. With tasks in views all do `sim::work`, and no conflict on files is waited for.
///
/// It checks what the design promises while it goes, and remembers the first promise that was
/// broken.
class World : private engine::PlanGrowth {
 public:
  using Flaw = testing_support::FakeSnapshots::Flaw;

  /// The last `later` tasks of the plan are added one by one at random moments; none is a need or a
  /// part of what comes before it.
  World(std::uint64_t seed, const plan::Plan& plan, Faults faults, std::uint32_t parallel,
        Flaw flaw = Flaw::none, std::size_t later = 0);

  /// Dispatches, crashes and takes up again, until the run is over. First faults, then, after some
  /// turns, none: everything that still can must finish.
  void live();

  /// What the journal keeps of an event is no longer what it was given.
  void spoil_journal(std::function<void(engine::Event&)> spoils) {
    journal_.spoils = std::move(spoils);
  }

  /// Families are thought to touch nothing until their items are known. Asked for before `live`.
  void forget_covers() { covers_families_ = false; }

  /// Merge drivers say that all is well, and have thrown away what was there. Asked for before
  /// `live`.
  void let_drivers_lie() { drivers_lie_ = true; }

  /// A later run of the same plan, upon what `before` left and what it gave back. A person may have
  /// written into one file in between. Asked for before `live`.
  void follow(const World& before, const std::string& edited);
  /// Tasks that were passed over.
  std::size_t unneeded() const;
  /// Tasks whose results were taken from the run before.
  std::size_t reused() const;

  const std::string& broken() const { return broken_; }
  const engine::RunState& run() const { return *run_; }
  const std::map<std::string, std::string>& files() const { return workspace_.files; }
  std::size_t crashes() const { return crashes_; }
  std::size_t turns() const { return turns_; }
  const ViewPromises& in_views() const { return views_promised_; }
  /// What tasks used, and what the first session of each was to take.
  const std::map<TaskId, Tokens>& books() const { return gateway_.books(); }
  const std::map<TaskId, Tokens>& first_needs() const { return models_.first_needs(); }
  /// Notes of others that attempts were shown; and those that count for nobody.
  std::size_t notes_seen() const { return notes_seen_; }
  std::size_t notes_dropped() const { return notes_dropped_; }
  std::size_t sessions_taken_up() const { return sessions_taken_up_; }
  const std::vector<engine::RecordedEvent>& events() const { return journal_.events(); }

 private:
  // The dispatcher's life.
  void dispatch_once();
  void after_turn(const engine::Engine& engine);
  engine::Setup setup();
  engine::Replay replayed() const;
  /// The same, going on from where it was when this was last asked: events only ever come at the
  /// end, and a replay of all of them every turn would take most of the time.
  const engine::Replay& followed() const;
  const engine::RunState& state_of_journal() const { return followed().run; }
  bool faults_are_on() const;
  void people_act(engine::Engine& engine);
  void answer_gates();
  bool ask_again();
  bool clear_the_way();
  bool in_plan_order() const;
  void edit();
  void rename();
  void make_folder();
  void leave_by_hand(const std::string& path, const std::optional<std::string>& left);

  // The plan that grows (world_growth.cc).
  Result<engine::GrownBy> add(const std::string& tasks) override;
  Result<engine::Expanded> expand(std::uint32_t family, const std::string& output) override;
  void read_plan_again();
  void cover_families();
  void interlock_again();
  std::uint32_t items_in(std::uint32_t family, const std::string& output) const;
  engine::GrownBy grow(std::size_t count);
  void people_grow();
  void people_hold();
  // The board (world_board.cc).
  void people_speak();
  void use_board(const engine::SpawnSpec& spec);
  void see_board_answer(const engine::BoardCall& call, const engine::BoardAnswer& answer);
  void check_board();
  void check_growth(const engine::Engine& engine);
  void check_conditions();
  // Tasks with several tries (world_tries.cc).
  std::string pick_one(const plan::Task& judge);
  void check_tries();

  // The agents.
  testing_support::Behaviour behave(const engine::SpawnSpec& spec);
  void draw_faults(const plan::Task& task, testing_support::Behaviour& behaviour);
  // Merge drivers (world_drivers.cc).
  testing_support::Behaviour join_list(const engine::SpawnSpec& spec);
  void check_driver(const engine::SpawnSpec& spec, const engine::RunState& durable);
  std::vector<TaskId> others_in(engine::AttemptName name) const;
  std::string answer_to_all(const engine::SpawnSpec& spec, const std::vector<TaskId>& others);
  std::string touch(const engine::SpawnSpec& spec, const plan::Task& task,
                    const std::string& asked);
  std::string work_through(const engine::SpawnSpec& spec, const plan::Task& task,
                           const std::string& asked);

  void work_beside();
  void let_go_of_snapshots();

  // The promises.
  void check_start(const engine::SpawnSpec& spec);
  void check_journal();
  void check_keys();
  void check_state(const engine::Engine& engine);
  void check_projections(const engine::Engine& engine);
  void check_books();
  void check_attempts();
  std::optional<Error> port_failure(std::string_view call);
  bool mended_by_command(TaskId task) const;
  void check_spending(const engine::Engine& engine);
  void check_beside(const plan::Task& task, TaskId id, const engine::RunState& durable);
  void promise(bool holds, const std::string& what);
  std::set<TaskId> tasks_alive() const;

  const plan::Plan& plan_;  ///< With all that is added.
  std::size_t later_;       ///< So many of its tasks are.
  plan::Plan grown_;        ///< As the dispatcher has it.
  std::vector<decide::Verdict> verdicts_;
  std::unique_ptr<footprint::GrowingInterlocking> conflicts_;
  std::unique_ptr<decide::AddedVerdicts> alone_;
  std::size_t posted_ = 0;  ///< Of `later_`.
  bool closed_ = false;     ///< All are, and a person said so.
  bool covers_families_ = true;
  bool drivers_lie_ = false;
  /// By attempt and topic: the notes of tasks that it was shown, `t3 note of t3 by attempt 1`.
  std::map<std::pair<engine::AttemptName, std::string>, std::vector<std::string>> seen_;
  std::size_t notes_seen_ = 0, notes_dropped_ = 0;
  bool perhaps_held_ = false;   ///< A person paused it and did not let it go on.
  std::uint32_t most_at_once_;  ///< That was ever allowed.
  Time held_at_{};
  bool has_views_;  ///< Some task of the plan is in one.
  footprint::Interlocking interlocking_;
  std::vector<std::vector<ResourceId>> locks_;
  std::vector<footprint::Claim> claims_;
  Faults faults_;
  std::uint32_t parallel_;
  Dice dice_;
  std::uint64_t seed_;

  testing_support::FakeClock clock_;
  testing_support::FakeProcesses processes_;
  testing_support::FakeJournal journal_;
  testing_support::FakeWorkspace workspace_;
  testing_support::FakeSnapshots snapshots_{workspace_};
  ViewPromises views_promised_;
  testing_support::FakeGateway gateway_;
  Models models_{plan_, gateway_};
  std::optional<Tokens> limit_;  ///< As raised by a person.
  std::size_t sessions_taken_up_ = 0;
  std::unique_ptr<engine::Validator> validator_;
  /// By task without a view, among others: what its first attempt found, which a later one takes
  /// things back to.
  std::map<TaskId, testing_support::FakeTree> found_;

  std::unique_ptr<engine::RunState> run_;
  mutable std::optional<engine::Replay> followed_;
  mutable std::size_t followed_to_ = 0;  ///< Of the journal's events.
  std::string broken_;
  std::string ended_with_;  ///< The last error that a dispatcher ended with.
  std::size_t crashes_ = 0;
  std::size_t turns_ = 0;
  std::size_t events_checked_ = 0;
  std::size_t keys_checked_ = 0;  ///< Likewise of events.
  bool is_brought_in_ = false;    ///< Committed changes are, at this moment.
  bool tells_;                    ///< SIM_STORY: every event is printed as it becomes durable.
  std::vector<bool> done_;        ///< By task, as the journal says.
  bool has_background_;           ///< What takes long is done later, between the calls of `wait`.
  std::deque<std::function<void()>> beside_;
};

/// An event as a line of the world's story.
std::string line_of(const engine::RecordedEvent& recorded);

/// A plan of up to `tasks_max` tasks over a handful of files, with needs, outputs, locks, slots,
/// gates and unknown footprints.
plan::Plan draw_plan(Dice& dice, std::size_t tasks_max);
/// Gives some tasks conditions on what earlier ones gave and how they ended.
void draw_conditions(Dice& dice, plan::Plan& plan);
/// Gives some tasks in views several tries, and some of those a judge. Their places change.
void draw_tries(Dice& dice, plan::Plan& plan);
/// Gives the plan a board with a topic of each kind, and tasks that use it; `linked`: readers wait
/// for those they hear.
void draw_board(Dice& dice, plan::Plan& plan, bool linked = true);
/// Gives the plan a merge driver for a list, in which some of its tasks in views enter themselves.
void draw_drivers(Dice& dice, plan::Plan& plan);
/// Makes places of a family of some tasks that stand together: `plan` has them as they will be.
void draw_families(Dice& dice, plan::Plan& plan);
/// Puts all tasks, or some of them, into views or worktrees; of more of those it is unknown what
/// they touch. None merges texts, so that what comes out is what the sequential run gives.
void draw_isolation(Dice& dice, plan::Plan& plan);
/// Gives some tasks to agents that ask models, and budgets to some of those and to the run.
void draw_models(Dice& dice, plan::Plan& plan);
ModelFaults draw_model_faults(Dice& dice);
/// Many of its tasks may share attempts.
void draw_batches(Dice& dice, plan::Plan& plan);

}  // namespace interlock::sim
