#pragma once

#include <span>
#include <string_view>

namespace interlock::cli {

/// A file that `interlock init USE` writes; they lie in src/cli/templates/USE/.
struct TemplateFile {
  std::string_view use;
  std::string_view path;  ///< Relative to the folder it is written to.
  std::string_view content;
};

/// All of them, by use and then by path.
std::span<const TemplateFile> template_files();

}  // namespace interlock::cli
