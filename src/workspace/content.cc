#include "workspace/content.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "base/text.h"
#include "sys/asked_to_end.h"
#include "sys/descriptor.h"
#include "sys/entropy.h"

namespace interlock::workspace {
namespace {

constexpr std::size_t kChunkBytes = 128u << 10;
/// Two changes this close can leave the same times behind: file systems keep them in steps of a
/// kernel tick or more.
constexpr std::int64_t kSettledNs = 20'000'000;

std::unexpected<Error> unreadable(const std::string& path, const std::string& why) {
  return fail(Error::Kind::io, fmt::format("cannot read `{}`: {}", printable(path), why));
}

std::int64_t nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

bool is_settled(const struct stat& status) {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return nanoseconds(now) - nanoseconds(status.st_ctim) > kSettledNs;
}

/// What `file` is, when it is open and regular.
Result<struct stat> regular(const sys::Descriptor& file, const std::string& path) {
  struct stat status{};
  if (!file || ::fstat(file.get(), &status) != 0) {
    // A link where a file was listed: what was meant is gone.
    const bool gone = errno == ENOENT || errno == ENOTDIR || errno == ELOOP;
    auto error = unreadable(path, std::strerror(errno));
    if (gone) error.error().kind = Error::Kind::missing;
    return error;
  }
  if (!S_ISREG(status.st_mode)) return unreadable(path, "it is not a regular file");
  return status;
}

/// File systems whose files are made up by the kernel as they are read.
bool is_made_up(const sys::Descriptor& file) {
  constexpr std::array<unsigned, 8> kMadeUp{PROC_SUPER_MAGIC, SYSFS_MAGIC,         DEBUGFS_MAGIC,
                                            TRACEFS_MAGIC,    CGROUP2_SUPER_MAGIC, SECURITYFS_MAGIC,
                                            BPF_FS_MAGIC,     CGROUP_SUPER_MAGIC};
  struct statfs facts{};
  if (::fstatfs(file.get(), &facts) != 0) return true;
  return std::ranges::any_of(
      kMadeUp, [&](unsigned magic) { return static_cast<unsigned>(facts.f_type) == magic; });
}

/// Calls `take` with piece after piece until it says no or the file ends.
template <typename Take>
Result<void> read_pieces(const sys::Descriptor& file, const std::string& path, Take take) {
  std::vector<char> chunk(kChunkBytes);
  sys::InterruptionCheck check;
  while (true) {
    if (check.is_due()) return unreadable(path, std::strerror(EINTR));
    const ssize_t count = ::read(file.get(), chunk.data(), chunk.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return unreadable(path, std::strerror(errno));
    if (count == 0 || !take(std::string_view(chunk.data(), static_cast<std::size_t>(count))))
      return {};
  }
}

Digest digest_of_kind(std::string_view kind) { return Hasher().add_field(kind).finish(); }

std::string_view kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "folder";
  if (S_ISFIFO(mode)) return "fifo";
  if (S_ISSOCK(mode)) return "socket";
  return "device";
}

}  // namespace

Result<std::string> read_file(const sys::Descriptor& file, const std::string& path,
                              std::size_t max_bytes) {
  const auto status = regular(file, path);
  if (!status) return std::unexpected(status.error());
  std::string content;
  content.reserve(std::min(static_cast<std::size_t>(status->st_size), max_bytes) + 1);
  auto read = read_pieces(file, path, [&](std::string_view piece) {
    content += piece;
    return content.size() <= max_bytes;
  });
  if (!read) return std::unexpected(read.error());
  if (content.size() > max_bytes)
    return unreadable(path, fmt::format("it is larger than {} bytes", max_bytes));
  return content;
}

Result<std::string> read_file(const std::string& path, std::size_t max_bytes) {
  return read_file(sys::Descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | kReadFlags)), path,
                   max_bytes);
}

Result<Digest> Contents::digest(const Stack& stack, const Entry& entry) {
  if (S_ISLNK(entry.status.st_mode)) return digest_of_link(stack, entry);
  if (!S_ISREG(entry.status.st_mode)) return digest_of_kind(kind_of(entry.status.st_mode));
  const std::string place = entry.place.empty() ? stack.root() + "/" + entry.path : entry.place;
  return digest_of_file(stack.open(place, O_RDONLY | kReadFlags), entry.path);
}

Result<Digest> Contents::digest_of_file(const sys::Descriptor& file, const std::string& path) {
  const auto status = regular(file, path);
  if (!status) return std::unexpected(status.error());
  Known seen{status->st_size, nanoseconds(status->st_mtim), nanoseconds(status->st_ctim), {}};
  const std::string_view kind = (status->st_mode & S_IXUSR) != 0 ? "program" : "file";
  if (const auto digest = known(*status, seen)) return *digest;
  Hasher bytes;
  auto read =
      read_pieces(file, path, [&](std::string_view piece) { return bytes.add(piece), true; });
  if (!read) return std::unexpected(read.error());
  seen.digest = Hasher().add_field(kind).add_field(bytes.finish()).finish();
  keep(*status, seen);
  return seen.digest;
}

std::optional<Digest> Contents::known(const struct stat& status, const Known& seen) const {
  const std::lock_guard lock(mutex_);
  const auto known = known_.find({status.st_dev, status.st_ino});
  const bool is_same = known != known_.end() && known->second.size == seen.size &&
                       known->second.mtime_ns == seen.mtime_ns &&
                       known->second.ctime_ns == seen.ctime_ns;
  return is_same ? std::optional(known->second.digest) : std::nullopt;
}

void Contents::keep(const struct stat& status, const Known& known) {
  const bool may_keep = is_settled(status);
  const std::lock_guard lock(mutex_);
  ++hashed_count_;
  if (may_keep) known_[{status.st_dev, status.st_ino}] = known;
}

Result<Digest> Contents::digest_of_link(const Stack& stack, const Entry& entry) {
  const std::string place = entry.place.empty() ? stack.root() + "/" + entry.path : entry.place;
  const sys::Descriptor link = stack.open(place, O_PATH);
  std::array<char, PATH_MAX> target{};
  const ssize_t length = link ? ::readlinkat(link.get(), "", target.data(), target.size()) : -1;
  if (length < 0) {
    auto error = unreadable(entry.path, std::strerror(errno));
    // Something else stands there by now.
    if (errno == ENOENT || errno == ENOTDIR) error.error().kind = Error::Kind::missing;
    return error;
  }
  Hasher hasher;
  hasher.add_field("link").add_field(
      std::string_view(target.data(), static_cast<std::size_t>(length)));
  const Stack::Way way = stack.follow(entry.path);
  if (!way.path) {
    if (way.outside.empty()) return hasher.finish();  // It leads round in circles.
    const auto outside = digest_outside(way.outside, entry.path);
    if (!outside) return outside;
    return hasher.add_field(*outside).finish();
  }
  const auto found = stack.look(*way.path);
  if (!found || !S_ISREG(found->status.st_mode)) return hasher.finish();
  const auto content = digest_of_file(stack.open(found->place, O_RDONLY | kReadFlags), entry.path);
  if (!content) return content;
  return hasher.add_field(*content).finish();
}

Result<Digest> Contents::digest_outside(const std::string& place, const std::string& path) {
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | kReadFlags;
  how.resolve = RESOLVE_NO_MAGICLINKS;
  const sys::Descriptor file(
      static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, place.c_str(), &how, sizeof how)));
  struct stat status{};
  if (!file) return digest_of_kind("out of reach");
  if (::fstat(file.get(), &status) != 0) return unreadable(path, std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return digest_of_kind(kind_of(status.st_mode));
  if (is_made_up(file)) return digest_of_kind("made up");
  constexpr std::int64_t kHashedMax = std::int64_t{1} << 30;
  if (status.st_size <= kHashedMax) return digest_of_file(file, path);
  return digest_of(fmt::format("large {} {} {} {} {}", status.st_dev, status.st_ino, status.st_size,
                               nanoseconds(status.st_mtim), nanoseconds(status.st_ctim)));
}

Digest digest_of_absence() { return digest_of_kind("absent"); }

Digest digest_of_unknown() { return digest_of("unknown " + sys::random_hex(16)); }

}  // namespace interlock::workspace
