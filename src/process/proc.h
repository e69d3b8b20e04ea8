#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What /proc says about processes. Every answer may be out of date when it arrives; only a pidfd is
// not.
namespace interlock::process {

/// One line of /proc/PID/stat, as far as it is needed (proc(5)).
struct ProcessStat {
  pid_t pid = 0;
  char state = '?';  ///< `Z` and `X` are dead, `D` cannot die yet.
  pid_t parent = 0;
  pid_t group = 0;
  pid_t session = 0;
  std::int64_t start_ticks = 0;

  bool alive() const { return state != 'Z' && state != 'X'; }
};

std::optional<ProcessStat> look_at(pid_t pid);

/// Every process this one can see, by pid.
std::vector<ProcessStat> look_at_all();

/// The direct children of this process, dead ones too.
std::vector<pid_t> own_children();

/// The value of an environment variable as the process was started with it; nothing when it has
/// none, is dead or may not be looked at.
std::optional<std::string> environment_of(pid_t pid, std::string_view variable);

/// `roots` and all their descendants that are alive in `all`.
std::vector<ProcessStat> with_descendants(const std::vector<ProcessStat>& all,
                                          const std::vector<pid_t>& roots);

/// Sends `signal` to exactly this process, never to a later one with its number. False when it
/// could not be sent although the process is there: it belongs to someone else.
bool send_signal(const ProcessStat& process, int signal);

/// `process 812 (`sleep`)`.
std::string name_for_people(const ProcessStat& process);

/// A file of /proc or of a cgroup, whole; nothing when it cannot be read.
std::optional<std::string> read_whole(const std::string& path);

}  // namespace interlock::process
