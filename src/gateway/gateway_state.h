#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/redaction.h"
#include "engine/gateway.h"
#include "gateway/admission.h"
#include "gateway/brakes.h"
#include "gateway/budget.h"
#include "gateway/estimates.h"
#include "gateway/leads.h"
#include "gateway/options.h"
#include "gateway/recordings.h"
#include "gateway/retries.h"
#include "gateway/run_limit.h"
#include "gateway/tunnels.h"
#include "gateway/upstream.h"

namespace interlock::gateway {

/// One attempt's way in.
struct AttemptRoute {
  engine::Gateway::RouteSpec spec;
  std::string secret;
  std::string base_url;
  const Provider* provider = nullptr;
  std::vector<std::size_t> quotas;
  Budget budget;
  std::uint32_t calls = 0;               ///< Told ones.
  std::uint32_t requests = 0;            ///< All that were let in.
  std::map<Digest, std::uint32_t> seen;  ///< How often the same was asked, of what is recorded.
  Brakes brakes;
  /// What the provider said last where it was to be asked again, and nothing better since.
  struct WaitRequest {
    agents::Failure failure;
    std::string message;
  };
  std::optional<WaitRequest> wait_request;
  /// Of an attempt that has one.
  struct OwnNetwork {
    std::optional<std::uint64_t> listener;  ///< The server's socket in it.
    std::set<std::string> refused_hosts;    ///< What it asked to be connected to.
    std::unique_ptr<Tunnels> tunnels = std::make_unique<Tunnels>();
  };
  OwnNetwork network;
  std::uint32_t in_flight = 0;  ///< Requests that are not over.
  std::shared_ptr<std::size_t> bodies = std::make_shared<std::size_t>(0);  ///< Bytes of theirs.
  Redaction redaction;  ///< With its own secret: for what is told of its calls.
  bool is_closed = false;
};

class ProxiedCall;

/// What all calls share. Lives in the gateway's thread.
struct GatewayState {
  Options options;
  sys::Loop loop;
  Upstream upstream;
  std::unique_ptr<Admission> admission;
  std::optional<Recordings>
      recorded;  ///< Where answers come from, `replay_folder` or `record_folder`.
  Leads leads;
  Estimates estimates;
  RunLimit run;
  RetryBudget retries;
  bool looks_at_limit = false;  ///< `run_limit_moved`, and they have not looked yet.
  std::map<CallId, std::unique_ptr<ProxiedCall>> calls;  ///< Not over yet.
  CallId last_call = 0;
  /// By base URL and model: whether a request that asks for a stream's usage is taken there.
  /// Absent: not tried yet.
  std::map<std::string, bool> takes_usage_option;
  std::set<std::string> contradictions;  ///< Quotas of which it was said that the plan is wrong.
  Redaction redaction;  ///< All providers' keys: what comes from a provider passes it.

  explicit GatewayState(Options given)
      : options(std::move(given)), upstream(loop, options.network), retries(options.retries) {}
  virtual ~GatewayState();

  bool replays_all() const { return !options.replay_folder.empty(); }
  bool records() const { return !options.record_folder.empty() && !replays_all(); }
  /// These waited for a lead, and may go.
  void release_waiting(const std::vector<CallId>& calls_to_go);
  /// Calls that wait for room within the run's limit may have it now, or can have none any more:
  /// they look once this round is over.
  void run_limit_moved();

  /// The one time that a call is told. `charge`: what it took of the budgets.
  virtual void report(const engine::ModelCall& call, const Charge& charge) = 0;
  /// What a call waits for now; nothing: for nothing any more.
  virtual void report_waiting(CallId call,
                              const std::optional<engine::Gateway::Waiting>& waiting) = 0;
};

}  // namespace interlock::gateway
