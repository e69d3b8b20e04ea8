#include "sys/proc.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <memory>
#include <unordered_map>
#include <unordered_set>

#include "base/text.h"
#include "sys/descriptor.h"

namespace interlock::sys {
namespace {

template <typename Number>
Number next_number(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \n"), text.size()));
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  text.remove_prefix(end - text.data());
  return number;
}

/// The name in parentheses may hold anything, also parentheses and spaces: fields are counted from
/// the last `)`.
std::optional<ProcessStat> parse_stat(std::string_view line) {
  ProcessStat seen;
  seen.pid = next_number<pid_t>(line);
  const auto name_end = line.rfind(')');
  if (name_end == std::string_view::npos || name_end + 3 > line.size()) return std::nullopt;
  seen.state = line[name_end + 2];
  line.remove_prefix(name_end + 3);
  seen.parent = next_number<pid_t>(line);
  seen.group = next_number<pid_t>(line);
  seen.session = next_number<pid_t>(line);
  for (int field = 7; field < 22; ++field) next_number<std::int64_t>(line);
  seen.start_ticks = next_number<std::int64_t>(line);
  return seen;
}

std::optional<pid_t> pid_of(std::string_view name) {
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
  if (error != std::errc{} || end != name.data() + name.size()) return std::nullopt;
  return pid;
}

}  // namespace

std::string name_for_people(const ProcessStat& process) {
  std::string name = read_whole(fmt::format("/proc/{}/comm", process.pid)).value_or("?");
  while (name.ends_with('\n')) name.pop_back();
  return fmt::format("process {} (`{}`)", process.pid, printable(name));
}

std::optional<std::string> read_whole(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return std::nullopt;
  std::string text;
  char piece[4096];
  for (;;) {
    const ssize_t got = ::read(file.get(), piece, sizeof piece);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;
    if (got == 0) return text;
    text.append(piece, static_cast<std::size_t>(got));
  }
}

std::optional<ProcessStat> stat_of(pid_t pid) {
  const auto line = read_whole(fmt::format("/proc/{}/stat", pid));
  return line ? parse_stat(*line) : std::nullopt;
}

std::vector<ProcessStat> stat_of_all() {
  std::vector<ProcessStat> all;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir("/proc"), ::closedir);
  if (!folder) return all;
  while (const dirent* entry = ::readdir(folder.get())) {
    const auto pid = pid_of(entry->d_name);
    if (!pid) continue;
    if (const auto seen = stat_of(*pid)) all.push_back(*seen);
  }
  return all;
}

namespace {

/// Asked for after every attempt, so the file stays open; a child of ours opens its own.
std::optional<std::string> children_listed(pid_t self) {
  thread_local pid_t opened_by = 0;
  thread_local Descriptor file;
  if (opened_by != self) {
    opened_by = self;
    file = Descriptor(
        ::open(fmt::format("/proc/{0}/task/{0}/children", self).c_str(), O_RDONLY | O_CLOEXEC));
  }
  if (!file) return std::nullopt;
  std::string list;
  for (std::array<char, 4096> block{};;) {
    const ssize_t got =
        ::pread(file.get(), block.data(), block.size(), static_cast<off_t>(list.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;
    list.append(block.data(), static_cast<std::size_t>(got));
    if (got == 0) return list;
  }
}

}  // namespace

std::vector<pid_t> own_children() {
  // Only kernels built for checkpoint and restore list children; others are asked for everyone's
  // parent.
  const pid_t self = ::getpid();
  std::vector<pid_t> children;
  if (const auto list = children_listed(self)) {
    for (std::string_view rest = *list; rest.find_first_not_of(" \n") != std::string_view::npos;) {
      children.push_back(next_number<pid_t>(rest));
    }
  } else {
    for (const ProcessStat& seen : stat_of_all()) {
      if (seen.parent == self) children.push_back(seen.pid);
    }
  }
  return children;
}

std::optional<std::string> environment_of(pid_t pid, std::string_view variable) {
  const auto block = read_whole(fmt::format("/proc/{}/environ", pid));
  if (!block) return std::nullopt;
  for (std::string_view rest = *block; !rest.empty();) {
    const std::string_view entry = rest.substr(0, rest.find('\0'));
    rest.remove_prefix(std::min(entry.size() + 1, rest.size()));
    if (entry.starts_with(variable) && entry.substr(variable.size()).starts_with('=')) {
      return std::string(entry.substr(variable.size() + 1));
    }
  }
  return std::nullopt;
}

std::vector<ProcessStat> with_descendants(const std::vector<ProcessStat>& all,
                                          const std::vector<pid_t>& roots) {
  std::unordered_multimap<pid_t, const ProcessStat*> children;
  for (const ProcessStat& seen : all) children.emplace(seen.parent, &seen);
  std::vector<pid_t> reached = roots;
  std::unordered_set<pid_t> known(roots.begin(), roots.end());
  for (std::size_t next = 0; next < reached.size(); ++next) {
    const auto [begin, end] = children.equal_range(reached[next]);
    for (auto child = begin; child != end; ++child) {
      if (known.insert(child->second->pid).second) reached.push_back(child->second->pid);
    }
  }
  std::vector<ProcessStat> alive;
  for (const ProcessStat& seen : all) {
    if (seen.alive() && known.contains(seen.pid)) alive.push_back(seen);
  }
  return alive;
}

bool send_signal(const ProcessStat& process, int signal) {
  const Descriptor pidfd(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
  if (!pidfd) return errno == ESRCH;
  const auto now = stat_of(process.pid);
  if (!now || now->start_ticks != process.start_ticks) return true;
  return ::syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0) == 0 || errno == ESRCH;
}

}  // namespace interlock::sys
