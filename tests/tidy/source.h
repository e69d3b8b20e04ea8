#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace interlock::tidy {

/// A file of the project as the rules see it.
struct Source {
  std::string path;  ///< From the project's root, with slashes.
  std::string text;

  bool is_in(std::string_view folder) const;  ///< `src/plan`, `tests`.
  bool ends_with(std::string_view suffix) const { return path.ends_with(suffix); }
  bool is_header() const { return ends_with(".h"); }
  bool is_cpp() const { return is_header() || ends_with(".cc"); }
};

/// All text files below `root` that belong to the project: no build folders, no fuzz corpus,
/// nothing hidden but `.ci`.
std::vector<Source> sources_below(const std::filesystem::path& root);

/// `text` with comments, strings and characters blanked out, so that rules about words see code
/// only. Lines stay where they are.
std::string code_of(std::string_view text);

std::vector<std::string> lines_of(std::string_view text);

}  // namespace interlock::tidy
