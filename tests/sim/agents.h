#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "plan/plan.h"
#include "sim/dice.h"
#include "support/fake_picture.h"

// Agents that work in views, and what must come of them. Everything an agent does follows from its
// task, from the answers it is given, and from what it reads: which paths it looks at next, what it
// writes and where. So a task that was shown anything else than in the sequential run is found out.
namespace interlock::sim {

using Files = std::map<std::string, std::string>;

/// A file in which those that have `enters` among their arguments enter themselves, as one adds a
/// line to a lock file: they read it, and learn nothing of it.
inline constexpr std::string_view kList = "list";

/// What agents find: a handful of files of several lines each.
Files first_files();

/// Does the work of a task, and answers with a digest of all that it learnt. Of `question` only the
/// answers of others in it count, so that it does not matter how a prompt is put together. Keeps to
/// the task's footprint where it has one.
std::string work(const plan::Task& task, const std::string& question,
                 testing_support::FakeSnapshot& snapshot);

/// Whether the task is one that fails at what it finds (`moody` among its arguments), and found it:
/// that follows from its answer alone.
bool fails_at_what_it_found(const plan::Task& task, const std::string& answer);

/// A task's check: looks around, leaves rubbish, and says yes.
void look_over(const plan::Task& task, testing_support::FakeSnapshot& snapshot);

struct Sequential {
  Files files;
  std::set<std::string> folders;
  std::vector<std::string> answers;              ///< By task.
  std::vector<testing_support::FakeTree> found;  ///< By task: what it works on.
};
/// What the design promises: the tasks one by one in plan order, each upon what the one before
/// left. Without those that are not among `done`, where that is told. Of one that fails nothing
/// stays.
Sequential one_by_one(const plan::Plan& plan, const Files& files,
                      const std::vector<bool>& done = {});

/// What a task of `one_by_one` is asked, given the answers so far.
std::string question_of(const plan::Task& task, const std::vector<std::string>& answers);

}  // namespace interlock::sim
