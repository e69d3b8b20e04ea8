#include "snapshots/undo.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <ranges>

#include "base/text.h"
#include "snapshots/checkpoint.h"
#include "snapshots/layout.h"

namespace interlock::snapshots {

using changes::Change;
using changes::Kind;

namespace {

bool has_bytes(const changes::State& state) {
  return state.kind == Kind::file || state.kind == Kind::link;
}

/// Of a file that only got another mode the bytes were kept once.
bool is_kept_once(const Change& change) {
  return change.before.kind == Kind::file && change.after.kind == Kind::file &&
         change.before.digest == change.after.digest;
}

}  // namespace

Undo::Undo(std::string root, const std::string& state, const std::string& run,
           const std::vector<Committed>& commits)
    : root_(std::move(root)), temporary_prefix_(fmt::format(".interlock-{}-", run)) {
  const Layout layout(state, run);
  intent_ = layout.snapshots() + "/undo.intent";
  for (const Committed& commit : commits | std::views::reverse) {
    Back before{layout.file(commit.name, "before"), {}};
    Back after{layout.file(commit.name, "after"), {}};
    for (const Change& change : commit.changes.changes) {
      Back& back = is_kept_once(change) ? after : before;
      back.changes.changes.push_back({change.path, change.after, change.before});
    }
    for (Back* const back : {&before, &after}) {
      if (!back->changes.empty()) backs_.push_back(std::move(*back));
    }
  }
}

Result<void> Undo::check_kept() const {
  for (const Back& back : backs_) {
    for (const Change& change : back.changes.changes) {
      if (!has_bytes(change.after)) continue;
      if (::faccessat(AT_FDCWD, (back.folder + "/" + change.path).c_str(), F_OK,
                      AT_SYMLINK_NOFOLLOW) == 0)
        continue;
      return fail(Error::Kind::missing,
                  fmt::format("what `{}` was before was not kept", printable(change.path)),
                  "take it from your own history, such as git's");
    }
  }
  return {};
}

Result<std::vector<std::string>> Undo::run() {
  if (backs_.empty()) return std::vector<std::string>();
  if (auto kept = check_kept(); !kept) return std::unexpected(kept.error());
  std::vector<workspace::Layer> layers;
  for (const Back& back : backs_) layers.push_back({back.folder, &back.changes});
  Checkpoint checkpoint(
      {.root = root_, .intent = intent_, .temporary_prefix = temporary_prefix_, .before_step = {}},
      layers);
  auto foreign = checkpoint.check();
  if (!foreign || !foreign->empty()) return foreign;
  if (auto begun = checkpoint.begin(); !begun) return std::unexpected(begun.error());
  auto met = checkpoint.apply();
  if (!met || !met->empty()) return met;
  if (auto ended = checkpoint.finish(); !ended) return std::unexpected(ended.error());
  ::unlink(intent_.c_str());
  return std::vector<std::string>();
}

}  // namespace interlock::snapshots
