#pragma once

#include <vector>

#include "decide/decision.h"

namespace interlock::decide {

/// The decision of a run that takes tasks as they come: there is nothing to foretell. So many at
/// once, those that come first going first; tasks that conflict wait, none takes a risk, and what
/// joining outputs costs is not held against anybody.
Decision standing(const plan::Plan& plan, const footprint::Interlocking& interlocking,
                  const Options& options);

/// Whether tasks that are added to a plan have to run alone.
class AddedVerdicts {
 public:
  /// Of the tasks that are there, and what is known of them.
  AddedVerdicts(const plan::Plan& plan, const std::vector<Verdict>& verdicts);

  /// Of the next. It runs alone where nobody knows what it touches, where it would change the
  /// workspace under the snapshots of others, and where it would have a snapshot of a workspace
  /// that tasks of the plan work in.
  Verdict add(const plan::Task& task);

 private:
  bool any_caught_ = false;  ///< Some task has a snapshot.
  bool any_beside_ = false;  ///< Some task works in the workspace itself, beside others.
};

}  // namespace interlock::decide
