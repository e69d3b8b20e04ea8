#include "process/launch.h"

#include <fmt/format.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <string_view>
#include <utility>

#include "process/secrecy.h"
#include "sys/proc.h"

namespace interlock::process {
namespace {

/// clone3 without libc around it: both return here, on one stack, so nothing may be popped in
/// between. The child leaves downwards, into a function that never returns.
INTERLOCK_BARE long clone_into(clone_args& how, ChildProgram* walk) {
#if defined(__x86_64__)
  long result = SYS_clone3;
  asm volatile("syscall" : "+a"(result) : "D"(&how), "S"(sizeof how) : "rcx", "r11", "memory");
#elif defined(__aarch64__)
  register long result asm("x0") = reinterpret_cast<long>(&how);
  register long size asm("x1") = sizeof how;
  register long number asm("x8") = SYS_clone3;
  asm volatile("svc 0" : "+r"(result) : "r"(size), "r"(number) : "memory");
#else
#error "clone3 is written for x86-64 and aarch64 only"
#endif
  if (result == 0) {
    if (walk != nullptr) take(*walk);
    for (;;) ::syscall(SYS_exit_group, 0);
  }
  return result;
}

/// The pid, or the negative error number. No handler of ours may run in the child: it would run in
/// our memory.
long give_birth(ChildProgram* walk, int cgroup, int& pidfd) {
  clone_args how{};
  how.flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_CLEAR_SIGHAND;
  how.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
  how.exit_signal = SIGCHLD;
  if (cgroup >= 0) {
    how.flags |= CLONE_INTO_CGROUP;
    how.cgroup = static_cast<std::uint64_t>(cgroup);
  }
  const unsigned long all_signals = ~0UL;
  unsigned long before = 0;
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all_signals, &before, sizeof before);
  const long pid = clone_into(how, walk);
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, nullptr, sizeof before);
  return pid;
}

void reap(const sys::Descriptor& pidfd) {
  siginfo_t info{};
  while (::waitid(static_cast<idtype_t>(P_PIDFD), pidfd.get(), &info, WEXITED) < 0 &&
         errno == EINTR) {
  }
}

std::int64_t ticks_since_boot() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return now.tv_sec * 100 +
         now.tv_nsec / 10'000'000;  // USER_HZ is 100 on every Linux that has clone3.
}

std::string_view reason(int error) { return std::strerror(error); }

std::unexpected<Error> cannot_execute(const Launch& launch, int error) {
  const std::string& program = launch.arguments.front();
  const auto refuse = [&](std::string_view why, std::string hint) {
    return fail(Error::Kind::io, fmt::format("cannot execute `{}`: {}", program, why),
                std::move(hint));
  };
  switch (error) {
    case E2BIG:
      return refuse("the arguments are too long for the system",
                    "give the prompt on standard input or in a file");
    case ENOEXEC:
      return refuse(
          "neither a program nor a script with a `#!` line",
          fmt::format("start it with a line such as `#!/bin/sh`, or run it as `sh {}`", program));
    case ENOENT:
      return refuse("its interpreter does not exist", "look at its `#!` line, or at `ldd` of it");
    case EACCES:
      return refuse(reason(error), launch.steps_in == nullptr
                                       ? ""
                                       : "where it is kept to a footprint, that has to hold the "
                                         "program too");
    default: return refuse(reason(error), "");
  }
}

std::unexpected<Error> cannot_sandbox(const std::string& program, const ChildStep& step,
                                      int error) {
  const bool by_namespace =
      step.act == ChildStep::Act::enter_namespaces || step.act == ChildStep::Act::write_text;
  return fail(
      Error::Kind::io,
      fmt::format("cannot start `{}`: cannot {}: {}", program, in_words(step), reason(error)),
      by_namespace ? "see `interlock doctor` for what this host allows, or choose another isolation"
                   : "");
}

std::unexpected<Error> explain(const Launch& launch, const ChildStep& step, int error) {
  const std::string& program = launch.arguments.front();
  switch (step.act) {
    case ChildStep::Act::execute: return cannot_execute(launch, error);
    case ChildStep::Act::enter_folder:
      return fail(Error::Kind::io, fmt::format("cannot start `{}` in the folder `{}`: {}", program,
                                               step.a, reason(error)));
    case ChildStep::Act::die_with_parent:
    case ChildStep::Act::take_streams:
    case ChildStep::Act::close_others:
    case ChildStep::Act::limit:
      return fail(Error::Kind::io, fmt::format("cannot start `{}`: {}", program, reason(error)));
    case ChildStep::Act::notify_calls:
      return fail(
          Error::Kind::io,
          fmt::format("cannot start `{}`: cannot watch what it does: {}", program, reason(error)),
          error == EMFILE ? "raise the hard limit of open files (`ulimit -Hn`), or lower "
                            "`limits.parallel`"
                          : "");
    default: return cannot_sandbox(program, step, error);
  }
}

std::unexpected<Error> cannot_clone(const Launch& launch, int error) {
  return fail(Error::Kind::io,
              fmt::format("cannot start `{}`: {}", launch.arguments.front(), reason(error)),
              error == EAGAIN
                  ? "the limit of processes is reached: see `ulimit -u`, or lower `limits.parallel`"
                  : "");
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (const std::string& text : texts) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

/// The whole way of the new process, in order.
std::vector<ChildStep> way(const Launch& launch, const int (&streams)[3], const rlimit& tag,
                           const Execution& execution) {
  using Act = ChildStep::Act;
  std::vector<ChildStep> steps{
      {.act = Act::lead_session},
      {.act = Act::die_with_parent, .number = static_cast<unsigned long>(::getpid())},
      {.act = Act::heed_signals,
       .data = launch.ignored_signals.data(),
       .number = launch.ignored_signals.size()},
      {.act = Act::take_streams, .data = streams},
      {.act = Act::close_others,
       .descriptor = launch.notified ? launch.notified->socket : -1,
       .second = launch.steps_in ? launch.steps_in->kept_descriptor() : -1},
      // It can do without: see brand.h.
      {.act = Act::limit, .data = &tag, .number = RLIMIT_RTTIME, .can_do_without = true}};
  const auto append = [&](const std::vector<ChildStep>& more) {
    steps.insert(steps.end(), more.begin(), more.end());
  };
  if (launch.steps_in != nullptr) append(launch.steps_in->around());
  steps.push_back({.act = Act::enter_folder, .a = launch.folder.c_str()});
  if (launch.open_files) {
    steps.push_back({.act = Act::limit, .data = &*launch.open_files, .number = RLIMIT_NOFILE});
  }
  if (launch.steps_in != nullptr) append(launch.steps_in->within());
  steps.push_back({.act = Act::unblock_signals});
  // Last, so that what we do ourselves is not told, and all of what it does is.
  if (launch.notified != nullptr)
    steps.push_back({.act = Act::notify_calls, .data = launch.notified});
  if (launch.last != nullptr) steps.push_back(*launch.last);
  steps.push_back({.act = Act::execute, .a = launch.program.c_str(), .data = &execution});
  return steps;
}

}  // namespace

Result<Launched> launch(const Launch& launch) {
  const auto arguments = pointers(launch.arguments);
  const auto environment = pointers(launch.environment);
  const int streams[3] = {launch.standard_input, launch.standard_output, launch.standard_error};
  const rlimit tag{launch.tag, launch.tag};
  const Execution execution{arguments.data(), environment.data()};
  const auto steps = way(launch, streams, tag, execution);
  ChildProgram walk{.steps = steps.data(), .count = steps.size()};
  int number = -1;
  const std::int64_t earliest = ticks_since_boot();
  const ReadableForAMoment readable(launch.steps_in != nullptr || launch.notified != nullptr);
  const long pid = give_birth(&walk, launch.cgroup, number);
  const std::int64_t latest = ticks_since_boot();
  if (pid < 0) return cannot_clone(launch, static_cast<int>(-pid));
  sys::Descriptor pidfd(number);
  if (walk.failed_at != ChildProgram::kNowhere) {
    reap(pidfd);
    return explain(launch, steps[walk.failed_at], walk.error);
  }
  // Nearly always both readings are the same tick of 10 ms, which is then the start; /proc costs
  // ten times more.
  std::int64_t start = earliest;
  if (earliest != latest) {
    if (const auto seen = sys::stat_of(static_cast<pid_t>(pid))) start = seen->start_ticks;
  }
  return Launched{static_cast<pid_t>(pid), start, std::move(pidfd), walk.unnotified};
}

int try_cgroup(int cgroup) {
  int number = -1;
  const long pid = give_birth(nullptr, cgroup, number);
  if (pid < 0) return static_cast<int>(-pid);
  reap(sys::Descriptor(number));
  return 0;
}

}  // namespace interlock::process
