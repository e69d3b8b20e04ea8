#include "process/launch.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <string_view>

#include "process/proc.h"

namespace interlock::process {
namespace {

// The child between clone and execve shares our memory and our stack (CLONE_VM | CLONE_VFORK: we
// sleep until it is done with them). It may only make system calls; no allocation, no lock, nothing
// instrumented.
#define INTERLOCK_BARE __attribute__((noinline, no_sanitize("address", "undefined", "thread")))

enum class Step : int { none, parent_gone, streams, folder, limit, execute };

/// What the child works from, and where it says what went wrong.
struct Birth {
  const char* program;
  char* const* arguments;
  char* const* environment;
  const char* folder;
  int streams[3];
  pid_t parent;
  const int* ignored_signals;
  std::size_t ignored_signals_count;
  const rlimit* open_files;
  rlimit brand;
  Step failed_at = Step::none;
  int error = 0;
};

/// As the kernel has it; glibc's own is larger.
struct KernelSigaction {
  void (*handler)(int);
  unsigned long flags;
  void (*restorer)();
  unsigned long mask;
};

[[noreturn]] INTERLOCK_BARE void give_up(Birth& birth, Step step) {
  birth.failed_at = step;
  birth.error = errno;
  for (;;) ::syscall(SYS_exit_group, 127);
}

[[noreturn]] INTERLOCK_BARE void be_born(Birth& birth) {
  ::syscall(SYS_setsid);
  ::syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  // Had the parent died before prctl, no signal would ever come.
  if (::syscall(SYS_getppid) != birth.parent) give_up(birth, Step::parent_gone);
  const KernelSigaction by_default{};
  for (std::size_t i = 0; i < birth.ignored_signals_count; ++i) {
    ::syscall(SYS_rt_sigaction, birth.ignored_signals[i], &by_default, nullptr,
              sizeof by_default.mask);
  }
  for (int stream = 0; stream < 3; ++stream) {
    if (::syscall(SYS_dup3, birth.streams[stream], stream, 0) < 0) give_up(birth, Step::streams);
  }
  if (::syscall(SYS_close_range, 3, ~0U, 0) < 0) give_up(birth, Step::streams);
  if (::syscall(SYS_chdir, birth.folder) < 0) give_up(birth, Step::folder);
  if (birth.open_files != nullptr &&
      ::syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, birth.open_files, nullptr) < 0) {
    give_up(birth, Step::limit);
  }
  ::syscall(SYS_prlimit64, 0, RLIMIT_RTTIME, &birth.brand,
            nullptr);  // It can do without: see brand.h.
  const unsigned long no_signal = 0;
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &no_signal, nullptr, sizeof no_signal);
  ::syscall(SYS_execve, birth.program, birth.arguments, birth.environment);
  give_up(birth, Step::execute);
}

/// clone3 without libc around it: both return here, on one stack, so nothing may be popped in
/// between. The child leaves downwards, into a function that never returns.
INTERLOCK_BARE long clone_into(clone_args& how, Birth* birth) {
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
    if (birth != nullptr) be_born(*birth);
    for (;;) ::syscall(SYS_exit_group, 0);
  }
  return result;
}

/// The pid, or the negative error number. No handler of ours may run in the child: it would run in
/// our memory.
long give_birth(Birth* birth, int cgroup, int& pidfd) {
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
  const long pid = clone_into(how, birth);
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
    default: return refuse(reason(error), "");
  }
}

std::unexpected<Error> explain(const Launch& launch, const Birth& birth) {
  const std::string& program = launch.arguments.front();
  switch (birth.failed_at) {
    case Step::execute: return cannot_execute(launch, birth.error);
    case Step::folder:
      return fail(Error::Kind::io, fmt::format("cannot start `{}` in the folder `{}`: {}", program,
                                               launch.folder, reason(birth.error)));
    default:
      return fail(Error::Kind::io,
                  fmt::format("cannot start `{}`: {}", program, reason(birth.error)));
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

}  // namespace

Result<Launched> launch(const Launch& launch) {
  const auto arguments = pointers(launch.arguments);
  const auto environment = pointers(launch.environment);
  Birth birth{.program = launch.program.c_str(),
              .arguments = arguments.data(),
              .environment = environment.data(),
              .folder = launch.folder.c_str(),
              .streams = {launch.standard_input, launch.standard_output, launch.standard_error},
              .parent = ::getpid(),
              .ignored_signals = launch.ignored_signals.data(),
              .ignored_signals_count = launch.ignored_signals.size(),
              .open_files = launch.open_files ? &*launch.open_files : nullptr,
              .brand = {launch.brand, launch.brand}};
  int number = -1;
  const std::int64_t earliest = ticks_since_boot();
  const long pid = give_birth(&birth, launch.cgroup, number);
  const std::int64_t latest = ticks_since_boot();
  if (pid < 0) return cannot_clone(launch, static_cast<int>(-pid));
  Fd pidfd(number);
  if (birth.failed_at != Step::none) {
    reap(pidfd);
    return explain(launch, birth);
  }
  // Nearly always both readings are the same tick of 10 ms, which is then the start; /proc costs
  // ten times more.
  std::int64_t start = earliest;
  if (earliest != latest) {
    if (const auto seen = look_at(static_cast<pid_t>(pid))) start = seen->start_ticks;
  }
  return Launched{static_cast<pid_t>(pid), start, std::move(pidfd)};
}

int try_cgroup(int cgroup) {
  int number = -1;
  const long pid = give_birth(nullptr, cgroup, number);
  if (pid < 0) return static_cast<int>(-pid);
  reap(Fd(number));
  return 0;
}

Result<std::string> find_program(const std::string& name, const std::string& path,
                                 const std::string& folder) {
  enum class Found : unsigned char { nothing, not_executable, program };
  const auto probe = [&](const std::string& file) {
    const std::string place = file.starts_with('/') ? file : folder + "/" + file;
    struct stat status {};
    if (::stat(place.c_str(), &status) != 0) return Found::nothing;
    const bool executable = S_ISREG(status.st_mode) && ::access(place.c_str(), X_OK) == 0;
    return executable ? Found::program : Found::not_executable;
  };
  const auto refuse = [&](const std::string& file) {
    return fail(
        Error::Kind::missing,
        fmt::format("cannot execute `{}`: `{}` is not an executable file", name, file),
        fmt::format("make it executable with `chmod +x {}`, or name its interpreter", file));
  };
  if (name.find('/') != std::string::npos) {
    switch (probe(name)) {
      case Found::program: return name;
      case Found::not_executable: return refuse(name);
      case Found::nothing:
        return fail(Error::Kind::missing,
                    fmt::format("cannot execute `{}`: no such file in `{}`", name, folder));
    }
  }
  std::string unusable;
  for (std::string_view rest = path; !name.empty();) {
    const auto colon = rest.find(':');
    const std::string_view entry = rest.substr(0, colon);
    std::string file = entry.empty() ? "./" + name : fmt::format("{}/{}", entry, name);
    const Found found = probe(file);
    if (found == Found::program) return file;
    if (found == Found::not_executable && unusable.empty()) unusable = std::move(file);
    if (colon == std::string_view::npos) break;
    rest.remove_prefix(colon + 1);
  }
  if (!unusable.empty()) return refuse(unusable);
  return fail(Error::Kind::missing, fmt::format("cannot execute `{}`: not found in PATH", name),
              "install it, or give its whole path");
}

}  // namespace interlock::process
