#pragma once

#include <string>
#include <vector>

namespace interlock::views {

/// The devices that programs take for granted.
std::vector<std::string> writable_devices();

}  // namespace interlock::views
