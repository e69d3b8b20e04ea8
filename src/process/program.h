#pragma once

#include <string>

#include "base/result.h"
#include "engine/sandbox.h"

namespace interlock::process {

/// Where `name` is found: itself when it has a slash (relative to `folder`), else the first
/// executable in `path`, a list as in $PATH. With a snapshot: as the snapshot will show it.
Result<std::string> find_program(const std::string& name, const std::string& path,
                                 const std::string& folder,
                                 const engine::Sandbox::Snapshot* snapshot = nullptr);

}  // namespace interlock::process
