#include "cli/isolation.h"

#include <fmt/format.h>

#include <map>
#include <vector>

#include "agents/adapter.h"
#include "base/text.h"
#include "process/host.h"
#include "snapshots/host_check.h"

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

/// Nothing the task would take is available: why, each by itself, and what to write instead.
Error refusal_of(const plan::Plan& plan, const plan::Task& task, Possible& possible) {
  std::string names = fmt::format("`{}`", plan::name_of(task.isolation));
  const Error& first = possible(task.isolation).error();
  std::string reasons = first.message;
  if (!task.isolation_else.empty())
    reasons = fmt::format("{}: {}", plan::name_of(task.isolation), reasons);
  for (const plan::Isolation other : task.isolation_else) {
    names += fmt::format(" or `{}`", plan::name_of(other));
    reasons += fmt::format("; {}: {}", plan::name_of(other), possible(other).error().message);
  }
  const agents::Adapter* adapter = agents::adapter_for(plan.agents[task.agent.index()]);
  const auto powers = adapter == nullptr ? agents::Powers::own : adapter->powers(task.may_write());
  std::string hint = first.hint;
  if (powers != agents::Powers::own) {
    hint =
        fmt::format("{}, or write `isolation: direct`: it then works in the real workspace{}",
                    hint.empty() ? "`interlock doctor` shows what this host lacks" : hint,
                    powers == agents::Powers::unchecked ? " with its permission checks off" : "");
  } else if (hint.empty()) {
    hint = fmt::format(
        "allow others as well, such as `isolation: [{}, guard]`; `interlock doctor` shows "
        "what this host supports",
        plan::name_of(task.isolation));
  }
  return {Error::Kind::refused,
          fmt::format("task `{}` wants isolation {}, which is not available here: {}", task.id,
                      names, reasons),
          std::move(hint)};
}

}  // namespace

Result<void> settle_commits(plan::Plan& plan) {
  if (!plan.commit_each) return {};
  const auto why_none = snapshots::can_commit(plan.workspace);
  if (!why_none)
    return std::unexpected(within(why_none.error(), "`commits: task` cannot be kept").error());
  if (!why_none->empty()) {
    plan.notes.push_back(fmt::format("`commits: task` makes no commit here: {}", *why_none));
    return {};
  }
  std::vector<std::string> without;
  for (const plan::Task& task : plan.tasks) {
    const bool has_snapshot =
        task.isolation == plan::Isolation::view || task.isolation == plan::Isolation::worktree;
    if (!has_snapshot) without.push_back(fmt::format("`{}`", task.id));
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
  if (auto able = process::can_sandbox(isolation); !able) return able;
  return snapshots::can_open(isolation, workspace, state_folder);
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
    return std::unexpected(refusal_of(plan, task, possible));
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
