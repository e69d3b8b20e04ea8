#include "gateway/own_address.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>

namespace interlock::gateway {
namespace {

using Address = std::array<unsigned char, 16>;

/// The one form for both: IPv4 as `::ffff:a.b.c.d`. Nothing: another family.
std::optional<Address> in_one_form(const sockaddr& address) {
  Address form{};
  if (address.sa_family == AF_INET6) {
    const auto& ip = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
    std::memcpy(form.data(), ip.s6_addr, form.size());
    return form;
  }
  if (address.sa_family != AF_INET) return std::nullopt;
  form[10] = form[11] = 0xff;
  std::memcpy(form.data() + 12, &reinterpret_cast<const sockaddr_in&>(address).sin_addr, 4);
  return form;
}

bool is_special(const Address& form) {
  in6_addr ip{};
  std::memcpy(ip.s6_addr, form.data(), form.size());
  // The old form `::127.0.0.1` too, which stands for the same.
  const bool is_four = IN6_IS_ADDR_V4MAPPED(&ip) || IN6_IS_ADDR_V4COMPAT(&ip);
  if (is_four) return form[12] == 127 || form[12] == 0 || (form[12] == 169 && form[13] == 254);
  return IN6_IS_ADDR_LOOPBACK(&ip) || IN6_IS_ADDR_UNSPECIFIED(&ip) || IN6_IS_ADDR_LINKLOCAL(&ip);
}

bool is_of_an_interface(const Address& form) {
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return false;
  bool is_own = false;
  for (const ifaddrs* one = all; one != nullptr && !is_own; one = one->ifa_next)
    is_own = one->ifa_addr != nullptr && in_one_form(*one->ifa_addr) == form;
  ::freeifaddrs(all);
  return is_own;
}

}  // namespace

bool is_own_address(const sockaddr& address) {
  const auto form = in_one_form(address);
  return form && (is_special(*form) || is_of_an_interface(*form));
}

}  // namespace interlock::gateway
