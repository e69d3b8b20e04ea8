#include "runs/landing_check.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "base/secret_name.h"
#include "base/text.h"
#include "changes/stale.h"
#include "plan/keys.h"
#include "runs/run_commits.h"
#include "runs/run_models.h"
#include "snapshots/git.h"
#include "snapshots/git_history.h"
#include "snapshots/layout.h"
#include "snapshots/repository.h"

namespace interlock::runs {
namespace {

using snapshots::Committed;
using Steady = std::chrono::steady_clock;

Duration since(Steady::time_point begin) {
  return std::chrono::duration_cast<Duration>(Steady::now() - begin);
}

/// For each, the earlier ones of which it read or changed something.
Result<std::vector<std::vector<std::size_t>>> stands_on(journal::Store& store, const ChosenRun& run,
                                                        const std::vector<Committed>& commits) {
  std::vector<std::vector<std::size_t>> all(commits.size());
  for (std::size_t later = 0; later < commits.size(); ++later) {
    const auto reads = reads_of(store, run, commits[later]);
    if (!reads) return std::unexpected(reads.error());
    for (std::size_t earlier = 0; earlier < later; ++earlier) {
      const std::vector<const changes::Changeset*> before{&commits[earlier].changes};
      if (!changes::stale(*reads, commits[later].changes, before).empty())
        all[later].push_back(earlier);
    }
  }
  return all;
}

/// While it lives, signals that would end us are heard by who waits, so that nothing is left over.
class HeldSignals {
 public:
  HeldSignals() {
    sigemptyset(&held_);
    for (const int signal : {SIGCHLD, SIGINT, SIGTERM, SIGHUP}) sigaddset(&held_, signal);
    ::sigprocmask(SIG_BLOCK, &held_, &before_);
  }
  ~HeldSignals() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }
  HeldSignals(const HeldSignals&) = delete;

  const sigset_t& held() const { return held_; }
  const sigset_t& before() const { return before_; }

 private:
  sigset_t held_{}, before_{};
};

std::vector<std::string> environment_of_checks() {
  std::vector<std::string> entries;
  for (const auto& [name, value] : own_environment()) {
    if (!names_a_secret(name) && !names_a_model_key(name) && !name.starts_with("GIT_"))
      entries.push_back(name + "=" + value);
  }
  return entries;
}

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

/// Whether the command ends with 0 there and in time. An error, and `interrupted`, where this
/// process is asked to end meanwhile.
Result<bool> passes(const LandingCheck& check, const std::string& folder,
                    const HeldSignals& signals, bool& interrupted) {
  const std::vector<std::string> arguments =
      check.command.shell.empty() ? check.command.arguments
                                  : std::vector<std::string>{"sh", "-c", check.command.shell};
  const std::vector<std::string> entries = environment_of_checks();
  const std::vector<char*> raw = pointers_to(arguments), around = pointers_to(entries);
  const pid_t child = ::fork();
  if (child < 0) return fail(Error::Kind::io, "no process could be started for the check");
  if (child == 0) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::sigprocmask(SIG_SETMASK, &signals.before(), nullptr);
    ::signal(SIGPIPE, SIG_DFL);
    const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    ::dup2(nothing, STDIN_FILENO);
    ::dup2(STDERR_FILENO, STDOUT_FILENO);
    if (::chdir(folder.c_str()) == 0) ::execvpe(raw[0], raw.data(), around.data());
    ::_exit(127);
  }
  ::setpgid(child, child);  // Whoever of the two comes first: it is ended by its group.
  const auto until = Steady::now() + check.timeout;
  for (;;) {
    int status = 0;
    const bool is_over = ::waitpid(child, &status, WNOHANG) == child;
    const auto left = until - Steady::now();
    if (is_over || left <= Steady::duration::zero()) {
      ::kill(-child, SIGKILL);  // What it left running, too.
      if (!is_over) ::waitpid(child, nullptr, 0);
      return is_over && status == 0;
    }
    const auto whole = std::chrono::floor<std::chrono::seconds>(left);
    const timespec time{static_cast<time_t>(whole.count()),
                        static_cast<long>(std::chrono::nanoseconds(left - whole).count())};
    const int signal = ::sigtimedwait(&signals.held(), nullptr, &time);
    if (signal <= 0 || signal == SIGCHLD) continue;
    ::kill(-child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    interrupted = true;
    return fail(Error::Kind::refused, "it was interrupted");
  }
}

/// Commits of a run, made on branches of the person's repository.
class Landing {
 public:
  Landing(const std::string& state_folder, const ChosenRun& run,
          const std::vector<Committed>& commits, const snapshots::Repository& repository)
      : run_(run),
        commits_(commits),
        layout_(state_folder, run.id()),
        repository_(repository),
        git_(repository.top),
        folder_(fmt::format("{}/land-{}", layout_.snapshots(), ::getpid())),
        tried_(fmt::format("interlock-check-{}-{}", run.id(), ::getpid())) {}
  ~Landing() { clear(); }
  Landing(const Landing&) = delete;

  /// So many commits of these were made, upon what is there.
  Result<std::size_t> commit(const std::string& branch, bool begins, const std::vector<bool>& which,
                             std::vector<std::string>& remarks) const {
    std::size_t made_so_far = 0;
    for (std::size_t i = 0; i < commits_.size(); ++i) {
      if (!which[i]) continue;
      const snapshots::History history(
          run_.plan().workspace, layout_.snapshots(), run_.id(),
          fmt::format("{}/{}", run_.id(), run_.plan()[task_of(run_.plan(), commits_[i])].id));
      const auto made = history.commit_onto(
          branch, begins && made_so_far == 0,
          {layout_.file(commits_[i].name, "after"), &commits_[i].changes}, remarks);
      if (!made) return std::unexpected(made.error());
      if (*made) ++made_so_far;
    }
    return made_so_far;
  }

  /// A checkout of HEAD with these; the folder that stands for the workspace in it.
  Result<std::string> check_out(const std::vector<bool>& which) {
    clear();
    std::vector<std::string> ignored;
    const auto made = commit(tried_, true, which, ignored);
    if (!made) return std::unexpected(made.error());
    const auto out =
        git_.run({"worktree", "add", "--quiet", "--detach", folder_, *made > 0 ? tried_ : "HEAD"});
    if (!out) return std::unexpected(out.error());
    return folder_ + "/" + snapshots::prefix_of(run_.plan().workspace, repository_.top);
  }
  void clear() const {
    std::error_code trouble;
    if (std::filesystem::exists(folder_, trouble))
      static_cast<void>(git_.run({"worktree", "remove", "--force", "--force", folder_}));
    std::filesystem::remove_all(folder_, trouble);
    static_cast<void>(git_.run({"worktree", "prune"}));
    static_cast<void>(git_.run({"update-ref", "-d", "refs/heads/" + tried_}));
  }

 private:
  const ChosenRun& run_;
  const std::vector<Committed>& commits_;
  snapshots::Layout layout_;
  snapshots::Repository repository_;
  snapshots::Git git_;
  std::string folder_, tried_;
};

}  // namespace

const plan::Task* run_check_of(const plan::Plan& plan) {
  const auto found = std::ranges::find(plan.tasks, plan::kRunCheck, &plan::Task::id);
  return found == plan.tasks.end() ? nullptr : &*found;
}

Result<Green> find_green(journal::Store& store, const std::string& state_folder,
                         const ChosenRun& run, const LandingCheck& check) {
  if (auto over = check_over(run); !over) return std::unexpected(over.error());
  const auto commits = commits_of(store, run);
  if (!commits) return std::unexpected(commits.error());
  const auto repository = snapshots::repository_of(run.plan().workspace);
  if (!repository) return std::unexpected(repository.error());
  const auto stands = stands_on(store, run, *commits);
  if (!stands) return std::unexpected(stands.error());

  Green result;
  for (const Committed& commit : *commits) result.tasks.push_back(task_of(run.plan(), commit));
  const auto begin = Steady::now();
  std::size_t number = 0;
  const HeldSignals signals;
  Landing landing(state_folder, run, *commits, *repository);
  const auto try_out = [&](const std::vector<bool>& which) -> Result<bool> {
    const auto folder = landing.check_out(which);
    if (!folder) return std::unexpected(folder.error());
    const auto since_then = Steady::now();
    const auto good = passes(check, *folder, signals, result.interrupted);
    if (good && check.on_check) {
      check.on_check(fmt::format("check {} of at most {}: {} of {} commits {} after {}", ++number,
                                 check.most_checks, std::ranges::count(which, true), which.size(),
                                 *good ? "pass" : "fail", show_duration(since(since_then))));
    }
    return good;
  };
  auto found = green_subset(*stands, std::max<std::size_t>(check.most_checks, 2), try_out);
  if (result.interrupted) return result;
  if (!found) return std::unexpected(found.error());
  result.subset = std::move(*found);
  result.took = since(begin);
  if (result.subset.base_is_red)
    return fail(Error::Kind::refused,
                "the check fails on HEAD without anything of the run: it says nothing of the run's "
                "changes, and no branch was made",
                "mend HEAD or the check, or land without `--verify`");
  return result;
}

Result<CheckedLanding> land_checked(journal::Store& store, const std::string& state_folder,
                                    const ChosenRun& run, const std::string& branch,
                                    const LandingCheck& check) {
  if (auto over = check_over(run); !over) return std::unexpected(over.error());
  const auto commits = commits_of(store, run);
  if (!commits) return std::unexpected(commits.error());
  const auto repository = snapshots::repository_of(run.plan().workspace);
  if (!repository) return std::unexpected(repository.error());
  // Before anything is paid for.
  const snapshots::Git git(repository->top);
  for (const std::string& name : {branch, branch + "-red"}) {
    if (!git.run({"check-ref-format", "--branch", name}))
      return fail(Error::Kind::invalid, fmt::format("`{}` is not a name for a branch", name));
    if (git.run({"rev-parse", "--verify", "--quiet", "refs/heads/" + name}))
      return fail(Error::Kind::refused, fmt::format("the branch `{}` is there already", name),
                  fmt::format("name another, or delete it: git branch -D {}", name));
  }

  CheckedLanding result;
  auto green = find_green(store, state_folder, run, check);
  if (!green) return std::unexpected(green.error());
  result.green = std::move(*green);
  if (result.green.interrupted) return result;

  const Landing landing(state_folder, run, *commits, *repository);
  result.landed.branch = branch;
  const auto made = landing.commit(branch, true, result.green.subset.taken, result.landed.remarks);
  if (!made) return std::unexpected(made.error());
  result.landed.commits = *made;
  std::vector<bool> others = result.green.subset.taken;
  others.flip();
  if (std::ranges::find(others, true) == others.end()) return result;
  result.left_out = branch + "-red";
  if (*made > 0) {
    if (auto begun = git.run({"branch", "--no-track", result.left_out, branch}); !begun)
      return std::unexpected(begun.error());
  }
  const auto kept = landing.commit(result.left_out, *made == 0, others, result.landed.remarks);
  if (!kept) return std::unexpected(kept.error());
  return result;
}

}  // namespace interlock::runs
