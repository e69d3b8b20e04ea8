#pragma once

#include <string_view>

// The keys of a plan document, and the words where one of a few is wanted: what the reader takes,
// and what the published schema says.
namespace interlock::plan {

/// The id of the task that is a plan's own `verify`; no other can have it.
inline constexpr std::string_view kRunCheck = "verify:run";

/// The document itself.
inline constexpr std::string_view kPlanKeys[] = {
    "interlock", "name",  "workspace", "defaults", "limits", "agents", "resources",
    "tasks",     "merge", "commits",   "services", "verify", "board"};
/// A task.
inline constexpr std::string_view kTaskKeys[] = {
    "id",      "agent",        "prompt",  "prompt_file", "run",        "reads",     "writes",
    "uses",    "needs",        "output",  "gate",        "estimate",   "merge",     "verify",
    "foreach", "timeout",      "grace",   "retries",     "backoff",    "isolation", "env",
    "model",   "idle_timeout", "observe", "network",     "repair",     "budget",    "join",
    "batch",   "when",         "at_most", "repeat",      "retry_with", "setup",     "services",
    "tries",   "pick",         "board"};
/// An agent.
inline constexpr std::string_view kAgentKeys[] = {
    "kind",     "run",   "prompt",    "model",   "bin",    "args", "env",
    "pass_env", "api",   "base_url",  "repair",  "events", "key",  "gateway",
    "resume",   "login", "unmetered", "slowing", "batch"};
/// A merge.
inline constexpr std::string_view kMergeKeys[] = {
    "from",    "with",         "headings", "key",    "columns",  "agent", "prompt",
    "timeout", "idle_timeout", "retries",  "output", "estimate", "uses"};
/// A merge driver, of `driver` under `merge`.
inline constexpr std::string_view kMergeDriverKeys[] = {"files", "run", "timeout"};
/// `defaults`.
inline constexpr std::string_view kDefaultsKeys[] = {
    "agent", "timeout", "idle_timeout", "grace", "retries", "backoff", "isolation", "env",
    "model", "observe", "network",      "join",  "batch",   "setup",   "services"};
/// `limits`.
inline constexpr std::string_view kLimitsKeys[] = {
    "parallel",  "tokens", "usd",     "min_saving",     "on_failure", "gate_every",
    "speculate", "calls",  "repeats", "usd_per_minute", "answer",     "on_quota"};
inline constexpr std::string_view kIsolations[] = {"direct", "guard", "view", "worktree"};
inline constexpr std::string_view kObserves[] = {"all", "opens", "declared"};
inline constexpr std::string_view kNetworks[] = {"host", "none", "gateway"};
inline constexpr std::string_view kOnQuotas[] = {"stop", "wait"};
inline constexpr std::string_view kOutputForms[] = {"text", "json", "exit", "none"};
/// `output` as a map.
inline constexpr std::string_view kOutputKeys[] = {"schema", "from", "format", "strict"};
/// `estimate`.
inline constexpr std::string_view kEstimateKeys[] = {"time", "tokens", "usd", "failures",
                                                     "conflicts"};
/// A quota.
inline constexpr std::string_view kQuotaKeys[] = {
    "kind",  "requests", "input_tokens", "output_tokens", "usd",     "concurrency",
    "burst", "window",   "charge",       "cached_input",  "account", "slowing"};
/// A lock.
inline constexpr std::string_view kLockKeys[] = {"kind"};
/// Slots.
inline constexpr std::string_view kSlotsKeys[] = {"kind", "capacity", "slowing"};
inline constexpr std::string_view kAgentKinds[] = {"command",  "claude-code", "codex", "gemini",
                                                   "opencode", "pi",          "qwen",  "chat"};
inline constexpr std::string_view kAgentApis[] = {"anthropic", "openai", "openai-responses",
                                                  "gemini"};
inline constexpr std::string_view kMergeWiths[] = {"concat", "object",   "union", "table",
                                                   "lines",  "sections", "agent", "list"};
/// `retry_with`.
inline constexpr std::string_view kRetryKeys[] = {"agent", "model"};
/// `pick`, where it is no map.
inline constexpr std::string_view kPicks[] = {"first-verified", "judge"};
/// `pick` as a map.
inline constexpr std::string_view kPickKeys[] = {"judge"};
inline constexpr std::string_view kJudgeKeys[] = {"agent",        "prompt",  "model", "timeout",
                                                  "idle_timeout", "retries", "uses",  "estimate"};
/// How many tries a task may have.
inline constexpr int kFewestTries = 2;
inline constexpr int kMostTries = 10;
/// A service.
inline constexpr std::string_view kServiceKeys[] = {"run", "ready", "ready_within"};
/// `board` of a task.
inline constexpr std::string_view kBoardUseKeys[] = {"post", "read", "round"};
inline constexpr std::string_view kTopicKinds[] = {"rounds", "ordered", "live"};
/// `repeat`.
inline constexpr std::string_view kRepeatKeys[] = {"until", "at_most"};

}  // namespace interlock::plan
