#pragma once

#include <source_location>
#include <string_view>

namespace interlock {

/// Ends the process: our own code broke a promise, and going on would make it worse.
/// What is durable stays durable; `resume` goes on from the journal.
[[noreturn]] void broken_promise(std::string_view what, const std::source_location& where);

/// A promise of our own code, held in every build.
inline void check(bool holds, std::string_view what,
                  const std::source_location& where = std::source_location::current()) {
  if (!holds) [[unlikely]]
    broken_promise(what, where);
}

}  // namespace interlock
