#include "views/layout.h"

#include <fmt/format.h>

#include <filesystem>

namespace interlock::views {

namespace fs = std::filesystem;

Layout::Layout(const std::string& state, const std::string& run) {
  std::error_code error;
  fs::path top = fs::weakly_canonical(fs::absolute(state, error), error);
  views_ = (top / "runs" / run / "views").lexically_normal().string();
}

std::string Layout::folder(engine::AttemptName name) const {
  return views_ + "/" + folder_name(name);
}

std::string folder_name(engine::AttemptName name) {
  return fmt::format("task-{}-attempt-{}", name.task.index(), name.attempt);
}

}  // namespace interlock::views
