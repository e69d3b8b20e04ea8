#include "process/local_processes.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <shared_mutex>
#include <thread>
#include <utility>

#include "base/check.h"
#include "base/text.h"
#include "process/attempt.h"
#include "process/cgroup_trees.h"
#include "process/leftovers.h"
#include "process/log_file.h"
#include "process/walked_trees.h"
#include "sys/asked_to_end.h"
#include "sys/awaited_children.h"
#include "sys/process_identity.h"

namespace interlock::process {

using engine::AttemptName;
using namespace std::chrono_literals;

namespace {

constexpr Duration kWaitMax = 1h;
/// How long the end of a host waits for what cannot be killed at once.
constexpr Duration kEndPatience = 10s;
/// What a turn may take once a signal was heard. Ten seconds later most supervisors kill.
constexpr Duration kPatienceOfTurn = 2s;
/// How often a tree is looked at again that should have told us it is empty, and one that cannot
/// tell.
constexpr Duration kEmptiedPatience = 1s;
constexpr Duration kLookMax = 50ms;

std::vector<int> signals_ignored_here() {
  std::vector<int> ignored;
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction now{};
    if (::sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_IGN)
      ignored.push_back(signal);
  }
  return ignored;
}

/// The attempt could have written anything there: one line is taken, and no pipe is waited for.
std::string read_remark(const std::string& file) {
  constexpr std::size_t kLongest = 400;
  const sys::Descriptor in(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
  std::string text(kLongest, '\0');
  const ssize_t count = in ? ::read(in.get(), text.data(), text.size()) : -1;
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  text.resize(std::min(text.size(), text.find('\n')));
  return printable(text);
}

/// What the root took, with those below it that were waited for. Until it executes its program it
/// has our memory, and that counts as its own: no more than we had says nothing.
void note_use(const rusage& used, engine::Exited& exited) {
  const auto time = [](const timeval& it) { return Duration(it.tv_sec * 1'000'000 + it.tv_usec); };
  exited.cpu_time = time(used.ru_utime) + time(used.ru_stime);
  rusage own{};
  if (::getrusage(RUSAGE_SELF, &own) == 0 && used.ru_maxrss > own.ru_maxrss)
    exited.memory_peak_bytes = std::int64_t{used.ru_maxrss} * 1024;
}

}  // namespace

LocalProcesses::LocalProcesses(engine::Clock& clock, LocalOptions options)
    : clock_(clock), options_(std::move(options)) {}

Result<std::unique_ptr<LocalProcesses>> LocalProcesses::open(engine::Clock& clock,
                                                             LocalOptions options) {
  std::unique_ptr<LocalProcesses> host(new LocalProcesses(clock, std::move(options)));
  host->take_over_process();
  if (auto chosen = host->choose_trees(); !chosen) return std::unexpected(chosen.error());
  return host;
}

void LocalProcesses::take_over_process() {
  // With 0, 1 or 2 closed, a pipe of ours would get that number and be overwritten in the child.
  int number = 0;
  do {
    number = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  } while (number >= 0 && number <= STDERR_FILENO);
  nothing_ = sys::Descriptor(number);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  on_broken_pipe_before_ = ::signal(SIGPIPE, SIG_IGN);
  ignored_signals_ = signals_ignored_here();
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
    open_files_before_ = files;
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
  }
  sys::begin_unasked();
  std::vector<int> wanted{SIGINT, SIGTERM, SIGHUP, SIGUSR1};
  // Under nohup, or in the background of a shell script, we are meant to be deaf to some.
  std::erase_if(wanted, [&](int signal) {
    return std::ranges::find(ignored_signals_, signal) != ignored_signals_.end();
  });
  pokes_ = sys::Descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  check(static_cast<bool>(pokes_), "an eventfd is there");
  on_poke_ = loop_.watching(pokes_.get(), EPOLLIN, [this] {
    std::uint64_t count = 0;
    if (::read(pokes_.get(), &count, sizeof count) <= 0) return;
    if (is_to_wake_.exchange(false)) is_woken_ = true;
    if (is_poked_.exchange(false)) reports_.emplace_back(engine::Poked{});
  });
  signals_ = loop_.on_signals(wanted, [this](int signal) {
    if (signal == SIGUSR1) {
      reports_.emplace_back(engine::Poked{});
    } else {
      is_ending_ = true;
      reports_.emplace_back(engine::Interrupted{signal});
    }
  });
}

void LocalProcesses::poke() {
  is_poked_ = true;
  ring();
}

void LocalProcesses::wake() {
  is_to_wake_ = true;
  ring();
}

void LocalProcesses::ring() {
  const std::uint64_t one = 1;
  // Full, at 2^64 - 1 unread pokes, it is readable all the same.
  [[maybe_unused]] const ssize_t written = ::write(pokes_.get(), &one, sizeof one);
}

Result<void> LocalProcesses::choose_trees() {
  if (options_.trees != Trees::walk) {
    auto cgroups = CgroupTrees::open();
    if (cgroups) {
      keeper_ = std::move(*cgroups);
      trees_in_words_ = "cgroup";
      return {};
    }
    if (options_.trees == Trees::cgroup) return std::unexpected(cgroups.error());
    trees_in_words_ = "walk: " + cgroups.error().message;
  } else {
    trees_in_words_ = "walk";
  }
  keeper_ = std::make_unique<WalkedTrees>();
  return {};
}

LocalProcesses::~LocalProcesses() {
  for (auto& [name, attempt] : attempts_) {
    if (attempt->state < Attempt::State::draining) kill_tree(*attempt);
  }
  const Time patience_ends = clock_.now() + kEndPatience;
  while (!attempts_.empty() && clock_.now() < patience_ends) loop_.run_once(kLookMax);
  over_.clear();
  attempts_.clear();
  // The last of them may take a moment from being killed to being dead.
  for (int looks = 0; looks < 100 && (reap_orphans(), !sys::own_children().empty()); ++looks) {
    std::this_thread::sleep_for(1ms);
  }
  keeper_.reset();
  if (open_files_before_) ::setrlimit(RLIMIT_NOFILE, &*open_files_before_);
  ::signal(SIGPIPE, on_broken_pipe_before_);
  ::prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
}

Result<void> LocalProcesses::spawn(const engine::SpawnSpec& spec) {
  check(!spec.arguments.empty() && !spec.label.empty(), "an attempt has arguments and a label");
  check(!attempts_.contains(spec.name), "an attempt is started once");
  auto attempt = std::make_unique<Attempt>(spec, options_.log_bytes_max, options_.redaction);
  if (auto started = start(*attempt, spec); !started) return started;
  Attempt& kept = *attempts_.emplace(spec.name, std::move(attempt)).first->second;
  reports_.push_back(
      engine::Spawned{spec.name, {sys::boot_id(), kept.root.pid, kept.root.start_ticks}});
  return {};
}

void LocalProcesses::stop(AttemptName name, Duration grace) {
  const auto found = attempts_.find(name);
  if (found == attempts_.end()) return;
  Attempt& attempt = *found->second;
  attempt.kill_at = clock_.now() + grace;
  if (attempt.state == Attempt::State::clearing) clear_tree(attempt);
  if (attempt.state != Attempt::State::running) return;
  if (!std::exchange(attempt.asked_to_stop, true)) attempt.tree->send(SIGTERM);
  if (grace > Duration::zero()) {
    attempt.patience = loop_.after(grace, [this, &attempt] { kill_tree(attempt); });
  } else {
    kill_tree(attempt);
  }
}

void LocalProcesses::on_root_exit(Attempt& attempt) {
  siginfo_t info{};
  rusage used{};
  // The C library's `waitid` has no place for what it used.
  if (::syscall(SYS_waitid, P_PIDFD, attempt.pidfd.get(), &info, WEXITED | WNOHANG, &used) != 0 ||
      info.si_pid == 0) {
    return;
  }
  note_use(used, attempt.exited);
  attempt.on_exit.reset();
  attempt.on_input.reset();
  attempt.input_fd.reset();
  if (info.si_code == CLD_EXITED) {
    attempt.exited.exit_code = info.si_status;
  } else {
    attempt.exited.signal = info.si_status;
  }
  if (!attempt.remark_file.empty()) attempt.exited.hindered = read_remark(attempt.remark_file);
  attempt.tree->root_gone();
  attempt.state = Attempt::State::clearing;
  clear_tree(attempt);
}

/// Goes on to draining when the tree is empty; else sees to it that it becomes so.
void LocalProcesses::clear_tree(Attempt& attempt) {
  if (attempt.tree->empty()) {
    attempt.state = Attempt::State::draining;
    attempt.on_emptied.reset();
    attempt.patience.reset();
    drain(attempt);
    return;
  }
  const Time now = clock_.now();
  if (!attempt.kill_at) attempt.kill_at = now + options_.stray_grace;
  if (attempt.killed || now >= *attempt.kill_at) kill_tree(attempt);
  if (now >= attempt.killed_since + options_.kill_patience && attempt.killed)
    return give_up(attempt);
  const int emptied = attempt.tree->emptied();
  if (emptied >= 0 && !attempt.on_emptied) {
    attempt.on_emptied =
        loop_.watching(emptied, EPOLLPRI, [this, &attempt] { clear_tree(attempt); });
  }
  Duration next_look =
      emptied >= 0 ? kEmptiedPatience
                   : std::exchange(attempt.next_look, std::min(attempt.next_look * 2, kLookMax));
  if (!attempt.killed) next_look = std::min(next_look, *attempt.kill_at - now);
  attempt.patience = loop_.after(next_look, [this, &attempt] { clear_tree(attempt); });
}

void LocalProcesses::kill_tree(Attempt& attempt) {
  if (!attempt.killed && attempt.state == Attempt::State::clearing) {
    // At least one: the tree is not empty, even if its members cannot be seen one by one.
    attempt.exited.strays =
        static_cast<std::uint32_t>(std::max<std::size_t>(attempt.tree->members().size(), 1));
  }
  if (!std::exchange(attempt.killed, true)) attempt.killed_since = clock_.now();
  attempt.tree->send(SIGKILL);
  // Its end is told by its pidfd; what cannot be killed never tells.
  if (attempt.state == Attempt::State::running)
    attempt.patience = loop_.after(options_.kill_patience, [this, &attempt] { give_up(attempt); });
}

/// It waits for a device, or is another user's: whether it is gone, or ever will be, nobody knows.
/// The attempt ends all the same, and says so.
void LocalProcesses::give_up(Attempt& attempt) {
  std::vector<std::string>& left = attempt.exited.unproven;
  for (const sys::ProcessStat& member : attempt.tree->members())
    left.push_back(sys::name_for_people(member));
  if (left.empty()) left.emplace_back("a process that cannot be seen");
  const std::string said = fmt::format("{} could not be proven gone\n", join_words(left));
  attempt.log.add(clock_.now(), Stream::remark, said);
  if (attempt.state == Attempt::State::running) attempt.exited.signal = SIGKILL;
  attempt.on_exit.reset();
  attempt.on_input.reset();
  attempt.input_fd.reset();
  attempt.on_emptied.reset();
  attempt.patience.reset();
  attempt.state = Attempt::State::draining;
  drain(attempt);
}

/// What lost its parent became our child. A root has its own pidfd; one that is dead and not yet
/// waited for ends the round early, and the next end of an attempt goes on.
void LocalProcesses::reap_orphans() {
  const std::unique_lock alone(sys::awaited_children(), std::try_to_lock);
  if (!alone) return;
  for (;;) {
    siginfo_t info{};
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return;
    const pid_t dead = info.si_pid;
    if (std::ranges::any_of(attempts_,
                            [&](const auto& entry) { return entry.second->root.pid == dead; }))
      return;
    ::waitid(P_PID, static_cast<id_t>(dead), &info, WEXITED | WNOHANG);
  }
}

std::vector<engine::Report> LocalProcesses::wait(std::optional<Time> deadline) {
  if (!over_.empty()) reap_orphans();
  over_.clear();
  Time now = clock_.now();
  const Time until = std::min(deadline.value_or(Time::max()), now + kWaitMax);
  loop_.run_once(reports_.empty() && !is_woken_ ? until - now : Duration::zero());
  while (reports_.empty() && !is_woken_ && (now = clock_.now()) < until)
    loop_.run_once(until - now);
  is_woken_ = false;
  if (is_ending_) sys::end_within(kPatienceOfTurn);
  return std::exchange(reports_, {});
}

std::optional<Time> LocalProcesses::last_output_at(AttemptName name) const {
  const auto found = attempts_.find(name);
  return found == attempts_.end() ? std::nullopt : std::optional(found->second->last_output);
}

std::string LocalProcesses::last_line(AttemptName name) const {
  const auto found = attempts_.find(name);
  return found == attempts_.end() ? "" : printable(found->second->last_line);
}

std::string LocalProcesses::take_output(AttemptName name) {
  auto taken = outputs_.extract(name);
  return taken ? std::move(taken.mapped()) : "";
}

engine::Observed LocalProcesses::observed(AttemptName name) const {
  return observer_ ? observer_->observed(name) : engine::Observed{.gap = "it was not watched"};
}

Result<engine::Leftovers> LocalProcesses::end_leftovers(
    const std::string& label, const std::optional<ProcessIdentity>& process) {
  const auto ended = process::end_leftovers(label, process);
  reap_orphans();
  if (!ended) return std::unexpected(ended.error());
  engine::Leftovers left{*ended, {}};
  if (trees_in_words_ == "cgroup" || !process) return left;
  for (const sys::ProcessStat& one : possible_leftovers(*process))
    left.unproven.push_back(sys::name_for_people(one));
  return left;
}

}  // namespace interlock::process
