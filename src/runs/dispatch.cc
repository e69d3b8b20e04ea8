#include "runs/dispatch.h"

#include <fmt/format.h>
#include <malloc.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>

#include "engine/engine.h"
#include "engine/shortage.h"
#include "engine/trace_context.h"
#include "journal/run_lock.h"
#include "process/break_mark.h"
#include "process/clock.h"
#include "process/local_processes.h"
#include "process/port_claims.h"
#include "process/probe.h"
#include "runs/changed_bytes.h"
#include "runs/growth.h"
#include "runs/hindsight.h"
#include "runs/learning.h"
#include "runs/login.h"
#include "runs/recorded_reads.h"
#include "runs/redacted_journal.h"
#include "runs/run_models.h"
#include "runs/task_facts.h"
#include "runs/windows.h"
#include "runs/workers.h"
#include "schema/json_schema.h"
#include "snapshots/local_snapshots.h"
#include "sys/process_identity.h"
#include "worker/local_executor.h"
#include "workspace/local_workspace.h"
#include "workspace/own_places.h"

namespace interlock::runs {

namespace {

snapshots::LocalSnapshots::Options options_of(const plan::Plan& plan) {
  snapshots::LocalSnapshots::Options options;
  options.commit_per_task = plan.commit_each;
  for (const plan::Task& task : plan.tasks) options.task_ids.push_back(task.id);
  return options;
}

Result<gateway::Options> options_for(const ChosenRun& run, const std::string& state_folder) {
  auto options =
      gateway_options(run.plan(), state_folder, own_environment(), !run.request.replay.empty());
  if (!options) return options;
  if (run.request.record) options->record_folder = recording_folder(state_folder, run.id());
  if (!run.request.replay.empty())
    options->replay_folder = recording_folder(state_folder, run.request.replay);
  return options;
}

bool has_sandboxes(const plan::Plan& plan) {
  return std::ranges::any_of(
      plan.tasks, [](const plan::Task& task) { return task.isolation != plan::Isolation::direct; });
}

/// Where attempts find their own folders; held for as long as they may run.
std::optional<workspace::SharedPlace> hold_own_place(const ChosenRun& run,
                                                     engine::HostEnvironment& around) {
  if (!has_sandboxes(run.plan()) && !run.request.stands) return {};
  auto place = workspace::SharedPlace::hold(
      {std::string(engine::kAttemptPlace), std::string(engine::kHomePlace)});
  if (!place) return place;
  around.own_place = place->path();
  around.may_bind = process::may_bind(fmt::format("{}/{}", place->path(), engine::kAttemptPlace));
  return place;
}

/// Lets the process host know what the store has to tell, for as long as there is one.
class WokenByNews {
 public:
  WokenByNews(journal::Lease& lease, process::LocalProcesses& processes) : lease_(lease) {
    lease_.on_news([&processes] { processes.poke(); });
  }
  ~WokenByNews() { lease_.on_news({}); }
  WokenByNews(const WokenByNews&) = delete;

 private:
  journal::Lease& lease_;
};

Result<engine::Setup> complete_setup(const ChosenRun& run, const std::string& state_folder) {
  engine::Setup setup = setup_for(run.planned, run.id());
  setup.around.trace = engine::trace_id_of(run.id(), run.head.created);
  setup.around.log_folder = log_folder(state_folder, run.id());
  setup.around.environment = own_environment();
  const bool may_use_login =
      run.request.stands && std::ranges::any_of(run.plan().agents, &plan::Agent::login);
  if (may_use_login || uses_login(run.plan())) {
    auto login = read_claude_login(setup.around.environment);
    if (!login) return std::unexpected(login.error());
    setup.around.claude_login = std::move(*login);
    if (auto kept = keep_login(state_folder, run.id(), login_name(setup.around.environment)); !kept)
      return std::unexpected(kept.error());
  }
  std::error_code trouble;
  setup.around.records_calls = run.request.record;
  setup.around.own_program = std::filesystem::read_symlink("/proc/self/exe", trouble).string();
  setup.around.as_root = ::geteuid() == 0;
  setup.dispatcher = dispatcher_name();
  if (const auto self = sys::identity_of(::getpid())) setup.self = *self;
  setup.reuse = run.request.reuse;
  setup.wait_at_gates = run.request.wait_at_gates || run.request.stands;
  setup.stands = run.request.stands;
  return setup;
}

Result<journal::RunLock> hold_workspace(ChosenRun& run, const std::string& state_folder,
                                        const journal::Holder& holder) {
  const std::string& workspace = run.plan().workspace;
  if (!run.workspace_held) return journal::lock_workspace(state_folder, workspace, holder);
  if (auto noted = journal::note_workspace_holder(state_folder, workspace, holder); !noted)
    return std::unexpected(noted.error());
  journal::RunLock held = std::move(*run.workspace_held);
  run.workspace_held.reset();
  return held;
}

}  // namespace

std::string dispatcher_name() {
  const passwd* user = ::getpwuid(::getuid());
  return fmt::format("{}@{}", user != nullptr ? user->pw_name : std::to_string(::getuid()),
                     host_name());
}

Result<engine::RunEnded::How> dispatch(journal::Store& store, const std::string& state_folder,
                                       ChosenRun& run, RunObserver& observer,
                                       const std::function<Result<void>()>& begun) {
  process::SystemClock clock(run.state.last.value_or(Time{}));
  const journal::Holder holder{run.id(), run.head.plan_name, ::getpid(), host_name(), clock.now()};
  auto held_run = store.lease_run(holder);
  if (!held_run) return std::unexpected(held_run.error());
  const auto held_workspace = hold_workspace(run, state_folder, holder);
  if (!held_workspace) return std::unexpected(held_workspace.error());

  // Between looking at the run and holding it another dispatcher may have taken it further.
  const auto summary = store.summary(run.id());
  if (!summary) return std::unexpected(summary.error());
  if (summary->events != run.state.seq) {
    return fail(Error::Kind::refused, fmt::format("run {} moved on in the meantime", run.id()),
                "ask again");
  }
  if (run.plan_is_new) {
    if (auto kept = store.replace_plan(run.id(), run.head.plan_text, run.head.files); !kept)
      return std::unexpected(kept.error());
  }
  auto journal = store.open_run(run.id(), **held_run, labels_of(run.plan()));
  if (!journal) return std::unexpected(journal.error());
  journal::TaskIndexWriter* const index = journal::task_index_writer_of(**journal);
  if (index != nullptr) index->keep_facts(0, facts_of(run.planned), facts_of_run(run.planned));
  // A key may have to be asked for, which is done before a process host owns all children.
  // Attempts ask the board by way of the gateway too.
  const bool asks = asks_models(run.plan()) || !run.plan().topics.empty() || run.request.stands;
  auto wanted = asks ? options_for(run, state_folder) : Result<gateway::Options>();
  if (!wanted) return std::unexpected(wanted.error());
  if (run.request.stands) add_idle_providers(run.plan(), own_environment(), *wanted);
  std::set<std::string> providers;
  for (const auto& [agent, provider] : wanted->providers) providers.insert(agent);
  auto history = store.history(run.plan().workspace, said_slowings(run.plan()));
  if (!history) return std::unexpected(history.error());
  RunGrowth growth(run.planned, run.request, std::move(*history));
  growth.read_again = [&run](const auto& items) { return kept_plan(run.head, run.request, items); };
  growth.on_grown = [&kept = **journal, index, &run, has_grown = false](const plan::Plan& plan,
                                                                        std::size_t first) mutable {
    kept.add_labels(labels_of(plan, first));
    if (index == nullptr) return;
    const bool was_kept = std::exchange(has_grown, true);
    index->keep_facts(first, facts_of(run.planned, first),
                      was_kept ? std::string() : facts_of_run(run.planned));
  };
  for (const std::string& account : accounts_of(run.plan())) {
    // Without them calls are reserved what is usual.
    const auto outputs = store.past_outputs(account);
    if (outputs)
      wanted->past_outputs.insert(wanted->past_outputs.end(), outputs->begin(), outputs->end());
  }
  const Redaction secrets = secrets_of(run.plan(), *wanted, own_environment());
  wanted->secrets = secrets;
  GrowthMeans means =
      growth_means(run.plan(), state_folder, run.request.stands, std::move(providers));
  means.secrets = secrets;
  growth.dispatch_with(std::move(means));
  auto setup = complete_setup(run, state_folder);
  if (!setup) return std::unexpected(setup.error());
  setup->secrets = secrets;
  setup->growth = &growth;
  if (!run.request.replay.empty()) {
    auto reads = recorded_reads(store, run.request.replay);
    if (!reads) return std::unexpected(reads.error());
    setup->recorded_reads = std::move(*reads);
  }
  process::PortClaims ports;
  setup->around.ports = &ports;
  const auto own_place = hold_own_place(run, setup->around);
  auto processes = process::LocalProcesses::open(clock, {.redaction = secrets});
  if (!processes) return std::unexpected(processes.error());
  const WokenByNews woken(**held_run, **processes);
  workspace::LocalWorkspace workspace(run.plan().workspace, state_folder, run.id());
  snapshots::LocalSnapshots snapshots(run.plan().workspace, state_folder, run.id(),
                                      options_of(run.plan()));
  workspace.show(&snapshots);
  schema::JsonSchema validator;
  std::unique_ptr<engine::Gateway> gateway = std::make_unique<engine::NoGateway>();
  if (asks) {
    auto local = open_gateway(std::move(*wanted), clock, [&host = **processes] { host.poke(); });
    if (!local) return std::unexpected(local.error());
    (*processes)->on_listener([&to = **local](engine::AttemptName name, sys::Descriptor socket) {
      to.listen(name, std::move(socket));
    });
    gateway = std::move(*local);
  }

  // What is large goes back to the system at once: else the allocator would keep the room of the
  // largest answer so far, and put the next ones beside it.
  constexpr int kLargeBytes = 1 << 20;
  ::mallopt(M_MMAP_THRESHOLD, kLargeBytes);

  // Of this run alone, and only while somebody holds it.
  const std::string mark_file = run_folder(state_folder, run.id()) + "/broke_off";
  setup->follows_a_break = process::BreakMark::take(mark_file);
  std::error_code trouble;
  std::filesystem::create_directories(run_folder(state_folder, run.id()), trouble);
  const auto mark = process::BreakMark::arm(mark_file);
  if (!mark) return std::unexpected(mark.error());
  RedactedJournal kept(**journal, secrets);
  ChangedBytesJournal with_bytes(kept, snapshots, secrets);
  // A lease that can be outlived is of a store that other machines look into.
  engine::Journal& written =
      (*held_run)->epoch() > 0 ? static_cast<engine::Journal&>(with_bytes) : kept;
  const auto shared = share_out(own_environment(), run.id(), **held_run, **processes, secrets);
  if (!shared) return std::unexpected(shared.error());
  engine::ProcessHost& host =
      *shared ? (*shared)->processes() : static_cast<engine::ProcessHost&>(**processes);
  worker::LocalExecutor executor(
      {run.plan().workspace, setup->around, worker::BackgroundThread::open(),
       [&own = **processes] { own.wake(); }},
      {host, workspace, snapshots, *gateway, &workspace},
      [&kept](const Digest& digest) { return kept.blob(digest); });
  engine::Replay before(run.plan());
  before.run = run.state;
  before.commits = std::exchange(run.commits, {});
  before.changes = std::exchange(run.changes, {});
  engine::Engine engine(
      run.plan(), run.planned.waits(), std::move(*setup), std::move(before),
      engine::Ports{clock, executor, executor, written, workspace, snapshots, validator, *gateway},
      executor.hasher());
  if (auto taken = engine.begin(); !taken) {
    if (!engine::is_interruption(taken.error())) return std::unexpected(taken.error());
    observer.finish(engine.view());  // Nothing was recorded, and nothing is changed.
    return engine::RunEnded::How::interrupted;
  }
  if (begun) {
    if (auto reported = begun(); !reported) return std::unexpected(reported.error());
  }
  while (!engine.over()) {
    observer.update(engine, clock.now());
    if (auto turned = engine.turn(observer.next_frame()); !turned)
      return std::unexpected(turned.error());
  }
  executor.drain();
  observer.update(engine, clock.now());
  engine::RunStatus view = engine.view();
  if (const auto looked = look_back(run, engine.run(), view)) {
    show_hindsight(*looked, view);
    // What it would have taken is no part of the run: that it cannot be kept does not spoil it.
    static_cast<void>(store.keep_regret(*looked));
  }
  observer.finish(view);
  // What clients keep of their sessions is wanted again when the run goes on.
  const auto how = *engine.run().ended;
  const bool goes_on = how == engine::RunEnded::How::interrupted ||
                       how == engine::RunEnded::How::limit_reached ||
                       how == engine::RunEnded::How::paused_at_gate;
  if (!goes_on) workspace.sweep();
  run.state = engine.run();
  return how;
}

}  // namespace interlock::runs
