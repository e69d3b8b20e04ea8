#pragma once

#include <shared_mutex>

namespace interlock::sys {

/// Shared by who starts a child and waits for that one alone, for as long as it takes. Who reaps
/// whatever child is dead does so only while nobody shares it: else it would take away an exit
/// status.
std::shared_mutex& awaited_children();

}  // namespace interlock::sys
