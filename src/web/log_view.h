#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/json.h"

namespace interlock::web {

inline constexpr std::size_t kLogShown = std::size_t{128} << 10U;
inline constexpr std::size_t kLogSearched = std::size_t{16} << 20U;
inline constexpr std::size_t kMatchesShown = 1000;

/// The end of an attempt's log: `lines` of `[time in ms, stream, text]`, of coloured ones also how
/// they look, `[units of UTF-16, classes, ...]` (web/styled_line.h); `cut` where something stands
/// before it. With `words`: of its last `kLogSearched` bytes the lines that have them, upper
/// and lower case of ASCII alike, the last `kMatchesShown`, and in `matches` how many there are.
json::object log_view(const std::string& path, std::string_view words);

}  // namespace interlock::web
