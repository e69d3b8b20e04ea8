#pragma once

#include <string>
#include <vector>

#include "engine/status.h"

namespace interlock::golden {

/// A moment of a run, made by hand, and the name of the file that holds its screens.
struct Scene {
  std::string name;
  engine::RunStatus run;
};

/// Moments while a run is under way: what the panel draws.
std::vector<Scene> scenes_under_way();
/// Moments after it: what the summary draws.
std::vector<Scene> scenes_at_the_end();

}  // namespace interlock::golden
