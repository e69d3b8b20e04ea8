#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/units.h"
#include "endpoint/asked.h"

// What the model endpoint answers, written beforehand. As JSON:
//
//   {"rules": [
//      {"prompt": "fix the (parser|lexer)", "after_tool": false,
//       "steps": [{"status": 429, "retry_after": 1, "times": 2},
//                 {"shell": "echo fixed > parser.txt"}]},
//      {"after_tool": true, "steps": [{"text": "Done."}]}],
//    "otherwise": {"text": "Hello."},
//    "slowing": {"beyond": 3, "by": 1},
//    "quota": {"requests": {"capacity": 50, "per": 60}, "reserves_max": false},
//    "keys": ["sk-test"], "keep_bodies": true}
//
// The first rule that matches answers; how often it has matched before, for the same task (for all
// tasks with `"together": true`), says which step. The last step stays, or with `"loop": true` the
// first comes again.
namespace interlock::endpoint {

/// What a provider would bill. Input is without what the cache had or took.
struct Used {
  Tokens input = 0, output = 0, cache_read = 0, cache_write = 0, reasoning = 0;
  bool operator==(const Used&) const = default;
};

struct ToolCall {
  std::string name;
  json::object input;
};

enum class Finish : unsigned char { whole, length, refusal };

/// One answer: what is said, and how badly it is delivered.
struct Step {
  std::uint32_t times = 1;

  std::string text;
  std::vector<ToolCall> tools;
  std::string shell;  ///< A command, through whichever tool the client has for it.
  std::optional<json::value>
      structured;        ///< Through a tool made for it, the one forced, or as text.
  std::size_t huge = 0;  ///< So many bytes of text.
  Finish finish = Finish::whole;
  std::string
      ends_with;  ///< Instead of the API's own word for that end: `pause_turn`, `error`, ...

  int status = 200;
  std::string code, message;  ///< Of an error; empty: what is usual for the status.
  std::optional<Duration> retry_after;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string raw;  ///< The whole body, as it is.
  std::string raw_type = "application/json";

  std::optional<Used> usage;  ///< Instead of what is counted.
  std::optional<Used> told;   ///< What the client is told instead: a wrong usage.
  bool tells_usage = true;

  bool hangs = false;                    ///< Takes the request and never answers.
  Duration wait{};                       ///< Before the first byte.
  Duration delay{};                      ///< Between events of a stream.
  std::optional<std::size_t> cut_after;  ///< Whole events before the connection breaks inside one.
  std::optional<std::size_t> end_after;  ///< ... before the stream ends as if that were all.
  std::size_t drop_last = 0;  ///< Frames at its end that never come, in a stream that ends cleanly.
  std::optional<std::size_t> stall_after;   ///< ... before nothing comes any more.
  std::optional<std::size_t> garble_after;  ///< ... before frames that are none.
  std::optional<std::size_t> fail_after;    ///< ... before an error inside the stream.
};

/// What a rule asks of a request. Empty: nothing.
struct Rule {
  std::string prompt, body, model;  ///< RE2 patterns, found anywhere in it.
  std::optional<bool> after_tool, has_tools;
  std::vector<Step> steps;
  bool together = false, loops = false;
};

/// A bucket: full at first, full again after `per`. None: no limit.
struct Bucket {
  std::int64_t capacity = 0;
  Duration per{};
};

struct Limits {
  std::optional<Bucket> requests, input_tokens, output_tokens;
  std::optional<std::int64_t> concurrency;
  bool reserves_max = false;  ///< Output is charged by `max_tokens` first and corrected at the end.
  bool counts_cached = false;  ///< Whether input that the cache had counts too.
  bool tells_a_minute =
      false;  ///< Headers tell capacities scaled to a minute, for quotas scaled in time.
  bool tells_headers = true;
  bool counts_windows = false;  ///< What came in the last `per`, at every moment, and no bucket.
};

struct Script {
  std::vector<Rule> rules;
  Step otherwise{.text = "Hello."};
  Limits limits;
  std::vector<std::string> keys;  ///< Empty: every key will do.
  bool keep_bodies = false;
  bool caches = true;
  Tokens cache_least = 1024;  ///< Shorter beginnings are not cached.
  Duration cache_life = std::chrono::minutes(5);
  /// Of `k` answers that are waited for (`wait`) each comes on at 1 / (1 + by * max(0, k - beyond))
  /// of its speed.
  double slows_beyond = 1, slows_by = 0;
};

Result<Script> read_script(std::string_view text);

/// Chooses steps, and remembers how often each rule has matched.
class Chooser {
 public:
  explicit Chooser(const Script& script);
  ~Chooser();
  /// Of a pattern that is none.
  static Result<bool> verify(const Script& script);

  struct Choice {
    const Step* step = nullptr;
    int rule = -1;  ///< -1: none matched.
  };
  Choice choose(const Asked& asked, std::string_view body);

 private:
  struct Patterns;
  const Script& script_;
  std::vector<std::unique_ptr<Patterns>> patterns_;
  std::map<std::pair<int, std::string>, std::uint32_t> matched_;
};

}  // namespace interlock::endpoint
