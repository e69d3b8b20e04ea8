#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "views/git.h"
#include "workspace/layers.h"

// Trees and commits made in the object database alone: by way of an index of our own.
namespace interlock::views {

/// Brings the index of `git` to what the layers leave; `prefix` is where the workspace lies in the
/// repository, "" or ending in `/`. With `but_ignored`, what .gitignore shuts out stays out.
Result<void> put_layers(const Git& git, const std::vector<workspace::Layer>& layers,
                        const std::string& prefix, bool but_ignored);

/// Commits the index of `git` in the name of the person who is configured, or of Interlock.
/// `parent` may be empty. The commit's hash.
Result<std::string> commit_index(const Git& git, const std::string& parent,
                                 const std::string& message);

/// The commit a name stands for; empty: there is none.
std::string commit_of(const Git& git, const std::string& name);

/// `<top>/src` in `<top>` is `src/`; the top itself "".
std::string prefix_of(const std::string& root, const std::string& top);

}  // namespace interlock::views
