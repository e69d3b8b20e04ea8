#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>

#include "gateway/harness.h"
#include "gateway/relay.h"

namespace interlock::gateway::scenes {

/// An HTTP/2 server over TLS before a provider: nghttp2's proxy, a process of its own until this is
/// destroyed.
class Http2Front {
 public:
  /// Where its program is; empty: this machine has none.
  static std::string program();

  Http2Front(const std::string& program, const Identity& identity, std::uint16_t provider);
  ~Http2Front();
  Http2Front(const Http2Front&) = delete;
  Http2Front& operator=(const Http2Front&) = delete;

  /// 0: it did not start.
  std::uint16_t port() const { return port_; }

 private:
  void wait_until_it_listens(int said);

  TempFolder folder_;
  std::uint16_t port_ = 0;
  pid_t process_ = -1;
};

}  // namespace interlock::gateway::scenes
