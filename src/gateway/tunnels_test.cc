#include "gateway/tunnels.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <string>

namespace interlock::gateway {
namespace {

TEST(IsAllowed, a_host_is_its_port_443_unless_another_is_said) {
  const std::vector<std::string> allowed{"example.com", "other.org:8443", "[::1]:1"};
  EXPECT_TRUE(is_allowed(allowed, "example.com:443"));
  EXPECT_TRUE(is_allowed(allowed, "EXAMPLE.com.:443"));
  EXPECT_TRUE(is_allowed(allowed, "other.org:8443"));
  EXPECT_TRUE(is_allowed(allowed, "[::1]:1"));
  EXPECT_FALSE(is_allowed(allowed, "example.com:80"));
  EXPECT_FALSE(is_allowed(allowed, "other.org:443"));
  EXPECT_FALSE(is_allowed(allowed, "www.example.com:443"));
  EXPECT_FALSE(is_allowed(allowed, "example.com.evil.net:443"));
  EXPECT_FALSE(is_allowed({}, "example.com:443"));
}

TEST(IsAllowed, a_star_stands_for_whole_names_below) {
  const std::vector<std::string> allowed{"*.example.com"};
  EXPECT_TRUE(is_allowed(allowed, "www.example.com:443"));
  EXPECT_TRUE(is_allowed(allowed, "a.b.example.com:443"));
  EXPECT_FALSE(is_allowed(allowed, "example.com:443"));
  EXPECT_FALSE(is_allowed(allowed, "badexample.com:443"));
  EXPECT_FALSE(is_allowed(allowed, "www.example.com:8443"));
}

/// Listens on loopback.
class Host {
 public:
  Host() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(socket_.get(), any, size), 0);
    EXPECT_EQ(::listen(socket_.get(), 4), 0);
    EXPECT_EQ(::getsockname(socket_.get(), any, &size), 0);
    port_ = ntohs(address.sin_port);
  }
  sys::Descriptor accept() const {
    return sys::Descriptor(::accept(socket_.get(), nullptr, nullptr));
  }
  std::string target() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  sys::Descriptor socket_;
  int port_ = 0;
};

struct Pair {
  sys::Descriptor mine, given;
};
Pair pair() {
  int both[2] = {-1, -1};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both), 0);
  return {sys::Descriptor(both[0]), sys::Descriptor(both[1])};
}

std::string read_to(const sys::Descriptor& from, const std::string& end) {
  std::string text;
  char one = 0;
  while (!text.ends_with(end) && ::read(from.get(), &one, 1) == 1) text += one;
  return text;
}

void say(const sys::Descriptor& to, const std::string& text) {
  EXPECT_EQ(::write(to.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
}

TEST(Tunnels, bytes_pass_both_ways_and_are_counted) {
  const Host host;
  Tunnels tunnels;
  Pair client = pair();
  ASSERT_TRUE(tunnels.open(std::move(client.given), host.target(), "ahead"));
  const sys::Descriptor there = host.accept();
  EXPECT_EQ(read_to(client.mine, "\r\n\r\n"), "HTTP/1.1 200 Connection established\r\n\r\n");
  EXPECT_EQ(read_to(there, "ahead"), "ahead");
  say(client.mine, "ping.");
  EXPECT_EQ(read_to(there, "."), "ping.");
  say(there, "pong.");
  EXPECT_EQ(read_to(client.mine, "."), "pong.");
  ASSERT_EQ(tunnels.visited().size(), 1u);
  EXPECT_EQ(tunnels.visited()[0], host.target() + ", 1 connection, 10 bytes there, 5 bytes back");
}

TEST(Tunnels, an_end_is_told_on_and_the_other_way_goes_on) {
  const Host host;
  Tunnels tunnels;
  Pair client = pair();
  ASSERT_TRUE(tunnels.open(std::move(client.given), host.target(), ""));
  const sys::Descriptor there = host.accept();
  read_to(client.mine, "\r\n\r\n");
  ::shutdown(client.mine.get(), SHUT_WR);
  EXPECT_EQ(read_to(there, "."), "") << "the end";
  say(there, "still.");
  EXPECT_EQ(read_to(client.mine, "."), "still.");
}

TEST(Tunnels, all_end_with_the_attempt) {
  const Host host;
  Pair client = pair();
  sys::Descriptor there;
  {
    Tunnels tunnels;
    ASSERT_TRUE(tunnels.open(std::move(client.given), host.target(), ""));
    there = host.accept();
    read_to(client.mine, "\r\n\r\n");
  }
  EXPECT_EQ(read_to(there, "."), "");
  EXPECT_EQ(read_to(client.mine, "."), "");
}

TEST(Tunnels, who_cannot_be_reached_is_said) {
  std::string target;
  {
    const Host host;
    target = host.target();
  }
  Tunnels tunnels;
  Pair client = pair();
  ASSERT_TRUE(tunnels.open(std::move(client.given), target, ""));
  EXPECT_EQ(read_to(client.mine, "refused").substr(0, 12), "HTTP/1.1 502");
  EXPECT_EQ(tunnels.visited(), std::vector<std::string>{target + ", 1 failed"});
}

}  // namespace
}  // namespace interlock::gateway
