#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/digest.h"
#include "base/result.h"
#include "base/units.h"
#include "base/usage.h"

// The four model APIs on the wire: what a request asks for, and what an answer used. Pure.
namespace interlock::metering {

/// Anthropic Messages, OpenAI Chat Completions, OpenAI Responses, Gemini generateContent.
enum class Api : unsigned char { anthropic, openai_chat, openai_responses, gemini };
std::string_view name_of(Api api);
std::optional<Api> api_named(std::string_view name);

using Header = std::pair<std::string, std::string>;
using Headers = std::span<const Header>;  ///< Names in any case.

/// What a request asks for.
struct Asked {
  Api api = Api::anthropic;
  std::string model;
  bool streams = false;
  bool billed = true;         ///< False: counting tokens.
  bool offers_tools = false;  ///< A client's main loop does; what it asks beside that does not.
  /// Of the request as a whole, but for ids that clients draw anew for each: the same again has the
  /// same.
  Digest identity;
  std::optional<Tokens> output_max;  ///< `max_tokens` and its like.
  /// The part that a prompt cache can share with other requests to the same model: tools and
  /// system; where only messages are marked (`cache_control`), those up to the last mark too. As it
  /// is written in the body: who writes the same otherwise has another digest, and misses a chance
  /// to share.
  Digest prefix;
  std::size_t prefix_bytes = 0;  ///< 0: nothing to share.
  Tokens cache_least = 1024;     ///< Fewer tokens than that the provider does not cache.
  std::size_t bytes = 0;         ///< Of the body.
};
/// `path` with its query, as in the request line below the base URL. Nothing: no model call, to be
/// passed on as it is. A body that is no JSON object is an error.
Result<std::optional<Asked>> read_asked(std::string_view path, std::string_view body);

/// For OpenAI Chat Completions streams that do not ask for usage: the same body, asking for it.
/// Else nothing. The event that comes of it has no `choices` and is to be kept from the client: see
/// UsageEventFilter.
std::optional<std::string> asking_for_usage(Api api, std::string_view body);

/// Why a model's side said no.
struct Refusal {
  enum class Kind : unsigned char {
    rate_limited,
    quota_spent,
    overloaded,
    authentication,
    bad_request,
    too_long,
    server
  };
  Kind kind = Kind::server;
  std::string message;
  std::optional<Duration> retry_after;
};
std::string_view name_of(Refusal::Kind kind);

/// What the word with which an answer ended says of it. Only `whole` and `tools` are good; what
/// comes later is worse.
enum class Stop : unsigned char {
  unsaid,      ///< No such word came.
  whole,       ///< The model said all it had to say.
  tools,       ///< It calls tools, and waits for what they give.
  paused,      ///< It would go on if it were asked to.
  cut,         ///< A limit ended it: of output, or of the context.
  failed,      ///< The model's side broke down.
  declined,    ///< The model, or a filter, would not.
  unfamiliar,  ///< A word that this version does not know, and so not known to be good.
};
constexpr bool is_good(Stop stop) { return stop == Stop::whole || stop == Stop::tools; }

/// What an answer turned out to be.
struct Answered {
  Usage usage;                     ///< Unknown members were not told. `cost` is never set here.
  std::string model;               ///< As the provider names it; empty: not told.
  std::string finish;              ///< Its own word: `end_turn`, `stop`, `length`, ...
  Stop stop = Stop::unsaid;        ///< What that word means.
  bool cut = false;                ///< `stop` is that: a limit ended it.
  bool complete = false;           ///< Its last event or whole body was there.
  bool began = false;              ///< Something of the answer itself has come: the prompt is read.
  std::optional<Refusal> refusal;  ///< Also when it came inside a stream that began with 200.
};

/// Reads an answer as it comes, and changes nothing of it. Malformed events are passed over.
class AnswerReader {
 public:
  /// `event_stream`: server-sent events, else one JSON body (also Gemini's array form).
  AnswerReader(Api api, bool event_stream);
  ~AnswerReader();
  AnswerReader(AnswerReader&&) noexcept;
  AnswerReader& operator=(AnswerReader&&) noexcept;

  /// The next bytes.
  void take(std::string_view bytes);
  /// No more will come.
  void end();
  const Answered& answered() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Drops, from a Chat Completions stream, the one event that `asking_for_usage` brought about.
class UsageEventFilter {
 public:
  UsageEventFilter();
  ~UsageEventFilter();
  UsageEventFilter(UsageEventFilter&&) noexcept;
  UsageEventFilter& operator=(UsageEventFilter&&) noexcept;

  /// What is to be passed on now; whole events, in order.
  std::string take(std::string_view bytes);
  std::string end();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// An answer with an error status.
Refusal read_refusal(Api api, int status, Headers headers, std::string_view body, Time now);
/// How the API itself would say it, for what the gateway answers on its own. `status` is set to
/// what clients do not retry, but for `rate_limited` and `overloaded`.
std::string refusal_body(Api api, const Refusal& refusal, int& status);

/// What the headers of an answer tell of limits.
struct LimitNews {
  struct One {
    std::optional<std::int64_t> limit;  ///< For each `per`.
    Duration per = std::chrono::minutes(1);
    std::optional<std::int64_t> remaining;
    std::optional<Duration> reset;  ///< From now until it is full again.
  };
  One requests, input_tokens, output_tokens, tokens;  ///< `tokens`: input and output together.
  std::optional<Duration> retry_after;
};
/// Anthropic's (RFC 3339 times), OpenAI's (`6m0s`, `20ms`), `retry-after` in seconds, as a date,
/// and `retry-after-ms`.
LimitNews read_limits(Headers headers, Time now);

}  // namespace interlock::metering
