#pragma once

#include <cstddef>
#include <cstdint>

#include "base/result.h"

namespace interlock::engine {

/// Each lane has its own ports, so that servers of tasks side by side do not meet.
inline constexpr int kFirstPort = 21000;
inline constexpr int kPortsPerLane = 20;

/// Of an attempt's service, by its place among them: from the end of its ports, the others of which
/// are the task's.
constexpr int port_of_service(int first_port, std::size_t service) {
  return first_port + kPortsPerLane - 1 - static_cast<int>(service);
}

/// Says which ports a lane's attempts may listen on. Contract: for as long as it lives, no other
/// run on this machine is given any of them, and when a lane was first asked for nobody listened
/// there.
class PortRanges {
 public:
  virtual ~PortRanges() = default;
  /// The first of `kPortsPerLane`; the same each time.
  virtual Result<std::uint16_t> first_of(std::uint32_t lane) = 0;
};

}  // namespace interlock::engine
