#pragma once

#include <cstdint>
#include <span>

namespace interlock::process {

/// What a confined process that is root keeps of what root can do (capabilities(7)), and why. All
/// else is taken from it and from whatever it starts: work on files needs none of it, and it
/// reaches round every wall: devices, kernel modules, mounts, other processes, the clock, the
/// network.
struct KeptCapability {
  int number;
  const char* name;
  const char* reason;
};
std::span<const KeptCapability> kept_capabilities();

/// One bit a capability. `signals_are_scoped`: the kernel (Landlock 6) keeps signals within the
/// attempt; else CAP_KILL would reach everybody, and goes too.
std::uint64_t kept_capability_mask(bool signals_are_scoped);

}  // namespace interlock::process
