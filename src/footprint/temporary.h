#pragma once

#include <string_view>

#include "footprint/glob.h"

namespace interlock::footprint {

/// Whether `path` is called as programs call what they write beside a file to rename it over that:
/// the name of a file in `writes` with a part after it that begins with `tmp` or `temp`, as in
/// `notes.md.tmp.4711` and `.notes.md.4711.tmp`. Relative to the workspace, like the patterns.
bool is_temporary_beside(std::string_view path, const PatternSet& writes);

}  // namespace interlock::footprint
