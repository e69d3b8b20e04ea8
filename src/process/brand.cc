#include "process/brand.h"

#include <sys/resource.h>

#include "base/digest.h"

namespace interlock::process {
namespace {

/// Every brand has this bit, none the one above it: they stay clear of RLIM_INFINITY, which is all
/// ones.
constexpr Brand kBranded = Brand{1} << 62;

}  // namespace

Brand brand_for(const std::string& label) {
  Brand brand = 0;
  const Digest digest = digest_of(label);
  for (std::size_t byte = 0; byte < sizeof brand; ++byte) brand = brand << 8 | digest.bytes[byte];
  return kBranded | (brand & (kBranded - 1));
}

std::optional<Brand> brand_of(pid_t pid) {
  rlimit limit{};
  if (::prlimit(pid, RLIMIT_RTTIME, nullptr, &limit) != 0) return std::nullopt;
  if (limit.rlim_max >> 62 != 1) return std::nullopt;
  return limit.rlim_max;
}

}  // namespace interlock::process
