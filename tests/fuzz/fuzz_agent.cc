// The first byte chooses a client, the rest is what it prints: never a crash, whatever the bytes
// are. Lines that are no JSON are unknown, and an attempt that was ended by a signal is no success.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "agents/adapter.h"
#include "agents/json_fields.h"
#include "base/check.h"

using namespace interlock;
using Gives = plan::EventRule::Gives;

namespace {

/// A command that has every rule.
plan::Agent mapped_agent() {
  plan::Agent agent;
  for (auto gives = Gives::session; gives <= Gives::usd;
       gives = static_cast<Gives>(static_cast<int>(gives) + 1)) {
    agent.events.push_back({{}, gives, "a.b[0]", true});
    agent.events.push_back({{{"type", "x"}}, gives, "", false});
  }
  return agent;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto all = agents::all_adapters();
  const agents::Adapter& adapter = *all[data[0] % all.size()];
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  static const plan::Agent agent = mapped_agent();
  const auto reader = adapter.reader(agent);
  agents::Transcript transcript;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const auto events = reader->line(line);
    if (!agents::fields_of(line)) {
      check(events.size() == 1 && std::holds_alternative<agents::Unknown>(events.front()),
            "what is not a JSON object is unknown");
    }
    for (const agents::Event& recorded : events) {
      check(agents::show(recorded).find('\n') == std::string::npos,
            "an event is shown on one line");
      transcript.take(recorded);
    }
  }
  for (const agents::Event& recorded : reader->end()) transcript.take(recorded);
  constexpr int kKilled = 9;
  check(adapter.ending(transcript, {}, kKilled).failure.has_value(),
        "what was killed is not a success");
  const agents::Ending ended = adapter.ending(transcript, 0, {});
  check(ended.failure.has_value() || transcript.final.has_value(),
        "no success without a final event");
  return 0;
}
