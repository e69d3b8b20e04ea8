#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

// What may stand between a gateway and its provider: TLS, and proxies.
namespace interlock::gateway::scenes {

/// A made-up certificate of 127.0.0.1, and its key.
struct Identity {
  std::string certificate;  ///< PEM, both.
  std::string key;
};
Identity make_identity();

/// Listens on 127.0.0.1, in a thread of its own, and passes bytes on until it is destroyed.
class Relay {
 public:
  /// Takes TLS off, and passes on to the port.
  static std::unique_ptr<Relay> tls(const Identity& identity, std::uint16_t port);
  /// A proxy: opens tunnels where it is asked by CONNECT, else passes on one request a connection.
  static std::unique_ptr<Relay> proxy();
  /// A proxy that says no to everybody.
  static std::unique_ptr<Relay> refusing_proxy();
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  std::uint16_t port() const;
  /// How often somebody connected.
  std::size_t connections() const;
  /// The first line on each connection of a proxy.
  std::vector<std::string> asked() const;

  struct Server;

 private:
  explicit Relay(std::unique_ptr<Server> server);
  std::unique_ptr<Server> server_;
};

}  // namespace interlock::gateway::scenes
