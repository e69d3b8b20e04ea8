#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

// What a model can ask of Interlock, each tool as a command of Interlock and what is made of its
// answer. Nothing here runs anything.
namespace interlock::mcp {

/// A command of Interlock, and what it is given on standard input.
struct Command {
  std::vector<std::string> arguments;
  std::string input;

  bool operator==(const Command&) const = default;
};
/// How it ended. `status` is nothing when it did not end by itself.
struct Ended {
  std::optional<int> status;  ///< As it exited with.
  std::string out, err;
};

/// Whether a person allowed that gates are answered through a model's client.
enum class Approval : unsigned char { by_people, by_clients };

struct Tool {
  std::string_view name, title, description;
  std::string_view input;   ///< A JSON Schema of its arguments.
  std::string_view output;  ///< Of its answer.
  bool reads_only = true;
  bool destroys = false;    ///< What it does cannot be taken back.
  bool for_people = false;  ///< A person decides it: where the client can ask that one, it does.
  Result<Command> (*command)(const json::object& arguments) = nullptr;
  /// An error here is one of the tool: the model is told, and may do better.
  Result<json::object> (*answer)(const json::object& arguments, const Ended& ended) = nullptr;
};

/// All of them, in the order they are listed. `wait` is asked again until something has happened;
/// see Server.
const std::vector<Tool>& tools(Approval approval);
json::array list_of_tools(Approval approval);

inline constexpr int kWaitSecondsMax = 45;        ///< Below each client's limit for one call.
inline constexpr std::int64_t kTextBytes = 8192;  ///< Of an answer's text, when nothing is said.
inline constexpr std::int64_t kTextBytesMax = 40'000;  ///< What the strictest client takes whole.

/// A run in few words: states, what waits for a person, what failed and why, what to do next.
json::object status_of(const json::object& shown);
/// Equal for states between which nothing happened.
std::string cursor_of(const json::object& status);

}  // namespace interlock::mcp
