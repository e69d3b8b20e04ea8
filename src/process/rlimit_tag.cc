#include "process/rlimit_tag.h"

#include <sys/resource.h>

#include "base/digest.h"

namespace interlock::process {
namespace {

/// Every brand has this bit, none the one above it: they stay clear of RLIM_INFINITY, which is all
/// ones.
constexpr RlimitTag kTagged = RlimitTag{1} << 62;

}  // namespace

RlimitTag rlimit_tag_for(const std::string& label) {
  RlimitTag tag = 0;
  const Digest digest = digest_of(label);
  for (std::size_t byte = 0; byte < sizeof tag; ++byte) tag = tag << 8 | digest.bytes[byte];
  return kTagged | (tag & (kTagged - 1));
}

std::optional<RlimitTag> rlimit_tag_of(pid_t pid) {
  rlimit limit{};
  if (::prlimit(pid, RLIMIT_RTTIME, nullptr, &limit) != 0) return std::nullopt;
  if (limit.rlim_max >> 62 != 1) return std::nullopt;
  return limit.rlim_max;
}

}  // namespace interlock::process
