#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tidy/source.h"

// The house rules that a machine can hold. Each answers with complaints such as
// `src/plan/read.cc:12: ...`, one a line, that say what to do instead; none when all is well.
namespace interlock::tidy {

using Complaints = std::vector<std::string>;

/// What each folder of src may include, itself not named.
using Layers = std::map<std::string, std::set<std::string>>;

/// Reads the `interlock_library(NAME USES ...)` lines of the build, which are the one table of
/// layers, and closes it over. `main` is the program: it uses `cli` and thereby all.
Layers layers_of_build(std::string_view cmake_lists);

Complaints check_layers(const Source& source, const Layers& layers);
/// The core's folders ask ports for whatever differs from run to run.
Complaints check_purity(const Source& source);
/// Constructs that nothing uses anywhere, or only where the rule says.
Complaints check_constructs(const Source& source);
Complaints check_includes(const Source& source, const std::set<std::string>& paths);
/// Length, white space, marks for unfinished work, paths of somebody's machine.
Complaints check_text(const Source& source);
Complaints check_names(const Source& source);
Complaints check_test_names(const Source& source);

}  // namespace interlock::tidy
