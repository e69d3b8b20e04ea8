#include "cli/isolation.h"

#include <fmt/format.h>

#include <map>
#include <vector>

#include "base/text.h"
#include "process/host.h"
#include "views/host_check.h"

namespace interlock::cli {

namespace {

/// Each isolation is tried out once, however many tasks ask for it.
class Possible {
 public:
  Possible(const std::string& workspace, const std::string& state_folder)
      : workspace_(workspace), state_folder_(state_folder) {}

  const Result<void>& operator()(plan::Isolation isolation) {
    const auto found = known_.find(isolation);
    if (found != known_.end()) return found->second;
    return known_.emplace(isolation, can_isolate(isolation, workspace_, state_folder_))
        .first->second;
  }

 private:
  const std::string& workspace_;
  const std::string& state_folder_;
  std::map<plan::Isolation, Result<void>> known_;
};

struct Fallback {
  std::size_t count = 0;
  std::string first;  ///< The id of the first task.
};

}  // namespace

Result<void> settle_commits(plan::Plan& plan) {
  if (!plan.commit_each) return {};
  const auto why_none = views::can_commit(plan.workspace);
  if (!why_none)
    return std::unexpected(within(why_none.error(), "`commits: task` cannot be kept").error());
  if (!why_none->empty()) {
    plan.notes.push_back(fmt::format("`commits: task` makes no commit here: {}", *why_none));
    return {};
  }
  std::vector<std::string> without;
  for (const plan::Task& task : plan.tasks) {
    const bool has_picture =
        task.isolation == plan::Isolation::view || task.isolation == plan::Isolation::worktree;
    if (!has_picture) without.push_back(fmt::format("`{}`", task.id));
  }
  if (without.empty()) return {};
  plan.notes.push_back(fmt::format(
      "`commits: task` makes no commit for {}: what a task changes is known of the isolations "
      "`view` and `worktree` only",
      join_words(without)));
  return {};
}

Result<void> can_isolate(plan::Isolation isolation, const std::string& workspace,
                         const std::string& state_folder) {
  if (isolation == plan::Isolation::direct) return {};
  if (auto able = process::can_enclose(isolation); !able) return able;
  return views::can_open(isolation, workspace, state_folder);
}

Result<void> settle_isolation(plan::Plan& plan, const std::string& state_folder) {
  Possible possible(plan.workspace, state_folder);
  std::map<std::pair<plan::Isolation, plan::Isolation>, Fallback> fallbacks;
  for (plan::Task& task : plan.tasks) {
    const plan::Isolation wanted = task.isolation;
    if (possible(wanted)) continue;
    bool found = false;
    for (const plan::Isolation other : task.isolation_else) {
      if (!possible(other)) continue;
      task.isolation = other;
      Fallback& fallback = fallbacks[{wanted, other}];
      if (fallback.count++ == 0) fallback.first = task.id;
      found = true;
      break;
    }
    if (found) continue;
    const Error& why = possible(wanted).error();
    return fail(Error::Kind::refused,
                fmt::format("task `{}` wants isolation `{}`, which is not to be had here: {}",
                            task.id, plan::name_of(wanted), why.message),
                why.hint.empty()
                    ? fmt::format("allow what will do as well, such as `isolation: "
                                  "[{}, guard]`; `interlock doctor` tells what there is",
                                  plan::name_of(wanted))
                    : why.hint);
  }
  for (const auto& [which, fallback] : fallbacks) {
    plan.notes.push_back(fmt::format(
        "`{}`{} isolated by `{}` instead of `{}`: {}", fallback.first,
        fallback.count == 1 ? " is" : fmt::format(" and {} more are", fallback.count - 1),
        plan::name_of(which.second), plan::name_of(which.first),
        possible(which.first).error().message));
  }
  return settle_commits(plan);
}

}  // namespace interlock::cli
