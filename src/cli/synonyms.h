#pragma once

#include <string>
#include <string_view>
#include <vector>

// What people type who know other tools.
namespace interlock::cli {

/// The hint for a command line that could not be understood.
std::string hint_for(int argc, char** argv);

/// The words of the command line; `help [COMMAND]` and `version`, which are options here, as those.
std::vector<std::string> arguments_of(int argc, char** argv);

/// The command that is meant by another tool's name for it, in backquotes; empty: none.
std::string verb_meant(std::string_view typed);

}  // namespace interlock::cli
