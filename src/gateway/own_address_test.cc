#include "gateway/own_address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <unistd.h>

#include <array>
#include <string>

#include "gateway/tunnels.h"

namespace interlock::gateway {
namespace {

bool is_own(const char* text) {
  sockaddr_in four{};
  four.sin_family = AF_INET;
  if (::inet_pton(AF_INET, text, &four.sin_addr) == 1)
    return is_own_address(reinterpret_cast<const sockaddr&>(four));
  sockaddr_in6 six{};
  six.sin6_family = AF_INET6;
  EXPECT_EQ(::inet_pton(AF_INET6, text, &six.sin6_addr), 1) << text;
  return is_own_address(reinterpret_cast<const sockaddr&>(six));
}

TEST(IsOwnAddress, of_loopback_and_of_the_cable_is_and_of_others_is_not) {
  for (const char* own :
       {"127.0.0.1", "127.8.9.10", "0.0.0.0", "169.254.169.254", "::1", "::", "fe80::1",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:0.0.0.0", "::127.0.0.1"})
    EXPECT_TRUE(is_own(own)) << own;
  for (const char* other : {"192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1", "::192.0.2.1"})
    EXPECT_FALSE(is_own(other)) << other;
}

TEST(IsOwnAddress, of_each_interface_is) {
  ifaddrs* all = nullptr;
  ASSERT_EQ(::getifaddrs(&all), 0);
  int seen = 0;
  for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr) continue;
    const auto family = one->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    EXPECT_TRUE(is_own_address(*one->ifa_addr)) << one->ifa_name;
    ++seen;
  }
  ::freeifaddrs(all);
  EXPECT_GT(seen, 0);
}

/// A name, other than `localhost`, that leads here; empty: none is known.
std::string name_of_this_machine() {
  std::array<char, 256> own{};
  ::gethostname(own.data(), own.size() - 1);
  for (const std::string& name : {std::string("ip6-localhost"),
                                  std::string("localhost.localdomain"), std::string(own.data())}) {
    addrinfo hints{}, *found = nullptr;
    hints.ai_socktype = SOCK_STREAM;
    if (name == "localhost" || ::getaddrinfo(name.c_str(), "1", &hints, &found) != 0) continue;
    const bool leads_here = is_own_address(*found->ai_addr);
    ::freeaddrinfo(found);
    if (leads_here) return name;
  }
  return {};
}

TEST(Tunnels, to_a_name_that_leads_to_this_machine_are_refused) {
  const std::string name = name_of_this_machine();
  if (name.empty()) GTEST_SKIP() << "no name leads to this machine";
  std::array<int, 2> both{-1, -1};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both.data()), 0);
  const sys::Descriptor mine(both[0]);
  Tunnels tunnels;
  ASSERT_TRUE(tunnels.open(sys::Descriptor(both[1]), name + ":9", ""));
  std::string text;
  for (char c = 0; ::read(mine.get(), &c, 1) == 1;) text += c;
  EXPECT_EQ(text.substr(0, 12), "HTTP/1.1 502");
  EXPECT_NE(text.find("the name leads to this machine"), std::string::npos) << text;
}

}  // namespace
}  // namespace interlock::gateway
