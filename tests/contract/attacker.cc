// Tries one way out of an attempt's walls, named by its first argument, and says `did it` or why
// not. Each is tried so that it changes nothing where it succeeds.
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <string_view>

namespace {

std::string target;  // What it is about: a path or a process.

int open_target() { return ::open(target.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK); }
pid_t process() { return static_cast<pid_t>(std::atoi(target.c_str())); }

struct stat status_of(int file) {
  struct stat status{};
  ::fstat(file, &status);
  return status;
}

/// For calls that a kernel which let us in would refuse for their arguments.
bool got_through(long result) {
  return result >= 0 || (errno != EPERM && errno != EACCES && errno != ENOSYS);
}

bool open_device(const char* path, int flags = O_RDONLY) {
  return ::open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) >= 0;
}

bool set_flags(unsigned long added) {
  const int file = open_target();
  int flags = 0;
  if (::ioctl(file, FS_IOC_GETFLAGS, &flags) != 0) return false;
  int wanted = flags | static_cast<int>(added);
  if (::ioctl(file, FS_IOC_SETFLAGS, &wanted) != 0) return false;
  return ::ioctl(file, FS_IOC_SETFLAGS, &flags) == 0;
}

bool read_some(const std::string& path) {
  char bytes[64];
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  return file >= 0 && ::read(file, bytes, sizeof bytes) >= 0;
}

/// A pair of our own: its slave.
int own_terminal() {
  const int master = ::posix_openpt(O_RDWR | O_NOCTTY);
  if (master < 0 || ::grantpt(master) != 0 || ::unlockpt(master) != 0) return -1;
  char name[64];
  if (::ptsname_r(master, name, sizeof name) != 0) return -1;
  return ::open(name, O_RDWR | O_NOCTTY);
}

bool make_device(mode_t kind) {
  const std::string path = target + "/device";
  if (::mknod(path.c_str(), kind | 0600, makedev(1, 3)) != 0) return false;
  const bool opens = open_device(path.c_str(), O_RDWR);
  const int error = errno;
  ::unlink(path.c_str());
  errno = error;
  return opens;
}

bool limit_process() {
  rlimit limit{};
  return ::prlimit(process(), RLIMIT_NOFILE, nullptr, &limit) == 0 &&
         ::prlimit(process(), RLIMIT_NOFILE, &limit, nullptr) == 0;
}

bool schedule_process() {
  const sched_param none{};
  return ::sched_setscheduler(process(), SCHED_OTHER, &none) == 0;
}

bool pin_process() {
  cpu_set_t processors;
  return ::sched_getaffinity(process(), sizeof processors, &processors) == 0 &&
         ::sched_setaffinity(process(), sizeof processors, &processors) == 0;
}

bool mount_in_a_namespace() {
  return ::unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 &&
         ::mount("none", target.c_str(), "tmpfs", 0, nullptr) == 0;
}

bool same_hostname() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 && ::sethostname(name, std::strlen(name)) == 0;
}

const std::map<std::string_view, bool (*)()> kAttacks{
    {"fchmod",
     [] {
       const int f = open_target();
       return ::fchmod(f, status_of(f).st_mode) == 0;
     }},
    {"fchown", [] { return ::fchown(open_target(), ::getuid(), ::getgid()) == 0; }},
    {"fchownat-empty",
     [] { return ::fchownat(open_target(), "", ::getuid(), ::getgid(), AT_EMPTY_PATH) == 0; }},
    {"utimensat", [] { return ::utimensat(AT_FDCWD, target.c_str(), nullptr, 0) == 0; }},
    {"futimens", [] { return ::futimens(open_target(), nullptr) == 0; }},
    {"setxattr", [] { return ::setxattr(target.c_str(), "user.x", "1", 1, 0) == 0; }},
    {"lsetxattr", [] { return ::lsetxattr(target.c_str(), "user.x", "1", 1, 0) == 0; }},
    {"fsetxattr", [] { return ::fsetxattr(open_target(), "user.x", "1", 1, 0) == 0; }},
    {"removexattr", [] { return ::removexattr(target.c_str(), "user.kept") == 0; }},
    {"setflags", [] { return set_flags(0x40 /* FS_NODUMP_FL */); }},
    {"immutable", [] { return set_flags(0x10 /* FS_IMMUTABLE_FL */); }},
    {"mknod-character", [] { return make_device(S_IFCHR); }},
    {"mknod-block", [] { return make_device(S_IFBLK); }},
    {"disk",
     [] {
       return open_device("/dev/vda") || open_device("/dev/sda") || open_device("/dev/nvme0n1") ||
              open_device("/dev/loop0");
     }},
    {"memory", [] { return open_device("/dev/mem") || open_device("/dev/kmsg"); }},
    {"keyboard", [] { return open_device("/dev/input/event0") || open_device("/dev/uinput"); }},
    {"console",
     [] {
       return open_device("/dev/tty0") || open_device("/dev/tty1") || open_device("/dev/console");
     }},
    {"bpf", [] { return got_through(::syscall(SYS_bpf, 9999, nullptr, 0)); }},
    {"module",
     [] { return got_through(::syscall(SYS_delete_module, "no_such_module", O_NONBLOCK)); }},
    {"kexec", [] { return got_through(::syscall(SYS_kexec_load, 0, 999, nullptr, 0xffff0000)); }},
    {"reboot", [] { return got_through(::syscall(SYS_reboot, 0, 0, 0, nullptr)); }},
    {"sethostname", [] { return same_hostname(); }},
    {"swapoff", [] { return got_through(::swapoff("/no/such/file")); }},
    {"keyring", [] { return got_through(::syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, -3, 0)); }},
    {"handles", [] { return got_through(::syscall(SYS_open_by_handle_at, -1, nullptr, 0)); }},
    {"setns", [] { return got_through(::setns(-1, 0)); }},
    {"mount", [] { return ::mount("none", target.c_str(), "tmpfs", 0, nullptr) == 0; }},
    {"mount-in-a-namespace", [] { return mount_in_a_namespace(); }},
    {"environ", [] { return read_some("/proc/" + target + "/environ"); }},
    {"process-memory", [] { return open_device(("/proc/" + target + "/mem").c_str(), O_RDWR); }},
    {"signal", [] { return ::kill(process(), 0) == 0; }},
    {"prlimit", [] { return limit_process(); }},
    {"setpriority",
     [] { return ::setpriority(PRIO_PROCESS, static_cast<id_t>(process()), 0) == 0; }},
    {"setpriority-user", [] { return ::setpriority(PRIO_USER, 0, 0) == 0; }},
    {"sched", [] { return schedule_process(); }},
    {"affinity", [] { return pin_process(); }},
    {"terminal", [] { return open_device(target.c_str(), O_RDWR); }},
    {"typing",
     [] {
       const int t = own_terminal();
       return t >= 0 && ::ioctl(t, TIOCSTI, "x") == 0;
     }},
    // Not attacks: what has to go on working.
    {"own-terminal", [] { return own_terminal() >= 0; }},
    {"own-limits",
     [] {
       target = std::to_string(::getpid());
       return limit_process() && schedule_process() && pin_process();
     }},
    {"own-file",
     [] {
       const int file = open_target();
       return ::fchmod(file, 0600) == 0 && ::futimens(file, nullptr) == 0 &&
              ::fchown(file, ::getuid(), ::getgid()) == 0;
     }},
};

}  // namespace

int main(int count, char** words) {
  const auto attack = count > 1 ? kAttacks.find(words[1]) : kAttacks.end();
  if (attack == kAttacks.end()) return 2;
  if (count > 2) target = words[2];
  errno = 0;
  if (attack->second()) {
    std::puts("did it");
  } else {
    std::printf("kept from it: %s\n", std::strerror(errno));
  }
  return 0;
}
