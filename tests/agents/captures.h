#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agents/adapter.h"

// Recorded runs of real clients against an endpoint whose answers are known.
namespace interlock::agents {

struct Capture {
  std::string client;              ///< `codex-0.169.0`.
  std::string name;                ///< `429twice`.
  std::vector<std::string> lines;  ///< Of its standard output.
  std::optional<int> exit_code;
  std::optional<int> signal;
  /// Input tokens without the cache's, by the endpoint's own books: of the calls that it answered
  /// whole, and of those it answered at all.
  Tokens least_input = 0, most_input = 0;
  bool by_runner = false;  ///< The signal was the runner's, who had waited long enough.
};

/// All of a client's, by name; none where the data are not here.
std::vector<Capture> captures_of(const std::string& client);
/// The clients and versions there are expectations for.
const std::vector<std::string>& recorded_clients();
const Adapter& adapter_of(const std::string& client);

/// What a whole stream comes to.
Transcript transcript_of(const Adapter& adapter, const std::vector<std::string>& lines);

}  // namespace interlock::agents
