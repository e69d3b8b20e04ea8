#include "process/call_filter.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstring>

#include "process/path_calls.h"
#include "process/refused_calls.h"

namespace interlock::process {
namespace {

using Watch = engine::Sandbox::Watch;

#if defined(__x86_64__)
constexpr std::uint32_t kOwn = AUDIT_ARCH_X86_64;
constexpr std::uint32_t kForeign = AUDIT_ARCH_I386;
#else
constexpr std::uint32_t kOwn = AUDIT_ARCH_AARCH64;
constexpr std::uint32_t kForeign = AUDIT_ARCH_ARM;
#endif

/// What the filter answers, by the few instructions it is made of.
std::string answer_to(Watch watch, const seccomp_data& call, bool confined = false) {
  const auto program = call_filter(watch, confined);
  std::uint32_t accumulator = 0;
  for (std::size_t at = 0; at < program.size(); ++at) {
    const sock_filter& step = program[at];
    bool holds = false;
    switch (step.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        std::memcpy(&accumulator, reinterpret_cast<const char*>(&call) + step.k,
                    sizeof accumulator);
        continue;
      case BPF_RET | BPF_K:
        if (step.k == SECCOMP_RET_ALLOW) return "passes";
        if (step.k == SECCOMP_RET_USER_NOTIF) return "is told";
        if (step.k == (SECCOMP_RET_ERRNO | EPERM)) return "is refused";
        return step.k == (SECCOMP_RET_ERRNO | ENOSYS) ? "is not there" : "?";
      case BPF_JMP | BPF_JEQ | BPF_K: holds = accumulator == step.k; break;
      case BPF_JMP | BPF_JGE | BPF_K: holds = accumulator >= step.k; break;
      case BPF_JMP | BPF_JSET | BPF_K: holds = (accumulator & step.k) != 0; break;
      default: return "?";
    }
    at += holds ? step.jt : step.jf;
  }
  return "runs off its end";
}

seccomp_data call_of(long number, std::uint64_t flags = 0) {
  seccomp_data call{.nr = static_cast<int>(number), .arch = kOwn};
  call.args[2] = flags;
  return call;
}

TEST(CallFilter, EveryCallIsToldFromItsWatchOn) {
  for (const PathCall& call : path_calls()) {
    for (const Watch watch : {Watch::changes, Watch::opens, Watch::all}) {
      const bool depends = call.deed == PathCall::Deed::open && watch == Watch::changes;
      if (depends) continue;
      EXPECT_EQ(answer_to(watch, call_of(call.number)), call.from <= watch ? "is told" : "passes")
          << call.number;
    }
  }
  EXPECT_EQ(answer_to(Watch::all, call_of(SYS_read)), "passes");
}

TEST(CallFilter, WhereOnlyChangesCountOpensForReadingPass) {
  const auto open_with = [](std::uint64_t flags) {
    return answer_to(Watch::changes, call_of(SYS_openat, flags));
  };
  EXPECT_EQ(open_with(O_RDONLY | O_CLOEXEC), "passes");
  EXPECT_EQ(open_with(O_WRONLY), "is told");
  EXPECT_EQ(open_with(O_RDWR), "is told");
  EXPECT_EQ(open_with(O_RDONLY | O_CREAT), "is told");
  EXPECT_EQ(answer_to(Watch::opens, call_of(SYS_openat, O_RDONLY)), "is told");
}

TEST(CallFilter, WhatReachesBeyondAConfinedAttemptIsToldAndElseRefused) {
  constexpr bool kConfined = true;
  for (const KernelCall& call : kernel_calls()) {
    EXPECT_EQ(answer_to(Watch::changes, call_of(call.number), kConfined), "is told");
    EXPECT_EQ(answer_to(Watch::nothing, call_of(call.number), kConfined), "is refused");
    const bool takes_root =
        call.number == SYS_chroot || call.number == SYS_pivot_root || call.number == SYS_setns;
    EXPECT_EQ(answer_to(Watch::changes, call_of(call.number)), takes_root ? "is refused" : "passes")
        << call.doing;
  }
  for (const ControlRequest& one : control_requests()) {
    seccomp_data call = call_of(SYS_ioctl);
    call.args[1] = one.request;
    EXPECT_EQ(answer_to(Watch::all, call, kConfined), "is told");
    EXPECT_EQ(answer_to(Watch::nothing, call, kConfined),
              one.doing == nullptr ? "passes" : "is refused");
  }
  seccomp_data harmless = call_of(SYS_ioctl);
  harmless.args[1] = TCGETS;
  EXPECT_EQ(answer_to(Watch::all, harmless, kConfined), "passes");
  for (const DescriptorCall& call : descriptor_calls())
    EXPECT_EQ(answer_to(Watch::changes, call_of(call.number), kConfined), "is told");
}

TEST(CallFilter, WhatAProcessDoesToItselfPasses) {
  for (const ProcessCall& call : process_calls()) {
    seccomp_data other = call_of(call.number);
    other.args[0] = 7;
    EXPECT_EQ(answer_to(Watch::changes, other, true), "is told") << call.doing;
    if (call.whom == ProcessCall::Whom::which_who) continue;
    EXPECT_EQ(answer_to(Watch::changes, call_of(call.number), true), "passes") << call.doing;
  }
}

TEST(CallFilter, WaysAroundAreClosed) {
  EXPECT_EQ(answer_to(Watch::changes, call_of(SYS_io_uring_setup)), "is not there");
  for (const long call : {SYS_chroot, SYS_pivot_root, SYS_setns})
    EXPECT_EQ(answer_to(Watch::changes, call_of(call)), "is refused");
  seccomp_data foreign = call_of(SYS_read);
  foreign.arch = kForeign;
  EXPECT_EQ(answer_to(Watch::changes, foreign), "is not there");
#if defined(__x86_64__)
  EXPECT_EQ(answer_to(Watch::changes, call_of(SYS_read | 0x40000000)), "is not there");
#endif
}

}  // namespace
}  // namespace interlock::process
