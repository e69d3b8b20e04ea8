#include "snapshots/ignoring.h"

#include <sys/stat.h>

#include <map>

#include "snapshots/git.h"
#include "workspace/beneath.h"

namespace interlock::snapshots {
namespace {

bool is_folder(std::string_view path) { return path.ends_with('/'); }

std::string listed(const std::set<std::string>& paths) {
  std::string list;
  for (const std::string& path : paths) list.append(path).push_back('\0');
  return list;
}

/// It fails when none is ignored.
std::set<std::string> ignored_in(const Git& git, const std::set<std::string>& paths) {
  if (paths.empty()) return {};
  const auto reported = git.run({"check-ignore", "-z", "--stdin"}, listed(paths));
  if (!reported) return {};
  const std::vector<std::string> ignored = split_at_nul(*reported);
  return {ignored.begin(), ignored.end()};
}

}  // namespace

std::string Ignoring::repository_of(const std::string& path) const {
  std::string_view at = path;
  if (is_folder(at)) at.remove_suffix(1);
  for (std::string folder(workspace::folder_of(at)); !folder.empty();
       folder = workspace::folder_of(folder)) {
    if (nested_.contains(folder)) return folder;
  }
  return {};
}

Result<std::set<std::string>> Ignoring::present(const std::string& repository) const {
  const Git git(repository.empty() ? top_ : top_ + "/" + repository);
  const std::string prefix = repository.empty() ? "" : repository + "/";
  std::vector<std::string> list{"ls-files", "-z", "--others", "--ignored", "--exclude-standard"};
  std::vector<std::string> briefly = list;
  briefly.emplace_back("--directory");
  const auto reported = git.run(briefly);
  if (!reported) return std::unexpected(reported.error());
  std::set<std::string> folders;
  std::set<std::string> ignored;
  for (const std::string& path : split_at_nul(*reported)) {
    if (is_folder(path)) {
      folders.insert(path);
    } else {
      ignored.insert(prefix + path);
    }
  }
  // A folder is told as a whole also when it is none itself, and only all in it is ignored.
  const std::set<std::string> whole = ignored_in(git, folders);
  for (const std::string& folder : folders) {
    if (whole.contains(folder)) {
      ignored.insert(prefix + folder);
      continue;
    }
    std::vector<std::string> below = list;
    below.insert(below.end(), {"--", ":(literal)" + folder});
    const auto files = git.run(below);
    if (!files) return std::unexpected(files.error());
    for (const std::string& path : split_at_nul(*files)) ignored.insert(prefix + path);
  }
  return ignored;
}

/// git refuses to answer for what lies behind a link.
bool Ignoring::is_reachable(const std::string& path) const {
  std::string_view at = path;
  if (is_folder(at)) at.remove_suffix(1);
  for (std::string folder(workspace::folder_of(at)); !folder.empty();
       folder = workspace::folder_of(folder)) {
    struct stat status{};
    if (::lstat((top_ + "/" + folder).c_str(), &status) == 0 && !S_ISDIR(status.st_mode))
      return false;
  }
  return true;
}

std::set<std::string> Ignoring::among(const std::vector<std::string>& paths,
                                      const std::string& index) const {
  std::map<std::string, std::set<std::string>> by_repository;
  for (const std::string& path : paths) {
    if (!is_reachable(path)) continue;
    const std::string repository = repository_of(path);
    by_repository[repository].insert(repository.empty() ? path
                                                        : path.substr(repository.size() + 1));
  }
  std::set<std::string> ignored;
  for (const auto& [repository, inner] : by_repository) {
    Git git(repository.empty() ? top_ : top_ + "/" + repository);
    if (repository.empty() && !index.empty()) git.with_index(index);
    for (const std::string& path : ignored_in(git, inner))
      ignored.insert(repository.empty() ? path : repository + "/" + path);
  }
  return ignored;
}

}  // namespace interlock::snapshots
