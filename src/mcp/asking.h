#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "mcp/message.h"

// What a person decides is asked of that person, through their client (elicitation, 2026-07-28):
// the call is answered with a form, and comes again with what the person made of it.
namespace interlock::mcp {

/// The form for a call that has none yet. `state` comes back with the person's answer.
json::object form_for(std::string_view tool, const json::object& arguments, std::string_view state);

enum class Decided : unsigned char {
  not_asked,  ///< It is a first call.
  yes,
  no,  ///< Declined, left open, or an answer to another question: nothing is decided.
};
Decided decided_by(const json::object& params, std::string_view state);

}  // namespace interlock::mcp
