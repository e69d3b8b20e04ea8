#include "metering/route.h"

#include <algorithm>
#include <cctype>

namespace interlock::metering {
namespace {

bool take_end(std::string_view& text, std::string_view end) {
  if (!text.ends_with(end)) return false;
  text.remove_suffix(end.size());
  return true;
}

/// `models/NAME:METHOD`, with anything before.
std::optional<Route> gemini_route(std::string_view path) {
  Route route{.api = Api::gemini};
  if (take_end(path, ":counttokens")) {
    route.billed = false;
  } else if (take_end(path, ":streamgeneratecontent")) {
    route.streams = true;
  } else if (!take_end(path, ":generatecontent")) {
    return {};
  }
  const std::size_t slash = path.rfind('/');
  route.model_begin = slash == std::string_view::npos ? 0 : slash + 1;
  route.model_end = path.size();
  return route;
}

}  // namespace

std::string lower_case(std::string_view text) {
  std::string small(text);
  std::ranges::transform(small, small.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return small;
}

std::optional<Route> route_of(std::string_view path) {
  if (take_end(path, "/messages/count_tokens")) return Route{.billed = false};
  if (take_end(path, "/messages")) return Route{};
  if (take_end(path, "/chat/completions")) return Route{.api = Api::openai_chat};
  if (take_end(path, "/responses/input_tokens"))
    return Route{.api = Api::openai_responses, .billed = false};
  if (take_end(path, "/responses") || take_end(path, "/responses/compact"))
    return Route{.api = Api::openai_responses};
  return gemini_route(path);
}

}  // namespace interlock::metering
