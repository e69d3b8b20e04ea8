#pragma once

#include <string>

namespace CLI {
class App;
}

namespace interlock::cli {

/// The manual page `interlock(1)` in man(7), made of what `--help` says: every verb with its
/// options.
std::string man_page(const CLI::App& app, const std::string& version);

}  // namespace interlock::cli
