#include "process/leftovers.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "process/cgroup_trees.h"
#include "process/frozen.h"
#include "process/identity.h"
#include "process/proc.h"
#include "process/rlimit_tag.h"
#include "process/tree.h"

namespace interlock::process {
namespace {

using namespace std::chrono_literals;
constexpr auto kPatience = 5s;
constexpr auto kLookEvery = 5ms;

/// A session keeps its number from being given out again for as long as it has a member, so the
/// number means the attempt's session unless another process has it by now.
bool session_is_ours(const std::vector<ProcessStat>& all, const engine::ProcessIdentity& process) {
  return process.boot_id == boot_id() && process.pid > 0 &&
         std::ranges::none_of(all, [&](const ProcessStat& seen) {
           return seen.pid == process.pid && seen.start_ticks != process.start_ticks;
         });
}

std::vector<ProcessStat> leftovers(const std::string& label,
                                   const std::optional<engine::ProcessIdentity>& process) {
  const auto all = look_at_all();
  std::vector<pid_t> roots;
  const RlimitTag tag = rlimit_tag_for(label);
  const bool by_session = process && session_is_ours(all, *process);
  // What sits in a dead dispatcher's cgroups is of some attempt of its, whatever it shed.
  for (const ProcessStat& seen : left_by_the_dead()) roots.push_back(seen.pid);
  for (const ProcessStat& seen : all) {
    if (!seen.alive() || seen.pid == ::getpid()) continue;
    if (by_session && (seen.pid == process->pid || seen.session == process->pid)) {
      roots.push_back(seen.pid);
    } else if (rlimit_tag_of(seen.pid) == tag || environment_of(seen.pid, kMarker) == label) {
      roots.push_back(seen.pid);
      for (const ProcessStat& beside : left_beside(seen.pid)) roots.push_back(beside.pid);
    }
  }
  auto found = with_descendants(all, roots);
  std::erase_if(found, [](const ProcessStat& seen) { return seen.pid == ::getpid(); });
  return found;
}

/// Whether it runs as this user; for root everybody does. /proc's own owner does not tell: of what
/// is not dumpable it is root.
bool may_be_ours(pid_t pid) {
  if (::geteuid() == 0) return true;
  const std::string status =
      read_whole("/proc/" + std::to_string(pid) + "/status").value_or(std::string());
  return status.contains("\nUid:\t" + std::to_string(::getuid()) + "\t");
}

std::unexpected<Error> cannot_end(const std::string& label, const ProcessStat& process,
                                  bool refused) {
  const std::string_view why = refused                ? "it belongs to another user"
                               : process.state == 'D' ? "it waits for a device"
                                                      : "it does not end";
  return fail(
      Error::Kind::io,
      fmt::format("cannot end process {} of `{}`, left by a dispatcher that died: {}", process.pid,
                  label, why),
      fmt::format("see what it does with `ps -fp {0}`, end it, and resume again", process.pid));
}

}  // namespace

std::vector<ProcessStat> possible_leftovers(const engine::ProcessIdentity& process) {
  if (process.boot_id != boot_id()) return {};
  const auto all = look_at_all();
  const auto by_pid = [&](pid_t pid) {
    const auto found = std::ranges::find(all, pid, &ProcessStat::pid);
    return found == all.end() ? nullptr : &*found;
  };
  // Orphans are given to init, or to whoever above them asked for such: the dispatcher that died
  // stood where this one stands, or below a user's own systemd.
  std::set<pid_t> above;
  for (const ProcessStat* seen = by_pid(::getpid());
       seen != nullptr && above.insert(seen->pid).second;)
    seen = by_pid(seen->parent);
  const auto takes_orphans = [&](pid_t pid) {
    return pid <= 1 || (above.contains(pid) && pid != ::getpid()) ||
           read_whole("/proc/" + std::to_string(pid) + "/comm") == "systemd\n";
  };
  const pid_t own_session = ::getsid(0);
  std::vector<ProcessStat> found;
  for (const ProcessStat& seen : all) {
    if (!seen.alive() || seen.start_ticks < process.start_ticks || above.contains(seen.pid) ||
        seen.session == own_session || !takes_orphans(seen.parent) || !may_be_ours(seen.pid))
      continue;
    const auto label = environment_of(seen.pid, kMarker);
    if (!label || rlimit_tag_of(seen.pid) != rlimit_tag_for(*label)) found.push_back(seen);
  }
  return found;
}

Result<std::uint32_t> end_leftovers(const std::string& label,
                                    const std::optional<engine::ProcessIdentity>& process) {
  std::set<std::pair<pid_t, std::int64_t>> ended;
  const auto patience_ends = std::chrono::steady_clock::now() + kPatience;
  for (;;) {
    const auto left = leftovers(label, process);
    if (left.empty()) return static_cast<std::uint32_t>(ended.size());
    for (const ProcessStat& seen : end_all([&] { return leftovers(label, process); }))
      ended.emplace(seen.pid, seen.start_ticks);
    for (const ProcessStat& seen : left) {
      if (!send_signal(seen, SIGKILL)) return cannot_end(label, seen, true);
    }
    if (std::chrono::steady_clock::now() >= patience_ends)
      return cannot_end(label, left.front(), false);
    std::this_thread::sleep_for(kLookEvery);
  }
}

}  // namespace interlock::process
