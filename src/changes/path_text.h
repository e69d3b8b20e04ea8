#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

// How paths stand in JSON, which holds UTF-8 alone while a path may hold any bytes but NUL.
namespace interlock::changes {

/// RFC 4648, with padding.
std::string base64_of(std::string_view bytes);
/// Strict: padded, nothing but the alphabet, and no bits left over, so that equal bytes have one
/// text.
Result<std::string> base64_bytes(std::string_view text);

/// Whether the path is a `.git` or lies below one: version control keeps its own books there.
bool is_in_git_folder(std::string_view path);

/// What every path of a changeset or a read set must be: inside the workspace, and not in a `.git`.
Result<void> check_path(std::string_view path);

/// The object must have just these keys.
Result<void> check_keys(const json::object& object, std::initializer_list<std::string_view> keys);

/// A path that is not UTF-8 is told as `{"path_base64": ...}`.
json::array paths_to_json(const std::vector<std::string>& paths);
/// Sorted, each once, each as `check_path` wants it, or the workspace itself (the empty path).
Result<std::vector<std::string>> paths_from_json(const json::value& value);

}  // namespace interlock::changes
