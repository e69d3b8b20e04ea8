#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/redaction.h"
#include "base/units.h"
#include "gateway/admission.h"
#include "gateway/retries.h"
#include "gateway/secret.h"
#include "gateway/upstream.h"
#include "http/session.h"
#include "metering/prices.h"
#include "metering/windows.h"

namespace interlock::gateway {

/// Where an agent's calls go.
struct Provider {
  std::string
      base_url;  ///< `https://api.anthropic.com`; what the client asks for is put behind it.
  Secret key;    ///< Stands in for the route's secret; unset: the client shows its own.
  std::string key_name = "model";  ///< What is shown in the key's place.
  std::vector<std::string> unmetered =
      {};  ///< Paths that pass though nobody can meter them; `*` ends one.
};

struct Options {
  std::map<std::string, Provider> providers;  ///< By the agents' names in the plan.
  Redaction secrets;  ///< What else is to be shown nowhere, beside the providers' keys.
  std::vector<QuotaOption> quotas;
  metering::Prices prices;
  Network network;
  RetryRules retries;
  http::Session::Rules sessions;
  Duration stall =
      std::chrono::minutes(5);  ///< No byte for so long, and the answer counts as cut off.
  /// By model, oldest first: what calls of earlier runs put out. Calls are reserved as much, until
  /// those of this run say better.
  std::vector<std::pair<std::string, Tokens>> past_outputs;
  std::string record_folder;  ///< Empty: nothing is recorded.
  std::string replay_folder;  ///< Not empty: nothing is sent; all is answered from there.
  std::uint16_t port = 0;     ///< On 127.0.0.1; 0: any.
  /// What an answer of the provider at this URL told of windows, and what its call used, as far as
  /// that is known. What people should hear of it at once. From the gateway's thread.
  std::function<std::string(const std::string& base_url, const std::vector<metering::Window>& windows,
                     std::optional<Tokens> tokens)>
      on_windows;
  std::function<void()> wake;      ///< Calls are to be taken. From the gateway's thread.
  std::function<Time()> now;       ///< What deadlines are compared with; any thread.
  std::function<double()> chance;  ///< From 0 up to 1, for back-off.
};

}  // namespace interlock::gateway
