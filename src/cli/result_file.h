#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace interlock::cli {

/// Writes a result into a file that a person named. One that is there keeps its content until the
/// new one is whole; a pipe or a device is written to as it is.
Result<void> write_result_file(const std::string& path, std::string_view content);

}  // namespace interlock::cli
