#include "changes/suggest.h"

#include <algorithm>
#include <map>
#include <set>

#include "footprint/glob.h"

namespace interlock::changes {
namespace {

/// So many paths of one folder are named one by one.
constexpr std::size_t kFewInFolder = 4;

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

std::string ending_of(const std::string& path) {
  const std::size_t dot = path.rfind('.');
  const std::size_t slash = path.rfind('/');
  const bool has_ending = dot != std::string::npos && dot > 0 &&
                          (slash == std::string::npos || dot > slash + 1);
  return has_ending ? path.substr(dot) : std::string();
}

std::string below(const std::string& folder, const std::string& pattern) {
  return folder.empty() ? pattern : footprint::escape(folder) + "/" + pattern;
}

std::set<std::string> by_folder(const std::vector<std::string>& paths) {
  std::map<std::string, std::vector<std::string>> folders;
  for (const std::string& path : paths) folders[folder_of(path)].push_back(path);
  std::set<std::string> patterns;
  for (const auto& [folder, inside] : folders) {
    if (inside.size() <= kFewInFolder) {
      for (const std::string& path : inside) patterns.insert(footprint::escape(path));
      continue;
    }
    std::set<std::string> endings;
    for (const std::string& path : inside) endings.insert(ending_of(path));
    const bool alike = endings.size() == 1 && !endings.begin()->empty();
    patterns.insert(
        below(folder, alike ? "*" + footprint::escape(*endings.begin()) : std::string("*")));
  }
  return patterns;
}

/// All below the folders of this depth, for paths that lie as deep.
std::set<std::string> by_depth(const std::vector<std::string>& paths, std::size_t depth) {
  std::set<std::string> patterns;
  for (const std::string& path : paths) {
    std::size_t end = 0;
    std::size_t segments = 0;
    for (std::size_t slash = path.find('/'); slash != std::string::npos && segments < depth;
         slash = path.find('/', slash + 1)) {
      end = slash;
      ++segments;
    }
    patterns.insert(segments < depth || end == 0 ? footprint::escape(path)
                                                 : below(path.substr(0, end), "**"));
  }
  return patterns;
}

}  // namespace

std::vector<std::string> patterns_for(const std::vector<std::string>& paths, std::size_t most) {
  std::set<std::string> patterns = by_folder(paths);
  std::size_t deepest = 0;
  for (const std::string& path : paths)
    deepest = std::max(deepest, static_cast<std::size_t>(std::ranges::count(path, '/')));
  for (std::size_t depth = deepest; patterns.size() > most && depth > 0; --depth)
    patterns = by_depth(paths, depth);
  if (patterns.size() > most) patterns = {"**"};
  return {patterns.begin(), patterns.end()};
}

}  // namespace interlock::changes
