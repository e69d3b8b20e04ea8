#include "snapshots/join_changes.h"

#include <fcntl.h>

#include "changes/text_merge.h"
#include "snapshots/files.h"
#include "snapshots/private_copy.h"
#include "workspace/beneath.h"
#include "workspace/content.h"

namespace interlock::snapshots {

using changes::Change;
using changes::Kind;
using changes::State;

namespace {

/// The text of both sides; nothing where they meet in a line or are no texts.
std::optional<std::string> merge_texts(
    const Change& change, const State& theirs, int top, const std::string& tree,
    const std::function<std::optional<std::string>(const State&)>& text_of) {
  if (change.before.kind != Kind::file || change.after.kind != Kind::file ||
      theirs.kind != Kind::file)
    return std::nullopt;
  const auto ancestor = text_of(change.before);
  const sys::Descriptor copy(::open(tree.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!ancestor || !copy) return std::nullopt;
  const auto mine = text_beneath(copy.get(), change.path);
  const auto others = text_beneath(top, change.path);
  if (!mine || !others || digest_of(*mine) != change.after.digest ||
      digest_of(*others) != theirs.digest)
    return std::nullopt;
  return changes::merge_three(*ancestor, *mine, *others);
}

}  // namespace

std::optional<std::string> text_beneath(int top, const std::string& path) {
  const auto file =
      workspace::open_beneath(top, path, O_RDONLY | O_NOFOLLOW | workspace::kReadFlags);
  auto bytes = workspace::read_file(file, path, kJoinedTextBytesMax);
  if (!bytes || !changes::is_text(*bytes)) return std::nullopt;
  return std::move(*bytes);
}

Result<Joined> join_changes(
    const changes::Changeset& own, int top, const std::string& tree,
    const std::function<std::optional<std::string>(const State&)>& text_of) {
  Joined joined;
  for (const Change& change : own.changes) {
    const auto now = state_beneath(top, change.path);
    if (!now) return std::unexpected(now.error());
    const bool both_folders = now->kind == Kind::folder && change.after.kind == Kind::folder;
    if (*now == change.after || (both_folders && *now != change.before)) continue;
    const bool folder_goes = change.before.kind == Kind::folder && now->kind == Kind::folder &&
                             change.after.kind == Kind::absent;
    if (*now == change.before || folder_goes) {
      joined.changes.changes.push_back({change.path, *now, change.after});
      continue;
    }
    auto text = merge_texts(change, *now, top, tree, text_of);
    if (!text) {
      joined.conflicts.push_back({change.path, change.before, change.after, *now});
      continue;
    }
    State after{Kind::file, change.after.mode == change.before.mode ? now->mode : change.after.mode,
                static_cast<std::int64_t>(text->size()), digest_of(*text)};
    joined.merged.emplace(change.path, std::move(*text));
    if (after != *now) joined.changes.changes.push_back({change.path, *now, after});
  }
  return joined;
}

}  // namespace interlock::snapshots
