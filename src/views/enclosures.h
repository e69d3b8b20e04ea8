#pragma once

#include <string>
#include <vector>

#include "engine/enclosure.h"
#include "footprint/interlocking.h"

namespace interlock::views {

/// The devices that programs take for granted.
std::vector<std::string> writable_devices();

/// What must be open to writing for these patterns: a plain path that is there, else the nearest
/// folder above that is. Wider than the patterns; `Enclosure::held_to` has the exact rule.
std::vector<std::string> writable_for(const std::string& root,
                                      const footprint::Footprint& footprint);

}  // namespace interlock::views
