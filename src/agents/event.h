#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/units.h"
#include "base/usage.h"

// What agents tell while they work: the same events, whatever client they came from.
namespace interlock::agents {

/// Why an agent did not do it. Each is told apart because each is treated apart.
enum class Failure : unsigned char {
  authentication,   ///< The key is wrong or has no rights.
  rate_limited,     ///< Told to wait, and gave up.
  quota_spent,      ///< No credit, or none before a far reset: waiting does not help.
  api,              ///< The model's side failed: overloaded, 5xx, network.
  bad_request,      ///< No such model, no such option: the same again will not do better.
  too_long,         ///< More than the model's context.
  cut_off,          ///< The answer is not whole: an output limit, a stream that broke.
  refused,          ///< The model, or a filter, declined.
  empty,            ///< Ended well and said nothing.
  output_invalid,   ///< The client itself gave up on the schema.
  limit_of_client,  ///< Its own turn or money limit.
  no_session,       ///< The session to be resumed is not there.
  aborted,          ///< Stopped from outside.
  no_final,         ///< It ended without its final event.
  other,
};
std::string_view name_of(Failure failure);
std::optional<Failure> failure_named(std::string_view name);

/// The client is up. May come again; the first names the session.
struct Started {
  std::string session, model, version;  ///< Empty: not told.
  bool operator==(const Started&) const = default;
};
/// Something the model said; whole messages, or pieces of one (`partial`), never both. For people:
/// of a long one only the end is kept (`end_of`), for the answer comes once more by Final.
struct Text {
  std::string text;
  bool partial = false;
  bool operator==(const Text&) const = default;
};
struct ToolUsed {
  std::string tool, detail;  ///< `Bash`, `make test`.
  bool denied = false;       ///< The client itself did not let it.
  bool operator==(const ToolUsed&) const = default;
};
/// As told, not as observed: for the log.
struct FileChanged {
  std::string path;
  bool operator==(const FileChanged&) const = default;
};
/// What the client counted. `total`: since the attempt began, so that a later one replaces it; else
/// it is one more call's. `whole`: sub-agents and hidden calls are in it.
struct UsageReported {
  Usage usage;
  bool total = false;
  bool whole = false;
  bool operator==(const UsageReported&) const = default;
};
/// It waits because of a limit, an overload or a broken connection; not the end.
struct RateLimited {
  std::optional<Duration> wait;
  std::string detail;
  bool operator==(const RateLimited&) const = default;
};
/// The final answer. May come again: the last counts.
struct Final {
  std::string text;
  std::optional<std::string> structured;  ///< JSON, where the client has an option for it.
  bool operator==(const Final&) const = default;
};
/// It failed, or part of it did; the last of Final and Failed counts, but for `part_only`.
struct Failed {
  Failure failure = Failure::other;
  std::string detail;      ///< For people, one line.
  bool part_only = false;  ///< A remark: runs with these succeed too.
  bool operator==(const Failed&) const = default;
};
/// Nothing this version knows. Never fatal.
struct Unknown {
  std::string type;  ///< As far as it has one.
  bool operator==(const Unknown&) const = default;
};

using Event = std::variant<Started, Text, ToolUsed, FileChanged, UsageReported, RateLimited, Final,
                           Failed, Unknown>;

/// The end of a text as `Text` holds it, from a whole character on; at most `kSaidMax` bytes.
inline constexpr std::size_t kSaidMax = 8192;
std::string_view end_of(std::string_view text);

/// `text "hello"`, ...: one line, for tests and logs.
std::string show(const Event& event);

/// All that one attempt told, folded.
struct Transcript {
  Started started;
  std::optional<Final> final;
  std::optional<Failed> failed;  ///< Set: it counts, for it came after `final`, or there is none.
  std::vector<std::string>
      remarks;                  ///< Of parts that failed, tools that were denied; the first few.
  std::string said;             ///< Its last message, for people; of a long one the end.
  bool saying = false;          ///< Pieces of `said` may still come.
  std::string waits_for;        ///< What it told last of a wait, while nothing came after it.
  Usage reported = no_usage();  ///< As the client counted; unknown members stay unknown.
  bool counted = false;         ///< Whether it counted at all.
  bool parsed_whole = false;
  std::vector<std::string> files;
  std::uint32_t tools = 0, denied = 0, waits = 0, unknown = 0;

  void take(Event event);
};

}  // namespace interlock::agents
