#include "sys/process_identity.h"

#include "sys/proc.h"

namespace interlock::sys {

const std::string& boot_id() {
  static const std::string id = [] {
    std::string text = read_whole("/proc/sys/kernel/random/boot_id").value_or("");
    while (text.ends_with('\n')) text.pop_back();
    return text;
  }();
  return id;
}

std::optional<ProcessIdentity> identity_of(pid_t pid) {
  const auto seen = stat_of(pid);
  if (!seen) return std::nullopt;
  return ProcessIdentity{boot_id(), pid, seen->start_ticks};
}

bool is_alive(const ProcessIdentity& process) {
  if (process.boot_id != boot_id()) return false;
  const auto seen = stat_of(static_cast<pid_t>(process.pid));
  return seen && seen->alive() && seen->start_ticks == process.start_ticks;
}

}  // namespace interlock::sys
