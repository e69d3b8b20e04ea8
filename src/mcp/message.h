#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json.h"

// The messages of the Model Context Protocol over standard input and output: JSON-RPC 2.0, one
// object a line. Two eras of it are served: the stateless one (2026-07-28), whose every request
// says which version it speaks, and the one that begins with `initialize` (2025-06-18, 2025-11-25).
namespace interlock::mcp {

/// Codes of JSON-RPC 2.0, section 5.1, and of the protocol.
enum class Code : int {
  not_json = -32700,
  not_a_request = -32600,
  no_such_method = -32601,
  bad_parameters = -32602,
  internal = -32603,
  needs_capability = -32021,
  unknown_version = -32022,
};

inline constexpr std::string_view kStateless = "2026-07-28";
/// The newest first.
inline constexpr std::string_view kWithHandshake[] = {"2025-11-25", "2025-06-18"};

struct Request {
  json::value id;
  std::string method;
  json::object params;
  bool is_stateless = false;  ///< It says which version it speaks; its answer says more as well.
  bool takes_tasks = false;   ///< It may be answered with a task, see mcp/tasks.h.
  bool asks_people = false;   ///< It may be answered with a form for its person.
  std::optional<json::value> progress_token = {};
};
struct Notification {
  std::string method;
  json::object params;
};
/// What cannot be taken, with the line that says so.
struct Rejected {
  std::string answer;
};
/// Nothing to answer: an answer to what nobody asked, or an empty line.
struct Ignored {};
using Message = std::variant<Request, Notification, Rejected, Ignored>;

/// Longer lines are answered with an error, and not read.
inline constexpr std::size_t kLineBytesMax = 4u << 20;

Message read_message(std::string_view line);

/// Each a line with its end. A result says of itself what it is, where the era wants that.
std::string answer_line(const Request& request, json::object result,
                        std::string_view type = "complete");
std::string error_line(const json::value& id, Code code, std::string_view message,
                       json::value data = nullptr);
std::string notification_line(std::string_view method, json::object params);

/// `protocolVersion` of `initialize`: the one asked for, where it is known, else our newest.
std::string_view negotiated(std::string_view asked);

}  // namespace interlock::mcp
