#include "changes/suggest.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

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
  const bool has_ending =
      dot != std::string::npos && dot > 0 && (slash == std::string::npos || dot > slash + 1);
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

/// Whether a temporary name's changing part is in it, as mkstemp(3), `$$` and the like make them:
/// at least six letters and digits in a row at its end, neither a plain word nor all capitals, or
/// four digits.
bool looks_made_up(std::string_view name) {
  std::size_t digits = 0;
  for (const char c : name) {
    digits = c >= '0' && c <= '9' ? digits + 1 : 0;
    if (digits == 4) return true;
  }
  const auto is_alnum = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  };
  constexpr std::size_t kRandom = 6;
  if (name.size() < kRandom) return false;
  const std::string_view tail = name.substr(name.size() - kRandom);
  if (!std::ranges::all_of(tail, is_alnum)) return false;
  const auto is_lower = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto is_upper = [](char c) { return c >= 'A' && c <= 'Z'; };
  const bool is_word = std::ranges::all_of(tail, is_lower);
  return !is_word && !std::ranges::all_of(tail, is_upper);
}

bool has_made_up_part(const std::string& path) {
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    if (looks_made_up(std::string_view(path).substr(at, end - at))) return true;
    at = end + 1;
  }
  return false;
}

/// All folders that lie above these paths.
std::set<std::string> folders_above(const std::set<std::string>& paths) {
  std::set<std::string> folders;
  for (const std::string& path : paths) {
    for (std::string above = folder_of(path); !above.empty(); above = folder_of(above)) {
      if (!folders.insert(above).second) break;
    }
  }
  return folders;
}

void drop(std::set<std::string>& paths, const std::set<std::string>& which) {
  std::erase_if(paths, [&](const std::string& path) { return which.contains(path); });
}

}  // namespace

Touched touched_in(std::span<const Observation> observations) {
  Touched all;
  std::set<std::string> whole_runs, looked_at;
  std::map<std::string, std::set<std::string>> passing;  // By path: the runs.
  for (const Observation& one : observations) {
    all.is_any = true;
    if (one.is_whole()) whole_runs.insert(one.run);
    all.reads.insert(one.denied_reads.begin(), one.denied_reads.end());
    all.writes.insert(one.denied_writes.begin(), one.denied_writes.end());
    all.writes.insert(one.writes.paths.begin(), one.writes.paths.end());
    for (const std::string& path : one.writes.passing) passing[path].insert(one.run);
    if (one.reads.from != ReadsFrom::observed) continue;
    all.reads.insert(one.reads.content.begin(), one.reads.content.end());
    looked_at.insert(one.reads.presence.begin(), one.reads.presence.end());
    for (const std::string& folder : one.reads.listing)
      all.reads.insert(folder.empty() ? "*" : folder + "/*");
  }
  for (const auto& [path, runs] : passing) {
    const bool is_made_up = runs.size() < 2 && has_made_up_part(path);
    if (is_made_up) {
      looked_at.erase(path);
    } else {
      all.writes.insert(path);
    }
  }
  all.reads.insert(looked_at.begin(), looked_at.end());
  all.reads.erase("");
  const std::set<std::string> above_writes = folders_above(all.writes);
  drop(all.reads, folders_above(all.reads));
  drop(all.reads, above_writes);
  drop(all.writes, above_writes);
  all.runs = static_cast<std::uint32_t>(whole_runs.size());
  return all;
}

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
