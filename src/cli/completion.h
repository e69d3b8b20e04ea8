#pragma once

#include <string>

namespace CLI {
class App;
}

namespace interlock::cli {

/// A completion script for `bash`, `zsh` or `fish`, made from the command line's own description,
/// so that it is never behind it.
std::string completion_script(const CLI::App& app, const std::string& shell);

}  // namespace interlock::cli
