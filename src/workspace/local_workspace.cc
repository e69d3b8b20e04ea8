#include "workspace/local_workspace.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/check.h"
#include "base/text.h"
#include "changes/stale.h"
#include "sys/asked_to_end.h"
#include "sys/descriptor.h"
#include "workspace/beneath.h"
#include "workspace/own_places.h"
#include "workspace/walk.h"

namespace interlock::workspace {
namespace {

namespace fs = std::filesystem;
using engine::AttemptName;
using engine::CacheKeyPart;

std::string path_below(const std::string& root, const std::string& path) {
  std::error_code error;
  const std::string resolved = fs::weakly_canonical(path, error).string();
  return !error && resolved.starts_with(root + "/") ? resolved.substr(root.size() + 1)
                                                    : std::string();
}

std::unexpected<Error> cannot(const std::string& doing, const std::string& path,
                              const std::string& why) {
  return fail(Error::Kind::io, fmt::format("cannot {} `{}`: {}", doing, printable(path), why));
}

/// Removes a folder even where a program took away its own right to change it.
void remove_folder(const std::string& folder) {
  std::error_code error;
  fs::remove_all(folder, error);
  if (!error) return;
  fs::permissions(folder, fs::perms::owner_all, error);
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    std::error_code ignored;
    if (it->is_directory(ignored) && !it->is_symlink(ignored))
      fs::permissions(it->path(), fs::perms::owner_all, ignored);
  }
  fs::remove_all(folder, error);
}

/// Opens a folder in `folder` and makes it where there is none. What stands in its way goes: the
/// folders are ours, and an earlier attempt that put a link there does not say where we write.
sys::Descriptor open_or_make(const sys::Descriptor& folder, const std::string& name) {
  constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  sys::Descriptor there(::openat(folder.get(), name.c_str(), kFlags));
  if (there) return there;
  if (errno == ENOTDIR || errno == ELOOP) ::unlinkat(folder.get(), name.c_str(), 0);
  if (::mkdirat(folder.get(), name.c_str(), 0777) != 0 && errno != EEXIST) return there;
  return sys::Descriptor(::openat(folder.get(), name.c_str(), kFlags));
}

Result<void> write_below(const std::string& top, const std::string& path,
                         std::string_view content) {
  const auto refused = [&] { return cannot("write", top + "/" + path, std::strerror(errno)); };
  sys::Descriptor folder(::open(top.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  for (const fs::path& name : fs::path(std::string(folder_of(path)))) {
    if (!folder) return refused();
    folder = open_or_make(folder, name.string());
  }
  if (!folder) return refused();
  const std::string name(name_of(path));
  constexpr int kFlags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  sys::Descriptor file(::openat(folder.get(), name.c_str(), kFlags, 0600));
  struct stat status{};
  if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    ::unlinkat(folder.get(), name.c_str(), 0);
    file = sys::Descriptor(::openat(folder.get(), name.c_str(), kFlags | O_EXCL, 0600));
  }
  if (!file) return refused();
  while (!content.empty()) {
    const ssize_t count = ::write(file.get(), content.data(), content.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return refused();
    content.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

}  // namespace

LocalWorkspace::LocalWorkspace(std::string root, const std::string& state, const std::string& run)
    : root_(std::move(root)),
      skip_(path_below(root_, state)),
      attempts_((fs::absolute(state) / "runs" / run / "attempts").string()),
      places_(attempt_places(state, run)) {}

Stack LocalWorkspace::stack() const {
  return {root_, layers_ != nullptr ? layers_->uncheckpointed() : std::vector<Layer>()};
}

/// What patterns name behind links that lead out of the workspace. Folders there are not entered:
/// `beyond` stands for what is in them.
Result<void> LocalWorkspace::add_outside(const Stack& stack, const footprint::PatternSet& patterns,
                                         const std::optional<Digest>& beyond,
                                         std::vector<CacheKeyPart>& cache_key_parts) {
  for (const footprint::Glob& glob : patterns.include) {
    const std::string& start = glob.literal_prefix();
    const Stack::Way way = stack.follow(start);
    if (way.path || way.outside.empty()) continue;
    std::error_code error;
    const bool is_folder = fs::is_directory(way.outside, error);
    if (is_folder && beyond) {
      cache_key_parts.push_back({start + " (which leads out of the workspace)", *beyond});
    } else if (!is_folder && glob.is_literal() && patterns.matches(start)) {
      const auto at = std::ranges::find(cache_key_parts, start, &CacheKeyPart::name);
      if (at != cache_key_parts.end())
        continue;  // The link itself is counted, and what is behind it.
      const auto digest = contents_.digest_outside(way.outside, start);
      if (!digest) return std::unexpected(digest.error());
      cache_key_parts.push_back({start, *digest});
    }
  }
  std::ranges::sort(cache_key_parts, {}, &CacheKeyPart::name);
  return {};
}

Result<std::vector<CacheKeyPart>> LocalWorkspace::fingerprints(
    const footprint::PatternSet& patterns) {
  return collect(patterns, digest_of_unknown());
}

Result<std::vector<CacheKeyPart>> LocalWorkspace::collect(const footprint::PatternSet& patterns,
                                                          const std::optional<Digest>& beyond) {
  const Stack seen = stack();
  auto entries = seen.entries(patterns, skip_);
  if (!entries) return std::unexpected(entries.error());
  std::vector<CacheKeyPart> cache_key_parts;
  cache_key_parts.reserve(entries->size());
  sys::InterruptionCheck check;
  for (Entry& entry : *entries) {
    if (check.is_due()) return cannot("read", entry.path, std::strerror(EINTR));
    const auto digest = contents_.digest(seen, entry);
    if (!digest && digest.error().kind == Error::Kind::missing)
      continue;  // It vanished since the walk.
    if (!digest) return std::unexpected(digest.error());
    cache_key_parts.push_back({std::move(entry.path), *digest});
  }
  if (auto added = add_outside(seen, patterns, beyond, cache_key_parts); !added)
    return std::unexpected(added.error());
  // A file that is named outright and is not there is an event as well: a task may go by its
  // absence.
  for (const footprint::Glob& glob : patterns.include) {
    const std::string& path = glob.literal_prefix();
    if (!glob.is_literal() || !patterns.matches(path)) continue;
    const auto at = std::ranges::lower_bound(cache_key_parts, path, {}, &CacheKeyPart::name);
    if (at == cache_key_parts.end() || at->name != path)
      cache_key_parts.insert(at, {path, digest_of_absence()});
  }
  return cache_key_parts;
}

Result<std::vector<CacheKeyPart>> LocalWorkspace::states(const changes::ReadSet& reads) {
  const Stack seen = stack();
  std::vector<CacheKeyPart> states;
  for (const std::string& path : reads.content) {
    const auto found = seen.look(path);
    const bool is_beyond = !seen.follow(path).outside.empty();
    Result<Digest> digest = is_beyond ? digest_of_unknown() : digest_of_absence();
    if (found && !is_beyond) digest = contents_.digest(seen, {path, found->status, found->place});
    if (!digest && digest.error().kind == Error::Kind::missing) digest = digest_of_absence();
    if (!digest) return std::unexpected(digest.error());
    states.push_back({fmt::format("`{}`", changes::shown(path)), *digest});
  }
  for (const std::string& path : reads.listing) {
    Hasher names;
    for (const std::string& name : seen.names(path)) {
      if (name != ".git" && workspace::join(path, name) != skip_) names.add_field(name);
    }
    states.push_back({fmt::format("the listing of `{}`", changes::shown(path)), names.finish()});
  }
  for (const std::string& path : reads.presence) {
    const auto found = seen.look(path);
    states.push_back(
        {fmt::format("`{}`", changes::shown(path)),
         found ? digest_of(fmt::format("{:o}", found->status.st_mode)) : digest_of_absence()});
  }
  return states;
}

Result<Digest> LocalWorkspace::fingerprint(const footprint::PatternSet& patterns) {
  const auto cache_key_parts = collect(patterns, std::nullopt);
  if (!cache_key_parts) return std::unexpected(cache_key_parts.error());
  Hasher hasher;
  for (const CacheKeyPart& one : *cache_key_parts) hasher.add_field(one.name).add_field(one.digest);
  return hasher.finish();
}

Result<std::string> LocalWorkspace::read(const std::string& path, std::size_t max_bytes) {
  if (!footprint::is_path(path))
    return cannot("read", path, "it is not a path below the workspace");
  const Stack seen = stack();
  const Stack::Way way = seen.follow(path);
  if (!way.path) {
    return cannot("read", path,
                  way.outside.empty() ? "its links lead round in circles"
                                      : fmt::format("it leads out of the workspace, to `{}`",
                                                    printable(way.outside)));
  }
  if (const auto found = seen.look(*way.path)) {
    return read_file(seen.open(found->place, O_RDONLY | kReadFlags), root_ + "/" + path, max_bytes);
  }
  auto missing = cannot("read", root_ + "/" + path, std::strerror(ENOENT));
  missing.error().kind = Error::Kind::missing;
  return missing;
}

std::string LocalWorkspace::attempt_folder(AttemptName name) const {
  const std::string folder =
      fmt::format("{}-{}{}", name.task.index(), name.attempt, name.phase == 0 ? "" : "v");
  const std::string usual = places_.front() + "/" + folder;
  const bool is_short = usual.size() + std::string_view("/tmp").size() < kTemporaryBytesMax;
  return is_short ? usual : places_.back() + "/" + folder;
}

Result<std::string> LocalWorkspace::open_attempt(AttemptName name) {
  const std::string folder = attempt_folder(name);
  if (folder.starts_with(places_.back() + "/") && !make_user_place()) {
    return fail(
        Error::Kind::io,
        fmt::format("cannot make the attempt's folder `{}`: the folder above it is not ours",
                    folder),
        "choose a state folder with a shorter path with `--state`");
  }
  // Nearly always there is nothing of that name, and the folder above it is there.
  const std::string temporary = folder + "/tmp";
  if (::mkdir(folder.c_str(), 0700) == 0 && ::mkdir(temporary.c_str(), 0777) == 0) return folder;
  remove_folder(folder);
  std::error_code error;
  fs::create_directories(temporary, error);
  if (error) return cannot("make the attempt's folder", folder, error.message());
  fs::permissions(folder, fs::perms::owner_all, error);
  return folder;
}

Result<std::string> LocalWorkspace::put(AttemptName name, const std::string& file,
                                        std::string_view content) {
  check(footprint::is_path(file), "what is put stays in the attempt's folder");
  const std::string folder = attempt_folder(name);
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return cannot("make the folder", folder, error.message());
  if (auto written = write_below(folder, file, content); !written)
    return std::unexpected(written.error());
  return folder + "/" + file;
}

Result<std::string> LocalWorkspace::take(AttemptName name, const std::string& file,
                                         std::size_t max_bytes) {
  check(footprint::is_path(file), "what is taken lies in the attempt's folder");
  const std::string folder = attempt_folder(name);
  const sys::Descriptor top(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!top) return read_file(top, folder, max_bytes);  // Tells why.
  return read_file(open_beneath(top.get(), file, O_RDONLY | kReadFlags), file, max_bytes);
}

Result<std::string> LocalWorkspace::home(TaskId task) {
  const std::string folder = fmt::format("{}/task-{}-home", attempts_, task.index());
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return cannot("make the task's own folder", folder, error.message());
  fs::permissions(folder, fs::perms::owner_all, error);
  return folder;
}

Result<std::string> LocalWorkspace::put_home(TaskId task, const std::string& file,
                                             std::string_view content) {
  check(footprint::is_path(file), "what is put stays in the task's own folder");
  auto folder = home(task);
  if (!folder) return folder;
  // A client may keep more in its settings than it was given; what is as it should be stays.
  const sys::Descriptor top(::open(folder->c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const sys::Descriptor known = open_beneath(top.get(), file, O_RDONLY | kReadFlags);
  const auto there = read_file(known, file, content.size() + 1);
  if (there && *there == content) return *folder + "/" + file;
  if (auto written = write_below(*folder, file, content); !written)
    return std::unexpected(written.error());
  return *folder + "/" + file;
}

void LocalWorkspace::sweep() {
  remove_folder(attempts_);
  for (const std::string& place : places_) {
    remove_folder(place);
    ::rmdir(std::string(folder_of(place)).c_str());  // Where it was the last.
  }
}

void LocalWorkspace::close_attempt(AttemptName name) {
  const std::string folder = attempt_folder(name);
  // Most attempts leave nothing there.
  const bool was_empty = ::rmdir((folder + "/tmp").c_str()) == 0 && ::rmdir(folder.c_str()) == 0;
  if (!was_empty) remove_folder(folder);
}

}  // namespace interlock::workspace
