#include "process/landing.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <vector>

namespace interlock::process {
namespace {

constexpr int kLinksMax = 40;
/// What the kernel looks at for a `#!` line.
constexpr std::size_t kBeginning = 256;
constexpr std::string_view kDeleted = " (deleted)";

bool is_number(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](unsigned char c) { return std::isdigit(c) != 0; });
}

/// The process whose folder of /proc the path is (or is below, for its `fd` and `task`); else
/// empty.
std::string process_in(std::string_view path) {
  constexpr std::string_view kProc = "/proc/";
  if (!path.starts_with(kProc)) return "";
  path.remove_prefix(kProc.size());
  const std::string_view number = path.substr(0, path.find('/'));
  return is_number(number) ? std::string(number) : "";
}

/// Links of /proc lead to the thing itself, whatever their text says.
bool is_magic(std::string_view folder, std::string_view name) {
  if (process_in(folder).empty()) return false;
  return name == "root" || name == "cwd" || name == "exe" || folder.ends_with("/fd") ||
         folder.ends_with("/map_files");
}

}  // namespace

std::string as_text(std::string_view path) {
  std::string result;
  while (!path.empty()) {
    const auto slash = std::min(path.find('/'), path.size());
    const std::string_view name = path.substr(0, slash);
    path.remove_prefix(std::min(slash + 1, path.size()));
    if (name.empty() || name == ".") continue;
    if (name == "..") {
      result.resize(result.empty() ? 0 : result.rfind('/'));
    } else {
      result += '/';
      result += name;
    }
  }
  return result.empty() ? "/" : result;
}

std::optional<std::string> link_at(const std::string& path) {
  std::array<char, PATH_MAX> target;
  const ssize_t length = ::readlink(path.c_str(), target.data(), target.size());
  if (length < 0) return std::nullopt;
  return std::string(target.data(), static_cast<std::size_t>(length));
}

std::optional<std::string> folder_behind(pid_t process, int descriptor) {
  auto folder =
      link_at(descriptor == AT_FDCWD ? fmt::format("/proc/{}/cwd", process)
                                     : fmt::format("/proc/{}/fd/{}", process, descriptor));
  if (folder && folder->ends_with(kDeleted)) folder->resize(folder->size() - kDeleted.size());
  return folder;
}

/// Where a path leads, in the middle of it.
struct Sight::Way {
  Landing so_far;
  std::vector<std::string> ahead;  ///< Names, the next one last.
  int links = 0;
  bool follows = false;
  bool ends_in_nothing = false;  ///< Nothing is there any more: no links either.

  void go(std::string_view path) {
    std::vector<std::string> names;
    while (!path.empty()) {
      const auto slash = std::min(path.find('/'), path.size());
      if (slash > 0) names.emplace_back(path.substr(0, slash));
      path.remove_prefix(std::min(slash + 1, path.size()));
    }
    ahead.insert(ahead.end(), names.rbegin(), names.rend());
  }
};

Sight::Sight(pid_t process)
    : process_(process),
      root_(::open(fmt::format("/proc/{}/root", process).c_str(),
                   O_PATH | O_DIRECTORY | O_CLOEXEC)) {}

Landing Sight::land(const std::string& path, bool follows) const {
  Way way;
  way.follows = follows;
  way.go(path);
  while (!way.ahead.empty()) {
    std::string name = std::move(way.ahead.back());
    way.ahead.pop_back();
    step(way, std::move(name), way.ahead.empty());
  }
  if (way.so_far.path.empty()) way.so_far.path = "/";
  return std::move(way.so_far);
}

void Sight::step(Way& way, std::string name, bool is_last) const {
  std::string& path = way.so_far.path;
  if (name == ".") return;
  if (name == "..") {
    path.resize(path.empty() ? 0 : path.rfind('/'));
    return;
  }
  // These two mean whoever looks, which would be us.
  if (path == "/proc" && (name == "self" || name == "thread-self"))
    name = fmt::format("{}", process_);
  const std::string next = path + "/" + name;
  const bool looks = !way.ends_in_nothing && (!is_last || way.follows) && way.links < kLinksMax;
  const auto target = looks ? link_to(next) : std::nullopt;
  if (!target) {
    if (looks && errno == ENOENT) way.ends_in_nothing = true;
    path = next;
    return;
  }
  ++way.links;
  if (is_magic(path, name)) {
    if (!sees_the_same(process_in(path))) way.so_far.elsewhere = true;
    path = *target == "/" ? "" : *target;
    return;
  }
  if (target->starts_with('/')) path.clear();
  way.go(*target);
}

std::optional<std::string> Sight::link_to(const std::string& path) const {
  std::array<char, PATH_MAX> target;
  const ssize_t length = ::readlinkat(root_.get(), path.c_str() + 1, target.data(), target.size());
  if (length < 0) return std::nullopt;
  return std::string(target.data(), static_cast<std::size_t>(length));
}

bool Sight::sees_the_same(const std::string& process) const {
  const auto own = link_at(fmt::format("/proc/{}/ns/mnt", process_));
  return own && own == link_at(fmt::format("/proc/{}/ns/mnt", process));
}

Sight::There Sight::look_at(const std::string& path) const {
  struct stat status {};
  const char* const relative = path == "/" ? "." : path.c_str() + 1;
  if (::fstatat(root_.get(), relative, &status, AT_SYMLINK_NOFOLLOW) != 0) return There::nothing;
  return S_ISDIR(status.st_mode) ? There::folder : There::other;
}

std::string Sight::beginning_of(const std::string& path) const {
  // Pipes block whoever opens them, and devices may do anything.
  struct stat status {};
  if (::fstatat(root_.get(), path.c_str() + 1, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
      !S_ISREG(status.st_mode)) {
    return "";
  }
  const Fd file(::openat(root_.get(), path.c_str() + 1,
                         O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC));
  if (!file) return "";
  std::string text(kBeginning, '\0');
  const ssize_t got = ::read(file.get(), text.data(), text.size());
  text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  return text;
}

}  // namespace interlock::process
