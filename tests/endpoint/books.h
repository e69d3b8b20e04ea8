#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "endpoint/asked.h"
#include "endpoint/quota.h"
#include "endpoint/script.h"

// What the endpoint did, call by call, so that others' accounts can be held against it.
namespace interlock::endpoint {

enum class CallEnd : unsigned char {
  running,
  complete,
  refused,      ///< With an error status.
  broken,       ///< By the endpoint, as scripted.
  client_gone,  ///< By the client, before the end.
};
std::string_view name_of(CallEnd end);

struct Entry {
  std::int64_t number = 0;  ///< From 1, in the order of coming in.
  std::string label, key, task, model, target, user_agent, rule;
  Api api = Api::anthropic;
  bool streams = false;
  std::size_t bytes = 0, tools = 0;
  int status = 0;
  CallEnd end = CallEnd::running;
  std::optional<Used> usage;  ///< What is billed; none for what was refused.
  std::optional<Used> told;   ///< What the client was told so far; none: nothing.
  Time started{}, ended{};
  std::optional<Time> began;  ///< The first byte of the answer.
  std::size_t in_flight = 0;  ///< Calls at once when it came in, itself included.
  std::string body;           ///< Only where bodies are kept.
  Headers headers;            ///< The same.
};

/// `{"calls": [...], "tasks": {NAME: {"calls", "answered", "refused", ..., "usage": {...}, "told":
/// {...}}}, "total": {...}, "quota": {...}, "in_flight_most": n}`. Calls without a mark are of task
/// "".
json::object books_json(const std::vector<Entry>& entries, const json::object& quota);

json::object usage_json(const Used& used);

}  // namespace interlock::endpoint
