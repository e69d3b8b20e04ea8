#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/board.h"
#include "cli/calibrate.h"
#include "cli/client_setup.h"
#include "cli/commands.h"
#include "cli/draft.h"
#include "cli/history_verb.h"
#include "cli/queue.h"
#include "cli/serve.h"
#include "cli/workers.h"

namespace interlock::cli {

/// All that the command line can say. CLI11 writes into it.
struct Options {
  std::string state;
  std::string store;  ///< Empty: what INTERLOCK_STORE says.
  std::string color = "auto";
  bool quiet = false;
  bool json = false;
  bool any = false;

  std::string file, run, task, name, use, folder = ".", shell;
  std::string pattern, effort, face = "auto", svg, out;
  std::vector<std::string> isolation, notify;
  int parallel = 0;
  std::vector<std::string> set;
  bool fresh = false, wait = false, record = false;
  WorkerOptions worker;
  std::string replay, tokens, usd, which_plan;
  RunsOptions runs;
  LogOptions log;
  TraceOptions trace;
  EventsOptions events;
  FixRequest fix;
  DiffOptions diff;
  DraftOptions draft;
  DraftCheckOptions draft_check;
  LandRequest land;
  ChatOptions chat;
  bool suggest = false, follow = false, force = false, detach = false, may_approve = false;
  bool wait_for_workspace = false;
  std::string lock_timeout;
  std::string older;
  std::string words;  ///< What `complete` is asked for.
  GatewayRequest gateway;
  InitForClient init_for;
  HookRequest hook;
  std::string when;  ///< Of a hook.
  QueueRequest queue;
  BoardRequest board;
  AddRequest add;
  EachRequest each;
  std::vector<std::string> settings;  ///< `parallel=2`, ...
  std::string timeout;
  HistoryOptions history;
  CalibrateOptions calibrate;
  ServeRequest serve;
  decide::Conditions conditions;
};

/// What the words of the command line mean; an error says which of them means nothing.
Result<runs::PlanRequest> request_of(const Options& options);
Result<ResumeRequest> resume_request_of(const Options& options);
runs::WhichPlan which_plan_of(const Options& options);
Result<GatewayRequest> gateway_request_of(const Options& options);
Result<PruneOptions> prune_request_of(const Options& options);
/// `30d`, `12h`; days are hours here, for nobody prunes by the minute.
std::optional<Duration> parse_age(std::string text);
/// `--wait-for-workspace` and `--lock-timeout`; nothing: neither was said.
Result<std::optional<WorkspaceWait>> workspace_wait_of(const Options& options);
Face face_of(const Options& options);

}  // namespace interlock::cli
