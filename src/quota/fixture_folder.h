#pragma once

#include <stdlib.h>

#include <filesystem>
#include <string>

namespace interlock::quota {

/// A folder of its own for a test; goes with it.
class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "interlock-XXXXXX").string();
    root_ = std::filesystem::canonical(::mkdtemp(name.data())).string();
  }
  ~TempFolder() { std::filesystem::remove_all(root_); }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::string& root() const { return root_; }
  std::string at(const std::string& path) const { return root_ + "/" + path; }

 private:
  std::string root_;
};

}  // namespace interlock::quota
