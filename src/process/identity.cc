#include "process/identity.h"

#include "process/proc.h"

namespace interlock::process {

const std::string& boot_id() {
  static const std::string id = [] {
    std::string text = read_whole("/proc/sys/kernel/random/boot_id").value_or("");
    while (text.ends_with('\n')) text.pop_back();
    return text;
  }();
  return id;
}

std::optional<engine::ProcessIdentity> identity_of(pid_t pid) {
  const auto seen = look_at(pid);
  if (!seen) return std::nullopt;
  return engine::ProcessIdentity{boot_id(), pid, seen->start_ticks};
}

bool is_alive(const engine::ProcessIdentity& process) {
  if (process.boot_id != boot_id()) return false;
  const auto seen = look_at(static_cast<pid_t>(process.pid));
  return seen && seen->alive() && seen->start_ticks == process.start_ticks;
}

}  // namespace interlock::process
