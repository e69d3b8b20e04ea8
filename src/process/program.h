#pragma once

#include <string>

#include "base/result.h"
#include "engine/enclosure.h"

namespace interlock::process {

/// Where `name` is found: itself when it has a slash (relative to `folder`), else the first
/// executable in `path`, a list as in $PATH. With a picture: as the picture will show it.
Result<std::string> find_program(const std::string& name, const std::string& path,
                                 const std::string& folder,
                                 const engine::Enclosure::Picture* picture = nullptr);

}  // namespace interlock::process
