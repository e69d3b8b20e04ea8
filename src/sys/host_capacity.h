#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

// What this machine has for processes that are started now.
namespace interlock::sys {

struct HostCapacity {
  std::optional<double> processors;
  std::optional<std::int64_t> memory_bytes;
};

/// The processors this process may run on, and the memory that can be had without swapping; both
/// within the limits of the cgroups (version 2) it is in. What cannot be read is nothing.
HostCapacity host_capacity();

// How the kernel says it.

/// `MemAvailable` of /proc/meminfo.
std::optional<std::int64_t> available_memory(std::string_view meminfo);
/// Of cpu.max: `150000 100000` is one and a half; `max 100000` no limit.
std::optional<double> processor_limit(std::string_view cpu_max);
/// Of memory.max, memory.current and memory.stat: what may be had beyond what is held, with what
/// the kernel would give up of files. Nothing where there is no limit.
std::optional<std::int64_t> memory_left(std::string_view max, std::string_view current,
                                        std::string_view stat);

}  // namespace interlock::sys
