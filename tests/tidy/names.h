#pragma once

#include <map>
#include <set>
#include <string>

#include "tidy/rules.h"
#include "tidy/source.h"

// Rules about words, classes and edges. See rules.h for what a complaint is.
namespace interlock::tidy {

/// No part of a name in `src` is a word of which docs/glossary.md has a better one. Names of tests
/// are sentences, and free.
Complaints check_dictionary(const Source& source);

/// A class declares at most 25 functions and 15 members, or is in the table of those that may have
/// more, with the reason. Counted in headers, by semicolons and bodies at the class's own level.
Complaints check_classes(const Source& source);

/// One line in eight says why in the engine, where the order of steps is what is hard to see; but
/// not in its tables (fields of events, sentences), which have no steps.
Complaints check_reasons(const Source& source);

/// The folders that each folder's line in the build names, not closed over.
std::map<std::string, std::set<std::string>> edges_of_build(std::string_view cmake_lists);

/// Every folder that a line of the build names is included by the folder whose line it is.
Complaints check_edges(const std::vector<Source>& sources, std::string_view cmake_lists);

}  // namespace interlock::tidy
