#pragma once

#include <cstdint>
#include <map>
#include <mutex>

#include "engine/port_ranges.h"
#include "sys/descriptor.h"

namespace interlock::process {

/// Ranges of ports of this machine, each held by a name that the kernel gives to one process and
/// takes back when that ends: an abstract socket, which is known as far as the ports are, in one
/// network namespace. A range in which somebody listens is passed over.
class PortClaims : public engine::PortRanges {
 public:
  /// Refused when all ranges up to the ports of outgoing connections are taken; a shortage where
  /// descriptors are. From any thread.
  Result<std::uint16_t> first_of(std::uint32_t lane) override;

 private:
  struct Claim {
    std::uint16_t first = 0;
    sys::Descriptor name;
  };
  std::mutex mutex_;                       ///< Of what follows.
  std::map<std::uint32_t, Claim> claims_;  ///< By lane.
};

/// Whether somebody listens on that port of loopback.
bool is_port_in_use(std::uint16_t port);

}  // namespace interlock::process
