#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agents/event.h"
#include "base/json.h"
#include "base/units.h"

// What a client told in one line of JSON, looked at without trust: what is missing, of another kind
// or out of bounds is absent, never an error.
namespace interlock::agents {

/// The line as an object. More forgiving than `parse_json`: what a client wrote twice or too
/// exactly is no reason to lose its final answer.
std::optional<json::value> fields_of(std::string_view line);

/// The value at a path such as `item.type` or `message.content[0].text`; nothing where there is
/// none or it is null. Names with a dot or a bracket in them cannot be told.
const json::value* value_at(const json::value& reported, std::string_view path);

/// Empty where there is no text.
std::string_view text_at(const json::value& reported, std::string_view path);
bool true_at(const json::value& reported, std::string_view path);
/// A whole number from 0 to 10^15.
std::optional<std::int64_t> count_at(const json::value& reported, std::string_view path);
/// Dollars as a number. Nothing for 0 too where `zero_is_unknown`: clients that were told no prices
/// say so.
std::optional<MicroUsd> usd_at(const json::value& reported, std::string_view path,
                               bool zero_is_unknown = false);
std::optional<Duration> milliseconds_at(const json::value& reported, std::string_view path);
std::optional<Duration> seconds_at(const json::value& reported, std::string_view path);
/// Nothing where there is no list.
const json::array* list_at(const json::value& reported, std::string_view path);

/// `one - other` where both are known and that is not negative.
std::optional<Tokens> without(std::optional<Tokens> one, std::optional<Tokens> other);

/// A list of one, without the copy that `{event}` would make: it may hold an answer.
std::vector<Event> only(Event event);

/// For people: safe on one line, not too long.
std::string one_line(std::string_view text);
/// What a tool is used on, from its arguments: its command, its file, or whatever text is there.
std::string tool_detail(const json::value* arguments);

}  // namespace interlock::agents
