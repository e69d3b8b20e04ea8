#include "process/secrecy.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "process/tree.h"

extern char** environ;

namespace interlock::process {
namespace {

bool tells_nothing(std::string_view entry) {
  // The marker is how a dispatcher inside an attempt is known for a part of it.
  constexpr std::array<std::string_view, 8> kNames{"HOME", "PATH", "PWD",  "TMPDIR",
                                                   "LANG", "TERM", "USER", kMarker};
  const std::string_view name = entry.substr(0, entry.find('='));
  return std::ranges::find(kNames, name) != kNames.end();
}

bool may_read_anyone() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[2]{};
  ::syscall(SYS_capget, &header, sets);
  return (sets[0].effective >> CAP_SYS_PTRACE & 1) != 0;
}

}  // namespace

void hide_environment() {
  // Never freed: getenv hands out pointers into it, and libraries ask even while the process exits.
  static auto& entries = *new std::vector<std::string>;
  static auto& pointers = *new std::vector<char*>;
  for (char** entry = environ; *entry != nullptr; ++entry) entries.emplace_back(*entry);
  for (std::string& entry : entries) pointers.push_back(entry.data());
  pointers.push_back(nullptr);
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (!tells_nothing(*entry)) ::explicit_bzero(*entry, std::strlen(*entry));
  }
  environ = pointers.data();
}

Undumpable::Undumpable() : before_(::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0)) {
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

Undumpable::~Undumpable() {
  if (before_ == 1) ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

ReadableForAMoment::ReadableForAMoment(bool needed) {
  if (!needed || may_read_anyone() || ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0) return;
  made_ = ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0;
}

ReadableForAMoment::~ReadableForAMoment() {
  if (made_) ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

}  // namespace interlock::process
