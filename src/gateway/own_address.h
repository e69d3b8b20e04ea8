#pragma once

#include <sys/socket.h>

namespace interlock::gateway {

/// Whether an address (IPv4, IPv6) is one of this machine or of its cable: loopback, unspecified,
/// link-local, one of its interfaces now, and what stands for any of these in IPv6.
bool is_own_address(const sockaddr& address);

}  // namespace interlock::gateway
