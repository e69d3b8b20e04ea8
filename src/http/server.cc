#include "http/server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace interlock::http {
namespace {

constexpr int kBacklog = 1024;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

}  // namespace

Result<std::unique_ptr<Server>> Server::open(sys::Loop& loop, std::uint16_t port,
                                             const Session::Rules& rules, Session::OnHead on_head,
                                             Session::OnRequest on_request) {
  sys::Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int yes = 1;
  if (socket) ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  const sockaddr_in address = loopback(port);
  const bool is_open =
      socket &&
      ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      ::listen(socket.get(), kBacklog) == 0;
  if (!is_open) {
    return fail(Error::Kind::io,
                fmt::format("cannot listen on 127.0.0.1:{}: {}", port, std::strerror(errno)));
  }
  return std::unique_ptr<Server>(
      new Server(loop, std::move(socket), rules, std::move(on_head), std::move(on_request)));
}

Result<std::unique_ptr<Server>> Server::open_unix(sys::Loop& loop, const std::string& path,
                                                  const Session::Rules& rules,
                                                  Session::OnHead on_head,
                                                  Session::OnRequest on_request) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return fail(Error::Kind::invalid,
                fmt::format("the path of the socket is longer than {} bytes: {}",
                            sizeof address.sun_path - 1, path),
                "name a shorter one");
  path.copy(address.sun_path, path.size());
  ::unlink(path.c_str());
  sys::Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  // Nobody else may connect between bind and chmod either.
  const mode_t before = ::umask(0177);
  const bool is_bound = socket && ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address),
                                         sizeof address) == 0;
  const int why = errno;
  ::umask(before);
  if (!is_bound || ::listen(socket.get(), kBacklog) != 0)
    return fail(Error::Kind::io, fmt::format("cannot listen on `{}`: {}", path,
                                             std::strerror(is_bound ? errno : why)));
  auto server = std::unique_ptr<Server>(
      new Server(loop, std::move(socket), rules, std::move(on_head), std::move(on_request)));
  server->path_ = path;
  return server;
}

Server::Server(sys::Loop& loop, sys::Descriptor listening, const Session::Rules& rules,
               Session::OnHead on_head, Session::OnRequest on_request)
    : loop_(loop), rules_(rules), on_head_(std::move(on_head)), on_request_(std::move(on_request)) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(listening.get(), reinterpret_cast<sockaddr*>(&address), &size);
  if (address.sin_family == AF_INET) port_ = ntohs(address.sin_port);
  listen_as(0, std::move(listening));
}

Server::~Server() {
  for (const auto& [number, socket] : listening_) loop_.forget(socket.get());
  if (!path_.empty()) ::unlink(path_.c_str());
}

/// On a Unix socket the kernel says who connects; over TCP nobody does.
bool Server::is_welcome(const sys::Descriptor& socket) const {
  if (path_.empty()) return true;
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
         peer.uid == ::geteuid();
}

std::uint64_t Server::listen_also(sys::Descriptor socket) {
  listen_as(++last_listener_, std::move(socket));
  return last_listener_;
}

void Server::listen_as(std::uint64_t listener, sys::Descriptor socket) {
  loop_.watch(socket.get(), EPOLLIN, [this, listener](std::uint32_t) { accept_some(listener); });
  listening_.emplace(listener, std::move(socket));
}

void Server::stop_listening(std::uint64_t listener) {
  const auto found = listening_.find(listener);
  if (found == listening_.end()) return;
  loop_.forget(found->second.get());
  listening_.erase(found);
}

void Server::accept_some(std::uint64_t listener) {
  const int listening = listening_.at(listener).get();
  for (;;) {
    sys::Descriptor socket(::accept4(listening, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket) {
      // Out of descriptors: the line stays readable, and asking at once again would only burn time.
      if (errno == EMFILE || errno == ENFILE) {
        set_accepting(false);
        rest_ = loop_.after(std::chrono::milliseconds(100), [this] { set_accepting(true); });
      }
      return;
    }
    const bool is_full = rules_.most_sessions > 0 && sessions_.size() >= rules_.most_sessions;
    if (is_full || !is_welcome(socket)) continue;  // Closed without a word.
    const int yes = 1;
    if (path_.empty()) ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    const std::uint64_t number = ++last_number_;
    // The key is gone with the session that holds it.
    const auto forget = [this, number](Session&) {
      const std::uint64_t which = number;
      sessions_.erase(which);
    };
    sessions_.emplace(number, std::make_unique<Session>(loop_, std::move(socket), rules_, on_head_,
                                                        on_request_, forget, listener));
    part_with_strangers();
  }
}

void Server::set_accepting(bool accepts) {
  for (const auto& [number, socket] : listening_)
    loop_.change(socket.get(), accepts ? std::uint32_t{EPOLLIN} : 0);
}

/// Whoever shows no secret costs no more than so many connections.
void Server::part_with_strangers() {
  if (sessions_.size() <= rules_.most_strangers) return;
  std::size_t strangers = 0;
  Session* oldest = nullptr;
  for (const auto& [number, session] : sessions_) {
    if (session->is_closed() || !session->is_stranger()) continue;
    if (++strangers == 1) oldest = session.get();
  }
  if (strangers > rules_.most_strangers) oldest->close();
}

}  // namespace interlock::http
