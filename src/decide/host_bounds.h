#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "decide/decision.h"

// What the machine that runs the plan has for its tasks, and what they are known to take of it.
namespace interlock::decide {

/// The most at once, up to `cap`, that have the memory they are known to take, whichever they are;
/// a tenth of what the host has stays free. One may always run. Nothing: `cap` at once have it, or
/// not enough is known.
std::optional<MemoryBound> memory_bound(const std::vector<Expected>& expected, const Host& host,
                                        std::uint32_t cap);

/// Lets tasks that are known to keep processors busy share those of the host, in virtual time:
/// `c` processors' worth of tasks at once on `p` go at min(1, p / c). What the plan or history says
/// of how they slow each other goes before. Where all of them have room at once nothing changes.
void share_processors(const plan::Plan& plan, const std::vector<Expected>& expected,
                      const Options& options, schedule::Problem& problem);

/// Whether `cap` of the tasks at once may want more processors than there are.
bool processors_may_be_short(const schedule::Problem& problem, std::uint32_t cap);

/// The widths that may be the best where they are, up to `cap`, which is the last of them: from
/// where the largest fill them to twice where the usual ones do. `problem` has them.
std::vector<std::uint32_t> widths_on_processors(const schedule::Problem& problem,
                                                std::uint32_t cap);

/// `2 processors`; `1.5 processors` where a limit says so.
std::string say_processors(double count);
/// `340 MiB`.
std::string say_memory(std::int64_t bytes);
/// ``This host has 2 processors, and a task keeps 0.9 of them busy (from 12 attempts)``; of several
/// tasks the least and the most.
std::string say_demand(const std::vector<Expected>& expected, double processors);

}  // namespace interlock::decide
