#include "process/call_filter.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "process/path_calls.h"
#include "process/refused_calls.h"

namespace interlock::process {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
/// Calls of the x32 ABI have this bit.
constexpr std::uint32_t kForeignFrom = 0x40000000;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
constexpr std::uint32_t kForeignFrom = 0x80000000;
#else
#error "the filter is written for x86-64 and aarch64 only"
#endif

constexpr std::uint32_t kAllow = SECCOMP_RET_ALLOW;
constexpr std::uint32_t kNotify = SECCOMP_RET_USER_NOTIF;
constexpr std::uint32_t kNotPermitted = SECCOMP_RET_ERRNO | EPERM;
constexpr std::uint32_t kUnknownCall = SECCOMP_RET_ERRNO | ENOSYS;
constexpr std::uint32_t kForbidden = SECCOMP_RET_ERRNO | EPERM;
/// Whoever has another root folder calls files by names that are not those of the workspace.
constexpr long kNewRoots[] = {SYS_chroot, SYS_pivot_root, SYS_setns};

sock_filter load(std::size_t offset) {
  return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset));
}
sock_filter answer(std::uint32_t what) { return BPF_STMT(BPF_RET | BPF_K, what); }
/// Goes on where the test holds, else jumps over the next `over`.
sock_filter unless(std::uint16_t test, std::uint32_t value, std::uint8_t over) {
  return BPF_JUMP(static_cast<std::uint16_t>(BPF_JMP | test | BPF_K), value, 0, over);
}

/// The lower half of an argument: both architectures keep it first.
std::size_t argument(int place) {
  return offsetof(seccomp_data, args) + sizeof(std::uint64_t) * static_cast<std::size_t>(place);
}

void add_call(const PathCall& call, engine::Sandbox::Watch watch,
              std::vector<sock_filter>& program) {
  const auto number = static_cast<std::uint32_t>(call.number);
  if (call.deed == PathCall::Deed::open && watch == engine::Sandbox::Watch::changes) {
    program.push_back(unless(BPF_JEQ, number, 4));
    program.push_back(load(argument(call.flags)));
    program.push_back(unless(BPF_JSET, O_ACCMODE | O_CREAT | O_TRUNC, 1));
    program.push_back(answer(kNotify));
    program.push_back(answer(kAllow));
    return;
  }
  program.push_back(unless(BPF_JEQ, number, 1));
  program.push_back(answer(kNotify));
}

void add_control_requests(std::uint32_t refused, bool is_notified,
                          std::vector<sock_filter>& program) {
  std::vector<sock_filter> tests{load(argument(1))};
  for (const ControlRequest& one : control_requests()) {
    if (one.doing == nullptr && !is_notified) continue;
    tests.push_back(unless(BPF_JEQ, one.request, 1));
    tests.push_back(answer(refused));
  }
  tests.push_back(answer(kAllow));
  program.push_back(unless(BPF_JEQ, SYS_ioctl, static_cast<std::uint8_t>(tests.size())));
  program.insert(program.end(), tests.begin(), tests.end());
}

void add_refused(engine::Sandbox::Watch watch, std::vector<sock_filter>& program) {
  const bool is_notified = watch != engine::Sandbox::Watch::nothing;
  const std::uint32_t refused = is_notified ? kNotify : kNotPermitted;
  const auto add = [&](long number, std::uint32_t what) {
    program.push_back(unless(BPF_JEQ, static_cast<std::uint32_t>(number), 1));
    program.push_back(answer(what));
  };
  for (const KernelCall& call : kernel_calls()) add(call.number, refused);
  add_control_requests(refused, is_notified, program);
  if (!is_notified) return;
  for (const ProcessCall& call : process_calls()) {
    if (call.whom == ProcessCall::Whom::which_who) {
      add(call.number, kNotify);
      continue;
    }
    program.push_back(unless(BPF_JEQ, static_cast<std::uint32_t>(call.number), 4));
    program.push_back(load(argument(0)));
    program.push_back(unless(BPF_JEQ, 0, 1));  // Itself.
    program.push_back(answer(kAllow));
    program.push_back(answer(kNotify));
  }
  for (const DescriptorCall& call : descriptor_calls()) {
    if (call.path < 0) add(call.number, kNotify);  // The others are told for their paths.
  }
}

}  // namespace

std::vector<sock_filter> call_filter(engine::Sandbox::Watch watch, bool confined) {
  std::vector<sock_filter> program{load(offsetof(seccomp_data, arch)),
                                   BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kArchitecture, 1, 0),
                                   answer(kUnknownCall),
                                   load(offsetof(seccomp_data, nr)),
                                   unless(BPF_JGE, kForeignFrom, 1),
                                   answer(kUnknownCall),
                                   unless(BPF_JEQ, SYS_io_uring_setup, 1),
                                   answer(kUnknownCall)};
  // Of what is confined, they are told like all that is refused, and named.
  for (const long call : kNewRoots) {
    if (confined) break;
    program.push_back(unless(BPF_JEQ, static_cast<std::uint32_t>(call), 1));
    program.push_back(answer(kForbidden));
  }
  for (const PathCall& call : path_calls()) {
    if (call.from <= watch) add_call(call, watch, program);
  }
  if (confined) add_refused(watch, program);
  program.push_back(answer(kAllow));
  return program;
}

}  // namespace interlock::process
