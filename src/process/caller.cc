#include "process/caller.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace interlock::process {
namespace {

/// What the kernel looks at for a `#!` line.
constexpr std::size_t kBeginning = 256;
constexpr std::string_view kDeleted = " (deleted)";
/// A folder may be renamed between two looks at it.
constexpr int kLooksMax = 3;

ForeignFiles::Link link_at(int folder, const char* path) {
  std::array<char, PATH_MAX> target;
  const ssize_t length = ::readlinkat(folder, path, target.data(), target.size());
  if (length < 0) return {errno, {}};
  return {0, std::string(target.data(), static_cast<std::size_t>(length))};
}

bool is_same(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

const char* below_root(const std::string& path) { return path == "/" ? "." : path.c_str() + 1; }

}  // namespace

std::optional<std::string> Caller::root_of(pid_t process) {
  auto link = link_at(AT_FDCWD, fmt::format("/proc/{}/root", process).c_str());
  errno = link.error;
  return link.error == 0 ? std::optional(std::move(link.target)) : std::nullopt;
}

Caller::Caller(pid_t process, const std::string& root)
    : process_(process),
      root_(root),
      root_folder_(
          ::open(fmt::format("/proc/{}/root", process).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {
  // Anything else would say of a path that it is not there.
  if (!root_folder_) root_error_ = errno == EMFILE || errno == ENFILE ? errno : EBADF;
}

ForeignPath Caller::folder(int descriptor) const {
  const bool is_current = descriptor == AT_FDCWD;
  if (!is_current && descriptor < 0) return ForeignPath::nowhere();
  const std::string link = is_current ? fmt::format("/proc/{}/cwd", process_)
                                      : fmt::format("/proc/{}/fd/{}", process_, descriptor);
  ForeignPath folder = behind(link);
  // A descriptor that is not open is the call's mistake, unless all of /proc is out of sight.
  if (folder.kind == ForeignPath::Kind::unknown && !is_current &&
      ::access(fmt::format("/proc/{}/fd", process_).c_str(), F_OK) == 0 &&
      link_at(AT_FDCWD, link.c_str()).error == ENOENT) {
    return ForeignPath::nowhere();
  }
  return folder;
}

ForeignPath Caller::behind(const std::string& path) const {
  for (int look = 1;; ++look) {
    Link link = link_at(AT_FDCWD, path.c_str());
    if (link.error != 0) {
      return ForeignPath::unknown(
          fmt::format("`{}` could not be read: {}", path, std::strerror(link.error)));
    }
    if (!link.target.starts_with('/')) return ForeignPath::nowhere();
    ForeignPath place = placed(path, std::move(link.target));
    if (place.kind != ForeignPath::Kind::unknown || look == kLooksMax) return place;
  }
}

/// What the text of a link is a path of; found out by looking at both.
ForeignPath Caller::placed(const std::string& link, std::string text) const {
  constexpr std::string_view kProc = "/proc/";
  const std::string_view rest = std::string_view(link).substr(kProc.size());
  const std::string_view number = rest.substr(0, rest.find('/'));
  const bool elsewhere = number != fmt::format("{}", process_) && !sees_the_same(number);
  const std::string given = text;
  const bool is_below =
      text.starts_with(root_) && (text.size() == root_.size() || text[root_.size()] == '/');
  if (root_ != "/" && is_below) text.erase(0, root_.size());
  if (text.empty()) text = "/";
  // Of what another process has mounted, nothing can be looked at from here.
  if (elsewhere) return {.path = std::move(text), .why = {}, .elsewhere = true, .links = {}};
  if (!root_folder_) {
    return ForeignPath::unknown(fmt::format("the root folder of process {} could not be opened: {}",
                                            process_, std::strerror(root_error_)));
  }
  struct stat thing{};
  if (::stat(link.c_str(), &thing) != 0) {
    return ForeignPath::unknown(
        fmt::format("`{}` could not be looked at: {}", link, std::strerror(errno)));
  }
  const auto is_at = [&](const std::string& path) {
    struct stat there{};
    return ::fstatat(root_folder_.get(), below_root(path), &there, AT_SYMLINK_NOFOLLOW) == 0 &&
           is_same(thing, there);
  };
  // What the dispatcher opened is named from its own root.
  if (text != given && is_at(given)) text = given;
  if (is_at(text)) return {.path = std::move(text), .why = {}, .elsewhere = false, .links = {}};
  if (text.ends_with(kDeleted)) {
    text.resize(text.size() - kDeleted.size());
    if (text.empty()) text = "/";
    const bool is_there = is_at(text);
    return {is_there ? ForeignPath::Kind::path : ForeignPath::Kind::deleted, std::move(text), {}};
  }
  return ForeignPath::unknown(
      fmt::format("`{}` of process {} is not what it finds at that path", given, process_));
}

ForeignFiles::Link Caller::read_link(const std::string& path) const {
  if (!root_folder_) return {root_error_, {}};
  return link_at(root_folder_.get(), below_root(path));
}

bool Caller::sees_the_same(std::string_view other) const {
  const auto own = link_at(AT_FDCWD, fmt::format("/proc/{}/ns/mnt", process_).c_str());
  const auto others = link_at(AT_FDCWD, fmt::format("/proc/{}/ns/mnt", other).c_str());
  return own.error == 0 && others.error == 0 && own.target == others.target;
}

ForeignFiles::There Caller::look_at(const std::string& path) const {
  struct stat status{};
  if (!root_folder_) return There::unknown;
  if (::fstatat(root_folder_.get(), below_root(path), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    const bool is_missing = errno == ENOENT || errno == ENOTDIR || errno == EACCES;
    return is_missing ? There::nothing : There::unknown;
  }
  return S_ISDIR(status.st_mode) ? There::folder : There::other;
}

std::string Caller::beginning_of(const std::string& path) const {
  // Pipes block whoever opens them, and devices may do anything.
  struct stat status{};
  if (!path.starts_with('/') ||
      ::fstatat(root_folder_.get(), below_root(path), &status, AT_SYMLINK_NOFOLLOW) != 0 ||
      !S_ISREG(status.st_mode)) {
    return "";
  }
  const Fd file(::openat(root_folder_.get(), below_root(path),
                         O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC));
  if (!file) return "";
  std::string text(kBeginning, '\0');
  const ssize_t got = ::read(file.get(), text.data(), text.size());
  text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  return text;
}

}  // namespace interlock::process
