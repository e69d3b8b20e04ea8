#pragma once

#include <string>
#include <vector>

namespace interlock::snapshots {

/// The devices that programs take for granted.
std::vector<std::string> writable_devices();

}  // namespace interlock::snapshots
