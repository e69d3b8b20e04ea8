#pragma once

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "footprint/glob.h"

namespace interlock::workspace {

/// A folder of its own for a test; goes with it.
class TempTree {
 public:
  TempTree() {
    std::string name = (std::filesystem::temp_directory_path() / "interlock-XXXXXX").string();
    root_ = std::filesystem::canonical(::mkdtemp(name.data())).string();
  }
  ~TempTree() { std::filesystem::remove_all(root_); }
  TempTree(const TempTree&) = delete;
  TempTree& operator=(const TempTree&) = delete;

  const std::string& root() const { return root_; }
  std::string at(const std::string& path) const { return root_ + "/" + path; }
  const TempTree& write(const std::string& path, const std::string& content = "x") const {
    std::filesystem::create_directories(std::filesystem::path(at(path)).parent_path());
    std::ofstream(at(path), std::ios::binary) << content;
    return *this;
  }

 private:
  std::string root_;
};

inline footprint::PatternSet patterns(const std::vector<std::string>& texts) {
  return footprint::PatternSet::parse(texts).value();
}

}  // namespace interlock::workspace
