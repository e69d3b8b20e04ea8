#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "metering/model_call.h"

namespace interlock::metering {

/// What the path alone tells.
struct Route {
  Api api = Api::anthropic;
  bool billed = true;
  bool streams = false;         ///< For Gemini, which says so in the path.
  std::size_t model_begin = 0;  ///< Likewise: where in the path its model's name stands.
  std::size_t model_end = 0;
};

/// `path` in small letters, without its query. Nothing: no model call.
std::optional<Route> route_of(std::string_view path);

std::string lower_case(std::string_view text);

}  // namespace interlock::metering
