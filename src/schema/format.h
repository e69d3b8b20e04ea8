#pragma once

#include <optional>
#include <string_view>

namespace interlock::schema {

/// Whether `text` has the format; nothing when that format is not checked here.
/// Checked: `date-time`, `date`, `time` (RFC 3339), `email` (RFC 5321 addresses without quotes),
/// `uri` (RFC 3986), `uuid` (RFC 4122), `ipv4`, `ipv6` (RFC 4291), `regex` (as far as patterns are
/// understood here).
std::optional<bool> has_format(std::string_view format, std::string_view text);

bool is_checked_format(std::string_view format);

}  // namespace interlock::schema
