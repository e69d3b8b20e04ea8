#include <fmt/format.h>

#include "base/json.h"
#include "metering/call.h"
#include "metering/glance.h"
#include "metering/prefix.h"

namespace interlock::metering {
namespace {

/// What the path alone tells.
struct Route {
  Api api = Api::anthropic;
  bool billed = true;
  bool streams = false;  ///< For Gemini, which says so in the path.
  std::string_view model;
};

bool take_end(std::string_view& text, std::string_view end) {
  if (!text.ends_with(end)) return false;
  text.remove_suffix(end.size());
  return true;
}

/// `models/NAME:METHOD`, with anything before.
std::optional<Route> gemini_route(std::string_view path) {
  Route route{.api = Api::gemini};
  if (take_end(path, ":countTokens")) {
    route.billed = false;
  } else if (take_end(path, ":streamGenerateContent")) {
    route.streams = true;
  } else if (!take_end(path, ":generateContent")) {
    return {};
  }
  const std::size_t slash = path.rfind('/');
  route.model = slash == std::string_view::npos ? path : path.substr(slash + 1);
  return route;
}

std::optional<Route> route_of(std::string_view path) {
  path = path.substr(0, path.find('?'));
  if (take_end(path, "/messages/count_tokens")) return Route{.billed = false};
  if (take_end(path, "/messages")) return Route{};
  if (take_end(path, "/chat/completions")) return Route{.api = Api::openai_chat};
  if (take_end(path, "/responses/input_tokens"))
    return Route{.api = Api::openai_responses, .billed = false};
  if (take_end(path, "/responses") || take_end(path, "/responses/compact"))
    return Route{.api = Api::openai_responses};
  return gemini_route(path);
}

std::optional<Tokens> positive(const Glance& value) {
  const auto number = value.integer();
  return number && *number > 0 ? number : std::nullopt;
}

/// The members that matter, found in one pass over the body.
void read_member(Asked& asked, std::string_view key, const Glance& value) {
  if (key == "model" && asked.api != Api::gemini) asked.model = value.text_or_empty();
  if (key == "stream" && asked.api != Api::gemini) asked.streams = value.is_true();
  // `max_tokens` is what Chat Completions called `max_completion_tokens` before.
  const bool is_bound = (key == "max_tokens" && asked.api != Api::openai_responses) ||
                        key == "max_completion_tokens" || key == "max_output_tokens";
  if (is_bound && positive(value)) asked.output_max = positive(value);
  if (key == "generationConfig" && asked.api == Api::gemini)
    asked.output_max = positive(value["maxOutputTokens"]);
}

}  // namespace

Result<std::optional<Asked>> read_asked(std::string_view path, std::string_view body) {
  const auto route = route_of(path);
  if (!route) return std::optional<Asked>();
  const auto whole = Glance::of(body);
  if (!whole || !whole->is_object()) {
    return fail(Error::Kind::invalid,
                fmt::format("the request's body is no JSON object ({} bytes)", body.size()));
  }
  Asked asked;
  asked.api = route->api;
  asked.billed = route->billed;
  asked.streams = route->streams;
  asked.model = std::string(route->model);
  asked.bytes = body.size();
  PromptParts parts;
  whole->each_member([&](std::string_view key, Glance value) {
    read_member(asked, key, value);
    parts.take(key, value);
  });
  const Prefix prefix = prefix_of(asked.api, asked.model, parts);
  asked.prefix = prefix.digest;
  asked.prefix_bytes = prefix.bytes;
  asked.cache_least = cache_least_of(asked.model);
  return std::optional(std::move(asked));
}

std::optional<std::string> asking_for_usage(Api api, std::string_view body) {
  if (api != Api::openai_chat) return {};
  const auto whole = Glance::of(body);
  if (!whole || !whole->is_object() || !(*whole)["stream"].is_true()) return {};
  const Glance options = (*whole)["stream_options"];
  if (options["include_usage"].is_true()) return {};

  // The rest of the body stays as it is, byte for byte.
  const std::size_t begin = whole->text().data() - body.data();
  if (!options.is_there()) {
    const std::string_view comma = whole->is_empty() ? "" : ",";
    return fmt::format("{}\"stream_options\":{{\"include_usage\":true}}{}{}",
                       body.substr(0, begin + 1), comma, body.substr(begin + 1));
  }
  json::object asking;
  if (auto read = parse_json(options.text()); read && read->is_object())
    asking = read->get_object();
  asking["include_usage"] = true;
  const std::size_t at = options.text().data() - body.data();
  return fmt::format("{}{}{}", body.substr(0, at), canonical_json(asking),
                     body.substr(at + options.text().size()));
}

}  // namespace interlock::metering
