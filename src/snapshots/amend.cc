#include "snapshots/amend.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "base/text.h"
#include "snapshots/files.h"
#include "workspace/beneath.h"
#include "workspace/content.h"

namespace interlock::snapshots {

using changes::Change;
using changes::Changeset;
using changes::Kind;
using changes::State;
using workspace::Descriptor;
using workspace::folder_of;

namespace {

constexpr std::size_t kChangesBytesMax = 1u << 30;

/// A folder of the layer, open to us as long as this lives.
class OpenFolder {
 public:
  OpenFolder(const std::string& top, const std::string& folder)
      : folder_(::open((top + "/" + folder).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {
    is_known_ = folder_.is_open() && ::fstat(folder_.number(), &status_) == 0;
    if (is_closed()) set_mode(folder_.number(), "", (status_.st_mode & 07777) | S_IRWXU);
  }
  ~OpenFolder() {
    if (is_closed()) set_mode(folder_.number(), "", status_.st_mode & 07777);
  }
  OpenFolder(const OpenFolder&) = delete;
  OpenFolder& operator=(const OpenFolder&) = delete;

 private:
  bool is_closed() const { return is_known_ && (status_.st_mode & S_IRWXU) != S_IRWXU; }

  Descriptor folder_;
  struct stat status_{};
  bool is_known_ = false;
};

/// Keeps the file at `top`/`path` as `aside`/`path`; what is kept already stays.
Result<void> put_aside(const std::string& top, const std::string& aside, const std::string& path) {
  if (auto made = make_folders(aside + "/" + std::string(folder_of(path))); !made) return made;
  const std::string to = aside + "/" + path;
  const std::string from = top + "/" + path;
  if (::access(to.c_str(), F_OK) == 0 || ::rename(from.c_str(), to.c_str()) == 0) return {};
  if (errno == ENOENT) return {};  // There was none.
  return cannot("keep", from, errno);
}

Result<void> put_with_mode(const std::string& top, const std::string& path, std::string_view bytes,
                           mode_t mode) {
  if (auto made = make_folders(top + "/" + std::string(folder_of(path))); !made) return made;
  if (auto put = put_file(top + "/" + path, bytes); !put) return put;
  if (::chmod((top + "/" + path).c_str(), mode) != 0) return cannot("set the mode of", path, errno);
  return {};
}

/// What the attempt wanted of the mode, or else what the others made of it.
mode_t joined_mode(const Change& mine, const State& theirs) {
  const bool untouched = mine.before.kind == mine.after.kind && mine.before.mode == mine.after.mode;
  return untouched && theirs.kind == Kind::file ? theirs.mode : mine.after.mode;
}

class Rest {
 public:
  Rest(const Layout& layout, const Attempt& attempt, const workspace::Stack& below,
       std::string mine)
      : below_(below),
        after_(layout.file(attempt.name, "after")),
        before_(layout.file(attempt.name, "before")),
        mine_(std::move(mine)) {}

  /// One change as it is upon `below`.
  Result<Change> rest(Change change, const std::string* merged) {
    const auto found = below_.look(change.path);
    State now;
    if (found) {
      auto state = state_at(found->place, found->status);
      if (!state) return std::unexpected(state.error());
      now = *state;
    }
    if (merged != nullptr) {
      if (auto put = put_merged(change, now, *merged); !put) return std::unexpected(put.error());
    }
    if (now != change.before && now.kind == Kind::file) {
      const auto bytes = workspace::read_file(found->place, static_cast<std::size_t>(now.size) + 1);
      if (!bytes) return std::unexpected(bytes.error());
      if (auto kept = put_aside(before_, mine_ + "/before", change.path); !kept)
        return std::unexpected(kept.error());
      if (auto put = put_with_mode(before_, change.path, *bytes, 0600); !put)
        return std::unexpected(put.error());
    }
    change.before = now;
    return change;
  }

 private:
  Result<void> put_merged(Change& change, const State& now, const std::string& bytes) {
    const mode_t mode = joined_mode(change, now);
    const OpenFolder open(after_, std::string(folder_of(change.path)));
    if (auto kept = put_aside(after_, mine_ + "/after", change.path); !kept) return kept;
    if (auto put = put_with_mode(after_, change.path, bytes, mode); !put) return put;
    change.after = {Kind::file, mode, static_cast<std::int64_t>(bytes.size()), digest_of(bytes)};
    return {};
  }

  const workspace::Stack& below_;
  std::string after_, before_, mine_;
};

/// Moves all files below `aside` to where they were.
Result<void> requeue(const std::string& aside, const std::string& top) {
  const workspace::Stack kept(aside, {});
  for (const std::string& path : kept.below("")) {
    const auto found = kept.look(path);
    if (!found || S_ISDIR(found->status.st_mode)) continue;
    const OpenFolder open(top, std::string(folder_of(path)));
    if (::rename(found->place.c_str(), workspace::join(top, path).c_str()) != 0)
      return cannot("put back", path, errno);
  }
  return {};
}

/// Where what the amendment of this number replaced is kept.
std::string mine_folder(const Layout& layout, const Attempt& attempt, std::size_t number) {
  return layout.file(attempt.name, fmt::format("mine-{}", number));
}

/// The changes as they were before each amendment.
Result<std::vector<Changeset>> earlier_changes(const Layout& layout, const Attempt& attempt) {
  std::vector<Changeset> earlier;
  while (true) {
    const auto text = workspace::read_file(
        mine_folder(layout, attempt, earlier.size()) + "/changes.json", kChangesBytesMax);
    if (!text && text.error().kind == Error::Kind::missing) return earlier;
    auto changes = text ? changes::changeset_from_text(*text) : std::unexpected(text.error());
    if (!changes) return std::unexpected(changes.error());
    earlier.push_back(std::move(*changes));
  }
}

}  // namespace

Result<Changeset> rest_upon(const Layout& layout, const Attempt& attempt,
                            const std::vector<std::pair<std::string, std::string>>& merged,
                            const workspace::Stack& below) {
  const auto earlier = earlier_changes(layout, attempt);
  if (!earlier) return std::unexpected(earlier.error());
  const std::string mine = mine_folder(layout, attempt, earlier->size());
  if (auto made = make_folders(mine); !made) return std::unexpected(made.error());
  if (auto put = put_file(mine + "/changes.json", changes::to_text(attempt.changes)); !put)
    return std::unexpected(put.error());
  Rest rest(layout, attempt, below, mine);
  Changeset rested;
  for (const Change& change : attempt.changes.changes) {
    const auto at =
        std::ranges::find(merged, change.path, &std::pair<std::string, std::string>::first);
    auto one = rest.rest(change, at == merged.end() ? nullptr : &at->second);
    if (!one) return std::unexpected(one.error());
    if (one->before != one->after) rested.changes.push_back(std::move(*one));
  }
  return rested;
}

Result<void> take_back(const Layout& layout, Attempt& attempt, const Changeset& wanted) {
  const auto earlier = earlier_changes(layout, attempt);
  if (!earlier) return std::unexpected(earlier.error());
  // Also when the changes are the wanted ones: the amendment may have been broken off half-way.
  std::size_t first = earlier->size();
  while (first > 0 && (*earlier)[first - 1] != wanted) --first;
  if (first == 0 && attempt.changes == wanted) return {};
  if (first == 0) {
    return fail(Error::Kind::io,
                fmt::format("the changes kept in `{}` are not those the journal knows",
                            printable(layout.folder(attempt.name))),
                "start a new run");
  }
  --first;
  for (std::size_t number = earlier->size(); number-- > first;) {
    const std::string mine = mine_folder(layout, attempt, number);
    if (auto put = requeue(mine + "/after", layout.file(attempt.name, "after")); !put) return put;
    if (auto put = requeue(mine + "/before", layout.file(attempt.name, "before")); !put) return put;
  }
  attempt.changes = wanted;
  if (auto written = write_changes(layout, attempt); !written) return written;
  for (std::size_t number = earlier->size(); number-- > first;)
    remove_tree(mine_folder(layout, attempt, number));
  return {};
}

std::optional<std::string> does_not_rest(const Changeset& changes, const workspace::Stack& below) {
  for (const Change& change : changes.changes) {
    const std::string folder(folder_of(change.path));
    if (change.after.kind != Kind::absent && !folder.empty()) {
      const Change* own = changes.find(folder);
      const auto found = own == nullptr ? below.look(folder) : std::nullopt;
      const bool is_there = own != nullptr ? own->after.kind == Kind::folder
                                           : found && S_ISDIR(found->status.st_mode);
      if (!is_there) return fmt::format("the folder of `{}` is gone", printable(change.path));
    }
    if (change.before.kind != Kind::folder || change.after.kind == Kind::folder) continue;
    for (const std::string& name : below.names(change.path)) {
      if (changes.find(workspace::join(change.path, name)) == nullptr)
        return fmt::format("the folder `{}` got a new `{}`", printable(change.path),
                           printable(name));
    }
  }
  return std::nullopt;
}

}  // namespace interlock::snapshots
