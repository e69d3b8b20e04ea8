#include "sys/host_capacity.h"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <string>

#include "sys/proc.h"

namespace interlock::sys {
namespace {

constexpr const char* kCgroups = "/sys/fs/cgroup";

/// The number at the beginning of `text`.
std::optional<std::int64_t> number_in(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && number >= 0 ? std::optional(number) : std::nullopt;
}

/// The number behind `key` at the beginning of a line.
std::optional<std::int64_t> number_of(std::string_view text, std::string_view key) {
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view line = text.substr(at, text.find('\n', at) - at);
    if (line.starts_with(key)) return number_in(line.substr(key.size()));
    at += line.size() + 1;
  }
  return std::nullopt;
}

/// Of version 2, below the mount point: the line `0::/...` of /proc/self/cgroup.
std::string own_cgroup() {
  const std::string text = "\n" + read_whole("/proc/self/cgroup").value_or("");
  const std::size_t at = text.find("\n0::");
  if (at == std::string::npos) return {};
  const std::size_t begin = at + 4;
  std::string path = text.substr(begin, text.find('\n', begin) - begin);
  return path == "/" ? "" : path;
}

template <typename T>
void lower(std::optional<T>& value, const std::optional<T>& limit) {
  if (limit) value = value ? std::min(*value, *limit) : *limit;
}

}  // namespace

std::optional<std::int64_t> available_memory(std::string_view meminfo) {
  const auto kib = number_of(meminfo, "MemAvailable:");
  return kib ? std::optional(*kib * 1024) : std::nullopt;
}

std::optional<double> processor_limit(std::string_view cpu_max) {
  const auto quota = number_in(cpu_max);
  const auto period = number_in(cpu_max.substr(std::min(cpu_max.find(' '), cpu_max.size())));
  if (!quota || !period || *period == 0) return std::nullopt;
  return static_cast<double>(*quota) / static_cast<double>(*period);
}

std::optional<std::int64_t> memory_left(std::string_view max, std::string_view current,
                                        std::string_view stat) {
  const auto limit = number_in(max);
  const auto held = number_in(current);
  if (!limit || !held) return std::nullopt;
  const std::int64_t files = number_of(stat, "inactive_file ").value_or(0);
  return std::max<std::int64_t>(0, *limit - std::max<std::int64_t>(0, *held - files));
}

HostCapacity host_capacity() {
  HostCapacity capacity;
  cpu_set_t allowed;
  // More processors than the set has room for are refused, and nobody's limit.
  if (::sched_getaffinity(0, sizeof allowed, &allowed) == 0)
    capacity.processors = CPU_COUNT(&allowed);
  capacity.memory_bytes = available_memory(read_whole("/proc/meminfo").value_or(""));
  // The limits of every cgroup on the way up hold.
  for (std::string path = own_cgroup();; path.resize(path.rfind('/'))) {
    const auto read = [&](const char* name) {
      return read_whole(kCgroups + path + "/" + name).value_or("");
    };
    lower(capacity.processors, processor_limit(read("cpu.max")));
    lower(capacity.memory_bytes,
          memory_left(read("memory.max"), read("memory.current"), read("memory.stat")));
    if (path.rfind('/') == std::string::npos) break;
  }
  return capacity;
}

}  // namespace interlock::sys
