#include "quota/owner.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <optional>
#include <string_view>

namespace interlock::quota {
namespace {

constexpr int kPidBits = 22;  // the kernel's PID_MAX_LIMIT

struct Seen {
  char state = '?';
  std::uint64_t start = 0;
};

/// From `/proc/PID/stat`: the third field is the state, the 22nd the start time. The second is a
/// name in brackets, which may hold anything.
std::optional<Seen> look_at(pid_t pid) {
  std::array<char, 64> path{};
  std::snprintf(path.data(), path.size(), "/proc/%d/stat", pid);
  const int file = ::open(path.data(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return {};
  std::array<char, 1024> buffer{};
  const ssize_t size = ::read(file, buffer.data(), buffer.size());
  ::close(file);
  if (size <= 0) return {};
  std::string_view text(buffer.data(), static_cast<std::size_t>(size));
  const std::size_t bracket = text.rfind(')');
  if (bracket == std::string_view::npos || bracket + 2 >= text.size()) return {};
  text.remove_prefix(bracket + 2);
  Seen seen{.state = text[0]};
  for (int field = 3; field < 22; ++field) {
    const std::size_t space = text.find(' ');
    if (space == std::string_view::npos) return {};
    text.remove_prefix(space + 1);
  }
  std::from_chars(text.data(), text.data() + text.size(), seen.start);
  return seen;
}

Owner owner_of(pid_t pid, std::uint64_t start) {
  return (start << kPidBits) | static_cast<std::uint64_t>(pid);
}

}  // namespace

Owner this_process() {
  const pid_t pid = ::getpid();
  const auto seen = look_at(pid);
  return owner_of(pid, seen ? seen->start : 0);
}

bool is_alive(Owner owner) {
  const pid_t pid = pid_of(owner);
  if (pid <= 0) return false;
  const auto seen = look_at(pid);
  // A zombie runs no more; that nobody has fetched its status yet is not our matter.
  return seen && seen->state != 'Z' && seen->state != 'X' && owner_of(pid, seen->start) == owner;
}

bool is_stopped(Owner owner) {
  const auto seen = look_at(pid_of(owner));
  return seen && (seen->state == 'T' || seen->state == 't') &&
         owner_of(pid_of(owner), seen->start) == owner;
}

}  // namespace interlock::quota
