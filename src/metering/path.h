#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace interlock::metering {

/// A request's path with its query, in the one form in which it is judged and sent on: unreserved
/// characters decoded, no empty segments, no slash at the end, no `;parameters` (RFC 3986, 6.2.2).
/// Two servers that read the same bytes differently would make a metered call of one that was
/// judged as none, so what cannot be brought into that form is refused: `.` and `..` segments,
/// encoded separators, broken escapes, bytes beyond ASCII.
Result<std::string> canonical_path(std::string_view target);

/// What a request is, by its method and canonical path.
enum class PathKind : unsigned char {
  call,     ///< Asks a model, or counts tokens: `read_asked` says which.
  look,     ///< Lists models; uses nothing.
  unknown,  ///< May use anything.
};
/// Whatever the case: some servers do not tell `/Messages` from `/messages`.
PathKind kind_of_path(std::string_view method, std::string_view path);

}  // namespace interlock::metering
