#include "snapshots/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <vector>

#include "base/text.h"
#include "sys/asked_to_end.h"
#include "workspace/beneath.h"

namespace interlock::snapshots {

namespace fs = std::filesystem;
using changes::Kind;
using changes::State;
using sys::Descriptor;
using sys::is_asked_to_end;

namespace {

constexpr std::size_t kChunkBytes = 128u << 10;
constexpr mode_t kPermissions = 07777;

constexpr std::int64_t kBytesBetweenLooks = 8 << 20;

Result<Digest> digest_of_bytes(const sys::Descriptor& file, const std::string& path,
                               std::int64_t& size, bool gives_way = false) {
  std::vector<char> chunk(kChunkBytes);
  Hasher hasher;
  size = 0;
  std::int64_t next_look = kBytesBetweenLooks;
  while (true) {
    if (size >= next_look) {
      if (gives_way && is_asked_to_end()) return cannot("read", path, EINTR);
      next_look = size + kBytesBetweenLooks;
    }
    const ssize_t count = ::read(file.get(), chunk.data(), chunk.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return cannot("read", path, errno);
    if (count == 0) return hasher.finish();
    hasher.add({chunk.data(), static_cast<std::size_t>(count)});
    size += count;
  }
}

Result<void> write_all(int to, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(to, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return cannot("write", path, errno);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

/// Only what is data, the holes stay. False: this file system tells nothing of holes.
Result<bool> copy_data(int from, int to, std::int64_t size, const std::string& path) {
  std::vector<char> chunk(kChunkBytes);
  std::int64_t next_look = kBytesBetweenLooks, copied = 0;
  for (off_t at = 0; at < size;) {
    const off_t data = ::lseek(from, at, SEEK_DATA);
    if (data < 0 && errno == ENXIO) break;
    const off_t hole = data < 0 ? -1 : ::lseek(from, data, SEEK_HOLE);
    if (data < 0 || hole < 0) {
      if (at == 0 && errno == EINVAL) return false;
      return cannot("read", path, errno);
    }
    for (at = data; at < hole;) {
      const auto wanted = std::min(chunk.size(), static_cast<std::size_t>(hole - at));
      const ssize_t count = ::pread(from, chunk.data(), wanted, at);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return cannot("read", path, errno);
      if (count == 0) break;  // It grew shorter meanwhile.
      const ssize_t written = ::pwrite(to, chunk.data(), static_cast<std::size_t>(count), at);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return cannot("write", path, errno);
      at += written;
      copied += written;
      if (copied < next_look) continue;
      if (is_asked_to_end()) return cannot("write", path, EINTR);
      next_look = copied + kBytesBetweenLooks;
    }
    at = std::max(at, hole);
  }
  if (::ftruncate(to, size) != 0) return cannot("write", path, errno);
  return true;
}

Result<void> copy_by_hand(int from, int to, const std::string& path) {
  std::vector<char> chunk(kChunkBytes);
  while (true) {
    const ssize_t count = ::read(from, chunk.data(), chunk.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return cannot("read", path, errno);
    if (count == 0) return {};
    if (auto done = write_all(to, {chunk.data(), static_cast<std::size_t>(count)}, path); !done)
      return done;
  }
}

}  // namespace

std::unexpected<Error> nested_too_deeply(std::string_view path) {
  return fail(
      Error::Kind::refused,
      fmt::format("`{}...` is nested too deeply: what lies in it has a path of more than {} bytes",
                  printable(path.substr(0, 60)), kPathBytesMax));
}

std::unexpected<Error> cannot(std::string_view doing, const std::string& path, int number) {
  if (number == ENAMETOOLONG) return nested_too_deeply(path);
  auto error = fail(Error::Kind::io, fmt::format("cannot {} `{}`: {}", doing, printable(path),
                                                 std::strerror(number)));
  if (number == ENOENT || number == ENOTDIR) error.error().kind = Error::Kind::missing;
  if (number == ENOSPC || number == EDQUOT)
    error.error().hint = "make room on that disk, then `resume`";
  return error;
}

Kind kind_of(mode_t mode) {
  if (S_ISREG(mode)) return Kind::file;
  if (S_ISDIR(mode)) return Kind::folder;
  if (S_ISLNK(mode)) return Kind::link;
  return Kind::other;
}

Result<sys::Descriptor> open_file(const std::string& place, const struct stat& status, bool ours) {
  constexpr int kFlags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  sys::Descriptor file(::open(place.c_str(), kFlags));
  if (!file && errno == EACCES && ours &&
      ::chmod(place.c_str(), (status.st_mode & kPermissions) | S_IRUSR) == 0) {
    file = sys::Descriptor(::open(place.c_str(), kFlags));
    ::chmod(place.c_str(), status.st_mode & kPermissions);
  }
  if (!file) return cannot("read", place, errno);
  return file;
}

Result<State> state_at(const std::string& place, const struct stat& status, bool ours,
                       bool gives_way) {
  State state{kind_of(status.st_mode), status.st_mode & kPermissions, 0, {}};
  if (state.kind == Kind::file) {
    const auto file = open_file(place, status, ours);
    if (!file) return std::unexpected(file.error());
    const auto digest = digest_of_bytes(*file, place, state.size, gives_way);
    if (!digest) return std::unexpected(digest.error());
    state.digest = *digest;
  } else if (state.kind == Kind::link) {
    const std::string target = link_target(place);
    state = {Kind::link, 0, static_cast<std::int64_t>(target.size()), digest_of(target)};
  }
  return state;
}

Result<State> state_beneath(int top, const std::string& path, bool gives_way) {
  const sys::Descriptor seen = workspace::open_beneath(top, path, O_PATH);
  struct stat status{};
  if (!seen || ::fstat(seen.get(), &status) != 0) {
    if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP) return State{};
    return cannot("look at", path, errno);
  }
  // Through /proc: the very thing that was looked at, whatever stands at its path by now.
  const std::string place = fmt::format("/proc/self/fd/{}", seen.get());
  if (S_ISLNK(status.st_mode)) {
    std::array<char, PATH_MAX> target{};
    const ssize_t length = ::readlinkat(seen.get(), "", target.data(), target.size());
    if (length < 0) return cannot("read", path, errno);
    return State{Kind::link, 0, length,
                 digest_of({target.data(), static_cast<std::size_t>(length)})};
  }
  State state{kind_of(status.st_mode), status.st_mode & kPermissions, 0, {}};
  if (state.kind != Kind::file) return state;
  const sys::Descriptor file(::open(place.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) return cannot("read", path, errno);
  const auto digest = digest_of_bytes(file, path, state.size, gives_way);
  if (!digest) return std::unexpected(digest.error());
  state.digest = *digest;
  return state;
}

Result<void> copy_bytes(int from, int to, const std::string& path) {
  if (::ioctl(to, FICLONE, from) == 0) return {};
  struct stat about{};
  if (::fstat(from, &about) == 0 && about.st_blocks * 512 < about.st_size) {
    const auto copied = copy_data(from, to, about.st_size, path);
    if (!copied) return std::unexpected(copied.error());
    if (*copied) return {};
    ::lseek(from, 0, SEEK_SET);
  }
  constexpr std::size_t kMost = 8u << 20;  // A slow disk takes some 50 ms for that.
  bool any = false;
  while (true) {
    if (any && is_asked_to_end()) return cannot("write", path, EINTR);
    const ssize_t count = ::copy_file_range(from, nullptr, to, nullptr, kMost, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && !any &&
        (errno == EXDEV || errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP ||
         errno == EPERM))
      return copy_by_hand(from, to, path);
    if (count < 0) return cannot("write", path, errno);
    // Some file systems say 0 where they cannot; reading on finds out.
    if (count == 0) return any ? Result<void>() : copy_by_hand(from, to, path);
    any = true;
  }
}

void copy_attributes(int from, int to) {
  std::string names(static_cast<std::size_t>(std::max<ssize_t>(::flistxattr(from, nullptr, 0), 0)),
                    '\0');
  const ssize_t length = ::flistxattr(from, names.data(), names.size());
  std::string_view rest(names.data(), length < 0 ? 0 : static_cast<std::size_t>(length));
  while (!rest.empty()) {
    const std::string name(rest.substr(0, rest.find('\0')));
    rest.remove_prefix(std::min(rest.size(), name.size() + 1));
    const bool is_kept_apart = name.starts_with("trusted.overlay.") ||
                               name.starts_with("user.overlay.") ||
                               (name.starts_with("security.") && name != "security.capability");
    const ssize_t size = is_kept_apart ? -1 : ::fgetxattr(from, name.c_str(), nullptr, 0);
    if (size < 0) continue;
    std::string value(static_cast<std::size_t>(size), '\0');
    const ssize_t got = ::fgetxattr(from, name.c_str(), value.data(), value.size());
    if (got >= 0) ::fsetxattr(to, name.c_str(), value.data(), static_cast<std::size_t>(got), 0);
  }
}

std::string link_target(const std::string& place) {
  std::array<char, PATH_MAX> target{};
  const ssize_t length = ::readlink(place.c_str(), target.data(), target.size());
  return {target.data(), length < 0 ? 0 : static_cast<std::size_t>(length)};
}

bool is_whiteout(const struct stat& status) {
  return S_ISCHR(status.st_mode) && status.st_rdev == makedev(0, 0);
}

Result<void> make_whiteout(const std::string& place) {
  if (::mknod(place.c_str(), S_IFCHR, makedev(0, 0)) == 0 || errno == EEXIST) return {};
  return cannot("mark as deleted", place, errno);
}

bool is_opaque(const std::string& place) {
  char value = 0;
  for (const char* name : {"trusted.overlay.opaque", "user.overlay.opaque"}) {
    if (::lgetxattr(place.c_str(), name, &value, 1) == 1 && value == 'y') return true;
  }
  return false;
}

Result<void> put_file(const std::string& place, std::string_view content, bool durable) {
  const std::string half = place + ".half";
  {
    const sys::Descriptor file(
        ::open(half.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!file) return cannot("write", half, errno);
    if (auto written = write_all(file.get(), content, half); !written) return written;
    if (durable && ::fsync(file.get()) != 0) return cannot("write", half, errno);
  }
  if (::rename(half.c_str(), place.c_str()) != 0) return cannot("write", place, errno);
  if (!durable) return {};
  const sys::Descriptor folder(
      ::open(fs::path(place).parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder || ::fsync(folder.get()) != 0) return cannot("write", place, errno);
  return {};
}

Result<void> make_folders(const std::string& place) {
  std::error_code error;
  fs::create_directories(place, error);
  if (error) return cannot("make the folder", place, error.value());
  return {};
}

void remove_tree(const std::string& place) {
  std::error_code error;
  fs::remove_all(place, error);
  if (!error) return;
  // Each folder is opened to us before it is entered: the overlay leaves one of mode 000 behind.
  std::vector<fs::path> closed{place};
  while (!closed.empty()) {
    const fs::path folder = std::move(closed.back());
    closed.pop_back();
    fs::permissions(folder, fs::perms::owner_all, error);
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
      std::error_code ignored;
      if (it->symlink_status(ignored).type() == fs::file_type::directory)
        closed.push_back(it->path());
    }
  }
  fs::remove_all(place, error);
}

bool set_mode(int folder, const std::string& name, mode_t mode) {
  const sys::Descriptor one(
      ::openat(folder, name.empty() ? "." : name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!one) return false;
  // O_PATH takes no fchmod; /proc leads to the same file and to no other.
  return ::chmod(fmt::format("/proc/self/fd/{}", one.get()).c_str(), mode) == 0;
}

}  // namespace interlock::snapshots
