#include "engine/host_environment.h"

#include <fmt/format.h>

namespace interlock::engine {

std::string label_of(const HostEnvironment& around, const plan::Task& task, std::uint32_t attempt) {
  return fmt::format("{}/{}#{}", around.run, task.id, attempt);
}

}  // namespace interlock::engine
