#pragma once

#include <string>

#include "base/result.h"
#include "cli/console.h"
#include "cli/live_face.h"
#include "runs/as_if.h"
#include "runs/edited_plan.h"
#include "runs/open_store.h"
#include "runs/planning.h"

// One function a verb, one file a verb or a family of verbs. What a verb returns is the exit code;
// an error is told by `main`.
namespace interlock::cli {

inline constexpr std::string_view kVersion = "0.1.0";

class Detachment;

/// Waiting for a workspace that another run holds.
struct WorkspaceWait {
  std::optional<Duration> most;  ///< Nothing: however long it takes.
};

/// What every verb knows.
struct Context {
  std::string state_folder;
  bool json = false;
  runs::Where where;
  Console& console;
  Detachment* detachment = nullptr;      ///< Where the run is to go on without this terminal.
  std::vector<std::string> notify = {};  ///< Whom to call: see `Notifier`.
  std::optional<WorkspaceWait> workspace_wait = {};  ///< Nothing: it is refused.
  std::string store = {};                            ///< As runs::StorePlace has it.
  bool keys = false;                                 ///< A person sits there: see `with_keys`.
  Detachment* on_leave = nullptr;  ///< With keys: how a dispatcher leaves this terminal.

  runs::StorePlace place() const { return {state_folder, store}; }
};

/// What earlier runs measured here; an empty history where there is no journal yet, for planning
/// needs none.
decide::History history_of(const Context& context, const plan::Plan& plan);

/// `fix`: the plan file is first given what its latest run, or the one named, showed of footprints.
struct FixRequest {
  bool fix = false;
  bool full = false;  ///< Show everything, not only what fits a screen.
  std::string run;    ///< Empty: the latest of this plan.
};
Result<Exit> plan_command(const Context& context, const std::string& file,
                          const runs::PlanRequest& request, const FixRequest& fix);
/// `svg`: where to draw the chart as well; empty: nowhere.
Result<Exit> breakeven_command(const Context& context, const std::string& file,
                               const runs::PlanRequest& request, const std::string& svg);
/// What a run's plan would take if more ran at once, quotas were others, or tasks larger.
Result<Exit> forecast_command(const Context& context, const std::string& run,
                              const runs::AsIf& as_if);
Result<Exit> run_command(const Context& context, const std::string& file,
                         const runs::PlanRequest& request, Face face);
/// What `resume` may say anew.
struct ResumeRequest {
  bool wait_at_gates = false;
  std::optional<Tokens> tokens;                  ///< In place of `limits.tokens`.
  std::optional<MicroUsd> usd;                   ///< In place of `limits.usd`.
  runs::WhichPlan which = runs::WhichPlan::ask;  ///< Where the plan was edited since.
};
Result<Exit> resume_command(const Context& context, const std::string& run, Face face,
                            const ResumeRequest& request);

struct RunsOptions {
  std::size_t most = 20;
  bool here = false;  ///< Only those of this folder's workspace.
};
Result<Exit> runs_command(const Context& context, const RunsOptions& options);
/// `suggest`: the footprints that were seen, as lines for the plan.
/// Draws the run on the terminal until it is over, or its watcher leaves.
Result<Exit> follow_command(const Context& context, const std::string& run);
Result<Exit> show_command(const Context& context, const std::string& run, bool suggest);
Result<Exit> why_command(const Context& context, const std::string& run, const std::string& task);
/// `name`: a merge or a task; empty: the only merge there is, else a list of what there is.
Result<Exit> output_command(const Context& context, const std::string& run,
                            const std::string& name);

/// `file` ends in `.html` or `.md`, which says what is written.
Result<Exit> report_command(const Context& context, const std::string& run,
                            const std::string& file);

struct TraceOptions {
  std::string out;   ///< Trace-event JSON; `.pftrace`: Perfetto's protobuf.
  std::string otlp;  ///< A file, or a receiver's URL.
  std::string joblog;
  bool follow = false;  ///< Send spans as they end, until the run does.
};
Result<Exit> trace_command(const Context& context, const std::string& run,
                           const TraceOptions& options);

struct EventsOptions {
  bool follow = false;
  std::uint64_t after = 0;  ///< Only those with a larger number.
};
Result<Exit> events_command(const Context& context, const std::string& run,
                            const EventsOptions& options);

struct LogOptions {
  std::string task;  ///< Empty: all.
  bool raw = false;  ///< What agents printed as it is, not as it reads.
  bool by_time = false;
  bool follow = false;
  bool times = false;  ///< Each line with its moment.
};
Result<Exit> log_command(const Context& context, const std::string& run, const LogOptions& options);

/// `task` empty: the review, or the only gate that waits.
Result<Exit> approve_command(const Context& context, const std::string& run,
                             const std::string& task);
Result<Exit> reject_command(const Context& context, const std::string& run,
                            const std::string& task);
Result<Exit> cancel_command(const Context& context, const std::string& run,
                            const std::string& task);
/// Reads the plan, decides, and enters a run of it into the journal, to be dispatched.
Result<std::unique_ptr<runs::ChosenRun>> enter_run(const Context& context, journal::Store& store,
                                                   const runs::Document& document,
                                                   const runs::PlanRequest& request);
/// The workspace of a plan that is to be run, where it is waited for: held from before the plan is
/// read for good, so that its files are those that the run before left. `interrupted`: a signal
/// asked to end, which was said.
struct HeldWorkspace {
  std::optional<journal::RunLock> lock;
  bool interrupted = false;
};
Result<HeldWorkspace> wait_for_workspace_of(const Context& context, const runs::Document& document,
                                            const runs::PlanRequest& request);
/// Dispatches, and prints the run's id or, as JSON, how it stands then.
Result<Exit> dispatch_and_report(const Context& context, journal::Store& store,
                                 runs::ChosenRun& run, Face face);
/// `task` empty: every task that failed.
Result<Exit> retry_command(const Context& context, const std::string& run, const std::string& task,
                           Face face, runs::WhichPlan which);
/// A run of another version of a run's plan, with the wishes that run had.
Result<Exit> run_edited(const Context& context, const runs::ChosenRun& run, Face face);
/// Follows what was edited in the plan of the run, and says so.
Result<runs::Followed> follow_edits(const Context& context, journal::Store& store,
                                    std::unique_ptr<runs::ChosenRun>& run, runs::WhichPlan which);

/// Takes back what a run that is over, or one task of it, changed.
Result<Exit> undo_command(const Context& context, const std::string& run, const std::string& task);

struct LandRequest {
  std::string branch;  ///< Empty: `land/<run>`.
  std::string out;     ///< A report of the run beside it, as `report -o`; empty: none.
  std::string verify;  ///< What all of it has to pass; empty: nothing.
  int checks = 20;     ///< At most.
};
/// Makes a branch of what a run that is over changed.
Result<Exit> land_command(const Context& context, const std::string& run,
                          const LandRequest& request);

struct DiffOptions {
  bool stat = false;
  std::uint32_t attempt = 0;  ///< 0: the last whose changes are known.
};
Result<Exit> diff_command(const Context& context, const std::string& run, const std::string& task,
                          const DiffOptions& options);

/// Speaks the Model Context Protocol over the standard streams until they close. `may_approve`: a
/// client may answer gates.
Result<Exit> mcp_command(const Context& context, bool may_approve);

struct InitForRequest {
  std::string client, folder = ".";
  bool enforce = false;  ///< Its hook denies; else it advises.
  bool undo = false;
};

struct HookRequest {
  std::string client;
  bool enforce = false;
  std::uint32_t most = 0;  ///< Sub-agents at once that are let through; 0: no bound.
};
/// Before a sub-agent starts: reads what the client tells, and answers it. On any error of its own
/// it says nothing, which lets the sub-agent start.
Result<Exit> hook_command(const Context& context, const HookRequest& request);
/// A client wants a worktree for a sub-agent, or tells what becomes of one: reads which from
/// standard input, and answers it.
Result<Exit> hook_worktree_command(const Context& context);

Result<Exit> doctor_command(const Context& context);
Result<Exit> agents_command(const Context& context);

/// The gateway on its own.
struct GatewayRequest {
  std::string api =
      "anthropic";            ///< Whose keys and address are usual, where the next two do not say.
  std::string upstream, key;  ///< A URL; a variable of the environment.
  std::string plan, agent;    ///< Quotas, and the agent whose provider it is, come from a plan.
  std::uint16_t port = 0;
  std::optional<Tokens> tokens;
  std::optional<MicroUsd> usd;
};
Result<Exit> gateway_command(const Context& context, const GatewayRequest& request);

struct ChatOptions {
  std::string api, model, base_url, schema;
  std::int64_t output_max = 0;  ///< 0: the API's own.
};
/// The prompt is all of standard input; what comes is written as JSON lines (agents/chat_lines.h).
Result<Exit> chat_command(const ChatOptions& options);

struct PruneOptions {
  std::string run;
  std::optional<Duration> older;
  bool force = false;  ///< Also what is in no workspace yet.
};
Result<Exit> prune_command(const Context& context, const PruneOptions& options);

/// Words for completion, one a line: `runs`, or the `tasks` or `outputs` of a run.
Result<Exit> complete_command(const Context& context, const std::string& kind,
                              const std::string& run);

Result<Exit> init_command(const Context& context, const std::string& use,
                          const std::string& folder);

}  // namespace interlock::cli
