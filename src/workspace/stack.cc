#include "workspace/stack.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>

#include <algorithm>
#include <array>
#include <deque>
#include <filesystem>
#include <memory>
#include <ranges>

#include "workspace/beneath.h"

namespace interlock::workspace {
namespace {

constexpr std::size_t kLinksMax = 40;  ///< As the kernel has it.

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

std::set<std::string> names_in(int top, const std::string& path) {
  std::set<std::string> names;
  sys::Descriptor opened = open_beneath(top, path, O_RDONLY | O_DIRECTORY);
  if (!opened) return names;
  const std::unique_ptr<DIR, CloseFolder> folder(::fdopendir(::dup(opened.get())));
  if (!folder) return names;
  while (const dirent* one = ::readdir(folder.get())) {
    const std::string_view name = one->d_name;
    if (name != "." && name != "..") names.emplace(name);
  }
  return names;
}

std::string target_of(const std::string& place) {
  std::array<char, PATH_MAX> target{};
  const ssize_t length = ::readlink(place.c_str(), target.data(), target.size());
  return {target.data(), length < 0 ? 0 : static_cast<std::size_t>(length)};
}

/// Puts the segments of `path` in front of what is still to go.
void prepend(std::string_view path, std::deque<std::string>& rest) {
  std::vector<std::string> segments;
  for (const auto part : std::views::split(path, '/')) {
    const std::string_view segment(part.begin(), part.end());
    if (!segment.empty() && segment != ".") segments.emplace_back(segment);
  }
  rest.insert(rest.begin(), segments.begin(), segments.end());
}

std::string joined(const std::deque<std::string>& rest) {
  std::string path;
  for (const std::string& segment : rest) path += "/" + segment;
  return path;
}

}  // namespace

Stack::Stack(std::string root, std::vector<Layer> layers)
    : root_(std::move(root)),
      layers_(std::move(layers)),
      top_(::open(root_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {}

const changes::Change* Stack::newest(const std::string& path, const Layer** from) const {
  for (const Layer& layer : layers_ | std::views::reverse) {
    if (const changes::Change* change = layer.changes->find(path)) {
      *from = &layer;
      return change;
    }
  }
  return nullptr;
}

std::optional<Stack::Found> Stack::look(const std::string& path) const {
  const Layer* layer = nullptr;
  Found found;
  if (const changes::Change* change = newest(path, &layer)) {
    if (change->after.kind == changes::Kind::absent) return std::nullopt;
    found.place = layer->after + "/" + path;
    if (::lstat(found.place.c_str(), &found.status) != 0) return std::nullopt;
    return found;
  }
  found.place = path.empty() ? root_ : root_ + "/" + path;
  const sys::Descriptor opened = open_beneath(top_.get(), path, O_PATH);
  if (!opened || ::fstat(opened.get(), &found.status) != 0) return std::nullopt;
  return found;
}

sys::Descriptor Stack::open(const std::string& place, int flags) const {
  if (!is_at_or_below(place, root_))  // In a layer, which is ours.
    return sys::Descriptor(::open(place.c_str(), flags | O_NOFOLLOW | O_CLOEXEC));
  return open_beneath(top_.get(), place.substr(std::min(place.size(), root_.size() + 1)), flags);
}

std::set<std::string> Stack::names(const std::string& folder) const {
  std::set<std::string> names = names_in(top_.get(), folder);
  const std::string prefix = folder.empty() ? "" : folder + "/";
  for (const Layer& layer : layers_) {
    const auto& all = layer.changes->changes;
    for (auto it = std::ranges::lower_bound(all, prefix, {}, &changes::Change::path);
         it != all.end() && it->path.starts_with(prefix); ++it) {
      const std::string name = it->path.substr(prefix.size());
      if (name.empty() || name.find('/') != std::string::npos) continue;
      if (it->after.kind == changes::Kind::absent) {
        names.erase(name);
      } else {
        names.insert(name);
      }
    }
  }
  return names;
}

std::vector<std::string> Stack::below(const std::string& folder, bool* holds_git) const {
  std::vector<std::string> paths;
  for (const std::string& name : names(folder)) {
    if (name == ".git") {
      if (holds_git != nullptr) *holds_git = true;
      continue;
    }
    const std::string path = join(folder, name);
    const auto found = look(path);
    if (!found) continue;
    paths.push_back(path);
    if (!S_ISDIR(found->status.st_mode)) continue;
    for (std::string& deeper : below(path, holds_git)) paths.push_back(std::move(deeper));
  }
  return paths;
}

Stack::Way Stack::follow(const std::string& path) const {
  Way way;
  std::string at;
  std::deque<std::string> rest;
  prepend(path, rest);
  while (!rest.empty()) {
    const std::string segment = std::move(rest.front());
    rest.pop_front();
    if (segment == "..") {
      if (at.empty()) {
        const std::string place = root_ + "/.." + joined(rest);
        const std::string back = std::filesystem::path(place).lexically_normal().string();
        if (!is_at_or_below(back, root_)) return way.outside = place, way;
        rest.clear();  // Out by one door and in by another.
        prepend(std::string_view(back).substr(root_.size()), rest);
        continue;
      }
      at = folder_of(at);
      continue;
    }
    const std::string next = join(at, segment);
    const auto found = look(next);
    if (!found || !S_ISLNK(found->status.st_mode)) {
      at = next;
      continue;
    }
    way.links.push_back(next);
    if (way.links.size() > kLinksMax) return way;
    const std::string target = target_of(found->place);
    if (!target.starts_with('/')) {
      prepend(target, rest);
    } else if (is_at_or_below(target, root_)) {
      at.clear();
      prepend(std::string_view(target).substr(root_.size()), rest);
    } else {
      return way.outside = target + joined(rest), way;
    }
  }
  way.path = at;
  return way;
}

bool Stack::leads_elsewhere(const std::string& path) const {
  const Way way = follow(path);
  return !way.path || *way.path != path;
}

std::optional<Entry> Stack::entry_at(const std::string& path) const {
  auto found = look(path);
  if (!found) return std::nullopt;
  return Entry{path, found->status, std::move(found->place)};
}

/// What a literal start of a pattern leads to by links, under the names the pattern has for it.
void Stack::map_in(const std::string& start, const footprint::PatternSet& patterns,
                   std::map<std::string, Entry>& entries) const {
  std::erase_if(entries, [&](const auto& entry) { return is_at_or_below(entry.first, start); });
  const auto add = [&](const std::string& as, const std::string& real) {
    if (!patterns.matches(as)) return;
    if (auto entry = entry_at(real)) entry->path = as, entries.insert_or_assign(as, *entry);
  };
  const Way folder = follow(std::string(folder_of(start)));
  if (folder.path) add(start, join(*folder.path, name_of(start)));
  const Way way = follow(start);
  if (!way.path) return;
  for (const std::string& path : below(*way.path))
    add(join(start, std::string_view(path).substr(way.path->empty() ? 0 : way.path->size() + 1)),
        path);
}

Result<std::vector<Entry>> Stack::entries(const footprint::PatternSet& patterns,
                                          const std::string& skip) const {
  auto walked = walk(root_, patterns, skip);
  if (!walked || layers_.empty()) return walked;
  std::map<std::string, Entry> entries;
  for (Entry& entry : *walked) entries.insert_or_assign(entry.path, std::move(entry));
  const Stack bare(root_, {});
  for (const Layer& layer : layers_) {
    for (const changes::Change& change : layer.changes->changes) {
      entries.erase(change.path);
      if (!patterns.matches(change.path)) continue;
      if (auto entry = entry_at(change.path)) entries.emplace(change.path, *entry);
    }
  }
  for (const footprint::Glob& glob : patterns.include) {
    const std::string& start = glob.literal_prefix();
    if (!start.empty() && (leads_elsewhere(start) || bare.leads_elsewhere(start)))
      map_in(start, patterns, entries);
  }
  std::vector<Entry> sorted;
  sorted.reserve(entries.size());
  for (auto& [path, entry] : entries) sorted.push_back(std::move(entry));
  return sorted;
}

}  // namespace interlock::workspace
