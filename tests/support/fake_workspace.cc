#include "support/fake_workspace.h"

#include <fmt/format.h>

#include "base/check.h"
#include "changes/stale.h"

namespace interlock::testing_support {

namespace {

std::string folder_of(engine::AttemptName name) {
  return fmt::format("/attempts/{}.{}.{}", name.task.index(), name.attempt, name.phase);
}

}  // namespace

Result<Digest> FakeWorkspace::fingerprint(const footprint::PatternSet& patterns) {
  call("fingerprint");
  if (auto error = failure("fingerprint")) return std::unexpected(*error);
  Hasher hasher;
  for (const engine::CacheKeyPart& one : cache_key_parts_of(patterns)) {
    hasher.add_field(one.name).add_field(one.digest);
  }
  return hasher.finish();
}

Result<std::vector<engine::CacheKeyPart>> FakeWorkspace::fingerprints(
    const footprint::PatternSet& patterns) {
  call("fingerprints");
  if (auto error = failure("fingerprints")) return std::unexpected(*error);
  return cache_key_parts_of(patterns);
}

std::vector<engine::CacheKeyPart> FakeWorkspace::cache_key_parts_of(
    const footprint::PatternSet& patterns) const {
  std::map<std::string, Digest> found;
  for (const footprint::Glob& glob : patterns.include) {
    const std::string& path = glob.literal_prefix();
    if (glob.is_literal() && patterns.matches(path)) found[path] = digest_of("(absent)");
  }
  const FakeTree now = tree();
  for (const std::string& path : now.folders()) {
    if (patterns.matches(path)) found[path] = digest_of("(folder)");
  }
  for (const auto& [path, content] : now.files()) {
    if (patterns.matches(path)) found[path] = digest_of(content);
  }
  std::vector<engine::CacheKeyPart> cache_key_parts;
  for (const auto& [path, digest] : found) cache_key_parts.push_back({path, digest});
  return cache_key_parts;
}

FakeTree FakeWorkspace::tree() const {
  FakeTree tree;
  if (committed_folders) {
    for (const std::string& folder : committed_folders()) tree.keep_folder(folder);
  }
  for (const auto& [path, content] : seen()) tree.write(path, content);
  return tree;
}

Result<std::vector<engine::CacheKeyPart>> FakeWorkspace::states(const changes::ReadSet& reads) {
  call("states");
  if (auto error = failure("states")) return std::unexpected(*error);
  const FakeTree now = tree();
  std::vector<engine::CacheKeyPart> states;
  for (const std::string& path : reads.content) {
    const changes::State state = now.state(path);
    states.push_back(
        {fmt::format("`{}`", changes::shown(path)),
         digest_of(fmt::format("{} {}", changes::name_of(state.kind), state.digest.hex()))});
  }
  for (const std::string& path : reads.listing) {
    Hasher names;
    for (const std::string& name : now.names_in(path)) names.add_field(name);
    states.push_back({fmt::format("the listing of `{}`", changes::shown(path)), names.finish()});
  }
  for (const std::string& path : reads.presence) {
    states.push_back({fmt::format("`{}`", changes::shown(path)),
                      digest_of(changes::name_of(now.state(path).kind))});
  }
  return states;
}

Result<std::string> FakeWorkspace::read(const std::string& path, std::size_t max_bytes) {
  call("read");
  if (auto error = failure("read")) return std::unexpected(*error);
  const auto all = seen();
  const auto found = all.find(path);
  if (found == all.end()) {
    const bool is_folder = tree().state(path).kind == changes::Kind::folder;
    return fail(is_folder ? Error::Kind::refused : Error::Kind::missing,
                fmt::format("there is no file `{}`", path));
  }
  if (found->second.size() > max_bytes)
    return fail(Error::Kind::refused, fmt::format("`{}` is too large", path));
  return found->second;
}

Result<std::string> FakeWorkspace::open_attempt(engine::AttemptName name) {
  call("open_attempt");
  if (auto error = failure("open_attempt")) return std::unexpected(*error);
  if (!open_.insert(name).second) forget(name);
  return folder_of(name);
}

Result<std::string> FakeWorkspace::put(engine::AttemptName name, const std::string& file,
                                       std::string_view content) {
  call("put");
  if (auto error = failure("put")) return std::unexpected(*error);
  check(open_.contains(name), "files are put into an open attempt's folder");
  const std::string path = folder_of(name) + "/" + file;
  attempt_files[path] = content;
  return path;
}

Result<std::string> FakeWorkspace::take(engine::AttemptName name, const std::string& file,
                                        std::size_t max_bytes) {
  call("take");
  if (auto error = failure("take")) return std::unexpected(*error);
  const auto found = attempt_files.find(folder_of(name) + "/" + file);
  if (found == attempt_files.end())
    return fail(Error::Kind::missing, fmt::format("there is no file `{}`", file));
  if (found->second.size() > max_bytes)
    return fail(Error::Kind::refused, fmt::format("`{}` is too large", file));
  return found->second;
}

void FakeWorkspace::leave_in_attempt(engine::AttemptName name, const std::string& file,
                                     const std::optional<std::string>& content) {
  check(open_.contains(name), "a program writes into an open attempt's folder");
  const std::string path = folder_of(name) + "/" + file;
  if (content) {
    attempt_files[path] = *content;
  } else {
    attempt_files.erase(path);
  }
}

void FakeWorkspace::close_attempt(engine::AttemptName name) {
  call("close_attempt");
  open_.erase(name);
  forget(name);
}

Result<std::string> FakeWorkspace::home(TaskId task) {
  call("home");
  if (auto error = failure("home")) return std::unexpected(*error);
  return fmt::format("/homes/{}", task.index());
}

Result<std::string> FakeWorkspace::put_home(TaskId task, const std::string& file,
                                            std::string_view content) {
  call("put_home");
  if (auto error = failure("put_home")) return std::unexpected(*error);
  const std::string path = fmt::format("/homes/{}/{}", task.index(), file);
  homes[path] = content;
  return path;
}

void FakeWorkspace::forget(engine::AttemptName name) {
  std::erase_if(attempt_files,
                [&](const auto& entry) { return entry.first.starts_with(folder_of(name) + "/"); });
}

}  // namespace interlock::testing_support
