#pragma once

#include <cstddef>
#include <string>

#include "base/result.h"
#include "changes/changeset.h"
#include "runs/sub_agents.h"

// What sub-agents' copies brought into the workspace, kept for a week so that it can be taken back.
// On disk: `<state>/copies/<workspace>/returns/<name>/<number>/{changes.json,before/}`.
namespace interlock::runs {

/// Copies into `folder`/before what these changes are about to write over or delete.
Result<void> keep_before(const std::string& root, const changes::Changeset& changes,
                         const std::string& folder);
/// They are in the workspace: `folder`, with their list, is theirs from here on. What cannot be
/// kept cannot be taken back, and goes.
void keep_return(const SubAgentCopy& copy, const std::string& folder);
/// Of those nobody asked for any more.
void forget_old_returns(const std::string& state_folder);

struct UndoneReturns {
  std::string workspace;
  std::size_t paths = 0;
};
/// Takes all that this sub-agent brought in back out, to the bytes before its first return.
/// Refused, with nothing changed, where anybody changed one of the paths since.
Result<UndoneReturns> undo_returns(const std::string& state_folder, const std::string& name);

}  // namespace interlock::runs
