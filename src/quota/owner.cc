#include "quota/owner.h"

#include <unistd.h>

#include "sys/proc.h"

namespace interlock::quota {
namespace {

constexpr int kPidBits = 22;  // the kernel's PID_MAX_LIMIT

Owner owner_of(const sys::ProcessStat& process) {
  return (static_cast<Owner>(process.start_ticks) << kPidBits) | static_cast<Owner>(process.pid);
}

/// What /proc says of that very process; nothing once it is gone.
std::optional<sys::ProcessStat> stat_of(Owner owner) {
  const pid_t pid = pid_of(owner);
  if (pid <= 0) return {};
  auto stat = sys::stat_of(pid);
  if (!stat || owner_of(*stat) != owner) return {};
  return stat;
}

}  // namespace

Owner this_process() {
  const pid_t pid = ::getpid();
  return owner_of(sys::stat_of(pid).value_or(sys::ProcessStat{.pid = pid}));
}

bool is_alive(Owner owner) {
  const auto stat = stat_of(owner);
  // A zombie runs no more; that nobody has fetched its status yet is not our matter.
  return stat && stat->alive();
}

bool is_stopped(Owner owner) {
  const auto stat = stat_of(owner);
  return stat && (stat->state == 'T' || stat->state == 't');
}

}  // namespace interlock::quota
