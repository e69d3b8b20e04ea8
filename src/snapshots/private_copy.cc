#include "snapshots/private_copy.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <ranges>

#include "base/json.h"
#include "base/text.h"
#include "changes/text_merge.h"
#include "snapshots/files.h"
#include "snapshots/repository.h"
#include "snapshots/ticks.h"
#include "snapshots/worktree.h"
#include "workspace/beneath.h"
#include "workspace/content.h"

namespace interlock::snapshots {

namespace fs = std::filesystem;
using changes::Change;
using changes::Kind;
using changes::State;
using workspace::folder_of;
using workspace::join;

namespace {

/// All of a folder but what is in a `.git`, each folder before what is in it.
template <typename Visit>
Result<void> walk_copy(const std::string& tree, const std::string& folder, const Visit& visit) {
  const std::string place = folder.empty() ? tree : tree + "/" + folder;
  std::error_code error;
  for (fs::directory_iterator it(place, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (name == ".git") continue;
    const std::string path = join(folder, name);
    if (path.size() > kPathBytesMax) return nested_too_deeply(path);
    struct stat status{};
    if (::lstat(it->path().c_str(), &status) != 0) {
      if (errno == ENOENT) continue;  // It went meanwhile.
      return cannot("look at", it->path(), errno);
    }
    if (auto seen = visit(path, status); !seen) return seen;
    if (!S_ISDIR(status.st_mode)) continue;
    if (auto entered = walk_copy(tree, path, visit); !entered) return entered;
  }
  return error ? cannot("read", place, error.value()) : Result<void>();
}

Result<void> copy_one(const std::string& from, const std::string& to, const struct stat& status) {
  if (S_ISDIR(status.st_mode)) {
    // Open to us until all is in it.
    if (::mkdir(to.c_str(), 0700) != 0) return cannot("make the folder", to, errno);
    return {};
  }
  if (S_ISLNK(status.st_mode)) {
    if (::symlink(link_target(from).c_str(), to.c_str()) != 0)
      return cannot("make the link", to, errno);
    return {};
  }
  const auto source = open_file(from, status, false);
  if (!source && source.error().kind == Error::Kind::missing) return {};
  if (!source) return std::unexpected(source.error());
  const sys::Descriptor target(
      ::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!target) return cannot("write", to, errno);
  if (auto copied = copy_bytes(source->get(), target.get(), to); !copied) return copied;
  if (::fchmod(target.get(), status.st_mode & 07777) != 0)
    return cannot("set the mode of", to, errno);
  const std::array<timespec, 2> times{status.st_atim, status.st_mtim};
  ::futimens(target.get(), times.data());
  return {};
}

/// What is new and ignored, and new folders that hold nothing else.
std::set<std::string> ignored_among(const changes::Changeset& found, const CopyBase& base,
                                    const std::string& root) {
  std::set<std::string> ignored;
  if (!base.in_git) return ignored;
  std::vector<std::string> asked;
  for (const Change& change : found.changes) {
    if (change.before.kind == Kind::absent)
      asked.push_back(change.after.kind == Kind::folder ? change.path + "/" : change.path);
  }
  Ignoring ignoring(root);
  for (const std::string& folder : base.nested) ignoring.add_nested(folder);
  for (std::string path : ignoring.among(asked)) {
    if (path.ends_with('/')) path.pop_back();
    ignored.insert(path);
  }
  std::set<std::string> holding_ignored, holding_kept;
  for (const Change& change : found.changes | std::views::reverse) {
    if (change.before.kind == Kind::absent && change.after.kind == Kind::folder &&
        holding_ignored.contains(change.path) && !holding_kept.contains(change.path))
      ignored.insert(change.path);
    (ignored.contains(change.path) ? holding_ignored : holding_kept)
        .emplace(folder_of(change.path));
  }
  return ignored;
}

std::string named(const std::vector<std::string>& paths) {
  std::vector<std::string> words;
  for (const std::string& path : paths) words.push_back("`" + printable(path) + "`");
  return join_words(words, 3);
}

}  // namespace

std::string CopyBase::to_text() const {
  changes::Changeset states;
  json::array stamps, repositories;
  for (const auto& [path, entry] : entries) {
    states.changes.push_back({path, {}, entry.state});
    stamps.push_back(
        json::array{entry.stamp.mode, entry.stamp.inode, entry.stamp.size, entry.stamp.changed_ns});
  }
  for (const std::string& folder : nested) repositories.push_back(json::string(folder));
  return canonical_json(json::object{{"in_git", in_git},
                                     {"nested", std::move(repositories)},
                                     {"stamps", std::move(stamps)},
                                     {"states", changes::to_text(states)}}) +
         "\n";
}

Result<CopyBase> base_from_text(std::string_view text) {
  const auto parsed = parse_json(text);
  if (!parsed) return std::unexpected(parsed.error());
  const auto wrong = [] {
    return fail(Error::Kind::io, "what is kept of a private copy is damaged");
  };
  const json::object* object = parsed->if_object();
  if (object == nullptr) return wrong();
  const json::value* states = object->if_contains("states");
  const json::value* stamps = object->if_contains("stamps");
  const json::value* nested = object->if_contains("nested");
  const json::value* in_git = object->if_contains("in_git");
  if (states == nullptr || !states->is_string() || stamps == nullptr || !stamps->is_array() ||
      nested == nullptr || !nested->is_array() || in_git == nullptr || !in_git->is_bool())
    return wrong();
  const auto known = changes::changeset_from_text(states->get_string());
  if (!known) return std::unexpected(known.error());
  if (known->changes.size() != stamps->get_array().size()) return wrong();
  CopyBase base;
  base.in_git = in_git->get_bool();
  for (const json::value& folder : nested->get_array()) {
    if (!folder.is_string()) return wrong();
    base.nested.emplace(folder.get_string());
  }
  for (std::size_t i = 0; i < known->changes.size(); ++i) {
    const json::array* stamp = stamps->get_array()[i].if_array();
    if (stamp == nullptr || stamp->size() != 4) return wrong();
    std::array<std::int64_t, 4> numbers{};
    for (std::size_t k = 0; k < numbers.size(); ++k) {
      const std::int64_t* number = (*stamp)[k].if_int64();
      if (number == nullptr) return wrong();
      numbers[k] = *number;
    }
    base.entries.emplace(
        known->changes[i].path,
        CopyBase::Entry{known->changes[i].after,
                        {static_cast<mode_t>(numbers[0]), static_cast<ino_t>(numbers[1]),
                         static_cast<off_t>(numbers[2]), numbers[3]}});
  }
  return base;
}

PrivateCopy::PrivateCopy(std::string root, std::string folder, std::string texts)
    : root_(std::move(root)), folder_(std::move(folder)), texts_(std::move(texts)) {}

Result<std::map<std::string, Stamp>> PrivateCopy::copy_plain() const {
  std::vector<std::pair<std::string, mode_t>> folders;
  const auto copy = [&](const std::string& path, const struct stat& status) -> Result<void> {
    if (kind_of(status.st_mode) == Kind::other) return {};
    if (S_ISDIR(status.st_mode)) folders.emplace_back(path, status.st_mode & 07777);
    return copy_one(root_ + "/" + path, tree() + "/" + path, status);
  };
  if (auto made = make_folders(tree()); !made) return std::unexpected(made.error());
  if (auto copied = walk_copy(root_, "", copy); !copied) return std::unexpected(copied.error());
  for (const auto& [path, mode] : folders | std::views::reverse)
    ::chmod((tree() + "/" + path).c_str(), mode);
  std::map<std::string, Stamp> stamps;
  const auto stamp = [&](const std::string& path, const struct stat& status) -> Result<void> {
    stamps.emplace(path, stamp_of(status));
    return {};
  };
  if (auto seen = walk_copy(tree(), "", stamp); !seen) return std::unexpected(seen.error());
  return stamps;
}

Result<CopyBase> PrivateCopy::make(const std::string& branch) const {
  CopyBase base;
  std::map<std::string, Stamp> stamps;
  base.in_git = repository_top(root_) == root_;
  if (base.in_git) {
    const auto repository = repository_of(root_);
    if (!repository) return std::unexpected(repository.error());
    auto opened = Worktree(*repository, root_, folder_).open(branch, {});
    if (!opened) return std::unexpected(opened.error());
    stamps = std::move(opened->copied.stamps);
    base.nested = opened->copied.ignoring.nested();
  } else {
    auto copied = copy_plain();
    if (!copied) return std::unexpected(copied.error());
    stamps = std::move(*copied);
  }
  if (auto made = make_folders(texts_); !made) return std::unexpected(made.error());
  for (const auto& [path, stamp] : stamps) {
    auto found = entry(path);
    if (!found) return std::unexpected(found.error());
    if (!*found) continue;
    (*found)->stamp = stamp;
    base.entries.emplace(path, std::move(**found));
  }
  let_tick();
  return base;
}

Result<std::optional<CopyBase::Entry>> PrivateCopy::entry(const std::string& path) const {
  const std::string place = tree() + "/" + path;
  struct stat status{};
  if (::lstat(place.c_str(), &status) != 0) return std::nullopt;
  auto state = state_at(place, status, true);
  if (!state) return std::unexpected(state.error());
  if (state->kind == Kind::file && static_cast<std::size_t>(state->size) <= kJoinedTextBytesMax &&
      !text(*state)) {
    const auto bytes = workspace::read_file(place, kJoinedTextBytesMax);
    if (bytes && changes::is_text(*bytes)) {
      if (auto kept = keep_text(*bytes); !kept) return std::unexpected(kept.error());
    }
  }
  return CopyBase::Entry{std::move(*state), stamp_of(status)};
}

std::optional<std::string> PrivateCopy::text(const State& state) const {
  if (state.kind != Kind::file) return std::nullopt;
  auto bytes = workspace::read_file(texts_ + "/" + state.digest.hex(), kJoinedTextBytesMax);
  if (!bytes || digest_of(*bytes) != state.digest) return std::nullopt;
  return std::move(*bytes);
}

Result<void> PrivateCopy::keep_text(std::string_view bytes) const {
  const std::string place = texts_ + "/" + digest_of(bytes).hex();
  // Several copies may be made at once.
  const std::string half = fmt::format("{}-{}", place, ::getpid());
  if (auto put = put_file(half, bytes); !put) return put;
  if (::rename(half.c_str(), place.c_str()) != 0) return cannot("write", place, errno);
  return {};
}

Result<Harvested> PrivateCopy::changes(const CopyBase& base) const {
  Harvested harvested;
  std::map<std::string, Change> found;
  std::set<std::string> seen;
  std::vector<std::string> special;
  const auto look = [&](const std::string& path, const struct stat& status) -> Result<void> {
    if (kind_of(status.st_mode) == Kind::other) {
      special.push_back(path);
      return {};
    }
    seen.insert(path);
    const auto known = base.entries.find(path);
    const bool is_folder = S_ISDIR(status.st_mode);
    // Closed to its owner: opened, or what is in it would count as deleted.
    if (is_folder && (status.st_mode & S_IRWXU) != S_IRWXU)
      ::chmod((tree() + "/" + path).c_str(), (status.st_mode & 07777) | S_IRWXU);
    if (known != base.entries.end() && !is_folder && known->second.stamp == stamp_of(status))
      return {};
    State after{Kind::folder, status.st_mode & 07777, 0, {}};
    if (!is_folder) {
      auto state = state_at(tree() + "/" + path, status, true);
      if (!state) return std::unexpected(state.error());
      after = *state;
    }
    const State before = known == base.entries.end() ? State() : known->second.state;
    if (before != after) found.emplace(path, Change{path, before, after});
    return {};
  };
  if (auto walked = walk_copy(tree(), "", look); !walked) return std::unexpected(walked.error());
  for (const auto& [path, known] : base.entries) {
    if (!seen.contains(path)) found.emplace(path, Change{path, known.state, {}});
  }
  for (auto& [path, change] : found) harvested.changes.changes.push_back(std::move(change));
  const auto ignored = ignored_among(harvested.changes, base, root_);
  std::vector<std::string> left_out;
  std::erase_if(harvested.changes.changes, [&](const Change& change) {
    if (!ignored.contains(change.path)) return false;
    if (!ignored.contains(std::string(folder_of(change.path)))) left_out.push_back(change.path);
    return true;
  });
  if (!left_out.empty())
    harvested.remarks.push_back(named(left_out) + " was left out: git ignores it");
  if (!special.empty())
    harvested.remarks.push_back(named(special) + " was left out: it is neither file nor link");
  return harvested;
}

}  // namespace interlock::snapshots
