#pragma once

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "base/check.h"

namespace interlock::changes {

/// A folder of its own in which git is asked what it would do; goes with the test.
class GitFolder {
 public:
  GitFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "interlock-XXXXXX").string();
    check(::mkdtemp(name.data()) != nullptr, "a folder for the test can be made");
    root_ = name;
  }
  ~GitFolder() { std::filesystem::remove_all(root_); }
  GitFolder(const GitFolder&) = delete;
  GitFolder& operator=(const GitFolder&) = delete;

  void write(const std::string& file, const std::string& content) const {
    std::ofstream(root_ / file, std::ios::binary) << content;
  }
  bool has(const std::string& file) const { return std::filesystem::exists(root_ / file); }
  std::string read(const std::string& file) const {
    std::ifstream stream(root_ / file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  /// Runs shell lines here, by themselves: no settings of the machine, no repository around it.
  int run(const std::string& script) const {
    write("script", "cd '" + root_.string() +
                        "' || exit 99\n"
                        "unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_PREFIX\n"
                        "export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 LC_ALL=C\n"
                        "export GIT_CEILING_DIRECTORIES='" +
                        root_.parent_path().string() + "'\n" + script + "\n");
    return std::system(("sh '" + (root_ / "script").string() + "'").c_str());
  }

 private:
  std::filesystem::path root_;
};

}  // namespace interlock::changes
