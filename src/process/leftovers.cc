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
#include "process/rlimit_tag.h"
#include "process/tree.h"
#include "sys/proc.h"
#include "sys/process_identity.h"

namespace interlock::process {
namespace {

using namespace std::chrono_literals;
constexpr auto kPatience = 5s;
constexpr auto kLookEvery = 5ms;

/// A session keeps its number from being given out again for as long as it has a member, so the
/// number means the attempt's session unless another process has it by now.
bool session_is_ours(const std::vector<sys::ProcessStat>& all, const ProcessIdentity& process) {
  return process.boot_id == sys::boot_id() && process.pid > 0 &&
         std::ranges::none_of(all, [&](const sys::ProcessStat& seen) {
           return seen.pid == process.pid && seen.start_ticks != process.start_ticks;
         });
}

std::vector<sys::ProcessStat> leftovers(const std::string& label,
                                        const std::optional<ProcessIdentity>& process) {
  const auto all = sys::stat_of_all();
  std::vector<pid_t> roots;
  const RlimitTag tag = rlimit_tag_for(label);
  const bool by_session = process && session_is_ours(all, *process);
  // What the run left in a dead dispatcher's cgroups is of some attempt of its, whatever it shed.
  for (const sys::ProcessStat& seen : left_by_the_dead(label)) roots.push_back(seen.pid);
  for (const sys::ProcessStat& seen : all) {
    if (!seen.alive() || seen.pid == ::getpid()) continue;
    if (by_session && (seen.pid == process->pid || seen.session == process->pid)) {
      roots.push_back(seen.pid);
    } else if (rlimit_tag_of(seen.pid) == tag || sys::environment_of(seen.pid, kMarker) == label) {
      roots.push_back(seen.pid);
      for (const sys::ProcessStat& beside : left_beside(seen.pid)) roots.push_back(beside.pid);
    }
  }
  auto found = sys::with_descendants(all, roots);
  std::erase_if(found, [](const sys::ProcessStat& seen) { return seen.pid == ::getpid(); });
  return found;
}

/// Whether it runs as this user; for root everybody does. /proc's own owner does not tell: of what
/// is not dumpable it is root.
bool may_be_ours(pid_t pid) {
  if (::geteuid() == 0) return true;
  const std::string status =
      sys::read_whole("/proc/" + std::to_string(pid) + "/status").value_or(std::string());
  return status.contains("\nUid:\t" + std::to_string(::getuid()) + "\t");
}

std::unexpected<Error> cannot_end(const std::string& label, const sys::ProcessStat& process,
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

std::vector<sys::ProcessStat> possible_leftovers(const ProcessIdentity& process) {
  if (process.boot_id != sys::boot_id()) return {};
  const auto all = sys::stat_of_all();
  const auto by_pid = [&](pid_t pid) {
    const auto found = std::ranges::find(all, pid, &sys::ProcessStat::pid);
    return found == all.end() ? nullptr : &*found;
  };
  // Orphans are given to init, or to whoever above them asked for such: the dispatcher that died
  // stood where this one stands, or below a user's own systemd.
  std::set<pid_t> above;
  for (const sys::ProcessStat* seen = by_pid(::getpid());
       seen != nullptr && above.insert(seen->pid).second;)
    seen = by_pid(seen->parent);
  const auto takes_orphans = [&](pid_t pid) {
    return pid <= 1 || (above.contains(pid) && pid != ::getpid()) ||
           sys::read_whole("/proc/" + std::to_string(pid) + "/comm") == "systemd\n";
  };
  const pid_t own_session = ::getsid(0);
  std::vector<sys::ProcessStat> found;
  for (const sys::ProcessStat& seen : all) {
    if (!seen.alive() || seen.start_ticks < process.start_ticks || above.contains(seen.pid) ||
        seen.session == own_session || !takes_orphans(seen.parent) || !may_be_ours(seen.pid))
      continue;
    const auto label = sys::environment_of(seen.pid, kMarker);
    if (!label || rlimit_tag_of(seen.pid) != rlimit_tag_for(*label)) found.push_back(seen);
  }
  return found;
}

Result<std::uint32_t> end_leftovers(const std::string& label,
                                    const std::optional<ProcessIdentity>& process) {
  std::set<std::pair<pid_t, std::int64_t>> ended;
  const auto patience_ends = std::chrono::steady_clock::now() + kPatience;
  for (;;) {
    const auto left = leftovers(label, process);
    if (left.empty()) return static_cast<std::uint32_t>(ended.size());
    for (const sys::ProcessStat& seen : end_all([&] { return leftovers(label, process); }))
      ended.emplace(seen.pid, seen.start_ticks);
    for (const sys::ProcessStat& seen : left) {
      if (!sys::send_signal(seen, SIGKILL)) return cannot_end(label, seen, true);
    }
    if (std::chrono::steady_clock::now() >= patience_ends)
      return cannot_end(label, left.front(), false);
    std::this_thread::sleep_for(kLookEvery);
  }
}

}  // namespace interlock::process
