#pragma once

#include <string>
#include <vector>

namespace interlock::process {

/// What an attack is about.
enum class Target : unsigned char {
  nothing,
  file,       ///< A file of the same user, outside the workspace.
  own_file,   ///< One in the workspace, declared.
  workspace,  ///< The folder.
  dispatcher,
  terminal  ///< Of the same user, somebody else's.
};

struct Attack {
  std::string id;  ///< Of attacker.cc, and of the table in docs/isolation.md.
  Target target = Target::nothing;
  bool named = false;  ///< Whether `why` says that it was tried.
};

/// All that are tried, as root and as an ordinary user, from a view and from a guard: none of them
/// may come to anything.
inline std::vector<Attack> attacks() {
  return {
      {"fchmod", Target::file, true},
      {"fchown", Target::file, true},
      {"fchownat-empty", Target::file, true},
      {"utimensat", Target::file, true},
      {"futimens", Target::file, true},
      {"setxattr", Target::file, true},
      {"lsetxattr", Target::file, true},
      {"fsetxattr", Target::file, true},
      {"removexattr", Target::file, true},
      {"setflags", Target::file},
      {"immutable", Target::own_file},
      {"mknod-character", Target::workspace, true},
      {"mknod-block", Target::workspace, true},
      {"disk"},
      {"memory"},
      {"keyboard"},
      {"console"},
      {"bpf", Target::nothing, true},
      {"module", Target::nothing, true},
      {"kexec", Target::nothing, true},
      {"reboot", Target::nothing, true},
      {"sethostname", Target::nothing, true},
      {"swapoff", Target::nothing, true},
      {"keyring", Target::nothing, true},
      {"handles", Target::nothing, true},
      {"setns", Target::nothing, true},
      {"mount", Target::workspace, true},
      {"mount-in-a-namespace", Target::workspace},
      {"environ", Target::dispatcher},
      {"process-memory", Target::dispatcher},
      {"ptrace", Target::dispatcher},
      {"process-read", Target::dispatcher},
      {"process-write", Target::dispatcher},
      {"pidfd-getfd", Target::dispatcher},
      {"perf", Target::dispatcher},
      {"oom-score", Target::dispatcher},
      {"fanotify"},
      {"io-uring"},
      {"mount-api"},
      {"fchmodat2", Target::file},
      {"signal", Target::dispatcher},
      {"prlimit", Target::dispatcher, true},
      {"setpriority", Target::dispatcher, true},
      {"setpriority-user", Target::nothing, true},
      {"sched", Target::dispatcher, true},
      {"affinity", Target::dispatcher, true},
      {"terminal", Target::terminal},
      {"typing"},
  };
}

}  // namespace interlock::process
