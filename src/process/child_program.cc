#include "process/child_program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace interlock::process {
namespace {

/// As the kernel has it; glibc's own is larger.
struct KernelSigaction {
  void (*handler)(int);
  unsigned long flags;
  void (*restorer)();
  unsigned long mask;
};

/// landlock_path_beneath_attr.
struct [[gnu::packed]] PathBeneath {
  unsigned long long rights;
  int folder;
};
constexpr int kPathBeneath = 1;

// All of these answer as system calls do: below 0 with errno when they fail.

INTERLOCK_BARE long die_with_parent(const ChildStep& step) {
  if (::syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0) return -1;
  // Had the parent died before prctl, no signal would ever come.
  if (::syscall(SYS_getppid) == static_cast<long>(step.number)) return 0;
  errno = ESRCH;
  return -1;
}

INTERLOCK_BARE long heed_signals(const ChildStep& step) {
  const auto* signals = static_cast<const int*>(step.data);
  const KernelSigaction by_default{};
  for (unsigned long i = 0; i < step.number; ++i) {
    ::syscall(SYS_rt_sigaction, signals[i], &by_default, nullptr, sizeof by_default.mask);
  }
  return 0;
}

INTERLOCK_BARE long take_streams(const ChildStep& step) {
  const auto* streams = static_cast<const int*>(step.data);
  for (int stream = 0; stream < 3; ++stream) {
    if (::syscall(SYS_dup3, streams[stream], stream, 0) < 0) return -1;
  }
  return 0;
}

INTERLOCK_BARE long close_others(const ChildStep& step) {
  const int low = step.descriptor < step.second ? step.descriptor : step.second;
  const int high = step.descriptor < step.second ? step.second : step.descriptor;
  int from = 3;
  for (int kept = low;; kept = high) {
    if (kept >= 3) {
      if (kept > from && ::syscall(SYS_close_range, from, kept - 1, 0) < 0) return -1;
      from = kept + 1;
    }
    if (kept == high) return ::syscall(SYS_close_range, from, ~0U, 0);
  }
}

INTERLOCK_BARE long write_text(const ChildStep& step) {
  const long file = ::syscall(SYS_openat, AT_FDCWD, step.a, O_WRONLY | O_CLOEXEC, 0);
  if (file < 0) return -1;
  const long written = ::syscall(SYS_write, file, step.b, step.number);
  const int error = errno;
  ::syscall(SYS_close, file);
  errno = error;
  return written;
}

INTERLOCK_BARE long attach_overlay(const ChildStep& step, int overlay) {
  if (::syscall(SYS_fsconfig, overlay, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) < 0) return -1;
  const long mount = ::syscall(SYS_fsmount, overlay, FSMOUNT_CLOEXEC, MOUNT_ATTR_NODEV);
  if (mount < 0) return -1;
  return ::syscall(SYS_move_mount, mount, "", AT_FDCWD, step.a, MOVE_MOUNT_F_EMPTY_PATH);
}

INTERLOCK_BARE long raise_loopback(const ChildStep& step) {
  const long socket = ::syscall(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return -1;
  return ::syscall(SYS_ioctl, socket, SIOCSIFFLAGS, step.data);
}

/// It does not stay with the child, which could answer its own calls.
INTERLOCK_BARE long listen_for_gateway(const ChildStep& step) {
  constexpr int kBacklog = 128;
  const auto* hand_over = static_cast<const ListenerHandOver*>(step.data);
  const long socket = ::syscall(SYS_socket, AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket < 0) return -1;
  if (::syscall(SYS_bind, socket, &hand_over->address, sizeof hand_over->address) < 0) return -1;
  if (::syscall(SYS_listen, socket, kBacklog) < 0) return -1;
  *hand_over->listener = static_cast<int>(socket);
  if (::syscall(SYS_sendmsg, hand_over->socket, hand_over->message, MSG_NOSIGNAL) < 0) return -1;
  ::syscall(SYS_close, socket);
  return ::syscall(SYS_close, hand_over->socket);
}

/// Opens what a rule is about. Every kernel that has Landlock has openat2.
INTERLOCK_BARE long open_for_rule(const ChildStep& step, unsigned long flags) {
  flags |= O_PATH | O_CLOEXEC;
  if (step.b == nullptr) return ::syscall(SYS_openat, AT_FDCWD, step.a, flags, 0);
  const long top =
      ::syscall(SYS_openat, AT_FDCWD, step.a, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
  if (top < 0) return -1;
  open_how how;
  how.flags = flags;
  how.mode = 0;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  const long place = ::syscall(SYS_openat2, top, step.b, &how, sizeof how);
  const int error = errno;
  ::syscall(SYS_close, top);
  errno = error;
  return place;
}

/// What is not there, cannot be reached anyway, or is a link, needs no rule.
INTERLOCK_BARE long allow(const ChildStep& step, int rules) {
  const auto* allowance = static_cast<const Allowance*>(step.data);
  PathBeneath rule{allowance->folder, -1};
  long place = open_for_rule(step, O_DIRECTORY);
  if (place < 0 && errno == ENOTDIR) {
    rule.rights = allowance->file;
    place = open_for_rule(step, 0);
  }
  if (place < 0) {
    return errno == ENOENT || errno == ENOTDIR || errno == EACCES || errno == ELOOP ? 0 : -1;
  }
  rule.folder = static_cast<int>(place);
  const long added =
      rule.rights == 0 ? 0 : ::syscall(SYS_landlock_add_rule, rules, kPathBeneath, &rule, 0);
  const int error = errno;
  ::syscall(SYS_close, place);
  errno = error;
  return added;
}

/// The kernel before 5.19 does not know the second flag, by which a call that is being looked at
/// is not started over at each signal. From here on every told call waits for whoever has the
/// listener, so the child goes on only when it was received: else the first would wait for ever.
INTERLOCK_BARE long notify_calls(const ChildStep& step, ChildProgram& walk) {
  const auto* hand_over = static_cast<const HandOver*>(step.data);
  const unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER;
  long listener = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                            flags | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &hand_over->filter);
  if (listener < 0 && errno == EINVAL) {
    listener = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &hand_over->filter);
  }
  if (listener < 0) {
    walk.unnotified = errno;
    ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &hand_over->unnotified);
    return 0;
  }
  *hand_over->listener = static_cast<int>(listener);
  int answer = EPIPE;
  if (::syscall(SYS_sendmsg, hand_over->socket, hand_over->message, MSG_NOSIGNAL) < 0) return -1;
  ::syscall(SYS_read, hand_over->socket, &answer, sizeof answer);
  errno = answer;
  return answer == 0 ? 0 : -1;
}

INTERLOCK_BARE long use_paths(const ChildStep& step) {
  const auto* tried = static_cast<const TriedPath*>(step.data);
  for (unsigned long i = 0; i < step.number; ++i) {
    const TriedPath& one = tried[i];
    struct stat status;
    long folder = AT_FDCWD;
    if (one.folder != nullptr) {
      folder = ::syscall(SYS_openat, AT_FDCWD, one.folder, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    }
    if (one.how == TriedPath::How::look) {
      ::syscall(SYS_newfstatat, folder, one.path, &status, 0);
    } else {
      const long file = ::syscall(SYS_openat, folder, one.path, O_RDONLY | O_CLOEXEC, 0);
      if (file >= 0 && one.how == TriedPath::How::keep_open) ::syscall(SYS_dup3, file, 0, 0);
      if (file >= 0) ::syscall(SYS_close, file);
    }
    if (folder >= 0) ::syscall(SYS_close, folder);
  }
  return 0;
}

/// What is mounted from here on must not show in the namespace we came from. In a chroot `/` is no
/// mount, and only mounts can be made private: then at the root of all mounts, and back.
INTERLOCK_BARE long keep_mounts() {
  const unsigned long ours = MS_REC | MS_PRIVATE;
  if (::syscall(SYS_mount, nullptr, "/", nullptr, ours, nullptr) == 0) return 0;
  if (errno != EINVAL) return -1;
  const long root = ::syscall(SYS_openat, AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
  const long own = ::syscall(SYS_openat, AT_FDCWD, "/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC, 0);
  if (root < 0 || own < 0 || ::syscall(SYS_setns, own, CLONE_NEWNS) < 0) return -1;
  if (::syscall(SYS_mount, nullptr, "/", nullptr, ours, nullptr) < 0) return -1;
  if (::syscall(SYS_fchdir, root) < 0 || ::syscall(SYS_chroot, ".") < 0) return -1;
  ::syscall(SYS_close, own);
  return ::syscall(SYS_close, root);
}

/// Only for who has the right to in the first place: root.
INTERLOCK_BARE long try_own_mounts(ChildProgram& walk) {
  walk.own_mounts = ::syscall(SYS_unshare, CLONE_NEWNS) == 0 && keep_mounts() == 0;
  return 0;
}

/// Nobody else's terminals are in it, and others do not see those in it.
INTERLOCK_BARE long mount_terminals(ChildProgram& walk) {
  if (!walk.own_mounts) return 0;
  walk.has_terminals =
      ::syscall(SYS_mount, "devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
                "newinstance,ptmxmode=0666") == 0 &&
      ::syscall(SYS_mount, "/dev/pts/ptmx", "/dev/ptmx", nullptr, MS_BIND, nullptr) == 0;
  return 0;
}

/// The bounding set is what root regains with each execve; without the right to change it
/// (containers), no_new_privs keeps it to what is permitted now.
INTERLOCK_BARE long keep_capabilities(const ChildStep& step) {
  for (unsigned long one = 0; one < 64; ++one) {
    if ((step.number >> one & 1) == 0) ::syscall(SYS_prctl, PR_CAPBSET_DROP, one, 0, 0, 0);
  }
  ::syscall(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  __user_cap_header_struct header;
  header.version = _LINUX_CAPABILITY_VERSION_3;
  header.pid = 0;
  __user_cap_data_struct sets[2];
  if (::syscall(SYS_capget, &header, sets) < 0) return -1;
  for (int half = 0; half < 2; ++half) {
    const unsigned kept = static_cast<unsigned>(step.number >> (32 * half));
    sets[half].effective &= kept;
    sets[half].permitted &= kept;
    sets[half].inheritable &= kept;
  }
  return ::syscall(SYS_capset, &header, sets);
}

INTERLOCK_BARE long unblock_signals() {
  const unsigned long no_signal = 0;
  return ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &no_signal, nullptr, sizeof no_signal);
}

INTERLOCK_BARE long execute(const ChildStep& step) {
  const auto* execution = static_cast<const Execution*>(step.data);
  return ::syscall(SYS_execve, step.a, execution->arguments, execution->environment);
}

INTERLOCK_BARE long set_overlay(const ChildStep& step, int overlay) {
  return ::syscall(SYS_fsconfig, overlay,
                   step.b == nullptr ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING, step.a, step.b, 0);
}

INTERLOCK_BARE long act(const ChildStep& step, ChildProgram& walk) {
  using Act = ChildStep::Act;
  switch (step.act) {
    case Act::lead_session: return ::syscall(SYS_setsid);
    case Act::die_with_parent: return die_with_parent(step);
    case Act::heed_signals: return heed_signals(step);
    case Act::take_streams: return take_streams(step);
    case Act::close_others: return close_others(step);
    case Act::limit: return ::syscall(SYS_prlimit64, 0, step.number, step.data, nullptr);
    case Act::enter_namespaces: return ::syscall(SYS_unshare, step.number);
    case Act::write_text: return write_text(step);
    case Act::keep_mounts: {
      const long kept = keep_mounts();
      walk.own_mounts = kept == 0;
      return kept;
    }
    case Act::try_own_mounts: return try_own_mounts(walk);
    case Act::bind_folder: return ::syscall(SYS_mount, step.a, step.b, nullptr, MS_BIND, nullptr);
    case Act::mount_overlay:
      return ::syscall(SYS_mount, "overlay", step.a, "overlay", MS_NODEV, step.b);
    case Act::open_overlay:
      return walk.overlay = static_cast<int>(::syscall(SYS_fsopen, "overlay", FSOPEN_CLOEXEC));
    case Act::set_overlay: return set_overlay(step, walk.overlay);
    case Act::attach_overlay: return attach_overlay(step, walk.overlay);
    case Act::enter_folder: return ::syscall(SYS_chdir, step.a);
    case Act::listen_for_gateway: return listen_for_gateway(step);
    case Act::raise_loopback: return raise_loopback(step);
    case Act::mount_terminals: return mount_terminals(walk);
    case Act::keep_capabilities: return keep_capabilities(step);
    case Act::gain_no_privileges: return ::syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    case Act::open_rules:
      return walk.rules = static_cast<int>(
                 ::syscall(SYS_landlock_create_ruleset, step.data, step.number, 0));
    case Act::allow_terminals: return walk.has_terminals ? allow(step, walk.rules) : 0;
    case Act::allow: return allow(step, walk.rules);
    case Act::enforce_rules: return ::syscall(SYS_landlock_restrict_self, walk.rules, 0);
    case Act::unblock_signals: return unblock_signals();
    case Act::use_paths: return use_paths(step);
    case Act::notify_calls: return notify_calls(step, walk);
    case Act::execute: return execute(step);
  }
  return -1;
}

}  // namespace

[[noreturn]] INTERLOCK_BARE void take(ChildProgram& walk) {
  for (std::size_t at = 0; at < walk.count; ++at) {
    if (act(walk.steps[at], walk) >= 0 || walk.steps[at].can_do_without) continue;
    walk.failed_at = at;
    walk.error = errno;
    break;
  }
  for (;;) ::syscall(SYS_exit_group, 127);
}

std::string in_words(const ChildStep& step) {
  using Act = ChildStep::Act;
  switch (step.act) {
    case Act::lead_session: return "lead a session";
    case Act::die_with_parent: return "end with the dispatcher";
    case Act::heed_signals: return "reset its signals";
    case Act::take_streams: return "take its streams";
    case Act::close_others: return "close what is not its own";
    case Act::limit: return "limit itself";
    case Act::enter_namespaces: return "make namespaces of its own";
    case Act::write_text: return fmt::format("write to `{}`", step.a);
    case Act::keep_mounts: return "keep its mounts to itself";
    case Act::bind_folder: return fmt::format("have `{}` at `{}`", step.a, step.b);
    case Act::mount_overlay: return fmt::format("mount the snapshot of `{}`", step.a);
    case Act::open_overlay: return "open an overlay";
    case Act::set_overlay:
      return step.b == nullptr ? fmt::format("set `{}` of the overlay", step.a)
                               : fmt::format("make `{}` the `{}` of the overlay", step.b, step.a);
    case Act::attach_overlay: return fmt::format("mount the snapshot of `{}`", step.a);
    case Act::enter_folder: return fmt::format("enter the folder `{}`", step.a);
    case Act::raise_loopback: return "raise its loopback";
    case Act::listen_for_gateway: return "listen for the gateway in its own network";
    case Act::try_own_mounts: return "have mounts of its own";
    case Act::mount_terminals: return "have terminals of its own";
    case Act::keep_capabilities: return "give up capabilities";
    case Act::gain_no_privileges: return "give up gaining privileges";
    case Act::open_rules: return "open a set of Landlock rules";
    case Act::allow_terminals:
    case Act::allow: return fmt::format("allow `{}`", step.a);
    case Act::enforce_rules: return "enforce its Landlock rules";
    case Act::unblock_signals: return "unblock its signals";
    case Act::use_paths: return "use some paths";
    case Act::notify_calls: return "have its calls told";
    case Act::execute: return fmt::format("execute `{}`", step.a);
  }
  return "";
}

}  // namespace interlock::process
