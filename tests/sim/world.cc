#include "sim/world.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "base/check.h"
#include "decide/batches.h"
#include "decide/speculation.h"
#include "decide/verdicts.h"
#include "sim/task_index_promise.h"
#include "worker/local_executor.h"

namespace interlock::sim {

using engine::TaskState;

namespace {

constexpr std::size_t kTurnsWithFaults = 300;
constexpr std::size_t kTurnsMax = 20'000;
constexpr std::size_t kCrashesMax = 40;
const std::vector<std::string> kFiles = {"a", "b", "c", "d/x", "d/y", "e.md", "f.md"};

/// Takes what ends in `good}` for the answer a schema asks for.
class SimpleValidator final : public engine::Validator {
 public:
  std::optional<std::string> complaint(const std::string&, std::string_view text) override {
    return text.starts_with("bad answer") ? std::optional<std::string>("it starts with bad")
                                          : std::nullopt;
  }
};

/// What an executor does beside its dispatcher, when the world lets it.
class LaterWork final : public worker::Background {
 public:
  explicit LaterWork(std::deque<std::function<void()>>& work) : work_(work) {}
  ~LaterWork() override { work_.clear(); }

  void post(std::function<void()> work) override { work_.push_back(std::move(work)); }
  void drain() override {
    while (!work_.empty()) {
      const auto work = std::move(work_.front());
      work_.pop_front();
      work();
    }
  }

 private:
  std::deque<std::function<void()>>& work_;
};

std::vector<decide::Expected> expectations(const plan::Plan& plan) {
  return decide::expect(plan, {});
}

/// What the agent was asked at first: a corrected or mended answer is one to the same question.
std::string question_in(const std::string& prompt) {
  const std::size_t more =
      std::min(prompt.find("\n\nYour previous answer"), prompt.find("\n\nWhile you worked"));
  return prompt.substr(0, more);
}

}  // namespace

Faults Faults::draw(Dice& dice) {
  const auto rate = [&dice](std::uint64_t most) {
    if (dice.chance(400)) return std::uint64_t{0};
    return dice.chance(150) ? most * 4 : dice.below(most + 1);
  };
  Faults faults;
  faults.crash_per_call = rate(20);
  faults.attempt_fails = rate(200);
  faults.attempt_hangs = rate(100);
  faults.attempt_ignores_term = rate(300);
  faults.attempt_leaves_strays = rate(200);
  faults.output_is_invalid = rate(150);
  faults.cannot_start = rate(15);
  faults.journal_refuses = rate(10);
  faults.person_interrupts = rate(15);
  faults.person_cancels = rate(5);
  faults.runs_short = dice.chance(300) ? rate(300) : 0;
  faults.port_fails = dice.chance(300) ? rate(10) : 0;
  faults.retries_what_failed = dice.chance(700) ? 1000 : 0;
  faults.signal_in_call = dice.chance(200) ? rate(20) : 0;
  return faults;
}

std::string line_of(const engine::RecordedEvent& recorded) {
  return fmt::format("{} {} {}\n", recorded.at.time_since_epoch().count(),
                     engine::name_of(recorded.event),
                     canonical_json(engine::to_json(recorded.event)));
}

World::World(std::uint64_t seed, const plan::Plan& plan, Faults faults, std::uint32_t parallel,
             Flaw flaw, std::size_t later)
    : plan_(plan),
      later_(later),
      most_at_once_(parallel),
      has_views_(std::ranges::any_of(plan.tasks, is_in_view)),
      claims_(plan::claims_of(plan, locks_)),
      faults_(faults),
      parallel_(parallel),
      dice_(seed),
      seed_(seed),
      processes_(clock_),
      views_promised_(plan, snapshots_, journal_),
      validator_(std::make_unique<SimpleValidator>()),
      tells_(std::getenv("SIM_STORY") != nullptr),
      done_(plan.tasks.size()),
      has_background_(dice_.chance(500)) {
  read_plan_again();
  run_ = std::make_unique<engine::RunState>(grown_);
  limit_ = plan.limits.tokens;
  static const footprint::Footprint kNothing{};
  for (std::size_t i = 0; i < plan.tasks.size(); ++i) {
    if (is_in_view(plan.tasks[i])) claims_[i].footprint = &kNothing;
  }
  for (const std::string& file : kFiles) workspace_.files[file] = "original " + file;
  if (has_views_) workspace_.files = first_files();
  // Else the first who enters themselves make it.
  if (!plan.drivers.empty() && dice_.chance(600)) {
    workspace_.files[std::string(kList)] = "first\n";
    views_promised_.starts_from(workspace_.files);
  }
  const auto perhaps_crash = [this](std::string_view) {
    if (faults_are_on() && dice_.chance(faults_.crash_per_call)) throw Crash{};
  };
  processes_.before_call = [this, perhaps_crash](std::string_view call) {
    if (call == "wait") work_beside();
    perhaps_crash(call);
  };
  journal_.before_call = perhaps_crash;
  workspace_.before_call = [this, perhaps_crash](std::string_view call) {
    promise(!is_brought_in_ || !call.starts_with("fingerprint"),
            "no files are hashed while committed changes are brought in");
    perhaps_crash(call);
  };
  snapshots_.before_call = [this, perhaps_crash](std::string_view call) {
    if (call == "fold path" && faults_are_on() && dice_.chance(faults_.person_saves)) {
      check_journal();  // What is durable by now came before the edit.
      edit();
    }
    if (call == "fold") let_go_of_snapshots();
    perhaps_crash(call);
  };
  gateway_.before_call = perhaps_crash;
  const auto perhaps_fail = [this](std::string_view call) { return port_failure(call); };
  journal_.fails = workspace_.fails = snapshots_.fails = perhaps_fail;
  snapshots_.on_misuse = [](std::string_view what) { throw Misuse{std::string(what)}; };
  snapshots_.flaw = flaw;
  journal_.after_append = [this, perhaps_crash] {
    gateway_.made_durable();
    check_keys();
    perhaps_crash({});
  };
  gateway_.on_board_answer = [this](const engine::BoardCall& call,
                                    const engine::BoardAnswer& answer) {
    see_board_answer(call, answer);
  };
  processes_.decide = [this](const engine::SpawnSpec& spec) { return behave(spec); };
}

void World::follow(const World& before, const std::string& edited) {
  workspace_.files = before.workspace_.files;
  if (!edited.empty()) workspace_.files[edited] = "by hand in between\n";
  journal_.take_results_of(before.journal_);
  views_promised_.starts_from(workspace_.files);
}

std::size_t World::reused() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      run_->tasks, [](const engine::TaskRecord& one) { return !one.from_run.empty(); }));
}

/// A disk that says no, or a moment without descriptors; or a signal while something takes long.
std::optional<Error> World::port_failure(std::string_view call) {
  static constexpr std::array<std::string_view, 6> kLong = {
      "fingerprint", "fingerprints", "open", "harvest", "fold", "states"};
  const bool is_long = std::ranges::find(kLong, call) != kLong.end();
  if (is_long && faults_are_on() && dice_.chance(faults_.signal_in_call)) {
    // Once one was heard, what takes too long is broken off without another.
    const bool is_heard =
        run_ && run_->is_stopped_for(engine::RunStopping::Cause::interrupted) && dice_.chance(500);
    if (!is_heard) processes_.interrupt(SIGINT);
    return Error{Error::Kind::io, fmt::format("cannot {}: {}", call, std::strerror(EINTR)), {}};
  }
  if (!faults_are_on() || !dice_.chance(faults_.port_fails)) return std::nullopt;
  const bool is_short = dice_.chance(500);
  return Error{
      Error::Kind::io,
      fmt::format("cannot {}: {}", call, is_short ? "Too many open files" : "Input/output error"),
      {}};
}

bool World::faults_are_on() const { return turns_ < kTurnsWithFaults && crashes_ < kCrashesMax; }

void World::live() {
  // It died when the end was durable, and could not put away what is not wanted.
  bool died_at_the_end = false;
  while (broken_.empty()) {
    try {
      dispatch_once();
    } catch (const Crash&) {
      ++crashes_;
      died_at_the_end = true;
      processes_.crash();
      gateway_.crash();
      if (faults_are_on() && dice_.chance(faults_.loses_kept)) {
        const auto kept = snapshots_.harvested();
        if (!kept.empty()) snapshots_.lose(dice_.one_of(kept));
      }
    } catch (const Misuse& misuse) {
      promise(false, misuse.what);
    }
    run_ = std::make_unique<engine::RunState>(state_of_journal());
    check_journal();
    journal_.reopen();
    check_attempts();
    promise(turns_ < kTurnsMax, "a run comes to its end, and does not stop with: " + ended_with_);
    if (!broken_.empty() || !run_->ended) continue;
    using How = engine::RunEnded::How;
    const bool over = *run_->ended == How::finished || *run_->ended == How::failed ||
                      *run_->ended == How::cancelled;
    if (over && !clear_the_way() && !ask_again()) break;
    died_at_the_end = false;
    if (*run_->ended == How::limit_reached) limit_ = *limit_ + 3000;
    answer_gates();
  }
  if (broken_.empty()) check_books();
  if (broken_.empty()) check_conditions();
  if (broken_.empty()) check_tries();
  if (broken_.empty()) check_board();
  if (broken_.empty()) broken_ = fault_of_task_index(plan_, later_, journal_.events());
  if (broken_.empty() && has_views_) views_promised_.see_end(died_at_the_end);
  promise(views_promised_.broken().empty(), views_promised_.broken());
  if (!broken_.empty()) broken_ += fmt::format(" (SIM_SEED={})", seed_);
}

void World::dispatch_once() {
  followed_.reset();
  is_brought_in_ = false;
  read_plan_again();
  // In this thread, so that all that happens follows from the seed.
  std::unique_ptr<worker::Background> background;
  if (has_background_) background = std::make_unique<LaterWork>(beside_);
  worker::LocalExecutor executor(
      {plan_.workspace, setup().around, std::move(background), [this] { processes_.poke(); }},
      {processes_, workspace_, snapshots_, gateway_, &workspace_},
      [this](const Digest& digest) { return journal_.blob(digest); });
  engine::Engine engine(grown_, interlocking_, setup(), replayed(),
                        engine::Ports{clock_, executor, executor, journal_, workspace_, snapshots_,
                                      *validator_, gateway_},
                        executor.hasher());
  const auto going_on = [this](const Result<void>& result) {
    // A dispatcher that cannot write its journal ends, and its processes with it.
    if (!result) {
      ended_with_ = result.error().message;
      promise(!ended_with_.starts_with("tasks wait, nothing runs"), ended_with_);
      processes_.crash();
      gateway_.crash();
    }
    return result.has_value();
  };
  ++turns_;
  if (!going_on(engine.begin())) return;
  promise(processes_.leftovers().empty(),
          "what a dead dispatcher left behind is gone before anything new starts");
  if (engine.over()) executor.drain();
  after_turn(engine);
  while (!engine.over() && broken_.empty() && ++turns_ < kTurnsMax) {
    people_act(engine);
    if (faults_are_on() && dice_.chance(faults_.journal_refuses))
      journal_.refuse_next = "no space left";
    if (!going_on(engine.turn(clock_.now() + std::chrono::hours(1)))) {
      (void)engine.view();  // People look also at a dispatcher that is about to end.
      return;
    }
    if (engine.over()) executor.drain();
    after_turn(engine);
  }
  if (turns_ < kTurnsMax) return;
  std::string waits;
  for (const engine::TaskStatus& task : engine.view().tasks) {
    if (task.state < TaskState::done)
      waits += fmt::format("\n  `{}` {} {}", task.id, engine::name_of(task.state), task.waits_for);
  }
  promise(false, "a run comes to its end, and does not wait for" + waits);
}

/// Some of what is to be done beside the dispatcher, the oldest first.
void World::work_beside() {
  while (!beside_.empty()) {
    const auto work = std::move(beside_.front());
    beside_.pop_front();
    work();
    if (!dice_.chance(300)) continue;
    // No time goes by until the rest is done, too.
    if (!beside_.empty()) processes_.poke();
    return;
  }
}

engine::Setup World::setup() {
  engine::Setup setup;
  setup.run = "sim";
  setup.pattern = "queue";
  setup.problem = decide::problem_of(grown_, interlocking_, expectations(grown_), verdicts_);
  setup.policy.parallel =
      static_cast<std::uint32_t>(state_of_journal().retuned.parallel.value_or(parallel_));
  setup.policy.plan_order = parallel_ == 1;
  if (plan_.limits.gate_every)
    setup.policy.gate_every = static_cast<std::uint32_t>(*plan_.limits.gate_every);
  if (plan_.limits.on_failure.kind == plan::OnFailure::Kind::stop) {
    setup.policy.on_failure.kind = schedule::FailurePolicy::Kind::stop;
  }
  setup.expected.assign(grown_.tasks.size(), std::chrono::seconds(10));
  setup.limit_tokens = limit_;
  setup.around.run = "sim";
  if (has_views_) setup.speculative.assign(grown_.tasks.size(), true);
  setup.batches = decide::batches_of(grown_, interlocking_, expectations(grown_), 1).batches;
  setup.added = grown_.tasks.size() - (plan_.tasks.size() - later_);
  setup.stands = later_ > 0;
  setup.growth = this;
  setup.dispatcher = "sim@world";
  return setup;
}

engine::Replay World::replayed() const {
  plan::Plan first;
  first.tasks.resize(plan_.tasks.size() - later_);
  first.merges = plan_.merges;
  engine::Replay replay(first);
  for (const engine::RecordedEvent& recorded : journal_.events()) replay.take(recorded);
  return replay;
}

const engine::Replay& World::followed() const {
  const std::vector<engine::RecordedEvent>& events = journal_.events();
  if (!followed_) {
    plan::Plan first;
    first.tasks.resize(plan_.tasks.size() - later_);
    first.merges = plan_.merges;
    followed_.emplace(first);
    followed_to_ = 0;
  }
  for (; followed_to_ < events.size(); ++followed_to_) followed_->take(events[followed_to_]);
  return *followed_;
}

void World::after_turn(const engine::Engine& engine) {
  check_journal();
  check_state(engine);
  check_projections(engine);
}

void World::people_act(engine::Engine&) {
  answer_gates();
  people_grow();
  people_hold();
  people_speak();
  if (!faults_are_on()) return;
  if (dice_.chance(faults_.person_edits)) edit();
  if (dice_.chance(faults_.person_interrupts)) processes_.interrupt(SIGINT);
  if (dice_.chance(faults_.person_cancels)) {
    journal_.post({0, engine::Request::Kind::cancel_task,
                   plan_.tasks[dice_.below(plan_.tasks.size())].id, "sim"});
    processes_.poke();
  }
}

/// A person works on a file that is, or is not, touched by tasks too.
void World::edit() {
  static const std::vector<std::string> kEdited = {"a", "b", "c", "d/x", "e.md", "g/h/j", "new/1"};
  if (dice_.chance(150)) return make_folder();
  if (dice_.chance(250)) return rename();
  const std::string& path = dice_.one_of(kEdited);
  std::optional<std::string> left;
  if (!workspace_.files.contains(path) || dice_.chance(700))
    left = fmt::format("by hand {}\n", dice_.below(1'000'000));
  leave_by_hand(path, left);
}

/// `mv`, of a file or a folder, over what may be there: many paths are others than they were, and
/// no file was written.
void World::rename() {
  static const std::vector<std::pair<std::string, std::string>> kRenamed = {
      {"a", "b"}, {"c", "e.md"}, {"d/", "new/"}, {"g/h/", "d/"}, {"e.md", "d/x"}, {"new/", "g/h/"}};
  const auto& [from, to] = dice_.one_of(kRenamed);
  std::map<std::string, std::string> moved;
  for (const auto& [path, content] : workspace_.files) {
    const bool is_moved = from.ends_with('/') ? path.starts_with(from) : path == from;
    if (is_moved) moved.emplace(path, content);
  }
  for (const auto& [path, content] : moved) {
    // Nothing is moved over a folder.
    const std::string target = to + path.substr(from.size());
    if (snapshots_.workspace().state(target).kind == changes::Kind::folder) continue;
    leave_by_hand(target, content);
    leave_by_hand(path, std::nullopt);
  }
}

/// `mkdir`, of one that a task may have looked for in vain.
void World::make_folder() {
  static const std::vector<std::string> kMade = {"new", "new/2", "h", "h/k"};
  const std::string& path = dice_.one_of(kMade);
  const testing_support::FakeTree tree = snapshots_.workspace();
  if (tree.state(path).kind != changes::Kind::absent || !tree.has_way_to(path)) return;
  snapshots_.person_makes_folder(path);
  views_promised_.person_makes_folder(path);
}

void World::leave_by_hand(const std::string& path, const std::optional<std::string>& left) {
  const auto at = workspace_.files.find(path);
  std::optional<std::string> found;
  if (at != workspace_.files.end()) found = at->second;
  const testing_support::FakeTree before = snapshots_.workspace();
  snapshots_.person_edits(path, left);
  views_promised_.person_edits(path, found, before.state(path));
  const testing_support::FakeTree now = snapshots_.workspace();
  for (const std::string& folder : now.folders()) {
    if (!before.folders().contains(folder)) views_promised_.person_makes_folder(folder);
  }
}

/// What stands in the way of a checkpoint is put back as it was; whether there was any.
bool World::clear_the_way() {
  const auto files = views_promised_.to_requeue();
  for (const auto& [path, content] : files) {
    const changes::State before = snapshots_.workspace().state(path);
    snapshots_.person_edits(path, content);
    views_promised_.requeue(path, before);
  }
  return !files.empty();
}

/// A person approves all that waits for it.
void World::answer_gates() {
  const engine::RunState& run = state_of_journal();
  bool asked = false;
  for (std::size_t i = 0; i < run.tasks.size(); ++i) {
    if (!run.tasks[i].gate_since) continue;
    journal_.post({0, engine::Request::Kind::approve, plan_.tasks[i].id, "sim"});
    asked = true;
  }
  if (run.review_open) {
    journal_.post({0, engine::Request::Kind::approve, {}, "sim"});
    asked = true;
  }
  if (asked) processes_.poke();
}

/// Whether a person asks for what failed once more; only while things still go wrong, so that it
/// ends.
bool World::ask_again() {
  if (!faults_are_on() || !dice_.chance(faults_.retries_what_failed)) return false;
  bool asked = false;
  for (std::size_t i = 0; i < run_->tasks.size(); ++i) {
    const TaskState state = run_->tasks[i].state;
    if (state != TaskState::failed && state != TaskState::cancelled) continue;
    journal_.post({0, engine::Request::Kind::retry, plan_.tasks[i].id, "sim"});
    asked = true;
  }
  // A run that `on_failure: stop` ended has tasks left that were never tried.
  const bool left = run_->finished_count < run_->tasks.size();
  return asked || left;
}

testing_support::Behaviour World::behave(const engine::SpawnSpec& spec) {
  check_start(spec);
  if (spec.name.phase == engine::kDriverPhase) return join_list(spec);
  if (spec.name.phase == 0) views_promised_.begins(spec.name);
  testing_support::Behaviour behaviour;
  behaviour.lasts = std::chrono::seconds(dice_.between(1, 25));
  const plan::Task& task = plan_[spec.name.task];
  const std::string asked = question_in(models_.question_of(spec));
  const std::vector<TaskId> others =
      spec.name.phase == 0 ? others_in(spec.name) : std::vector<TaskId>();
  const std::string answer = !others.empty() ? answer_to_all(spec, others)
                             : task.judge_of ? pick_one(task)
                             : has_views_    ? work_through(spec, task, asked)
                                             : touch(spec, task, asked);
  behaviour.output = answer + "\n";
  if (models_.is_one(spec)) {
    sessions_taken_up_ += resumed_session(spec).empty() ? 0 : 1;
    const bool bad =
        faults_are_on() && task.output.schema && dice_.chance(faults_.output_is_invalid);
    behaviour = models_.play(spec, bad ? "bad answer" : answer, behaviour.lasts, dice_,
                             faults_are_on() ? faults_.models : ModelFaults{});
    for (const TaskId other : others) models_.ends_with(spec.name, {other, 1, 0});
  }
  if (spec.name.phase == 0 && is_in_view(task) && fails_at_what_it_found(task, answer)) {
    behaviour.exit_code = 1;
    views_promised_.failed_at_what_it_found(spec.name);
  }
  if (faults_are_on()) draw_faults(task, behaviour);
  // What could not be started asks nobody.
  if (spec.name.phase == 0 && !behaviour.refused) use_board(spec);
  return behaviour;
}

void World::draw_faults(const plan::Task& task, testing_support::Behaviour& behaviour) {
  if (dice_.chance(faults_.runs_short))
    behaviour.refused = "cannot make a pipe: Too many open files";
  if (dice_.chance(faults_.cannot_start)) behaviour.refused = "cannot execute `agent`";
  if (dice_.chance(faults_.attempt_fails)) {
    behaviour.exit_code = 1;
    if (dice_.chance(500)) behaviour.hindered = "service `db` was not ready in time";
  }
  if (dice_.chance(faults_.attempt_hangs)) behaviour.hangs = true;
  if (dice_.chance(faults_.attempt_ignores_term)) behaviour.ignores_term = true;
  if (dice_.chance(faults_.attempt_leaves_strays)) behaviour.strays = 2;
  if (task.output.schema && dice_.chance(faults_.output_is_invalid))
    behaviour.output = "bad answer\n";
}

/// The tasks whose work that attempt does too.
std::vector<TaskId> World::others_in(engine::AttemptName name) const {
  return state_of_journal()[name.task].attempts.back().others;
}

/// Each task's part as it would be alone; now and then one is left out.
std::string World::answer_to_all(const engine::SpawnSpec& spec, const std::vector<TaskId>& others) {
  std::vector<TaskId> all{spec.name.task};
  all.insert(all.end(), others.begin(), others.end());
  const std::string& prompt = spec.standard_input;
  std::string answer = "{";
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::string head = fmt::format("\n=== Task {} ===\n\n", i + 1);
    const std::size_t begin = prompt.find(head) + head.size();
    const std::string asked = prompt.substr(begin, prompt.find("\n\n===", begin) - begin);
    const plan::Task& task = plan_[all[i]];
    std::string own;
    if (!has_views_) {
      own = touch(spec, task, asked);
    } else if (is_in_view(task)) {
      own = work(task, asked, snapshots_.snapshot(spec.name));
    } else {
      testing_support::FakeSnapshot snapshot(snapshots_.workspace());  // None of them writes.
      own = work(task, asked, snapshot);
    }
    if (faults_are_on() && dice_.chance(faults_.output_is_invalid)) continue;
    // It goes into a line of JSON, as a text that holds JSON.
    answer += fmt::format(R"({}\"{}\":\"{}\\n\")", answer.size() == 1 ? "" : ",", i + 1, own);
  }
  return answer + "}";
}

/// Does the agent's work: what it writes and says is a function of its prompt and of what it reads.
std::string World::touch(const engine::SpawnSpec& spec, const plan::Task& task,
                         const std::string& asked) {
  Hasher hasher;
  hasher.add_field(task.id).add_field(asked);
  for (const auto& [path, content] : workspace_.files) {
    if (task.footprint.unknown || task.footprint.reads.matches(path))
      hasher.add_field(path).add_field(content);
  }
  const std::string answer = hasher.finish().hex();
  if (spec.name.phase == 1) return answer;
  for (auto& [path, content] : workspace_.files) {
    // What is both read and written must come out the same when the attempt is done again.
    const bool reads = task.footprint.reads.matches(path);
    if (task.footprint.writes.matches(path) && !reads) content = task.id + " " + answer;
  }
  return answer;
}

/// Likewise among tasks in views: through its own, or, without one, on the workspace itself. There
/// it first takes back what an attempt before it did, so that it comes out the same; nobody else
/// can have worked in between but after a revival.
std::string World::work_through(const engine::SpawnSpec& spec, const plan::Task& task,
                                const std::string& question) {
  if (is_in_view(task)) {
    testing_support::FakeSnapshot& snapshot = snapshots_.snapshot(spec.name);
    if (spec.name.phase == 0) return work(task, question, snapshot);
    look_over(task, snapshot);
    return {};
  }
  if (spec.name.phase != 0) return {};
  LaterWork(beside_).drain();  // Of snapshots that nobody wants.
  promise(snapshots_.layers() == 0,
          "what is committed is there before a task works in the workspace");
  if (!in_plan_order()) found_.erase(spec.name.task);
  testing_support::FakeSnapshot snapshot(
      found_.try_emplace(spec.name.task, snapshots_.workspace()).first->second);
  const std::string answer = work(task, question, snapshot);
  snapshots_.leave(snapshot.now());
  return answer;
}

}  // namespace interlock::sim
