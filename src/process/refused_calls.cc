#include "process/refused_calls.h"

#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "process/proc.h"
#include "process/rlimit_tag.h"

namespace interlock::process {
namespace {

// Newer than the headers of some hosts; numbers from 424 on are the same on all architectures.
constexpr long kOpenTree = 428;
constexpr long kFsconfig = 431;
constexpr long kFsmount = 432;
constexpr long kMoveMount = 429;
constexpr long kFsopen = 430;
constexpr long kFspick = 433;
constexpr long kMountSetattr = 442;
constexpr long kQuotactlFd = 443;
constexpr long kFileSetattr = 469;
constexpr std::uint32_t kSetFlags32 = 0x40046602;  // FS_IOC32_SETFLAGS
constexpr std::uint32_t kPriorityOfUser = PRIO_USER;
constexpr std::uint32_t kIoPriorityOfUser = 3;
constexpr std::uint32_t kLinuxConsole = 0x541c;  // TIOCLINUX

constexpr auto kKernelCalls = std::to_array<KernelCall>({
    {SYS_bpf, "loading programs into the kernel (bpf)"},
    {SYS_init_module, "loading a kernel module"},
    {SYS_finit_module, "loading a kernel module"},
    {SYS_delete_module, "unloading a kernel module"},
    {SYS_kexec_load, "loading another kernel"},
#ifdef SYS_kexec_file_load
    {SYS_kexec_file_load, "loading another kernel"},
#endif
    {SYS_reboot, "rebooting"},
    {SYS_sethostname, "naming the host"},
    {SYS_setdomainname, "naming the host"},
    {SYS_swapon, "changing swap space"},
    {SYS_swapoff, "changing swap space"},
    {SYS_mount, "mounting"},
    {SYS_umount2, "unmounting"},
    {SYS_chroot, "taking another root folder"},
    {SYS_pivot_root, "changing the root of mounts"},
    {kOpenTree, "mounting"},
    {kMoveMount, "mounting"},
    {kFsopen, "mounting"},
    {kFsconfig, "mounting"},
    {kFsmount, "mounting"},
    {kFspick, "mounting"},
    {kMountSetattr, "changing a mount"},
    {SYS_setns, "entering namespaces of others"},
    {SYS_open_by_handle_at, "opening files by handle"},
    {SYS_settimeofday, "setting the clock"},
    {SYS_clock_settime, "setting the clock"},
    {SYS_acct, "accounting of processes"},
    {SYS_quotactl, "changing disk quotas"},
    {kQuotactlFd, "changing disk quotas"},
    {SYS_syslog, "reading the kernel's log"},
    {SYS_vhangup, "hanging up a terminal"},
    {SYS_add_key, "the kernel's keyrings"},
    {SYS_request_key, "the kernel's keyrings"},
    {SYS_keyctl, "the kernel's keyrings"},
#ifdef SYS_iopl
    {SYS_iopl, "reaching hardware ports"},
    {SYS_ioperm, "reaching hardware ports"},
#endif
});

constexpr auto kControlRequests = std::to_array<ControlRequest>({
    {TIOCSTI, "typing into a terminal (TIOCSTI)"},
    {kLinuxConsole, "typing into a terminal (TIOCLINUX)"},
    {TIOCCONS, "taking the console's output (TIOCCONS)"},
    {FS_IOC_SETFLAGS, nullptr},
    {kSetFlags32, nullptr},
    {FS_IOC_FSSETXATTR, nullptr},
});

using Whom = ProcessCall::Whom;
constexpr auto kProcessCalls = std::to_array<ProcessCall>({
    {SYS_prlimit64, "changing the limits of", Whom::limits},
    {SYS_setpriority, "changing the priority of", Whom::which_who, kPriorityOfUser},
    {SYS_ioprio_set, "changing the priority of", Whom::which_who, kIoPriorityOfUser},
    {SYS_sched_setscheduler, "changing the scheduling of", Whom::process},
    {SYS_sched_setparam, "changing the scheduling of", Whom::process},
    {SYS_sched_setattr, "changing the scheduling of", Whom::process},
    {SYS_sched_setaffinity, "changing the processors of", Whom::process},
    {SYS_migrate_pages, "moving the memory of", Whom::process},
    {SYS_move_pages, "moving the memory of", Whom::process},
});

constexpr auto kDescriptorCalls = std::to_array<DescriptorCall>({
    {SYS_fchmod},
    {SYS_fchown},
    {SYS_fsetxattr},
    {SYS_fremovexattr},
    {SYS_utimensat, 1},
    {kFileSetattr, 1},
#ifdef SYS_futimesat
    {SYS_futimesat, 1},
#endif
});

std::uint64_t argument(const seccomp_notif& notified, int place) {
  return notified.data.args[place];
}

bool sees_other_numbers(pid_t process) {
  // Both are one thing where they are the same namespace.
  struct stat theirs{}, ours{};
  return ::stat(fmt::format("/proc/{}/ns/pid", process).c_str(), &theirs) == 0 &&
         ::stat("/proc/self/ns/pid", &ours) == 0 &&
         (theirs.st_dev != ours.st_dev || theirs.st_ino != ours.st_ino);
}

std::optional<pid_t> leader_of(pid_t thread) {
  constexpr std::string_view kField = "\nTgid:\t";
  const std::string status = read_whole(fmt::format("/proc/{}/status", thread)).value_or("");
  const auto at = status.find(kField);
  if (at == std::string::npos) return std::nullopt;
  pid_t leader = 0;
  const char* const begin = status.data() + at + kField.size();
  std::from_chars(begin, status.data() + status.size(), leader);
  return leader;
}

/// Whether the caller may change how `target` runs: itself, and others of its own attempt.
bool is_its_own(pid_t caller, pid_t target) {
  if (target == caller) return true;
  // In a namespace of its own it can name nobody but what it started itself.
  if (sees_other_numbers(caller)) return true;
  if (const auto leader = leader_of(caller); leader && leader == leader_of(target)) return true;
  const auto tag = rlimit_tag_of(caller);
  return tag && tag == rlimit_tag_of(target);
}

std::optional<std::string> refusal_of_process_call(const seccomp_notif& notified,
                                                   const ProcessCall& call) {
  const auto caller = static_cast<pid_t>(notified.pid);
  if (call.whom == Whom::limits && argument(notified, 2) == 0) return std::nullopt;
  const bool by_kind = call.whom == Whom::which_who;
  if (by_kind && static_cast<std::uint32_t>(argument(notified, 0)) == call.user)
    return fmt::format("{} all processes of a user", call.doing);
  const auto target = static_cast<pid_t>(argument(notified, by_kind ? 1 : 0));
  if (target == 0 || is_its_own(caller, target)) return std::nullopt;
  return fmt::format("{} process {}", call.doing, target);
}

}  // namespace

std::span<const KernelCall> kernel_calls() { return kKernelCalls; }
std::span<const ControlRequest> control_requests() { return kControlRequests; }
std::span<const ProcessCall> process_calls() { return kProcessCalls; }
std::span<const DescriptorCall> descriptor_calls() { return kDescriptorCalls; }

std::optional<std::string> refusal_of(const seccomp_notif& notified) {
  const long number = notified.data.nr;
  if (number == SYS_ioctl) {
    const auto request = static_cast<std::uint32_t>(argument(notified, 1));
    const auto* const found =
        std::ranges::find(kControlRequests, request, &ControlRequest::request);
    if (found == kControlRequests.end() || found->doing == nullptr) return std::nullopt;
    return found->doing;
  }
  const auto* const kernel = std::ranges::find(kKernelCalls, number, &KernelCall::number);
  if (kernel != kKernelCalls.end()) return kernel->doing;
  const auto* const process = std::ranges::find(kProcessCalls, number, &ProcessCall::number);
  if (process != kProcessCalls.end()) return refusal_of_process_call(notified, *process);
#ifdef SYS_mknod
  const bool makes_node = number == SYS_mknod || number == SYS_mknodat;
  const auto mode = static_cast<mode_t>(argument(notified, number == SYS_mknod ? 1 : 2));
#else
  const bool makes_node = number == SYS_mknodat;
  const auto mode = static_cast<mode_t>(argument(notified, 2));
#endif
  if (makes_node && (S_ISCHR(mode) || S_ISBLK(mode))) return "making a device";
  return std::nullopt;
}

std::optional<ForeignPath> changed_by_descriptor(const seccomp_notif& notified,
                                                 const Caller& caller) {
  const long number = notified.data.nr;
  if (number != SYS_ioctl) {
    const auto* const found = std::ranges::find(kDescriptorCalls, number, &DescriptorCall::number);
    if (found == kDescriptorCalls.end()) return std::nullopt;
    if (found->path >= 0 && argument(notified, found->path) != 0) return std::nullopt;
  }
  ForeignPath behind = caller.folder(static_cast<int>(argument(notified, 0)));
  using Kind = ForeignPath::Kind;
  if (behind.kind == Kind::nowhere || behind.kind == Kind::deleted) return std::nullopt;
  return behind;
}

}  // namespace interlock::process
