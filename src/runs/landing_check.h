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

/// The task that is the plan's own `verify`; null: it has none.
const plan::Task* run_check_of(const plan::Plan& plan);

struct LandingCheck {
  plan::Command command;  ///< Ends with 0 where all is well.
  Duration timeout{};     ///< Of one check; one that takes longer counts as failed.
  std::size_t most_checks = 20;
  /// After each, for people: `check 2 of at most 20: 3 of 5 commits, failed after 12s`.
  std::function<void(const std::string&)> on_check;
};

/// Of a run's commits the ones that pass a check together.
struct Green {
  GreenSubset subset;         ///< Of the run's commits, in their order.
  std::vector<TaskId> tasks;  ///< Of each commit.
  Duration took{};            ///< All checks together.
  bool interrupted = false;   ///< This process was asked to end: nothing was found.
};

/// Runs the check in checkouts of HEAD and commits of the run, each one of its own that is removed
/// again, without variables whose names are those of secrets. Its words go to standard error.
/// An error where the check fails without anything of the run.
Result<Green> find_green(journal::Store& store, const std::string& state_folder,
                         const ChosenRun& run, const LandingCheck& check);

struct CheckedLanding {
  Landed landed;         ///< The branch as it is at last: what passes together.
  Green green;           ///< If it was interrupted, no branch was made.
  std::string left_out;  ///< A branch upon the other with what is not in it; empty: there is none.
};

/// As `land`, with what passes the check of all that the branch holds, see `find_green`. What does
/// not pass is kept, on a branch upon the other called `<branch>-red`.
///
/// An error, and no branch, where the check fails without anything of the run.
Result<CheckedLanding> land_checked(journal::Store& store, const std::string& state_folder,
                                    const ChosenRun& run, const std::string& branch,
                                    const LandingCheck& check);

}  // namespace interlock::runs
