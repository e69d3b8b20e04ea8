#pragma once

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "changes/changeset.h"

// Small trees as plain maps, for tests: what a workspace is, without a disk.
namespace interlock::changes {

/// What is at each path; absent ones are left out. The workspace itself is not listed.
using Tree = std::map<std::string, State>;

inline State file_of(std::string_view content, std::uint32_t mode = 0644) {
  return {Kind::file, mode, static_cast<std::int64_t>(content.size()), digest_of(content)};
}
inline State folder_of_mode(std::uint32_t mode = 0755) { return {Kind::folder, mode, 0, {}}; }
inline State link_to(std::string_view target) {
  return {Kind::link, 0, static_cast<std::int64_t>(target.size()), digest_of(target)};
}

inline State state_in(const Tree& tree, const std::string& path) {
  const auto at = tree.find(path);
  return at == tree.end() ? State{} : at->second;
}

inline std::string folder_above(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

/// Whether everything stands in a folder.
inline bool is_whole(const Tree& tree) {
  return std::ranges::all_of(tree, [&](const auto& entry) {
    const std::string above = folder_above(entry.first);
    return above.empty() || state_in(tree, above).kind == Kind::folder;
  });
}

inline Changeset difference(const Tree& before, const Tree& after) {
  Tree all = before;
  all.insert(after.begin(), after.end());
  Changeset changeset;
  for (const auto& [path, state] : all) {
    const State old = state_in(before, path), now = state_in(after, path);
    if (old != now) changeset.changes.push_back({path, old, now});
  }
  return changeset;
}

inline Tree applied(Tree tree, const Changeset& changeset) {
  for (const Change& change : changeset.changes) {
    if (change.after.kind == Kind::absent) {
      tree.erase(change.path);
    } else {
      tree[change.path] = change.after;
    }
  }
  return tree;
}

/// Draws trees over a handful of paths, three deep, with files, folders and links.
class TreeDice {
 public:
  explicit TreeDice(std::uint64_t seed) : engine_(seed) {}

  std::size_t below(std::size_t bound) { return engine_() % bound; }

  static const std::vector<std::string>& paths() {
    static const std::vector<std::string> kPaths{"a",   "b",     "d",       "d/x", "d/y",
                                                 "d/e", "d/e/z", "d/e/z/w", "f",   "f/x"};
    return kPaths;
  }

  Tree tree() {
    Tree tree;
    for (int i = 0; i < 8; ++i) change(tree);
    return tree;
  }

  /// One act of somebody: writes, deletes a whole subtree, replaces.
  void change(Tree& tree) {
    const std::string& path = paths()[below(paths().size())];
    const State next = state();
    if (next.kind != Kind::folder)
      std::erase_if(tree, [&](const auto& one) { return one.first.starts_with(path + "/"); });
    if (next.kind == Kind::absent) {
      tree.erase(path);
      return;
    }
    for (std::string above = folder_above(path); !above.empty(); above = folder_above(above)) {
      if (state_in(tree, above).kind != Kind::folder) tree[above] = folder_of_mode();
    }
    tree[path] = next;
  }

 private:
  State state() {
    switch (below(8)) {
      case 0:
      case 1: return {};
      case 2: return folder_of_mode(below(4) == 0 ? 0700 : 0755);
      case 3: return link_to(below(2) == 0 ? "a" : "d/e");
      case 4: return file_of("one", below(3) == 0 ? 0755 : 0644);
      default: return file_of(std::string(1, static_cast<char>('p' + below(3))));
    }
  }

  std::mt19937_64 engine_;
};

}  // namespace interlock::changes
