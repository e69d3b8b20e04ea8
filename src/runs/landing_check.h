#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "plan/service.h"
#include "runs/green_subset.h"
#include "runs/undo.h"

namespace interlock::runs {

struct LandingCheck {
  plan::Command command;  ///< Ends with 0 where all is well.
  Duration timeout{};     ///< Of one check; one that takes longer counts as failed.
  std::size_t most_checks = 20;
  /// After each, for people: `check 2 of at most 20: 3 of 5 commits, failed after 12s`.
  std::function<void(const std::string&)> on_check;
};

struct CheckedLanding {
  Landed landed;              ///< The branch as it is at last: what passes together.
  GreenSubset subset;         ///< Of the run's commits, in their order.
  std::vector<TaskId> tasks;  ///< Of each commit.
  std::string left_out;  ///< A branch upon the other with what is not in it; empty: there is none.
  Duration took{};       ///< All checks together.
  bool interrupted = false;  ///< This process was asked to end: no branch was made.
};

/// As `land`, with what passes the check of all that the branch holds: it is run in a checkout of
/// its own, without variables whose names are those of secrets. Its words go to standard error.
/// What does not pass is kept, on a branch upon the other called `<branch>-red`.
///
/// An error, and no branch, where the check fails without anything of the run.
Result<CheckedLanding> land_checked(journal::Store& store, const std::string& state_folder,
                                    const ChosenRun& run, const std::string& branch,
                                    const LandingCheck& check);

}  // namespace interlock::runs
