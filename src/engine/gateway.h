#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agents/event.h"
#include "base/result.h"
#include "base/units.h"
#include "base/usage.h"
#include "engine/names.h"

namespace interlock::engine {

/// How a model call ended.
enum class CallEnd : unsigned char {
  answered,
  cut_off,      ///< The stream broke, on either side, or the attempt's end broke it.
  refused,      ///< The provider said no, for good: `detail` says why.
  over_budget,  ///< It was not sent: with it the task's or the run's budget would have been passed.
  quota_spent,  ///< The provider's quota is used up, for long or for good.
  unreachable,  ///< No answer could be had within the attempt's time and the retry budget.
  not_recorded,  ///< Replaying, and the recording has no such request.
  runaway,       ///< It was not sent: one of the attempt's brakes holds (`Gateway::Brakes`).
};
std::string_view name_of(CallEnd end);
std::optional<CallEnd> call_end_named(std::string_view name);

/// One call of a model, through the gateway.
struct ModelCall {
  AttemptName name;
  std::uint32_t number = 1;  ///< Within the attempt, from 1, in the order of coming in.
  std::string model;
  CallEnd end = CallEnd::answered;
  int status = 0;         ///< What the client saw; 0: nothing.
  std::size_t bytes = 0;  ///< Of the request's body.
  Usage usage;  ///< As the provider told; unknown where it did not; none where it was not sent.
  std::uint32_t retries = 0;      ///< Inside the gateway.
  Duration waited_quota{};        ///< For admission.
  Duration waited_lead{};         ///< For another to fill the prompt cache.
  Duration elapsed{};             ///< From request to end.
  std::optional<MicroUsd> saved;  ///< By the prompt cache.
  bool cut = false;               ///< The answer says that the output limit ended it.
  bool replayed = false;          ///< Answered from a recording: it cost nothing.
  bool offers_tools = false;      ///< The request offered tools, as a client's main loop does.
  /// Why it gave no good answer, as the gateway knows it. None: ask `failure_of`.
  std::optional<agents::Failure> failure;
  std::string detail;  ///< For people; empty when all is well.
  /// Over the run's limit, and no room can come any more: the attempt is to be parked, and goes on
  /// when the limit is raised.
  bool parked = false;
  std::optional<Duration> spent_for;  ///< The quota is used up: until then, as the provider says.
  std::string remark;   ///< For people, once: what the provider says of its limits, where the plan
                        ///< says otherwise.
  std::string warning;  ///< Likewise, that somebody should hear also of a quiet run.

  bool operator==(const ModelCall&) const = default;
};
/// None: the answer came to its end, and that was a good one. Calls of older journals say less, and
/// are taken by how they ended.
std::optional<agents::Failure> failure_of(const ModelCall& call);

/// What of an attempt's requests differs from run to run by itself. Recordings leave it out, so
/// that the same request is known again.
struct RequestNoise {
  struct Path {
    std::string own;       ///< Of the attempt or the task; absolute.
    std::string stand_in;  ///< What it is in a recording.
  };
  std::vector<Path> paths;
  bool ids = false;    ///< The client puts UUIDs of its own into them.
  bool dates = false;  ///< The client tells the day.
};

/// What an attempt asks of the board, by way of its route.
struct BoardCall {
  std::uint64_t id = 0;  ///< To answer it by.
  AttemptName name;
  bool posts = false;  ///< Else it reads.
  std::string topic;
  std::string text{};       ///< Of a post, without known secrets.
  std::uint32_t after = 0;  ///< Of a read: only what has a larger number.
};
/// As HTTP has it.
struct BoardAnswer {
  int status = 200;
  std::string body;  ///< JSON.
};

/// The local endpoint that agents' model calls pass through.
///
/// Contract:
///   - what was opened is reachable only with its secret, on loopback, until `close`;
///   - each call is told exactly once, by `take_calls` or by `close`;
///   - `close` ends what is in flight; after it, nothing of this attempt is sent any more;
///   - the ProcessHost's `wait` returns (Poked) when calls are to be taken.
class Gateway {
 public:
  virtual ~Gateway() = default;

  /// What an attempt may not pass, whatever its budget. None: no bound.
  struct Brakes {
    std::optional<std::uint32_t> calls;  ///< Of the attempt, all together.
    std::optional<std::uint32_t>
        repeats;  ///< How often the same request is answered, with pauses that grow.
    std::optional<std::uint32_t> failures;  ///< How many calls in a row may give no good answer.
    std::optional<MicroUsd> usd_per_minute;
  };

  /// How far the attempt's task is, for who goes on near the run's limit.
  struct Progress {
    std::optional<Tokens> expected;  ///< Of the task, all together; none: unknown.
    Tokens used = 0;                 ///< Of that, in the session that is taken up.
    bool keeps_session = false;      ///< What was used is not lost when it is parked.
  };

  struct RouteSpec {
    AttemptName name;
    std::string label;  ///< `run/task#attempt`.
    /// By its name in the plan: whose upstream and key. Empty: it asks no model.
    std::string agent;
    std::vector<std::string> quotas;  ///< By their names in the plan.
    Time deadline{};                  ///< Nothing is waited for beyond.
    std::optional<Tokens> tokens;     ///< What is left of the task's own budget; none: no bound.
    std::optional<MicroUsd> usd;
    Brakes brakes;
    Progress progress;
    bool replay_own = false;  ///< Equal requests of this task's earlier attempts that did not count
                              ///< are answered from the recording.
    RequestNoise noise;
    bool board = false;  ///< It may ask the board.
    /// With a network of its own: what else it may be connected to, by CONNECT. `example.com`,
    /// which is port 443, `example.com:8443` or `*.example.com`.
    std::vector<std::string> allowed_hosts;
  };
  struct Route {
    std::string base_url;  ///< `http://127.0.0.1:PORT/SECRET`.
    std::string secret;    ///< Shown as a key it stands for the real one.
    std::uint16_t port = 0;
  };

  virtual Result<Route> open(const RouteSpec& spec) = 0;
  virtual std::vector<ModelCall> take_calls() = 0;
  /// A call that came in and is not yet sent, or is to be sent once more.
  struct Waiting {
    AttemptName name;
    std::string on;             ///< In words, for people.
    std::optional<Time> until;  ///< When it is tried, where that is known.
    bool at_limit = false;      ///< Of the run: no clock of the attempt's runs out meanwhile.

    bool operator==(const Waiting&) const = default;
  };
  /// What attempts' calls have been waiting for, beyond the moment that is usual; of several calls
  /// of an attempt, one. Sorted by name. A change of this is a reason for Poked.
  virtual std::vector<Waiting> waiting() { return {}; }
  /// What it asked the gateway to connect it to, and was not: `example.com:443`.
  virtual std::vector<std::string> refused_hosts(AttemptName) { return {}; }
  /// What it was connected to, of what it is allowed, a line each for people.
  virtual std::vector<std::string> visited_hosts(AttemptName) { return {}; }
  /// What attempts ask of the board since the last call, in the order of coming in. A reason for
  /// Poked.
  virtual std::vector<BoardCall> take_board_calls() { return {}; }
  /// One of them; nothing where its client has gone, or its route is closed.
  virtual void answer(std::uint64_t, BoardAnswer) {}
  /// All its calls that were not yet taken.
  virtual std::vector<ModelCall> close(AttemptName name) = 0;
  /// What is left for the whole run, calls in flight included. A call that would pass it waits
  /// while room may still come, and is told as `parked` when none can.
  virtual void set_budget(std::optional<Tokens> tokens, std::optional<MicroUsd> usd) = 0;
  /// While held, no call is sent: those that come in wait, and no clock of their attempts runs out.
  /// Calls that are under way go on.
  virtual void hold(bool held) = 0;
};

/// For runs in which nobody asks a model.
class NoGateway final : public Gateway {
 public:
  Result<Route> open(const RouteSpec& spec) override;
  std::vector<ModelCall> take_calls() override { return {}; }
  std::vector<ModelCall> close(AttemptName) override { return {}; }
  void set_budget(std::optional<Tokens>, std::optional<MicroUsd>) override {}
  void hold(bool) override {}
};

}  // namespace interlock::engine
