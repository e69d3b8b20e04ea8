#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "base/result.h"
#include "http/session.h"
#include "sys/descriptor.h"
#include "sys/loop.h"

namespace interlock::http {

/// Listens on 127.0.0.1, or on a Unix socket, and keeps its clients' sessions.
class Server {
 public:
  /// On a socket of the file system that only this user may use: mode 0600, and whoever connects is
  /// asked for its user besides. One that is left there is replaced, so the caller has made sure
  /// that no other server lives (a lock); it is removed with this. The path has at most 107 bytes.
  static Result<std::unique_ptr<Server>> open_unix(sys::Loop& loop, const std::string& path,
                                                   const Session::Rules& rules,
                                                   Session::OnHead on_head,
                                                   Session::OnRequest on_request);
  /// `port` 0: any that is free.
  static Result<std::unique_ptr<Server>> open(sys::Loop& loop, std::uint16_t port,
                                              const Session::Rules& rules, Session::OnHead on_head,
                                              Session::OnRequest on_request);
  ~Server();
  Server(Server&&) = delete;

  std::uint16_t port() const { return port_; }

  /// One more socket that listens already, perhaps in another network namespace. What comes in by
  /// it has the number as `Request::listener`; by the first, 0.
  std::uint64_t listen_also(sys::Descriptor socket);
  void stop_listening(std::uint64_t listener);

 private:
  Server(sys::Loop& loop, sys::Descriptor listening, const Session::Rules& rules,
         Session::OnHead on_head, Session::OnRequest on_request);
  void accept_some(std::uint64_t listener);
  void listen_as(std::uint64_t listener, sys::Descriptor socket);
  void set_accepting(bool accepts);
  bool is_welcome(const sys::Descriptor& socket) const;
  void part_with_strangers();

  sys::Loop& loop_;
  std::map<std::uint64_t, sys::Descriptor> listening_;  ///< By number.
  const Session::Rules& rules_;
  Session::OnHead on_head_;
  Session::OnRequest on_request_;
  std::uint16_t port_ = 0;
  std::string path_;  ///< Of a Unix socket.
  sys::Loop::Timer rest_;
  std::uint64_t last_listener_ = 0;
  std::uint64_t last_number_ = 0;
  std::map<std::uint64_t, std::unique_ptr<Session>> sessions_;  ///< In the order of coming.
};

}  // namespace interlock::http
