#include "gateway/tunnels.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "gateway/own_address.h"

namespace interlock::gateway {

namespace {

constexpr std::size_t kMostTunnels = 64;
constexpr int kConnectMs = 15'000;
/// A connection on which nothing moves for so long is over.
constexpr int kIdleMs = 10 * 60 * 1000;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_same(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

struct HostAndPort {
  std::string_view host, port;
};

/// `[::1]:443`, `example.com:443`, `example.com`.
HostAndPort part(std::string_view text) {
  const std::size_t bracket = text.rfind(']');
  const std::size_t colon = text.rfind(':');
  const bool has_port = colon != text.npos && (bracket == text.npos || colon > bracket);
  HostAndPort both{text.substr(0, has_port ? colon : text.size()),
                   has_port ? text.substr(colon + 1) : "443"};
  if (both.host.starts_with('[') && both.host.ends_with(']'))
    both.host = both.host.substr(1, both.host.size() - 2);
  if (both.host.ends_with('.')) both.host.remove_suffix(1);
  return both;
}

bool says_local(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> any{};
  return is_same(host, "localhost") || ::inet_pton(AF_INET, host.c_str(), any.data()) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), any.data()) == 1;
}

bool wait_for(int fd, short events, int ms) {
  pollfd one{fd, events, 0};
  int ready = 0;
  do {
    ready = ::poll(&one, 1, ms);
  } while (ready < 0 && errno == EINTR);
  return ready == 1;
}

/// To the last byte, on a descriptor that does not block.
bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno == EAGAIN) {
      if (!wait_for(fd, POLLOUT, kIdleMs)) return false;
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

std::string answer(std::string_view status, std::string_view message) {
  return fmt::format(
      "HTTP/1.1 {}\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n"
      "connection: close\r\n\r\n{}",
      status, message.size(), message);
}

/// Why it cannot be had is in `why`.
sys::Descriptor connect_to(const std::string& target, std::string& why) {
  const HostAndPort both = part(target);
  const std::string host(both.host), port(both.port);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG;
  if (says_local(host)) hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (const int trouble = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found); trouble != 0) {
    why = fmt::format("the host is not found: {}", ::gai_strerror(trouble));
    return {};
  }
  why = "the host has no address";
  sys::Descriptor socket;
  for (const addrinfo* at = found; at != nullptr && !socket; at = at->ai_next) {
    if (is_own_address(*at->ai_addr) && !says_local(host)) {
      why = "the name leads to this machine";
      continue;
    }
    sys::Descriptor one(::socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    int error = 0;
    socklen_t size = sizeof error;
    if (!one || ::connect(one.get(), at->ai_addr, at->ai_addrlen) != 0) error = errno;
    if (error == EINPROGRESS) {
      error = ETIMEDOUT;
      if (wait_for(one.get(), POLLOUT, kConnectMs))
        ::getsockopt(one.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    }
    if (error == 0) {
      socket = std::move(one);
    } else {
      why = std::generic_category().message(error);
    }
  }
  ::freeaddrinfo(found);
  return socket;
}

std::string show_bytes(std::uint64_t bytes) {
  if (bytes < 1000) return fmt::format("{} bytes", bytes);
  if (bytes < 1'000'000) return fmt::format("{:.1f} kB", static_cast<double>(bytes) / 1e3);
  return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
}

}  // namespace

struct Tunnels::Shared {
  struct Visit {
    std::uint32_t connections = 0, failures = 0;
    std::uint64_t there = 0, back = 0;
  };

  std::mutex mutex;  ///< Of all that follows.
  bool is_closed = false;
  std::uint64_t last_number = 0;
  std::map<std::uint64_t, std::pair<int, int>> open;  ///< Descriptors; -1: not there yet.
  std::map<std::string, Visit> visits;

  /// False: it is to end at once.
  bool set_upstream(std::uint64_t number, int fd) {
    const std::scoped_lock lock(mutex);
    if (is_closed) return false;
    open[number].second = fd;
    return true;
  }
  void count(const std::string& target, std::uint64_t there, std::uint64_t back) {
    const std::scoped_lock lock(mutex);
    visits[target].there += there;
    visits[target].back += back;
  }

  void carry(std::uint64_t number, int client, const std::string& target,
             const std::string& unread);
  void copy(int client, int upstream, const std::string& target);
};

/// Both ways, until both have come to their end. Each end is told on.
void Tunnels::Shared::copy(int client, int upstream, const std::string& target) {
  std::array<char, 32768> bytes{};
  std::array<pollfd, 2> ends{pollfd{client, POLLIN, 0}, pollfd{upstream, POLLIN, 0}};
  while (ends[0].fd >= 0 || ends[1].fd >= 0) {
    const int ready = ::poll(ends.data(), ends.size(), kIdleMs);
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return;
    for (std::size_t from = 0; from < 2; ++from) {
      if (ends[from].fd < 0 || ends[from].revents == 0) continue;
      const int to = from == 0 ? upstream : client;
      const ssize_t count = ::recv(ends[from].fd, bytes.data(), bytes.size(), MSG_DONTWAIT);
      if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
      if (count < 0) return;
      if (count == 0) {
        ::shutdown(to, SHUT_WR);
        ends[from].fd = -1;
        continue;
      }
      const auto size = static_cast<std::size_t>(count);
      this->count(target, from == 0 ? size : 0, from == 1 ? size : 0);
      if (!send_all(to, {bytes.data(), size})) return;
    }
  }
}

void Tunnels::Shared::carry(std::uint64_t number, int client, const std::string& target,
                            const std::string& unread) {
  std::string why;
  const sys::Descriptor upstream = connect_to(target, why);
  if (!upstream) {
    {
      const std::scoped_lock lock(mutex);
      ++visits[target].failures;
    }
    send_all(client, answer("502 Bad Gateway", why));
    return;
  }
  if (!set_upstream(number, upstream.get())) return;
  {
    const std::scoped_lock lock(mutex);
    ++visits[target].connections;
  }
  count(target, unread.size(), 0);
  if (send_all(client, "HTTP/1.1 200 Connection established\r\n\r\n") &&
      send_all(upstream.get(), unread))
    copy(client, upstream.get(), target);
  // Before the descriptor is closed, and may mean something else.
  const std::scoped_lock lock(mutex);
  open[number].second = -1;
}

Tunnels::Tunnels() : shared_(std::make_shared<Shared>()) {}

Tunnels::~Tunnels() {
  const std::scoped_lock lock(shared_->mutex);
  shared_->is_closed = true;
  for (const auto& [number, both] : shared_->open) {
    for (const int fd : {both.first, both.second}) {
      if (fd >= 0) ::shutdown(fd, SHUT_RDWR);
    }
  }
}

bool Tunnels::open(sys::Descriptor client, const std::string& target, std::string unread) {
  std::uint64_t number = 0;
  {
    const std::scoped_lock lock(shared_->mutex);
    if (shared_->open.size() >= kMostTunnels) {
      send_all(client.get(), answer("503 Service Unavailable",
                                    fmt::format("more than {} connections of this attempt at once",
                                                kMostTunnels)));
      return false;
    }
    number = ++shared_->last_number;
    shared_->open[number] = {client.get(), -1};
  }
  const int fd = client.get();
  try {
    std::thread([shared = shared_, number, fd, owner = std::move(client), target,
                 unread = std::move(unread)]() mutable {
      shared->carry(number, fd, target, unread);
      const std::scoped_lock lock(shared->mutex);
      shared->open.erase(number);
      owner.reset();  // Under the lock: who ends all must not meet another of that number.
    }).detach();
  } catch (const std::system_error&) {
    const std::scoped_lock lock(shared_->mutex);
    shared_->open.erase(number);
    return false;
  }
  return true;
}

std::vector<std::string> Tunnels::visited() const {
  const std::scoped_lock lock(shared_->mutex);
  std::vector<std::string> lines;
  for (const auto& [target, visit] : shared_->visits) {
    std::string line = target;
    if (visit.connections > 0) {
      line += fmt::format(", {} connection{}, {} there, {} back", visit.connections,
                          visit.connections == 1 ? "" : "s", show_bytes(visit.there),
                          show_bytes(visit.back));
    }
    if (visit.failures > 0) line += fmt::format(", {} failed", visit.failures);
    lines.push_back(std::move(line));
  }
  return lines;
}

bool is_allowed(const std::vector<std::string>& allowed, std::string_view target) {
  const HostAndPort asked = part(target);
  return std::ranges::any_of(allowed, [&](const std::string& text) {
    const HostAndPort one = part(text);
    if (one.port != asked.port) return false;
    if (!one.host.starts_with("*.")) return is_same(one.host, asked.host);
    const std::string_view below = one.host.substr(1);  // `.example.com`
    return asked.host.size() > below.size() &&
           is_same(asked.host.substr(asked.host.size() - below.size()), below);
  });
}

}  // namespace interlock::gateway
