#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include "base/result.h"
#include "http/session.h"
#include "sys/descriptor.h"
#include "sys/loop.h"

namespace interlock::http {

/// Listens on 127.0.0.1 and keeps its clients' sessions.
class Server {
 public:
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
  void part_with_strangers();

  sys::Loop& loop_;
  std::map<std::uint64_t, sys::Descriptor> listening_;  ///< By number.
  const Session::Rules& rules_;
  Session::OnHead on_head_;
  Session::OnRequest on_request_;
  std::uint16_t port_ = 0;
  sys::Loop::Timer rest_;
  std::uint64_t last_listener_ = 0;
  std::uint64_t last_number_ = 0;
  std::map<std::uint64_t, std::unique_ptr<Session>> sessions_;  ///< In the order of coming.
};

}  // namespace interlock::http
