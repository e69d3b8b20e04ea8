#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "snapshots/repository.h"

namespace interlock::snapshots {

/// What a worktree's own repository held when its task began.
struct Given {
  std::string config;
  std::map<std::string, std::string> refs;  ///< Full name to hash.
};

/// Makes `tree` a repository of its own, on a new `branch` at the commit `base`: references,
/// configuration and index are copies, objects are read from the person's. What its task does with
/// git stays in it; the person's can be read and not written.
Result<Given> make_repository(const Repository& persons, const std::string& tree,
                              const std::string& branch, const std::string& base,
                              const std::function<void()>& before_step);

/// What a task left in such a repository, without asking git anything there: settings, hooks and
/// deleted branches are named and left out. Commits that branches and tags stand for now are kept
/// below `folder`, for `take_wanted`.
std::vector<std::string> keep_wanted(const std::string& tree, const Given& given,
                                     const std::string& folder);

/// Brings what was kept into the person's repository, every object checked, without a name as yet.
/// What the names stood for, by full name (`HEAD` for commits on none); `base` is there already.
Result<std::map<std::string, std::string>> take_wanted(const Repository& persons,
                                                       const std::string& folder,
                                                       const std::string& base);

}  // namespace interlock::snapshots
