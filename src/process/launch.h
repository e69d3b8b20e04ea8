#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "process/child_program.h"
#include "process/fd.h"
#include "process/rlimit_tag.h"
#include "process/sandbox.h"

namespace interlock::process {

/// How a process is to be born.
struct Launch {
  std::string program;  ///< As `find_program` found it.
  const std::vector<std::string>& arguments;
  const std::vector<std::string>& environment;  ///< `NAME=value` each.
  const std::string& folder;
  int standard_input = -1;
  int standard_output = -1;
  int standard_error = -1;
  int cgroup = -1;  ///< Folder of the cgroup it is born in; -1: ours.
  RlimitTag tag = 0;
  const std::vector<int>& ignored_signals;  ///< What this process ignores and the new one must not.
  const std::optional<rlimit>& open_files;  ///< Its limit, where this process raised its own.
  const SandboxSteps* steps_in = nullptr;   ///< None: it runs in the open.
  const HandOver* notified = nullptr;       ///< Who is told of its calls; none: nobody.
  const ChildStep* last =
      nullptr;  ///< What it does before it is executed, and is told; none: nothing.
};

struct Launched {
  pid_t pid = 0;
  std::int64_t start_ticks = 0;
  Fd pidfd;
  int unnotified = 0;  ///< Why nobody is told of its calls (an error number); 0: as was asked.
};

/// Starts a process with a session of its own that the kernel kills when this thread dies, with no
/// descriptor beyond the three. Every failure up to and including execve is returned here; the
/// caller's memory is never copied.
Result<Launched> launch(const Launch& launch);

/// Whether a process can be born in this cgroup, tried out; otherwise the error number.
int try_cgroup(int cgroup);

}  // namespace interlock::process
