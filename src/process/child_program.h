#pragma once

#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <cstddef>
#include <string>
#include <vector>

// The child between clone and execve shares our memory and our stack (CLONE_VM | CLONE_VFORK: we
// sleep until it is done with them). It may only make system calls; no allocation, no lock, nothing
// instrumented.
#define INTERLOCK_BARE __attribute__((noinline, no_sanitize("address", "undefined", "thread")))

namespace interlock::process {

/// One thing a new process does on its way from birth to its first instruction: a raw system call
/// or a few, on memory that the parent prepared and keeps until then. The whole way is a list of
/// them, which is read from the top and left at the first that fails.
struct ChildStep {
  enum class Act : unsigned char {
    lead_session,
    die_with_parent,   ///< `number`: the parent, which must still be there.
    heed_signals,      ///< `data`: `number` signals that are ignored here and not there.
    take_streams,      ///< `data`: the three.
    close_others,      ///< All but the three, `descriptor` and `second`.
    limit,             ///< `data`: the rlimit; `number`: of what.
    enter_namespaces,  ///< `number`: CLONE_NEW*; what comes after is in them.
    write_text,        ///< `b` into the file `a`, in one write.
    keep_mounts,       ///< What is mounted from here on stays in this namespace.
    try_own_mounts,    ///< A namespace of mounts, and `keep_mounts`; may fail: `Walk::own_mounts`.
    bind_folder,       ///< `a` is at `b` as well.
    mount_overlay,     ///< At `a`, with the options `b` (mount(2)).
    open_overlay,      ///< The same in pieces (fsopen(2)): ...
    set_overlay,       ///< ... the option `a` is `b`, or just set ...
    attach_overlay,    ///< ... and all of it at `a`.
    enter_folder,      ///< `a`.
    raise_loopback,    ///< `data`: the ifreq.
    listen_for_gateway,  ///< `data`: ListenerHandOver.
    mount_terminals,     ///< Terminals of its own at /dev/pts; may fail: `Walk::has_terminals`.
    keep_capabilities,   ///< `number`: one bit each; no program it becomes has any other.
    gain_no_privileges,
    open_rules,       ///< Landlock: `data`: the attributes, `number` bytes of them ...
    allow_terminals,  ///< As `allow`, where it has terminals of its own.
    allow,            ///< ... what is at `a`, or below it at `b` without any link, may be dealt
                      ///< with so (`data`: Allowance) ...
    enforce_rules,    ///< ... and all else that the attributes name may not be done.
    unblock_signals,
    use_paths,     ///< `data`: `number` of TriedPath; whether they are there or not.
    notify_calls,  ///< `data`: HandOver. The kernel may not do it: `Walk::untold` says so.
    execute,       ///< `a`; `data`: Execution.
  };

  Act act;
  const char* a = nullptr;
  const char* b = nullptr;
  const void* data = nullptr;
  unsigned long number = 0;
  int descriptor = -1;
  int second = -1;
  bool can_do_without = false;
};

/// The rights of Landlock that a folder, with all below it, or a single file is given.
struct Allowance {
  unsigned long folder = 0;
  unsigned long file = 0;
};

/// A seccomp filter, and how its listener comes to the parent: in a message (DescriptorMessage).
/// The answer is an error number; 0: it was received.
struct HandOver {
  sock_fprog filter{};
  sock_fprog unnotified{};  ///< For where there can be no listener: what is refused all the same.
  int socket = -1;
  const msghdr* message = nullptr;
  int* listener = nullptr;  ///< Where in the message the number goes.
};

/// Where to listen in the child's own network, and how the socket comes to the parent: in a message
/// (DescriptorMessage) that waits there until it is read.
struct ListenerHandOver {
  sockaddr_in address{};
  int socket = -1;
  const msghdr* message = nullptr;
  int* listener = nullptr;  ///< Where in the message the number goes.
};

/// A way to name a file, tried out.
struct TriedPath {
  enum class How : unsigned char {
    open,
    look,       ///< stat(2).
    keep_open,  ///< As standard input.
  };
  const char*
      folder;  ///< `path` is relative to this one, opened before; nullptr: to the current one.
  const char* path;
  How how = How::open;
};

struct Execution {
  char* const* arguments;
  char* const* environment;
};

/// A child's walk through its steps, and where it says how far it came.
struct ChildProgram {
  static constexpr std::size_t kNowhere = ~std::size_t{0};

  const ChildStep* steps;
  std::size_t count;
  std::size_t failed_at = kNowhere;
  int error = 0;
  int unnotified = 0;  ///< The error number that `tell_calls` met; 0: none.
  // What one step opens and a later one uses.
  int overlay = -1;
  int rules = -1;
  bool own_mounts = false;
  bool has_terminals = false;
};

/// In the child. Ends in execve, or in exit with `failed_at` set.
[[noreturn]] void take(ChildProgram& walk);

/// What the step was to do: `make namespaces of its own`.
std::string in_words(const ChildStep& step);

}  // namespace interlock::process
