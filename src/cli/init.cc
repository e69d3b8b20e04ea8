#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/templates.h"

// `init`: writes a plan to start from, with the schemas, prompts and samples it mentions.
namespace interlock::cli {

namespace {

namespace fs = std::filesystem;

struct NewFile {
  fs::path path;
  std::string_view content;
};

/// The plan last: it is what a person opens, and it is not there before what it mentions.
std::vector<NewFile> files_of(const std::string& use, const fs::path& folder) {
  std::vector<NewFile> files;
  for (const TemplateFile& one : template_files()) {
    if (one.use == use) files.push_back({(folder / one.path).lexically_normal(), one.content});
  }
  std::stable_partition(files.begin(), files.end(), [](const NewFile& file) {
    return file.path.filename() != "interlock.yaml";
  });
  return files;
}

Result<void> check_nothing_is_in_the_way(const std::vector<NewFile>& files) {
  for (const NewFile& file : files) {
    std::error_code trouble;
    if (!fs::exists(fs::symlink_status(file.path, trouble))) continue;
    return fail(Error::Kind::invalid,
                fmt::format("`{}` is there already, and nothing is overwritten",
                            printable(file.path.string())),
                "`interlock init USE DIR` writes into a folder of its own");
  }
  return {};
}

Result<void> write(const NewFile& file) {
  std::error_code trouble;
  fs::create_directories(file.path.parent_path(), trouble);
  std::ofstream stream(file.path, std::ios::binary);
  stream << file.content;
  stream.close();
  if (stream) return {};
  return fail(Error::Kind::io, fmt::format("cannot write `{}`: {}", printable(file.path.string()),
                                           trouble ? trouble.message() : std::strerror(errno)));
}

}  // namespace

Result<Exit> init_command(const Context& context, const std::string& wanted,
                          const std::string& folder) {
  const std::string use = wanted.empty() ? "research" : wanted;
  const std::vector<NewFile> files = files_of(use, folder);
  if (auto free = check_nothing_is_in_the_way(files); !free) return std::unexpected(free.error());
  json::array written_files;
  for (const NewFile& file : files) {
    if (auto written = write(file); !written) return std::unexpected(written.error());
    if (!context.json) context.console.result(file.path.string() + "\n");
    written_files.push_back(json::string(file.path.string()));
  }
  if (context.json) {
    context.console.result(
        pretty_json(json::object{{"version", 1}, {"files", std::move(written_files)}}));
  }
  context.console.remark(
      fmt::format("next: interlock plan {}", shell_quote(files.back().path.string())));
  return Exit::done;
}

}  // namespace interlock::cli
