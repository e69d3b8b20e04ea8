#include "agents/json_fields.h"

#include <boost/json/parse.hpp>
#include <charconv>
#include <cmath>

#include "agents/adapter.h"
#include "base/text.h"

namespace interlock::agents {

namespace {

constexpr std::size_t kDepthMax = 256;
constexpr double kCountMax = 1e15;
constexpr double kSecondsMax = 365.0 * 24 * 3600;

/// Takes `[3]` off the front; nothing when it is malformed.
std::optional<std::size_t> take_index(std::string_view& path) {
  const auto close = path.find(']');
  if (close == path.npos) return {};
  std::size_t index = 0;
  const char* end = path.data() + close;
  const auto [stopped, error] = std::from_chars(path.data() + 1, end, index);
  if (error != std::errc() || stopped != end) return {};
  path.remove_prefix(close + 1);
  return index;
}

const json::value* step_into(const json::value& from, std::string_view& path) {
  if (path.front() == '[') {
    const auto index = take_index(path);
    const json::array* list = from.if_array();
    return list && index && *index < list->size() ? &(*list)[*index] : nullptr;
  }
  if (path.front() == '.') path.remove_prefix(1);
  const std::string_view name = path.substr(0, path.find_first_of(".["));
  path.remove_prefix(name.size());
  const json::object* object = from.if_object();
  return object && !name.empty() ? object->if_contains(name) : nullptr;
}

std::optional<double> number_at(const json::value& reported, std::string_view path) {
  const json::value* value = value_at(reported, path);
  if (!value || !value->is_number()) return {};
  const double number = value->to_number<double>();
  return std::isfinite(number) && number >= 0 ? std::optional(number) : std::nullopt;
}

std::optional<Duration> duration_of(std::optional<double> seconds) {
  if (!seconds || *seconds > kSecondsMax) return {};
  return Duration(std::llround(*seconds * 1e6));
}

}  // namespace

std::optional<json::value> fields_of(std::string_view line) {
  // An answer may be in it, and its numbers are kept as they were written.
  auto exact = parse_json(line);
  if (exact && exact->is_object()) return std::move(*exact);
  // Clients are not held to the rest of what our own reader asks, such as keys given once.
  if (!exact && exact.error().message.ends_with("too large to keep exactly")) return {};
  json::parse_options options;
  options.max_depth = kDepthMax;
  boost::system::error_code error;
  json::value value = json::parse(line, error, {}, options);
  if (error || !value.is_object()) return {};
  return value;
}

std::vector<Event> only(Event event) {
  std::vector<Event> events;
  events.push_back(std::move(event));
  return events;
}

std::vector<Event> Reader::line(std::string_view line) {
  const auto reported = fields_of(line);
  return reported ? read(*reported) : std::vector<Event>{Unknown{}};
}

std::vector<Event> Reader::take_line(std::string line) {
  const auto reported = fields_of(line);
  std::string().swap(line);  // What is assigned an empty one keeps its room.
  return reported ? read(*reported) : std::vector<Event>{Unknown{}};
}

const json::value* value_at(const json::value& reported, std::string_view path) {
  const json::value* at = &reported;
  while (at && !path.empty()) at = step_into(*at, path);
  return at && !at->is_null() ? at : nullptr;
}

std::string_view text_at(const json::value& reported, std::string_view path) {
  const json::value* value = value_at(reported, path);
  return value && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}

bool true_at(const json::value& reported, std::string_view path) {
  const json::value* value = value_at(reported, path);
  return value && value->is_bool() && value->get_bool();
}

std::optional<std::int64_t> count_at(const json::value& reported, std::string_view path) {
  const auto number = number_at(reported, path);
  if (!number || *number > kCountMax || *number != std::floor(*number)) return {};
  return static_cast<std::int64_t>(*number);
}

std::optional<MicroUsd> usd_at(const json::value& reported, std::string_view path,
                               bool zero_is_unknown) {
  const auto number = number_at(reported, path);
  if (!number || *number > kCountMax / 1e6 || (zero_is_unknown && *number == 0)) return {};
  return std::llround(*number * 1e6);
}

std::optional<Duration> seconds_at(const json::value& reported, std::string_view path) {
  return duration_of(number_at(reported, path));
}

std::optional<Duration> milliseconds_at(const json::value& reported, std::string_view path) {
  const auto number = number_at(reported, path);
  return duration_of(number ? std::optional(*number / 1e3) : std::nullopt);
}

const json::array* list_at(const json::value& reported, std::string_view path) {
  const json::value* value = value_at(reported, path);
  return value ? value->if_array() : nullptr;
}

std::optional<Tokens> without(std::optional<Tokens> one, std::optional<Tokens> other) {
  if (!one || !other || *other > *one) return {};
  return *one - *other;
}

std::string one_line(std::string_view text) {
  constexpr std::size_t kBytes = 1200;
  constexpr std::size_t kColumns = 300;
  return elide_end(printable(text.substr(0, kBytes)), kColumns);
}

std::string tool_detail(const json::value* arguments) {
  if (!arguments) return {};
  for (const std::string_view name :
       {"command", "file_path", "filePath", "path", "description", "query", "pattern"}) {
    if (const auto text = text_at(*arguments, name); !text.empty()) return one_line(text);
  }
  const json::object* object = arguments->if_object();
  if (!object) return {};
  for (const auto& [name, value] : *object) {
    if (value.is_string()) return one_line(value.get_string());
  }
  return {};
}

}  // namespace interlock::agents
