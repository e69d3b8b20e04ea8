#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/id.h"
#include "base/units.h"
#include "condition/expression.h"
#include "footprint/interlocking.h"
#include "plan/board.h"
#include "plan/family.h"
#include "plan/merge_driver.h"
#include "plan/place.h"
#include "plan/service.h"

namespace interlock::plan {

enum class Isolation : unsigned char { direct, guard, view, worktree };
std::string_view name_of(Isolation isolation);

/// How much of what a task does with files counts as read, where it has a picture of its own.
enum class Observe : unsigned char {
  all,       ///< What it opens, and what it looks whether it is there.
  opens,     ///< What it opens.
  declared,  ///< What the plan says; nothing is watched.
};
std::string_view name_of(Observe observe);

enum class AgentKind : unsigned char {
  command,
  claude_code,
  codex,
  gemini,
  opencode,
  pi,
  qwen,
  chat
};
std::string_view name_of(AgentKind kind);
/// How tasks of such an agent are isolated where the plan does not say: commands work in the
/// workspace itself, as one types them; agents, whom nobody watches, in a copy of it, or where
/// there is none held by the kernel.
std::vector<Isolation> default_isolation(AgentKind kind);

/// How a command is given its prompt.
enum class PromptBy : unsigned char { standard_input, argument, file };

/// Where a command's JSON lines say something: the declarative mapping of `events`.
struct EventRule {
  enum class Gives : unsigned char {
    session,
    model,
    text,
    final,
    error,
    rate_limited,
    tool,
    file,
    input_tokens,
    output_tokens,
    cache_read_tokens,
    cache_write_tokens,
    usd
  };
  /// In what lines: each path (`item.type`, `content[0].text`) holds this text. Empty: in all that
  /// have `at`.
  std::vector<std::pair<std::string, std::string>> when;
  Gives gives = Gives::text;
  std::string at;  ///< The path of the value; empty for those that say no more than that it is so.
  bool sum = false;  ///< Numbers of several lines are added up, else the last counts.

  bool operator==(const EventRule&) const = default;
};

/// Where the key of a model's provider is to be had. Neither: where the client or the API usually
/// has it.
struct KeySource {
  std::string variable;              ///< Of Interlock's own environment.
  std::vector<std::string> command;  ///< Prints it.

  bool operator==(const KeySource&) const = default;
};

/// How things slow each other: of `k` at once each goes at 1 / (1 + by * max(0, k - beyond)) of its
/// speed.
struct Slowing {
  std::int64_t beyond = 1;
  double by = 0;

  bool operator==(const Slowing&) const = default;
};

/// `batch: auto`: as many tasks share an attempt as pays.
inline constexpr std::uint32_t kBatchAuto = 0;
/// The most tasks that may share an attempt.
inline constexpr std::uint32_t kBatchMax = 100;

/// A way to do a task.
struct Agent {
  std::string name;
  AgentKind kind = AgentKind::command;
  Command run;     ///< For `command`: used by tasks that have no `run` of their own.
  Command repair;  ///< Likewise.
  PromptBy prompt_by = PromptBy::standard_input;
  std::string model, binary, api, base_url;
  std::vector<std::string> arguments;  ///< Added to the client's own.
  std::map<std::string, std::string> environment;
  std::vector<std::string>
      pass_environment;  ///< Names let through from Interlock's own environment.
  KeySource key;
  bool gateway = true;  ///< Its model calls pass through the gateway.
  bool login = false;   ///< It uses the log-in the person has with the client, not a key.
  /// Paths below the provider's base URL that pass though nobody can meter them; `*` at the end:
  /// all that begin so.
  std::vector<std::string> unmetered;
  std::vector<EventRule> events;  ///< For `command`.
  Command resume;  ///< For `command`: run instead where a session is to be resumed (`{session}`).
  std::optional<Slowing> slowing;      ///< How its tasks slow each other; none: not known.
  std::optional<std::uint32_t> batch;  ///< As `Task::batch`; none: what `defaults` say.
  Place place;

  bool operator==(const Agent&) const = default;
};

/// What can be metered by a quota.
struct QuotaRates {
  std::optional<Rate> requests;
  std::optional<Rate> input_tokens;
  std::optional<Rate> output_tokens;
  std::optional<Rate> usd;  ///< Amount in millionths of a dollar.

  bool operator==(const QuotaRates&) const = default;
};

struct Resource {
  enum class Kind : unsigned char { quota, lock, slots };

  std::string name;
  Kind kind = Kind::lock;
  std::int64_t capacity = 1;                ///< For `slots`.
  QuotaRates rates;                         ///< For `quota`.
  std::optional<std::int64_t> concurrency;  ///< For `quota`.
  std::optional<Duration> burst;  ///< For `quota`: so much of each rate may be used at once.
  bool counts_windows = false;    ///< For `quota`: strict windows of each rate's time, not buckets.
  /// For `quota`: what the provider reserves when a request comes in.
  enum class Charge : unsigned char { actual, reserve_max };
  Charge charge = Charge::actual;
  /// For `quota`: whether input from a prompt cache counts; none: as the API is known to do.
  std::optional<bool> counts_cached;
  std::string account;  ///< For `quota`: shared by all plans that name it; empty: its own name.
  std::optional<Slowing> slowing;  ///< For `quota` and `slots`: how its users slow each other.
  Place place;

  bool operator==(const Resource&) const = default;
};

/// What a task takes of a resource while it runs.
struct Use {
  ResourceId resource;
  std::int64_t amount = 1;    ///< Slots.
  std::int64_t requests = 1;  ///< Of a quota, over the whole attempt; likewise below.
  std::optional<Tokens> input_tokens;
  std::optional<Tokens> output_tokens;

  bool operator==(const Use&) const = default;
};

/// What a task gives back.
struct OutputSpec {
  enum class Form : unsigned char {
    exit_status,  ///< No more than done or failed; what it prints is its log.
    text,         ///< Prose.
    json,         ///< One JSON value.
  };

  Form form = Form::exit_status;
  std::string file;  ///< Where it is left, relative to the workspace; empty: standard output.
  std::optional<std::string> schema;  ///< The JSON Schema's own text.
  std::string
      schema_path;  ///< Where that was read, relative to the plan; empty when written in the plan.
  bool strict = false;  ///< JSON must stand alone: none is taken out of a Markdown fence.

  bool operator==(const OutputSpec&) const = default;
};

struct Estimate {
  std::optional<Duration> time;
  std::optional<Tokens> tokens;
  std::optional<MicroUsd> usd;
  std::optional<double> failures;  ///< The part (0..1) of its attempts that fail.
  /// The part (0..1) of its attempts in views that meet what others change meanwhile.
  std::optional<double> conflicts;

  bool operator==(const Estimate&) const = default;
};

/// What a reference of a condition leads to.
struct ConditionInput {
  TaskId task;
  std::uint32_t steps = 1;  ///< So many steps of the reference are the task's id.
  bool is_outcome = false;  ///< How it ended; else what it gave.

  bool operator==(const ConditionInput&) const = default;
};

/// One piece of work for one agent, with every default filled in and every `foreach` unfolded.
struct Task {
  std::string id;
  AgentId agent;
  Command run;         ///< Own, else the agent's; may hold `{outputs.x}`, filled in when it starts.
  std::string prompt;  ///< Empty: none.
  std::string model;  ///< Its own, else the agent's, else the default; empty: what the client takes
                      ///< by itself.
  footprint::Footprint footprint;
  std::vector<Use> uses;
  std::optional<Tokens> budget_tokens;  ///< Over all its attempts.
  std::optional<MicroUsd> budget_usd;
  std::vector<TaskId> needs;  ///< Earlier in plan order, sorted, each once; holds `output_of` too.
  std::vector<TaskId> output_of;  ///< Tasks whose `{outputs.x}` it mentions.
  std::string when;  ///< It is skipped where this condition does not hold; empty: none.
  std::vector<ConditionInput> when_inputs;  ///< For each reference of `when`, in their order.
  std::vector<TaskId> after;  ///< Earlier tasks it waits for however they end; sorted, each once.
  bool must_hold = false;     ///< It fails where `when` does not hold.
  std::optional<AgentId> retry_agent;       ///< `retry_with`: who tries it after a failure.
  std::string retry_model;                  ///< Likewise.
  std::vector<std::vector<TaskId>> any_of;  ///< Of each, one has to succeed; all are in `after`.
  std::optional<std::uint32_t> family;      ///< It is a place of that one.
  std::optional<std::uint32_t> loop;        ///< It is a round of that one.
  /// `tries`: they do its work side by side, and its first attempt is what the picked one did. They
  /// and their judge stand right before it in plan order, and wait for what it waits for.
  std::vector<TaskId> tries;
  std::optional<TaskId> try_of;    ///< It is one of that task's: only if picked its changes count.
  std::optional<TaskId> judge;     ///< Who picks one of `tries`; none: the first that is good.
  std::optional<TaskId> judge_of;  ///< It picks one of that task's.
  OutputSpec output;
  Estimate estimate;
  std::optional<Duration>
      join;  ///< What joining its output with others takes, if it overlapped with them.
  std::uint32_t batch = 1;  ///< At most so many tasks share one attempt; or `kBatchAuto`.
  bool gate_before = false;
  bool gate_after = false;
  bool merge_text = false;  ///< `merge: text`.
  Command verify;
  Duration timeout{};         ///< Wall clock of one attempt.
  bool timeout_said = false;  ///< By the plan; else what is usual, or what history makes of it.
  Duration idle_timeout{};    ///< Silence on both streams.
  Duration grace{};           ///< Between TERM and KILL, and after the final answer.
  int retries = 0;
  Duration backoff{};  ///< Before the first retry; doubles, with jitter.
  Isolation isolation = Isolation::direct;
  std::vector<Isolation> isolation_else;  ///< What will do where the host cannot, best first.
  Observe observe = Observe::all;
  /// `network: none` or `gateway`: no more than a loopback of its own, on which the gateway is
  /// where its agent's calls pass it.
  bool own_network = false;
  bool needs_gateway = false;              ///< `network: gateway`: it is a mistake where none pass.
  std::vector<std::string> allowed_hosts;  ///< Of `network: {allow: ...}`, by way of the gateway.
  Command setup;                           ///< Run in each view before anything else; empty: none.
  std::vector<Service> services;           ///< Run beside its work, and beside its check.
  BoardUse board;                          ///< What it posts and reads.
  Command repair;  ///< Run instead of `run` when the workspace changed under an attempt.
  std::map<std::string, std::string>
      environment;   ///< The defaults', its agent's and its own, the later ones winning.
  std::string item;  ///< The path a `foreach` gave it; empty otherwise.
  std::optional<std::uint32_t> coordinates;  ///< The merge this task is the coordinator of.
  Place place;

  /// Whether its footprint lets it change anything.
  bool may_write() const { return footprint.unknown || !footprint.writes.empty(); }

  bool operator==(const Task&) const = default;
};

/// Joins outputs into one.
struct Merge {
  enum class With : unsigned char { concat, object, union_, table, lines, sections, agent, list };

  std::string name;
  std::vector<TaskId> from;  ///< In plan order.
  With with = With::concat;
  std::vector<std::string>
      headings;  ///< For `sections`: the known headings in their order; empty: as met.
  std::string
      key;  ///< For `union` and `table`: the member that identifies a row; empty: the whole row.
  std::vector<std::string> columns;   ///< For `table`: which and in what order; empty: all, as met.
  std::optional<TaskId> coordinator;  ///< For `agent`; none where there is nothing to join.
  bool of_json = false;               ///< What it joins is JSON, so the join of nothing is too.
  Place place;

  bool operator==(const Merge&) const = default;
};
std::string_view name_of(Merge::With with);

/// What to do when a task has failed for good.
struct OnFailure {
  enum class Kind : unsigned char { go_on, stop, share };
  Kind kind = Kind::go_on;
  double share = 0;  ///< For `share`: stop when more than this part (0..1) of the tasks failed.

  bool operator==(const OnFailure&) const = default;
};

struct Limits {
  std::int64_t parallel = 4;
  std::optional<Tokens> tokens;
  std::optional<MicroUsd> usd;
  Duration min_saving = std::chrono::seconds(10);
  OnFailure on_failure;
  bool waits_for_quota = false;  ///< `on_quota: wait`: it goes on when a used-up quota is reset.
  std::optional<std::int64_t> gate_every;
  std::uint32_t calls = 500;             ///< Of models, in one attempt.
  std::uint32_t repeats = 5;             ///< How often the same request of one attempt is answered.
  MicroUsd usd_per_minute = 10'000'000;  ///< Of one attempt.
  std::optional<Duration> answer;        ///< How long a person takes at a gate or a review.
  bool speculate = false;
  bool speculate_said = false;  ///< Either way.
  std::optional<Tokens>
      speculate_tokens;  ///< What speculation may waste, together; none: no bound.
  std::optional<MicroUsd> speculate_usd;

  bool operator==(const Limits&) const = default;
};

/// How a task is carried out, as far as `defaults`, a task and a coordinator say it in the same
/// words.
struct Settings {
  std::optional<AgentId> agent;  ///< Of `defaults`: for tasks that name none.
  Duration timeout = std::chrono::minutes(30);
  bool timeout_said = false;
  Duration idle_timeout{};
  Duration grace = std::chrono::seconds(10);
  int retries = 0;
  Duration backoff = std::chrono::seconds(1);
  /// What is wanted, then what will do; empty: what is usual for the agent.
  std::vector<Isolation> isolation;
  Observe observe = Observe::all;
  bool own_network = false;
  bool needs_gateway = false;
  std::vector<std::string> allowed_hosts;
  Command setup;
  std::vector<Service> services;
  std::map<std::string, std::string> environment;
  std::string model;
  std::optional<Duration> join;
  std::uint32_t batch = 1;
};

/// The plan as it will run. Tasks are in plan order: the document's, with needed tasks moved ahead
/// of those that need them.
struct Plan {
  std::string name;
  std::string file;       ///< As given on the command line.
  std::string workspace;  ///< Absolute, no symbolic links.
  std::vector<Agent> agents;
  std::vector<Resource> resources;
  std::vector<Service> services;  ///< Declared; tasks hold their own.
  std::vector<Topic> topics;      ///< Of the board.
  std::vector<Task> tasks;
  std::vector<Merge> merges;
  std::vector<MergeDriver> drivers;  ///< Of files that several tasks change; the first that fits.
  std::vector<Family> families;
  std::vector<Loop> loops;
  Limits limits;
  Settings defaults;  ///< As read, for tasks that are added later.
  bool commit_each =
      false;  ///< `commits: task`: a git commit for each task, on a branch of the run's.
  std::vector<std::string> notes;  ///< What a reader should know but need not mend, one line each.

  const Task& operator[](TaskId id) const { return tasks[id.index()]; }
  std::optional<TaskId> find(std::string_view id) const;
  /// Who joins what two tasks made of this file; null: nobody.
  const MergeDriver* driver_of(std::string_view path) const;
};

/// The plan's tasks as the interlocking wants them. The plan must outlive the result. Tries claim
/// nothing: they run side by side, and what they touch their task claims.
std::vector<footprint::Claim> claims_of(const Plan& plan,
                                        std::vector<std::vector<ResourceId>>& locks);
footprint::Interlocking interlocking_of(const Plan& plan);
/// Of its claims, or some that were made less: whom a task has to wait for, its tries wait for too.
footprint::Interlocking interlocking_of(const Plan& plan, std::span<const footprint::Claim> claims,
                                        std::span<const std::string> resource_names);

}  // namespace interlock::plan
