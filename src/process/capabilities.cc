#include "process/capabilities.h"

#include <linux/capability.h>

#include <array>

namespace interlock::process {
namespace {

constexpr auto kKept = std::to_array<KeptCapability>({
    {CAP_CHOWN, "CAP_CHOWN", "`tar`, `install` and package builds give files to their owners"},
    {CAP_DAC_OVERRIDE, "CAP_DAC_OVERRIDE", "root works in folders of other users, as in CI images"},
    {CAP_FOWNER, "CAP_FOWNER", "modes, times and attributes of such files are set"},
    {CAP_FSETID, "CAP_FSETID", "a file's set-group-id bit outlives its being written"},
    {CAP_SETUID, "CAP_SETUID",
     "`npm`, `apt` and test suites give up root for a part of their work"},
    {CAP_SETGID, "CAP_SETGID", "the same"},
    {CAP_KILL, "CAP_KILL", "those parts are ended again; kept where Landlock scopes signals"},
});

}  // namespace

std::span<const KeptCapability> kept_capabilities() { return kKept; }

std::uint64_t kept_capability_mask(bool signals_are_scoped) {
  std::uint64_t mask = 0;
  for (const KeptCapability& one : kKept) {
    if (one.number == CAP_KILL && !signals_are_scoped) continue;
    mask |= std::uint64_t{1} << one.number;
  }
  return mask;
}

}  // namespace interlock::process
