#pragma once

#include <cstddef>
#include <string>

namespace interlock::sys {

/// Lower-case hexadecimal digits of so many bytes (at most 256) from the kernel's generator
/// (getrandom(2)): nobody foresees them. Ends the process where the kernel gives none.
std::string random_hex(std::size_t bytes);

}  // namespace interlock::sys
