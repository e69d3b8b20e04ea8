#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sys/descriptor.h"

namespace interlock::gateway {

/// Whether `target`, `host:port` of a CONNECT, is one of these: `example.com` is its port 443,
/// `example.com:8443` that port, `*.example.com` all hosts below it. Case does not matter.
bool is_allowed(const std::vector<std::string>& allowed, std::string_view target);

/// The connections of one attempt to hosts that its plan allows. What passes is not looked into:
/// it is TLS, between the attempt and the host.
///
/// Each has a thread of its own, for a name may take long to be found, and bytes are copied
/// without the gateway's loop. A name that the allowed host's owner lets point back at this machine
/// (loopback, link-local) is refused, unless the plan says `localhost` or the address itself.
class Tunnels {
 public:
  Tunnels();
  /// Ends them all, and waits for none.
  ~Tunnels();
  Tunnels(Tunnels&&) = delete;

  /// Connects `client`, which has asked for `target` and waits for its answer; `unread`: what it
  /// sent ahead. False: there are too many already, and the client was told so.
  bool open(sys::Descriptor client, const std::string& target, std::string unread);
  /// A line for each host, for people: `example.com:443, 2 connections, 1.2 kB there, 3.4 MB back`.
  std::vector<std::string> visited() const;

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;  ///< With the threads, which may outlive this by a moment.
};

}  // namespace interlock::gateway
