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
#include "workspace/descriptor.h"
#include "workspace/walk.h"

namespace interlock::workspace {
namespace {

namespace fs = std::filesystem;
using engine::AttemptName;
using engine::Ingredient;

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

Result<void> write_file(const std::string& path, std::string_view content) {
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file.is_open()) return cannot("write", path, std::strerror(errno));
  while (!content.empty()) {
    const ssize_t count = ::write(file.number(), content.data(), content.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return cannot("write", path, std::strerror(errno));
    content.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

}  // namespace

LocalWorkspace::LocalWorkspace(std::string root, const std::string& state, const std::string& run)
    : root_(std::move(root)),
      skip_(path_below(root_, state)),
      attempts_((fs::absolute(state) / "runs" / run / "attempts").string()) {}

Stack LocalWorkspace::stack() const {
  return {root_, layers_ != nullptr ? layers_->unfolded() : std::vector<Layer>()};
}

Result<Digest> LocalWorkspace::digest(const Stack& stack, const Entry& entry) {
  if (layers_ == nullptr || !S_ISLNK(entry.status.st_mode)) return contents_.digest(root_, entry);
  // The kernel knows only the folder; the file behind the link may be in a layer.
  const Stack::Way way = stack.follow(entry.path);
  const auto found = way.path ? stack.look(*way.path) : std::nullopt;
  return contents_.digest(root_, entry, found ? found->place : way.outside);
}

Result<std::vector<Ingredient>> LocalWorkspace::fingerprints(
    const footprint::PatternSet& patterns) {
  const Stack seen = stack();
  auto entries = seen.entries(patterns, skip_);
  if (!entries) return std::unexpected(entries.error());
  std::vector<Ingredient> ingredients;
  ingredients.reserve(entries->size());
  for (Entry& entry : *entries) {
    const auto digest = this->digest(seen, entry);
    if (!digest && digest.error().kind == Error::Kind::missing)
      continue;  // It vanished since the walk.
    if (!digest) return std::unexpected(digest.error());
    ingredients.push_back({std::move(entry.path), *digest});
  }
  // A file that is named outright and is not there is a fact as well: a task may go by its absence.
  for (const footprint::Glob& glob : patterns.include) {
    const std::string& path = glob.literal_prefix();
    if (!glob.is_literal() || !patterns.matches(path)) continue;
    const auto at = std::ranges::lower_bound(ingredients, path, {}, &Ingredient::name);
    if (at == ingredients.end() || at->name != path)
      ingredients.insert(at, {path, digest_of_absence()});
  }
  return ingredients;
}

Result<Digest> LocalWorkspace::fingerprint(const footprint::PatternSet& patterns) {
  const auto ingredients = fingerprints(patterns);
  if (!ingredients) return std::unexpected(ingredients.error());
  Hasher hasher;
  for (const Ingredient& one : *ingredients) hasher.add_field(one.name).add_field(one.digest);
  return hasher.finish();
}

Result<std::string> LocalWorkspace::read(const std::string& path, std::size_t max_bytes) {
  if (!footprint::is_path(path)) return cannot("read", path, "it is no path below the workspace");
  if (layers_ == nullptr) return read_file(root_ + "/" + path, max_bytes);
  const Stack seen = stack();
  const Stack::Way way = seen.follow(path);
  const auto found = way.path ? seen.look(*way.path) : std::nullopt;
  if (found) return read_file(found->place, max_bytes);
  if (!way.path) return read_file(way.outside, max_bytes);
  auto missing = cannot("read", root_ + "/" + path, std::strerror(ENOENT));
  missing.error().kind = Error::Kind::missing;
  return missing;
}

std::string LocalWorkspace::attempt_folder(AttemptName name) const {
  const std::string folder =
      fmt::format("{}/task-{}-attempt-{}", attempts_, name.task.index(), name.attempt);
  return name.phase == 0 ? folder : folder + "-verify";
}

Result<std::string> LocalWorkspace::open_attempt(AttemptName name) {
  const std::string folder = attempt_folder(name);
  remove_folder(folder);
  std::error_code error;
  fs::create_directories(folder + "/tmp", error);
  if (error) return cannot("make the attempt's folder", folder, error.message());
  fs::permissions(folder, fs::perms::owner_all, error);
  return folder;
}

Result<std::string> LocalWorkspace::put(AttemptName name, const std::string& file,
                                        std::string_view content) {
  check(footprint::is_path(file), "what is put stays in the attempt's folder");
  const fs::path path = fs::path(attempt_folder(name)) / file;
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (error) return cannot("make the folder", path.parent_path().string(), error.message());
  if (auto written = write_file(path.string(), content); !written)
    return std::unexpected(written.error());
  return path.string();
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
  const fs::path path = fs::path(*folder) / file;
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (error) return cannot("make the folder", path.parent_path().string(), error.message());
  // A client may keep more in its settings than it was given; what is as it should be stays.
  const auto there = read_file(path.string(), content.size() + 1);
  if (there && *there == content) return path.string();
  if (auto written = write_file(path.string(), content); !written)
    return std::unexpected(written.error());
  return path.string();
}

void LocalWorkspace::sweep() { remove_folder(attempts_); }

void LocalWorkspace::close_attempt(AttemptName name) { remove_folder(attempt_folder(name)); }

}  // namespace interlock::workspace
