#pragma once

#include <fmt/format.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "plan/read.h"

namespace interlock::testing_support {

/// The files of a plan, as a map from paths to contents.
class FakeFiles : public plan::Files {
 public:
  FakeFiles() = default;
  explicit FakeFiles(std::map<std::string, std::string> contents)
      : contents_(std::move(contents)) {}

  Result<std::string> read(const std::string& path, std::size_t max_bytes) override {
    const auto found = contents_.find(path);
    if (found == contents_.end()) {
      return fail(Error::Kind::missing, fmt::format("cannot read `{}`: no such file", path));
    }
    if (found->second.size() > max_bytes) {
      return fail(Error::Kind::invalid,
                  fmt::format("`{}` is larger than {} bytes", path, max_bytes));
    }
    return found->second;
  }

  Result<std::vector<std::string>> matching(const std::string& folder,
                                            const footprint::PatternSet& patterns) override {
    std::vector<std::string> paths;
    for (const auto& [path, content] : contents_) {
      if (!path.starts_with(folder + "/")) continue;
      const auto relative = path.substr(folder.size() + 1);
      if (!relative.starts_with(".git/") && patterns.matches(relative)) paths.push_back(relative);
    }
    return paths;
  }

  /// A folder is what holds a file; `/plan` is always there. Knows `.` and `..` by name only.
  Result<std::string> resolve_folder(const std::string& path) override {
    auto folder = path;
    while (folder.ends_with("/.")) folder.resize(folder.size() - 2);
    while (folder.ends_with('/')) folder.pop_back();
    const auto below = contents_.lower_bound(folder + "/");
    const bool holds_file = below != contents_.end() && below->first.starts_with(folder + "/");
    if (folder == "/plan" || holds_file) return folder;
    return fail(Error::Kind::missing, fmt::format("`{}` is not a folder", path));
  }

 private:
  std::map<std::string, std::string> contents_;
};

}  // namespace interlock::testing_support
