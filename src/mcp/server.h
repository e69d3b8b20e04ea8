#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "mcp/message.h"
#include "mcp/tools.h"

namespace interlock::mcp {

/// Of a clock that never goes back; only differences count.
using Moment = std::chrono::milliseconds;

/// The protocol's side of `interlock mcp`, without any input or output: lines and ended commands
/// come in, lines and commands to start go out. A call of a tool is a command of Interlock; `wait`
/// is one that is asked again until something has happened.
///
///     line -> take -> Start -> (the command runs) -> ended -> Send
///                              '- wait: not yet -> (wake) -> Start ...
///     notifications/cancelled -> Stop; nothing more is said of that call
class Server {
 public:
  struct Options {
    std::string version;  ///< Of Interlock.
    Approval approval = Approval::by_people;
    std::function<std::string()> wall_clock = {};  ///< In RFC 3339; for tasks.
    std::string secret = {};  ///< Nobody else's: an answer to a form is known by it.
  };
  using CallId = std::uint64_t;
  struct Send {
    std::string line;
  };
  struct Start {
    CallId call = 0;
    Command command;
  };
  /// End the command of this call, where it still runs.
  struct Stop {
    CallId call = 0;
  };
  using Act = std::variant<Send, Start, Stop>;

  explicit Server(Options options) : options_(std::move(options)) {}

  std::vector<Act> take(std::string_view line, Moment now);
  /// A line was longer than `kLineBytesMax`.
  static std::vector<Act> take_too_long();
  std::vector<Act> ended(CallId call, const Ended& how, Moment now);
  std::vector<Act> wake(Moment now);
  /// Nobody is there any more to hear when a run has ended.
  std::vector<Act> give_up_waiting();
  std::optional<Moment> next_wake() const;
  std::size_t calls() const { return calls_.size(); }

  static constexpr std::size_t kCallsMax = 32;  ///< At once; more are refused.

 private:
  struct Call {
    Request request;
    const Tool* tool = nullptr;  ///< None: it is of a task.
    json::object arguments;
    // Of `wait`.
    std::optional<Moment> deadline;
    std::string cursor;
    std::optional<Moment> again;  ///< Not running now: when to ask next.
    std::optional<Moment> progress_at;
    std::int64_t progress = -1;
  };

  std::vector<Act> answer(const Request& request, Moment now);
  std::vector<Act> call_tool(const Request& request, Moment now);
  std::optional<Act> ask_person(const Call& call) const;
  std::vector<Act> ask_of_task(const Request& request);
  Act answer_of_task(const Call& call, const Ended& how) const;
  Act begun(const Call& call, const json::object& result) const;
  std::string wall_clock() const { return options_.wall_clock ? options_.wall_clock() : ""; }
  std::vector<Act> cancelled(const Notification& notification);
  json::object about() const;
  std::vector<Act> still_waiting(Call& call, const json::object& status, Moment now);
  static Act answered(const Call& call, const json::object& result);
  static Act failed(const Request& request, const Error& error);

  Options options_;
  std::map<CallId, Call> calls_;
  CallId last_ = 0;
};

}  // namespace interlock::mcp
