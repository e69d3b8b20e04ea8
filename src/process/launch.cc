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

#include "process/proc.h"
#include "process/secrecy.h"

namespace interlock::process {
namespace {

/// clone3 without libc around it: both return here, on one stack, so nothing may be popped in
/// between. The child leaves downwards, into a function that never returns.
INTERLOCK_BARE long clone_into(clone_args& how, Walk* walk) {
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
long give_birth(Walk* walk, int cgroup, int& pidfd) {
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

void reap(const Fd& pidfd) {
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
      return refuse(reason(error), launch.enclosing == nullptr
                                       ? ""
                                       : "where it is kept to a footprint, that has to hold the "
                                         "program too");
    default: return refuse(reason(error), "");
  }
}

std::unexpected<Error> cannot_enclose(const std::string& program, const Step& step, int error) {
  const bool by_namespace =
      step.act == Step::Act::enter_namespaces || step.act == Step::Act::write_text;
  return fail(
      Error::Kind::io,
      fmt::format("cannot start `{}`: cannot {}: {}", program, in_words(step), reason(error)),
      by_namespace ? "see `interlock doctor` for what this host allows, or choose another isolation"
                   : "");
}

std::unexpected<Error> explain(const Launch& launch, const Step& step, int error) {
  const std::string& program = launch.arguments.front();
  switch (step.act) {
    case Step::Act::execute: return cannot_execute(launch, error);
    case Step::Act::enter_folder:
      return fail(Error::Kind::io, fmt::format("cannot start `{}` in the folder `{}`: {}", program,
                                               step.a, reason(error)));
    case Step::Act::die_with_parent:
    case Step::Act::take_streams:
    case Step::Act::close_others:
    case Step::Act::limit:
      return fail(Error::Kind::io, fmt::format("cannot start `{}`: {}", program, reason(error)));
    default: return cannot_enclose(program, step, error);
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
std::vector<Step> way(const Launch& launch, const int (&streams)[3], const rlimit& brand,
                      const Execution& execution) {
  using Act = Step::Act;
  std::vector<Step> steps{
      {.act = Act::lead_session},
      {.act = Act::die_with_parent, .number = static_cast<unsigned long>(::getpid())},
      {.act = Act::heed_signals,
       .data = launch.ignored_signals.data(),
       .number = launch.ignored_signals.size()},
      {.act = Act::take_streams, .data = streams},
      {.act = Act::close_others, .descriptor = launch.told ? launch.told->socket : -1},
      // It can do without: see brand.h.
      {.act = Act::limit, .data = &brand, .number = RLIMIT_RTTIME, .can_do_without = true}};
  const auto append = [&](const std::vector<Step>& more) {
    steps.insert(steps.end(), more.begin(), more.end());
  };
  if (launch.enclosing != nullptr) append(launch.enclosing->around());
  steps.push_back({.act = Act::enter_folder, .a = launch.folder.c_str()});
  if (launch.open_files) {
    steps.push_back({.act = Act::limit, .data = &*launch.open_files, .number = RLIMIT_NOFILE});
  }
  if (launch.enclosing != nullptr) append(launch.enclosing->within());
  steps.push_back({.act = Act::unblock_signals});
  // Last, so that what we do ourselves is not told, and all of what it does is.
  if (launch.told != nullptr) steps.push_back({.act = Act::tell_calls, .data = launch.told});
  steps.push_back({.act = Act::execute, .a = launch.program.c_str(), .data = &execution});
  return steps;
}

}  // namespace

Result<Launched> launch(const Launch& launch) {
  const auto arguments = pointers(launch.arguments);
  const auto environment = pointers(launch.environment);
  const int streams[3] = {launch.standard_input, launch.standard_output, launch.standard_error};
  const rlimit brand{launch.brand, launch.brand};
  const Execution execution{arguments.data(), environment.data()};
  const auto steps = way(launch, streams, brand, execution);
  Walk walk{.steps = steps.data(), .count = steps.size()};
  int number = -1;
  const std::int64_t earliest = ticks_since_boot();
  const ReadableForAMoment readable(launch.enclosing != nullptr || launch.told != nullptr);
  const long pid = give_birth(&walk, launch.cgroup, number);
  const std::int64_t latest = ticks_since_boot();
  if (pid < 0) return cannot_clone(launch, static_cast<int>(-pid));
  Fd pidfd(number);
  if (walk.failed_at != Walk::kNowhere) {
    reap(pidfd);
    return explain(launch, steps[walk.failed_at], walk.error);
  }
  // Nearly always both readings are the same tick of 10 ms, which is then the start; /proc costs
  // ten times more.
  std::int64_t start = earliest;
  if (earliest != latest) {
    if (const auto seen = look_at(static_cast<pid_t>(pid))) start = seen->start_ticks;
  }
  return Launched{static_cast<pid_t>(pid), start, std::move(pidfd), walk.untold};
}

int try_cgroup(int cgroup) {
  int number = -1;
  const long pid = give_birth(nullptr, cgroup, number);
  if (pid < 0) return static_cast<int>(-pid);
  reap(Fd(number));
  return 0;
}

}  // namespace interlock::process
