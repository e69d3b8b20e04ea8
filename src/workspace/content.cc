#include "workspace/content.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <time.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "base/text.h"
#include "workspace/descriptor.h"

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

/// Opens a regular file; O_NONBLOCK so that a fifo put there meanwhile cannot hold us.
Result<Descriptor> open_regular(const std::string& place, const std::string& path,
                                struct stat& status) {
  Descriptor file(::open(place.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file.is_open() || ::fstat(file.number(), &status) != 0) {
    const bool gone = errno == ENOENT || errno == ENOTDIR;
    auto error = unreadable(path, std::strerror(errno));
    if (gone) error.error().kind = Error::Kind::missing;
    return error;
  }
  if (!S_ISREG(status.st_mode)) return unreadable(path, "it is no regular file");
  return file;
}

/// Calls `take` with piece after piece until it says no or the file ends.
template <typename Take>
Result<void> read_pieces(const Descriptor& file, const std::string& path, Take take) {
  std::vector<char> chunk(kChunkBytes);
  while (true) {
    const ssize_t count = ::read(file.number(), chunk.data(), chunk.size());
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

Result<std::string> read_file(const std::string& path, std::size_t max_bytes) {
  struct stat status {};
  const auto file = open_regular(path, path, status);
  if (!file) return std::unexpected(file.error());
  std::string content;
  content.reserve(std::min(static_cast<std::size_t>(status.st_size), max_bytes) + 1);
  auto read = read_pieces(*file, path, [&](std::string_view piece) {
    content += piece;
    return content.size() <= max_bytes;
  });
  if (!read) return std::unexpected(read.error());
  if (content.size() > max_bytes)
    return unreadable(path, fmt::format("it is larger than {} bytes", max_bytes));
  return content;
}

Result<Digest> Contents::digest(const std::string& root, const Entry& entry,
                                const std::optional<std::string>& behind) {
  const std::string place = entry.place.empty() ? root + "/" + entry.path : entry.place;
  if (S_ISREG(entry.status.st_mode)) return digest_of_file(place, entry.path);
  if (S_ISLNK(entry.status.st_mode))
    return digest_of_link(place, entry.path, behind.value_or(place));
  return digest_of_kind(kind_of(entry.status.st_mode));
}

Result<Digest> Contents::digest_of_file(const std::string& place, const std::string& path) {
  struct stat status {};
  const auto file = open_regular(place, path, status);
  if (!file) return std::unexpected(file.error());
  const Known seen{status.st_size, nanoseconds(status.st_mtim), nanoseconds(status.st_ctim), {}};
  const std::string_view kind = (status.st_mode & S_IXUSR) != 0 ? "program" : "file";
  const auto known = known_.find({status.st_dev, status.st_ino});
  if (known != known_.end() && known->second.size == seen.size &&
      known->second.mtime_ns == seen.mtime_ns && known->second.ctime_ns == seen.ctime_ns) {
    return known->second.digest;
  }
  Hasher bytes;
  auto read =
      read_pieces(*file, path, [&](std::string_view piece) { return bytes.add(piece), true; });
  if (!read) return std::unexpected(read.error());
  ++hashed_count_;
  const Digest digest = Hasher().add_field(kind).add_field(bytes.finish()).finish();
  if (is_settled(status)) {
    Known& keep = known_[{status.st_dev, status.st_ino}];
    keep = seen;
    keep.digest = digest;
  }
  return digest;
}

Result<Digest> Contents::digest_of_link(const std::string& place, const std::string& path,
                                        const std::string& behind) {
  std::array<char, PATH_MAX> target{};
  const ssize_t length = ::readlink(place.c_str(), target.data(), target.size());
  if (length < 0) return unreadable(path, std::strerror(errno));
  Hasher hasher;
  hasher.add_field("link").add_field(
      std::string_view(target.data(), static_cast<std::size_t>(length)));
  struct stat status {};
  if (::stat(behind.c_str(), &status) == 0 && S_ISREG(status.st_mode)) {
    const auto content = digest_of_file(behind, path);
    if (!content) return content;
    hasher.add_field(*content);
  }
  return hasher.finish();
}

Digest digest_of_absence() { return digest_of_kind("absent"); }

}  // namespace interlock::workspace
