#pragma once

#include <string>
#include <string_view>

#include "sys/descriptor.h"

namespace interlock::workspace {

/// Opens `path` below the folder `top` without following any link, at the end or on the way: what
/// is meant is what stands there, never what somebody pointed it at. "" is the folder itself. With
/// O_PATH a link itself is opened. Not open and errno set when it cannot be done: ELOOP or ENOTDIR
/// where a link is on the way.
sys::Descriptor open_beneath(int top, const std::string& path, int flags);

/// `a/b/c` is `c` in `a/b`; the folder of `c` is "".
std::string_view folder_of(std::string_view path);
std::string_view name_of(std::string_view path);

/// `name` in `folder`, which may be "".
std::string join(std::string_view folder, std::string_view name);

/// Whether a `.git` is among the segments.
bool is_version_control(std::string_view path);

bool is_at_or_below(std::string_view path, std::string_view top);

}  // namespace interlock::workspace
