#include "snapshots/layout.h"

#include <fmt/format.h>

#include <filesystem>

namespace interlock::snapshots {

namespace fs = std::filesystem;

Layout::Layout(const std::string& state, const std::string& run) {
  std::error_code error;
  fs::path top = fs::weakly_canonical(fs::absolute(state, error), error);
  snapshots_ = (top / "runs" / run / "views").lexically_normal().string();
}

std::string Layout::folder(engine::AttemptName name) const {
  return snapshots_ + "/" + folder_name(name);
}

std::string folder_name(engine::AttemptName name) {
  return fmt::format("task-{}-attempt-{}", name.task.index(), name.attempt);
}

}  // namespace interlock::snapshots
