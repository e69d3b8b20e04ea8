#include "engine/shortage.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

namespace interlock::engine {

bool is_shortage(const Error& error) {
  // EMFILE and ENFILE of descriptors; EAGAIN of processes; ENOMEM of memory and cgroup limits.
  static constexpr std::array kNumbers = {EMFILE, ENFILE, EAGAIN, ENOMEM};
  return error.kind == Error::Kind::io && std::ranges::any_of(kNumbers, [&](int number) {
           return std::string_view(error.message).ends_with(std::strerror(number));
         });
}

/// EINTR, which no port passes on for any other reason.
bool is_interruption(const Error& error) {
  return error.kind == Error::Kind::io &&
         std::string_view(error.message).ends_with(std::strerror(EINTR));
}

}  // namespace interlock::engine
