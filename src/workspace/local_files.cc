#include "workspace/local_files.h"

#include <fmt/format.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/text.h"
#include "workspace/content.h"
#include "workspace/walk.h"

namespace interlock::workspace {
namespace {

/// A regular file, or a link to one.
bool is_file(const std::string& root, const Entry& entry) {
  if (!S_ISLNK(entry.status.st_mode)) return S_ISREG(entry.status.st_mode);
  struct stat behind{};
  return ::stat((root + "/" + entry.path).c_str(), &behind) == 0 && S_ISREG(behind.st_mode);
}

}  // namespace

Result<std::string> LocalFiles::read(const std::string& path, std::size_t max_bytes) {
  return read_file(path, max_bytes);
}

Result<std::vector<std::string>> LocalFiles::matching(const std::string& folder,
                                                      const footprint::PatternSet& patterns) {
  auto entries = walk(folder, patterns, {}, Links::anywhere);
  if (!entries) return std::unexpected(entries.error());
  std::vector<std::string> paths;
  for (Entry& entry : *entries) {
    if (is_file(folder, entry)) paths.push_back(std::move(entry.path));
  }
  return paths;
}

Result<std::string> LocalFiles::resolve_folder(const std::string& path) {
  std::array<char, PATH_MAX> resolved{};
  if (::realpath(path.c_str(), resolved.data()) == nullptr) {
    return fail(Error::Kind::missing,
                fmt::format("there is no folder `{}`: {}", printable(path), std::strerror(errno)));
  }
  struct stat status{};
  if (::stat(resolved.data(), &status) != 0 || !S_ISDIR(status.st_mode)) {
    return fail(Error::Kind::missing, fmt::format("`{}` is not a folder", printable(path)));
  }
  return std::string(resolved.data());
}

}  // namespace interlock::workspace
