#include "process/port_claims.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/shortage.h"

namespace interlock::process {
namespace {

/// One that no run of this machine is likely to have.
constexpr std::uint32_t kLane = 400;

sys::Descriptor listen_on(std::uint16_t port) {
  sys::Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(::listen(socket.get(), 1), 0);
  return socket;
}

TEST(PortClaims, two_of_one_machine_never_give_the_same) {
  PortClaims one, other;
  const auto mine = one.first_of(kLane);
  const auto theirs = other.first_of(kLane);
  ASSERT_TRUE(mine.has_value());
  ASSERT_TRUE(theirs.has_value());
  EXPECT_GE(std::abs(*mine - *theirs), engine::kPortsPerLane);
  EXPECT_EQ(one.first_of(kLane).value_or(0), *mine) << "a lane keeps its ports";
  EXPECT_NE(one.first_of(kLane + 1).value_or(0), *mine);
}

TEST(PortClaims, leave_descriptors_for_others) {
  rlimit usual{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &usual), 0);
  rlimit few = usual;
  few.rlim_cur = 64;
  PortClaims claims;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  Result<std::uint16_t> first = 0;
  for (std::uint32_t lane = kLane; first && lane < kLane + 100; ++lane)
    first = claims.first_of(lane);
  const int next = ::dup(STDIN_FILENO);
  ::close(next);
  EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &usual), 0);
  ASSERT_FALSE(first.has_value());
  EXPECT_TRUE(engine::is_shortage(first.error())) << first.error().message;
  EXPECT_GE(next, 0);
  EXPECT_LE(next, 44) << "so many are taken";
}

TEST(PortClaims, what_was_held_can_be_had_again) {
  std::uint16_t first = 0;
  {
    PortClaims one;
    first = one.first_of(kLane).value_or(0);
  }
  PortClaims other;
  EXPECT_LE(other.first_of(kLane).value_or(65535), first);
}

TEST(PortClaims, a_range_in_which_somebody_listens_is_passed_over) {
  std::uint16_t first = 0;
  {
    PortClaims one;
    first = one.first_of(kLane).value_or(0);
  }
  ASSERT_NE(first, 0);
  const auto port = static_cast<std::uint16_t>(first + 7);
  EXPECT_FALSE(is_port_in_use(port));
  const sys::Descriptor listener = listen_on(port);
  EXPECT_TRUE(is_port_in_use(port));
  PortClaims other;
  EXPECT_NE(other.first_of(kLane).value_or(first), first);
}

}  // namespace
}  // namespace interlock::process
