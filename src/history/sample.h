#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "base/units.h"
#include "base/usage.h"

// What earlier runs measured, as values. Pure.
namespace interlock::history {

/// What one attempt took, however it ended. Unknown is nothing, never zero.
struct Sample {
  enum class Origin : unsigned char { run, imported, calibration };
  struct Waits {
    Duration needs{}, conflict{}, quota{}, slot{}, gate{}, backoff{};  ///< Before it began.
    Duration calls_quota{}, calls_cache{};  ///< Its model calls, in the gateway.

    bool operator==(const Waits&) const = default;
  };

  Origin origin = Origin::run;
  Time at{};              ///< When it ended.
  std::string workspace;  ///< Absolute; empty: of no workspace, which counts for the agent only.
  std::string plan, run;
  std::uint32_t attempt = 0;
  std::string task;
  std::string shape;  ///< What the tasks of one `foreach` share: the id with `*` for the item.
  std::string agent, model, host;
  std::string account;              ///< Whose model it asked; empty: none, as far as is known.
  std::string outcome;              ///< As in `attempt_ended`; empty: not known.
  std::optional<Duration> elapsed;  ///< Wall clock.
  std::optional<Duration> startup;  ///< Until its first model call came in.
  std::int64_t size = 0;            ///< Bytes of its prompt.
  Usage usage;                      ///< The tax included.
  std::optional<Tokens> spawn_tokens, return_tokens;
  Waits waits;
  std::optional<Duration> join;                   ///< What joining its output took a person.
  std::optional<std::int64_t> joined;             ///< Of an agent that joins outputs: of how many.
  std::optional<Duration> cpu_time;               ///< What its processes had of the processors.
  std::optional<std::int64_t> memory_peak_bytes;  ///< What the largest of them held at once.
  std::optional<bool> met;  ///< In a view: whether it met what others had changed.

  bool operator==(const Sample&) const = default;
};

std::string_view name_of(Sample::Origin origin);
std::optional<Sample::Origin> origin_named(std::string_view name);

/// The agent under which a person's answers at gates are kept, with the outcome `answered`.
inline constexpr std::string_view kPerson = "(person)";

/// How an outcome counts for the rate of failures: those that nobody blames on the attempt
/// (cancelled, interrupted, a conflict, a limit) do not count at all.
enum class Verdict : unsigned char { succeeded, failed, neither };
Verdict verdict_on(std::string_view outcome);

/// A model call that was answered, or was in flight beside others that were.
struct Call {
  std::string account, model, run;
  Time began{}, ended{};                ///< From when it was sent; both included.
  std::optional<Tokens> output_tokens;  ///< Nothing: it counts as load only.

  bool operator==(const Call&) const = default;
};

/// How good a run's decision was, seen with the times its tasks really took.
struct Regret {
  Time at{};
  std::string workspace, plan, run;
  std::string pattern;  ///< As decided: `queue(3)`.
  std::string best;     ///< The best way in hindsight.
  Duration took{};      ///< As decided, replayed; likewise the next two.
  Duration best_took{};
  Duration one_by_one{};
  Duration real{};          ///< What passed, people left out.
  std::string not_counted;  ///< In words, what the replays leave out; empty: nothing that is known.

  /// By how much of the best time it was longer: 0.2 is a fifth.
  double ratio() const;
  bool operator==(const Regret&) const = default;
};

/// A sample as one JSON object, and back: the lines of `history export` and `import`. Unknown keys
/// are errors; so are times below zero and moments outside of 1970 to 9999.
json::object to_json(const Sample& sample);
Result<Sample> sample_from_json(const json::value& value);

/// Likewise, with `"kind": "call"`.
json::object to_json(const Call& call);
Result<Call> call_from_json(const json::value& value);
/// Whether a line says that it is a call.
bool is_call(const json::value& value);

/// What is wrong with it; empty: it can be reckoned with.
std::string fault_of(const Sample& sample);

}  // namespace interlock::history
