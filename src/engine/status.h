#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/event.h"
#include "engine/run_state.h"

namespace interlock::engine {

/// What faces draw: a value, complete in itself.
struct TaskStatus {
  TaskId task;
  std::string id;
  TaskState state = TaskState::waiting;
  std::uint32_t attempt = 0;  ///< Of how many so far; 0 before the first.
  AttemptStarted::Trigger because = AttemptStarted::Trigger::first;
  std::optional<Duration> running_for;
  std::optional<Duration> silent_for;
  std::optional<Duration> idle_limit;  ///< Silence after which it is stopped.
  Duration expected{};                 ///< The forecast's.
  std::string last_line;
  std::string waits_for;   ///< ``needs `a` ``, ``conflict with `b` on `src/**` ``, `gate`, ...:
                           ///< never empty while waiting.
  std::string call_waits;  ///< What its model call waits for now; empty: for nothing.
  std::string detail;      ///< Why it failed.
  std::uint32_t lane = 0;
  bool reused = false;
  std::optional<Duration> elapsed;  ///< Of the attempt that counts.
};

using WaitedTime = WaitedFor;

struct RunStatus {
  std::string run;
  std::string plan_name;
  std::string pattern;  ///< `sequential`, `parallel`, `queue(2)`.
  Time now{};
  Duration elapsed{};
  Duration
      sequential{};  ///< Sum of attempts' own measured times, but for `lost` and `failed_work`.
  Duration failed_work{};  ///< Spent on attempts that failed: nobody saves by failing side by side.
  Duration stood{};        ///< Of `elapsed`: nothing ran, for a person was asked.
  /// Spent on attempts that came to nothing because others changed what they saw: one by one there
  /// would have been none.
  Duration lost{};
  std::optional<Tokens> lost_tokens;
  /// By tries of which others were picked, or that were not good.
  Duration untaken{};
  std::optional<Tokens> untaken_tokens;
  std::optional<MicroUsd> untaken_cost;
  std::uint32_t tries_untaken = 0;                      ///< Those that began.
  std::uint32_t speculated = 0, speculations_lost = 0;  ///< Attempts.
  std::optional<Duration> remaining;                    ///< Forecast, when it can be told.
  std::uint32_t total = 0, done = 0, reused = 0, running = 0, waiting = 0, failed = 0, skipped = 0,
                cancelled = 0, reviewing = 0, committing = 0;
  std::uint32_t retried = 0, corrected = 0, conflicted = 0, merged = 0;
  std::optional<Tokens> tokens;  ///< As far as they are known: see `Models::all_known`.
  std::optional<MicroUsd> cost;
  /// What was asked of models.
  struct Models {
    std::uint32_t calls = 0;    ///< Answered.
    std::uint32_t refused = 0;  ///< Not, or not to the end.
    std::uint32_t again = 0, replayed = 0;
    Duration waited_quota{}, waited_lead{};
    std::optional<MicroUsd> saved = 0;  ///< By prompt caches.
    std::optional<Tokens> overhead;     ///< To hand tasks out and back, where it was measured.
    bool all_known = true;   ///< Nothing that was used is missing from the sum of tokens.
    bool cost_known = true;  ///< Nor from that of costs.
    bool any = false;        ///< A model was asked, as far as that is seen.
  };
  Models models;
  WaitedTime waited;
  /// One by one, replayed with the times the tasks really took. Nothing: `sequential` is what is
  /// known of it, without quotas and back-off.
  std::optional<Duration> one_by_one;
  std::string hindsight;  ///< What the best way would have taken, in words; empty: not known.
  /// How strong the promise is: by isolation and how reads are known, how many tasks.
  struct Held {
    std::string isolation;
    std::string words;
    std::uint32_t tasks = 0;
  };
  std::vector<Held> held;
  /// Processes of attempts that could not be proven gone: task and process, in words.
  std::vector<std::pair<std::string, std::string>> unproven;
  /// Merges that could not be made: name and why.
  std::vector<std::pair<std::string, std::string>> merges_failed;
  std::string attention;  ///< What a person is asked for: a gate, with the command to answer it.
  std::string stopping;
  std::string go_on;  ///< The command, where its limit stopped the run; empty: plain `resume`.
  std::optional<RunEnded::How> ended;
  std::string digest;
  std::vector<TaskStatus> tasks;  ///< In plan order; for big runs only those that run, failed, wait
                                  ///< at a gate, and the first that wait.
  std::uint32_t tasks_left_out = 0;
};

/// A change worth a line in a pipe: what `--quiet`-less line mode prints.
struct Notice {
  enum class Kind : unsigned char {
    started,
    done,
    reused,
    failed,
    retrying,
    correcting,
    conflicting,  ///< Done again, because others changed what it saw.
    ready,        ///< Its changes wait for their turn.
    joined,       ///< Files that others changed too were merged.
    picked,       ///< One of its tries.
    skipped,
    cancelled,
    gate,
    merged,
    added,    ///< To the plan, while it runs.
    paused,   ///< Or going on, or with other limits: a person said so.
    warning,  ///< A log-in's window is nearly used up.
    stopping
  };
  Kind kind = Kind::started;
  std::string task;
  std::string text;
  std::optional<Duration> elapsed;
  std::uint32_t attempt = 0;        ///< Which attempt it is about; 0: none.
  std::uint32_t phase = 0;          ///< 1: its check.
  Duration at{};                    ///< As `RunStatus::elapsed` then.
  std::vector<std::string> output;  ///< The last lines of a failed attempt.
};

}  // namespace interlock::engine
