#include "process/port_claims.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>

#include "process/descriptor_reserve.h"

namespace interlock::process {

namespace {

/// Linux gives these to outgoing connections, unless it is told otherwise (ip_local_port_range).
constexpr int kEndPort = 32768;

/// No descriptor: another holds it. An error: none could be had to hold it with.
Result<sys::Descriptor> hold_name(int first) {
  sys::Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket)
    return fail(Error::Kind::io, fmt::format("cannot claim ports: {}", std::strerror(errno)));
  const std::string name = fmt::format("interlock/ports/{}", first);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::ranges::copy(name, address.sun_path + 1);  // Behind a NUL: no file.
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  const auto* const any = reinterpret_cast<const sockaddr*>(&address);
  if (::bind(socket.get(), any, size) != 0) socket.reset();
  return socket;
}

bool is_range_free(int first) {
  for (int port = first; port < first + engine::kPortsPerLane; ++port) {
    if (is_port_in_use(static_cast<std::uint16_t>(port))) return false;
  }
  return true;
}

}  // namespace

bool is_port_in_use(std::uint16_t port) {
  const sys::Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return false;
  // Connections that are over do not count, only who listens.
  const int yes = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto* const any = reinterpret_cast<const sockaddr*>(&address);
  if (::bind(socket.get(), any, sizeof address) != 0) return errno == EADDRINUSE;
  return ::listen(socket.get(), 1) != 0 && errno == EADDRINUSE;
}

Result<std::uint16_t> PortClaims::first_of(std::uint32_t lane) {
  const std::lock_guard lock(mutex_);
  if (const auto found = claims_.find(lane); found != claims_.end()) return found->second.first;
  // What is claimed is held to the end, so it must leave room for what gives descriptors back.
  if (auto left = descriptors_are_left(); !left && !claims_.empty())
    return std::unexpected(left.error());
  constexpr int kRanges = (kEndPort - engine::kFirstPort) / engine::kPortsPerLane;
  for (int tried = 0; tried < kRanges; ++tried) {
    const int range = (static_cast<int>(lane % kRanges) + tried) % kRanges;
    const int first = engine::kFirstPort + range * engine::kPortsPerLane;
    auto name = hold_name(first);
    if (!name) return std::unexpected(name.error());
    if (!*name || !is_range_free(first)) continue;
    const auto port = static_cast<std::uint16_t>(first);
    claims_.emplace(lane, Claim{port, std::move(*name)});
    return port;
  }
  return fail(Error::Kind::refused,
              fmt::format("all ports from {} to {} are in use or held by other runs",
                          engine::kFirstPort, kEndPort - 1),
              "end what listens there, or run fewer tasks at once");
}

}  // namespace interlock::process
