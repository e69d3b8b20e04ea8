#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/ports.h"
#include "gateway/local_gateway.h"
#include "plan/plan.h"
#include "schedule/problem.h"

// What it takes to ask models: whose they are, with which key, within which limits, at which
// prices.
namespace interlock::runs {

using Environment = std::map<std::string, std::string>;
Environment own_environment();

/// Whether any task of the plan asks a model through the gateway.
bool asks_models(const plan::Plan& plan);

/// Providers with their keys, quotas, prices and proxies for the plan's agents. Keys come from the
/// environment or the command that the plan names, which is run here: so before a process host is
/// open. An agent that no task uses needs none, and neither does who replays.
Result<gateway::Options> gateway_options(const plan::Plan& plan, const std::string& state_folder,
                                         const Environment& environment, bool replays);
/// What was used of each quota (by resource) that the plan's model calls pass; nothing is made or
/// changed for it. Others' calls are held back by the scheduler, which begins full.
std::vector<schedule::QuotaRates::Backlog> backlogs_of(const plan::Plan& plan,
                                                       const std::string& state_folder);
/// What nothing that is written or shown may hold: the keys of `options`, and what the plan passes
/// on under a name that says it is secret.
Redaction secrets_of(const plan::Plan& plan, const gateway::Options& options,
                     const Environment& environment);
/// The same, as far as the environment alone tells: for who shows what was kept, and asks nobody
/// for a key.
Redaction secrets_in(const plan::Plan& plan, const Environment& environment);
/// Whether the keys that are to be in the environment are there: before a run is made of a plan.
Result<void> check_keys(const plan::Plan& plan, const Environment& environment);
Result<gateway::Provider> provider_with_key(const plan::Agent& agent, const std::string& model,
                                            const Environment& environment);

/// `wake` as in gateway::Options.
Result<std::unique_ptr<gateway::LocalGateway>> open_gateway(gateway::Options options,
                                                            engine::Clock& clock,
                                                            std::function<void()> wake);

/// Where a run's recording lies.
std::string recording_folder(const std::string& state_folder, const std::string& run);

}  // namespace interlock::runs
