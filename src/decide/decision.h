#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "footprint/interlocking.h"
#include "history/growth.h"
#include "history/slowing.h"
#include "plan/plan.h"
#include "schedule/simulate.h"

namespace interlock::decide {

/// How tasks slow each other as the plan has it: by account, or `host:` and the name of a host.
using SaidSlowings = std::map<std::string, history::Slowing>;

/// What a task takes of the machine it runs on, of so many attempts.
struct MachineUse {
  std::optional<double> cores;               ///< Processors that it keeps busy, on average.
  std::optional<std::int64_t> memory_bytes;  ///< What its largest process holds at most.
  std::uint32_t attempts = 0;
};

/// What joining an output with others takes a person, of so many runs.
struct Joining {
  Duration each{};
  std::uint32_t runs = 0;  ///< Lines that were imported without a run count one each.
};

/// What agents take that join outputs, for each output, of so many attempts.
struct Coordinating {
  Duration each{};
  std::optional<Tokens> tokens;
  std::uint32_t attempts = 0;
};

/// What earlier runs measured; made by `learn` (learn.h).
struct History {
  struct Measurements {
    Duration time{};  ///< Median of the attempts that succeeded.
    std::optional<Tokens> tokens;
    std::optional<MicroUsd> cost;
    std::optional<Tokens> spawn_tokens, return_tokens;
    std::uint32_t count = 0;  ///< Of times.
    /// Of the logarithm of its times: 0.7 is a factor of two either way, in two of three attempts.
    std::optional<double> spread;
    /// How likely an attempt in a snapshot meets one other that it overlaps with; nothing where
    /// none overlapped.
    std::optional<double> p_conflict{};
    std::uint32_t tried = 0;                ///< Attempts that succeeded or failed by themselves.
    std::optional<double> failures{};       ///< The part of them that failed, drawn to the agent's.
    std::optional<Tokens> output_tokens{};  ///< Of `tokens` and the tax.
    std::optional<double> cached{};         ///< The part of its input that a prompt cache had.
    std::optional<Joining> join{};          ///< Its output.
    std::optional<Duration> waited{};       ///< In the gateway, for quotas.
    std::optional<Duration> startup{};      ///< Before its first call.
    MachineUse machine{};
  };
  std::map<std::string, Measurements>
      by_task;  ///< Key: task id + "\n" + agent name + "\n" + model.
  std::map<std::string, Measurements>
      by_shape;  ///< Likewise, with what the tasks of a `foreach` share.
  std::map<std::string, Measurements> by_agent;  ///< Key: agent name + "\n" + model.
  /// How the times (in microseconds) and tokens of an agent's tasks grow with their prompts;
  /// likewise.
  std::map<std::string, history::Growth> times_by_size{}, tokens_by_size{};
  std::optional<Duration> answer{};  ///< What people take at a gate.
  std::uint32_t answers = 0;
  std::optional<Coordinating> coordinating{};
  /// How calls of one account and model slow each other, key account + "\n" + model; how commands
  /// of a host do, key `host:` + its name + "\n".
  std::map<std::string, history::LearnedSlowing> slowings{};
};

enum class From : unsigned char { plan, history, prior };
std::string_view name_of(From from);

/// What one task is expected to take. Unknown is nothing, never zero.
struct Expected {
  Duration time{};
  From time_from = From::prior;
  std::optional<Tokens> tokens;  ///< The work itself, without the dispatch tax.
  From tokens_from = From::prior;
  std::optional<Tokens> overhead_tokens;  ///< To spawn the agent and to return: the dispatch tax.
                                          ///< Zero for plain commands.
  From overhead_from = From::prior;
  std::optional<MicroUsd> cost;
  From cost_from = From::prior;
  /// How likely (0..1) it meets one other that it overlaps with, where both have snapshots.
  std::optional<double> p_conflict;
  From p_conflict_from = From::prior;
  double spread = 0.6931;  ///< Of the logarithm of its time; see `History::Measurements`.
  std::optional<double> p_failure{};  ///< The part of its attempts that fail.
  From failure_from = From::prior;
  /// Where a number is from history: of how many times, and whether they are the task's own or
  /// those of what it is like: its `foreach`, its agent.
  std::uint32_t samples = 0;
  enum class Of : unsigned char { task, shape, agent } of = Of::task;
  bool by_size = false;                   ///< The time, of its agent's: as its prompt is long.
  std::optional<Tokens> output_tokens{};  ///< Of the tokens and the tax.
  std::optional<Joining> join{};          ///< Its output.
  MachineUse machine{};
  /// How long the attempt is there before it sends its first call; nothing where nobody measured
  /// it.
  std::optional<Duration> startup{};
  /// In a forecast: its work is in the attempt of that task, and so is its time.
  std::optional<TaskId> batched_with{};
};
std::string_view name_of(Expected::Of of);
/// `history of 7`, `history of 31 of its agent`, `plan`, `prior`.
std::string say_source(const Expected& expected);

/// Priors, stated in every forecast that uses them.
inline constexpr Duration kPriorAgentTime = std::chrono::seconds(60);
inline constexpr Duration kPriorCommandTime = std::chrono::seconds(5);
inline constexpr Tokens kPriorSpawnTokens = 3000;
inline constexpr Tokens kPriorReturnTokens = 2000;
inline constexpr double kPriorConflict = 0.3;   ///< Of two tasks that touch patterns in common.
inline constexpr double kPriorSpread = 0.6931;  ///< A factor of two either way.
inline constexpr Duration kPriorJoin = std::chrono::minutes(3);
/// Of an attempt that does several tasks: that it comes to nothing, and that one part of its answer
/// is not what its task asks for.
inline constexpr double kPriorBatchFailure = 0.05;

std::vector<Expected> expect(const plan::Plan& plan, const History& history);

enum class Pattern : unsigned char { sequential, parallel, queue };
std::string_view name_of(Pattern pattern);

/// What the draws say of one way to run the plan.
struct Range {
  Duration mean{}, p50{}, p90{};  ///< Of the elapsed time.
  Duration join{};                ///< Mean of what joining outputs takes afterwards.
  double redone = 0;              ///< Attempts that are done again because tasks met, on average.
  std::optional<Tokens> wasted_tokens = 0;  ///< By those; nothing where a task's is unknown.
  std::uint32_t draws = 0;                  ///< None: the plan is too large to be drawn.
};

/// One way to run the plan, foretold.
struct Forecast {
  Duration elapsed{};  ///< If the estimates come true.
  Duration join{};     ///< To join by hand what overlapped, afterwards; likewise.
  Range range;
  std::optional<Tokens> tokens;  ///< With the tax; nothing when a task's is unknown.
  std::optional<Tokens> overhead_tokens;
  /// Of `tokens`: read from a prompt cache that a sibling wrote.
  Tokens cached_tokens = 0;
  /// With what is done again and what the cache saves.
  std::optional<MicroUsd> cost;
  std::uint32_t n = 1;  ///< Attempts at once.
  schedule::Timeline timeline;
};

struct Test {
  bool holds = false;
  std::string why;  ///< One line, for the whole plan.
};

/// Why one task may not overlap with others.
struct Verdict {
  bool exclusive = false;
  std::string why;   ///< ``its output is prose that no merge joins``; empty when it may overlap.
  std::string hint;  ///< ``give it a schema``
  /// What joining its output by hand takes, if it overlapped with others; who says so, and history
  /// of how many runs.
  Duration join{};
  From join_from = From::prior;
  std::uint32_t join_runs = 0;
  /// A person joins it at a gate: that is part of what history knows of their answers.
  bool joined_at_gate = false;
};

/// Two tasks that would wait for each other if no snapshot caught what they do: how likely they
/// meet if they overlap.
struct Risk {
  TaskId before, after;
  double p = kPriorConflict;
};

/// A task that may start beside others it might meet: what that is expected to bring and to cost.
struct Candidate {
  TaskId task;
  double p_conflict = kPriorConflict;
  From p_from = From::prior;
  std::optional<Tokens> tokens;  ///< Expected to be wasted.
  std::optional<MicroUsd> cost;  ///< Likewise.
  std::string refused;           ///< Why it is not taken; empty: it is.
};

/// Which conflicts are not waited for, because a snapshot catches them.
struct Speculation {
  std::vector<bool> lifted;  ///< By task: it takes the risk.
  std::vector<Candidate> candidates;
  std::vector<Risk> risks;
  std::size_t edges_lifted = 0;
  std::size_t edges_joined = 0;   ///< Not waited for, as merge drivers join what both tasks write.
  std::vector<TaskId> joined;     ///< Tasks of such edges.
  footprint::Interlocking waits;  ///< What is waited for.
};

/// The terms of the third test; all printed.
struct Saving {
  Duration sequential{}, critical_path{}, quota{}, overhead{}, conflict{}, merge{};
  Duration saved{};
  Duration required{};
  /// The same over the draws; nothing where none were made.
  std::optional<Duration> mean_sequential, mean_saved;
};

/// Why fewer at once than the cap allows.
struct Narrower {
  enum class Why : unsigned char {
    nothing,
    quota,
    slowing,
    conflict,
    processors
  } why = Why::nothing;
  std::uint32_t wider = 0;    ///< The cap.
  Duration mean{}, at_cap{};  ///< Expected, joining included.
  std::string name;           ///< Of the agent or resource.
};

/// What starting tasks beside what they might meet would bring, where the plan does not ask for it.
struct Offer {
  std::size_t tasks = 0;
  Duration mean{}, instead{};
  double redone = 0;
  std::optional<Tokens> wasted_tokens;
};

/// One agent that does everything, in one context: no other is started and nothing has to be
/// joined, but what the context holds is read again by each call.
struct OneAgent {
  Duration elapsed{};
  Range range;
  std::optional<Tokens> tokens, overhead_tokens;
  std::optional<Tokens> cached_tokens;  ///< Of `tokens`: read again, from the prompt cache.
  std::optional<MicroUsd> cost;
  bool fits = true;  ///< Into a context of 200k tokens.
};

/// A batch at the provider: half the price, some time.
struct ProviderBatch {
  Duration within{};
  std::optional<Tokens> tokens;
  std::optional<MicroUsd> cost;
};

/// Tasks that share an attempt: one tax instead of many, and all of it again where it fails.
struct Batching {
  std::vector<std::vector<TaskId>> batches;  ///< Each in plan order, of two or more.
  std::size_t asked = 0;                     ///< Tasks whose plan says `batch`.
  std::string refused;  ///< Why those asked for are not in a batch, the commonest reason first.
  Tokens saved = 0;     ///< Of the tax.
  Duration startup{};   ///< Likewise: of starting agents, where that was measured.
  std::optional<Tokens> risk =
      0;  ///< Expected to be used again; unknown where a task's tokens are.
};

/// What the machine has that runs the plan; nothing where that is not known.
struct Host {
  std::optional<double> processors;
  std::optional<std::int64_t> memory_bytes;  ///< That can be had now.
};

/// So many tasks at once have the memory that they are known to take.
struct MemoryBound {
  std::uint32_t at_once = 1;
  std::int64_t largest_bytes = 0;  ///< Of one task.
  std::int64_t free_bytes = 0;     ///< What the host has.
  std::uint32_t attempts = 0;      ///< That history knows it from.
};

struct Decision {
  Pattern pattern = Pattern::sequential;
  std::uint32_t n = 1;
  Test independent, mergeable, worthwhile;
  std::vector<Verdict> verdicts;      ///< By task.
  std::vector<std::string> reasons;   ///< In the order a person wants them.
  std::vector<std::string> changes;   ///< What would have to change for more to overlap.
  std::vector<std::string> warnings;  ///< The tax above a third, priors used, ...
  std::vector<std::string> left_out;  ///< What no forecast counts, for nobody measured or said it.
  Narrower narrower;
  std::optional<MemoryBound> memory;  ///< Where it allows fewer than the plan does.
  std::optional<Offer> offer;
  Saving saving;
  Speculation speculation;
  Forecast sequential, parallel, queue;
  std::optional<OneAgent> one_agent;
  std::optional<ProviderBatch> provider_batch;
  Batching batching;
  /// As decided: what the scheduler is to be given.
  schedule::Policy policy;
  std::vector<std::int64_t> priorities;
  schedule::Timeline timeline;  ///< The forecast of exactly that.

  const Forecast& chosen() const;
};

/// So many calls, or commands, showed how they slow each other.
struct LearnedFrom {
  std::uint32_t count = 0;
  std::string what;  ///< `call` or `command`
  history::Slowing slowing;
};

struct Options {
  std::optional<Pattern> pattern;         ///< `--pattern`
  std::optional<std::uint32_t> parallel;  ///< `--parallel`: the cap
  /// What others have used of each quota (by resource) when the run begins; empty: nothing.
  std::vector<schedule::QuotaRates::Backlog> backlog{};
  /// By agent or resource: how its tasks slow each other as history has it, where the plan does not
  /// say. The plan holds the same numbers; this says where they come from.
  std::map<std::string, LearnedFrom> learned{};
  Host host{};
  std::optional<Coordinating> coordinating{};
  std::function<bool()> more;  ///< Whether the search for a better order may go on (`--effort`).
};

/// The scheduler's problem: links from the interlocking, capacities from the resources, weights
/// from `expected`, `alone` from the verdicts (empty: from unknown footprints only).
schedule::Problem problem_of(const plan::Plan& plan, const footprint::Interlocking& interlocking,
                             const std::vector<Expected>& expected,
                             const std::vector<Verdict>& verdicts);

/// The decision of design section 4: sequential unless three tests hold, the arithmetic shown.
///
/// - Every way is judged by the same draws (see draws.h). Overlapping has to save, on average, what
///   the plan asks for.
/// - All slots of the cap are used unless something that is stated prices them: a quota that binds,
///   tasks that slow each other. The order is improved for each width that is in the running.
/// - Outputs that somebody has to join cost the time for it, if they overlapped; where that is more
///   than overlapping saves, their tasks run alone.
Decision decide(const plan::Plan& plan, const footprint::Interlocking& interlocking,
                const std::vector<Expected>& expected, const Options& options);

}  // namespace interlock::decide
