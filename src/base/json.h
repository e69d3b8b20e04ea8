#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

namespace interlock {

namespace json = boost::json;

/// Reads one JSON document (RFC 8259), at most 64 deep. The error says line and column.
/// Duplicate keys are an error: the last would silently win. So is a number that would come out
/// another one: an integer beyond 64 bits, or one beyond all doubles.
Result<json::value> parse_json(std::string_view text);

/// The same judgement without the value: it takes no memory but for the keys of open objects.
Result<void> check_json(std::string_view text);

/// The one text of a value: keys sorted by code point, no white space, numbers in shortest
/// form, as RFC 8785 where that is exact (integers of 64 bits keep all digits). What is no
/// number, such as NaN, is `null`.
std::string canonical_json(const json::value& value);

/// Two spaces an indent, keys in the value's own order, one final newline: for people.
std::string pretty_json(const json::value& value);

}  // namespace interlock
