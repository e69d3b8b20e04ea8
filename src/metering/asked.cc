#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/json.h"
#include "metering/glance.h"
#include "metering/model_call.h"
#include "metering/prefix.h"
#include "metering/route.h"

namespace interlock::metering {
namespace {

/// Members that clients fill with ids of their own, anew for each request.
bool is_volatile(std::string_view key) {
  constexpr std::array<std::string_view, 5> kVolatile{"metadata", "user", "prompt_cache_key",
                                                      "safety_identifier", "client_metadata"};
  return std::ranges::find(kVolatile, key) != kVolatile.end();
}

/// The billing line of Claude Code's first system block differs from request to request.
void add_to_identity(Hasher& identity, std::string_view key, const Glance& value) {
  if (is_volatile(key)) return;
  identity.add_field(key);
  if (key != "system" || !value.is_array()) {
    identity.add_field(value.text());
    return;
  }
  value.each_item([&](Glance block) {
    const std::string_view text = block["text"].text();
    if (!text.starts_with("\"x-anthropic-billing-header:")) identity.add_field(block.text());
  });
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
  path = path.substr(0, path.find('?'));
  const auto route = route_of(lower_case(path));
  if (!route) return std::optional<Asked>();
  const auto whole = Glance::of(body);
  if (!whole || !whole->is_object()) {
    return fail(Error::Kind::invalid,
                fmt::format("the request's body is not a JSON object ({} bytes)", body.size()));
  }
  Asked asked;
  asked.api = route->api;
  asked.billed = route->billed;
  asked.streams = route->streams;
  asked.model = std::string(path.substr(route->model_begin, route->model_end - route->model_begin));
  asked.bytes = body.size();
  PromptParts parts;
  Hasher identity;
  identity.add_field(path);
  whole->each_member([&](std::string_view key, Glance value) {
    read_member(asked, key, value);
    parts.take(key, value);
    add_to_identity(identity, key, value);
  });
  asked.identity = identity.finish();
  asked.offers_tools = parts.tools.is_array() && !parts.tools.is_empty();
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
