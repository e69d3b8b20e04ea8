#include <algorithm>
#include <optional>

#include "changes/stale.h"
#include "footprint/overlap.h"

// What is decided on patterns, before anybody knows which files the other task will really touch.
namespace interlock::changes {

namespace {

using footprint::Footprint;
using footprint::Glob;
using footprint::PatternSet;

std::string_view folder_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

bool meets(const PatternSet& patterns, const std::string& pattern) {
  auto glob = Glob::parse(pattern);
  // Too long to be a pattern: nothing can be said of it, so it may be met.
  if (!glob) return !patterns.empty();
  PatternSet set;
  set.include.push_back(std::move(*glob));
  return overlaps(set, patterns);
}

/// Whether the patterns can match something at `path` or below it.
bool meets_at_or_below(const PatternSet& patterns, const std::string& path) {
  return meets(patterns, path.empty() ? "**" : footprint::escape(path));
}

/// Whether the patterns match the path or a folder above it.
bool matches_at_or_above(const PatternSet& patterns, std::string_view path) {
  for (; !path.empty(); path = folder_of(path)) {
    if (patterns.matches(path)) return true;
  }
  return false;
}

/// Whether a task that may write `writes` can make a difference to who looks at `path`: by what it
/// writes there, by what it does to a folder above, and where no folder is known to be also by
/// making one on the way to something below.
bool writes_reach(const PatternSet& writes, const std::string& path, const FolderTest& is_folder) {
  if (matches_at_or_above(writes, path)) return true;
  if (path.empty() || (is_folder && is_folder(path))) return false;
  return meets_at_or_below(writes, path);
}

/// The name in `folder` through which everything passes that the pattern matches; none where it
/// leaves that open.
std::optional<std::string> only_child(const Glob& pattern, const std::string& folder) {
  const std::string& prefix = pattern.literal_prefix();
  const std::size_t begin = folder.empty() ? 0 : folder.size() + 1;
  if (prefix.size() <= begin || !footprint::is_at_or_below(prefix, folder)) return std::nullopt;
  return prefix.substr(0, prefix.find('/', begin));
}

/// Whether a task that may write `writes` can change which names `folder` holds.
bool writes_reach_names(const PatternSet& writes, const std::string& folder,
                        const FolderTest& is_folder) {
  if (matches_at_or_above(writes, folder)) return true;
  const std::string inside = folder.empty() ? "" : footprint::escape(folder) + "/";
  if (meets(writes, inside + "*")) return true;
  // What lies deeper is a new name here too, where the folder on the way to it is yet to be made.
  for (const Glob& one : writes.include) {
    const PatternSet alone{{one}, writes.exclude};
    if (!meets(alone, inside + "*/**")) continue;
    const auto child = only_child(one, folder);
    if (!child || !is_folder || !is_folder(*child)) return true;
  }
  return false;
}

/// Whether below the path, too, nothing is as it was: links lead elsewhere, a folder's mode lets in
/// or keeps out, and who looks in vain for something in a folder goes by whether that is there.
bool changes_what_is_below(const Change& change) {
  const auto is_way = [](Kind kind) { return kind == Kind::link || kind == Kind::folder; };
  return is_way(change.before.kind) || is_way(change.after.kind);
}

bool writes_commute(const Changeset& own, const Footprint& other) {
  return std::ranges::none_of(own.changes, [&](const Change& change) {
    return matches_at_or_above(other.writes, change.path) ||
           meets_at_or_below(other.writes, change.path) || other.reads.matches(change.path) ||
           (changes_what_is_below(change) && meets_at_or_below(other.reads, change.path));
  });
}

bool reads_commute(const ReadSet& reads, const PatternSet& writes, const FolderTest& is_folder) {
  if (writes.empty()) return true;
  if (reads.from == ReadsFrom::everything) return false;
  const auto is_reached = [&](const std::string& path) {
    return writes_reach(writes, path, is_folder);
  };
  return std::ranges::none_of(reads.content, is_reached) &&
         std::ranges::none_of(reads.presence, is_reached) &&
         std::ranges::none_of(reads.listing, [&](const std::string& folder) {
           return writes_reach_names(writes, folder, is_folder);
         });
}

}  // namespace

bool commutes(const ReadSet& reads, const Changeset& own, const Footprint& other,
              const FolderTest& is_folder) {
  return !other.unknown && writes_commute(own, other) &&
         reads_commute(reads, other.writes, is_folder);
}

std::vector<std::string> outside(const Changeset& own, const Footprint& footprint) {
  std::vector<std::string> paths;
  if (footprint.unknown) return paths;
  for (const Change& change : own.changes) {
    const bool is_new_folder =
        change.before.kind == Kind::absent && change.after.kind == Kind::folder;
    const bool is_allowed = footprint.writes.matches(change.path) ||
                            (is_new_folder && meets_at_or_below(footprint.writes, change.path));
    if (!is_allowed) paths.push_back(change.path);
  }
  return paths;
}

}  // namespace interlock::changes
